//! `simulate`: runs histories from seeds, or replays one and tells what happened.

use clap::{Parser, ValueEnum};
use rtr_simulation::backfilled::{self, Backfilled, within};
use rtr_simulation::both::{draw_both, failure_of, run_both, shrink_both};
use rtr_simulation::crowd::{self, Bounds, Crm, Crowd, Trouble};
use rtr_simulation::draw::{STANDARD, draw};
use rtr_simulation::many::{Wanted, run_many};
use rtr_simulation::mutants::Mutant;
use rtr_simulation::place::Place;
use rtr_simulation::run::run;
use rtr_simulation::shrink::shrink;
use rtr_simulation::story;
use rtr_simulation::trace::Trace;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A history is many small pieces of memory: the system's allocator takes a third of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs histories of the real flows under faults; ends with 1 when something did not hold.
#[derive(Parser)]
struct Options {
    /// Replay this one, and tell what happened.
    #[arg(long, conflicts_with_all = ["seeds", "seconds"])]
    seed: Option<u64>,
    /// Run so many.
    #[arg(long, default_value_t = 10_000, value_parser = at_least_one)]
    seeds: u64,
    /// From this seed on; without it from one that was never tried, by the clock.
    #[arg(long, conflicts_with = "seed")]
    from: Option<u64>,
    /// Begin no new one after so many seconds.
    #[arg(long, value_parser = at_least_one)]
    seconds: Option<u64>,
    /// Threads; without it one for each core.
    #[arg(long, value_parser = threads)]
    threads: Option<usize>,
    /// Go on after something did not hold.
    #[arg(long)]
    keep_going: bool,
    /// End with 1 when a fault never struck, or none at some remote call: of many histories, each does.
    #[arg(long, conflicts_with = "seed")]
    all_faults: bool,
    /// Tell of a replayed history every line, not those of one record alone (`org/type/id`).
    #[arg(long, requires = "seed")]
    whole: bool,
    /// Tell of this record (`org/type/id`) of a replayed history.
    #[arg(long, requires = "seed", conflicts_with = "whole")]
    record: Option<String>,
    /// Instead of histories: so many records of one org change while its CRM is in trouble, and another org lives its life.
    /// Measures what the other feels, and what the way back costs; ends with 1 when a figure is beyond its line. The lines are
    /// those of 20,000.
    #[arg(long, value_name = "RECORDS", conflicts_with_all = ["seed", "seeds", "seconds", "all_faults", "mutant"])]
    crowd: Option<u32>,
    /// The CRM in trouble.
    #[arg(long, requires = "crowd", default_value = "hubspot")]
    crm: Vendor,
    /// What its trouble is.
    #[arg(long, requires = "crowd", default_value = "down")]
    trouble: How,
    /// Invocations of the sync function at once, in a crowd or beside a backfill.
    #[arg(long, default_value_t = 50, conflicts_with_all = ["seed", "seeds", "seconds", "all_faults", "mutant"])]
    pollers: usize,
    /// Instead of histories: `rtr backfill` sends so many records of one org, while it and another live their lives. Measures what
    /// live events of either feel; ends with 1 when a figure is beyond its line.
    #[arg(long, value_name = "RECORDS", conflicts_with_all = ["seed", "seeds", "seconds", "all_faults", "mutant", "crowd"])]
    backfill: Option<u32>,
    /// The live events of the org are of the records that are backfilled.
    #[arg(long, requires = "backfill")]
    same_records: bool,
    /// The org has a small limit, of four calls a second.
    #[arg(long, requires = "backfill")]
    small: bool,
    /// Histories in which changes flow both ways: an internal system, and people at the CRMs.
    #[arg(long, conflicts_with_all = ["crowd", "backfill", "record"])]
    both: bool,
    /// Plant this bug.
    #[arg(long)]
    mutant: Option<String>,
}

/// A crowd's CRM.
#[derive(Clone, Copy, ValueEnum)]
enum Vendor {
    #[value(name = "hubspot")]
    HubSpot,
    Salesforce,
}

/// A crowd's trouble.
#[derive(Clone, Copy, ValueEnum)]
enum How {
    /// Down for ten minutes.
    Down,
    /// It takes calls and does not answer, for ten minutes.
    Hangs,
    /// It does not answer some of its calls, for ten minutes.
    Stalls,
    /// It takes a call a second, and we are configured so.
    Limited,
    /// It takes a call a second, and we are configured for twenty.
    Misjudged,
}

/// The most threads: more are a slip of the hand.
const MOST_THREADS: usize = 1_024;

fn at_least_one(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) => Err("none at all shows nothing: say 1 or more, or leave it out".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("say a whole number, 1 or more".to_owned()),
    }
}

fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (1..=MOST_THREADS).contains(&number) => Ok(number),
        _ => Err(format!("say a number from 1 to {MOST_THREADS}, or leave it out for one for each core")),
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    let done = match (options.crowd, options.backfill, options.seed) {
        (Some(records), ..) => crowd(records, &options),
        (_, Some(records), _) => backfill(records, &options),
        (.., Some(seed)) if options.both => replay_both(seed, &options),
        (.., Some(seed)) => replay(seed, &options),
        _ => many(&options),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("simulate: {error}");
            ExitCode::from(2)
        }
    }
}

/// How much of a crowd's other org's events there are: enough for a percentile.
const OTHERS: u32 = 1_000;
/// All are sent within this, in milliseconds.
const CROWDED_MS: i64 = 100_000;

/// Measures a crowd beside the same without it.
fn crowd(records: u32, options: &Options) -> Result<bool, String> {
    let place = Place::crowded()?;
    let trouble = match options.trouble {
        How::Down => Trouble::Down(600_000),
        How::Hangs => Trouble::Hangs(600_000),
        How::Stalls => Trouble::Stalls(600_000),
        How::Limited => Trouble::Limited,
        How::Misjudged => Trouble::Misjudged,
    };
    let crm = match options.crm {
        Vendor::HubSpot => Crm::HubSpot,
        Vendor::Salesforce => Crm::Salesforce,
    };
    let (pollers, seed) = (options.pollers, options.from.unwrap_or(1));
    let crowd = Crowd { blocked: records, other: OTHERS, over_ms: CROWDED_MS, crm, trouble, pollers, seed };
    let alone = Crowd { blocked: 0, ..crowd }.run(&place)?;
    let figures = crowd.run(&place)?;
    tell(&format!(
        "without the crowd, median {} ms, p99 {} ms; with it:\n",
        alone.within(50),
        alone.within(99)
    ));
    tell(&format!("{figures}\n"));
    let ratio = |percent| figures.within(percent) as f64 / alone.within(percent).max(1) as f64;
    tell(&format!("ratio of medians {:.2}, of p99 {:.2}\n", ratio(50), ratio(99)));
    let verdict = crowd::judge(&crowd, &Bounds::of(&crowd), &figures, &alone);
    verdict.known.iter().for_each(|what| tell(&format!("beyond the line, and known to be there: {what}\n")));
    Ok(is_within(&verdict.beyond))
}

/// Measures a backfill beside the same without it.
fn backfill(records: u32, options: &Options) -> Result<bool, String> {
    let place = Place::new()?;
    let beside = if options.small { Backfilled::BESIDE_SMALL } else { Backfilled::BESIDE };
    let (pollers, seed, same_records) = (options.pollers, options.from.unwrap_or(1), options.same_records);
    let with = Backfilled { records, pollers, seed, same_records, ..beside };
    let without = Backfilled { records: 0, ..with }.run(&place);
    let figures = with.run(&place);
    tell(&format!("without the backfill:\n{without}\nwith it:\n{figures}\n"));
    for (whose, with, without) in [
        ("its own", &figures.own_ms, &without.own_ms),
        ("another org's", &figures.other_ms, &without.other_ms),
    ] {
        let ratio = |percent| within(with, percent) as f64 / within(without, percent).max(1) as f64;
        tell(&format!("{whose} live events: ratio of medians {:.2}, of p99 {:.2}\n", ratio(50), ratio(99)));
    }
    Ok(is_within(&backfilled::judge(&with, &figures, &without)))
}

/// Tells what is beyond a line, and whether nothing is.
fn is_within(beyond: &[String]) -> bool {
    beyond.iter().for_each(|what| tell(&format!("BEYOND THE LINE: {what}\n")));
    beyond.is_empty()
}

/// Prints; who reads no further has read enough.
fn tell(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

fn mutant(options: &Options) -> Result<Option<Mutant>, String> {
    let Some(name) = &options.mutant else { return Ok(None) };
    let found = Mutant::ALL.iter().find(|mutant| mutant.name() == name);
    let names = || Mutant::ALL.iter().map(|mutant| mutant.name()).collect::<Vec<_>>().join(", ");
    found.copied().map(Some).ok_or_else(|| format!("no planted bug is called {name}: {}", names()))
}

/// Runs one history; a broken one is made smaller before it is told.
fn replay(seed: u64, options: &Options) -> Result<bool, String> {
    let (place, scenario, mutant) = (Place::new()?, draw(seed, STANDARD), mutant(options)?);
    let history = run(&place, &scenario, Trace::kept(), mutant);
    if options.whole {
        tell(&story::whole(&history));
    } else if let Some(record) = &options.record {
        if !scenario.events.iter().any(|event| event.record.to_string() == *record) {
            let mut records: Vec<String> =
                scenario.events.iter().map(|event| event.record.to_string()).collect();
            records.sort();
            records.dedup();
            return Err(format!("seed {seed} has no record {record}; it has {}", records.join(", ")));
        }
        tell(&story::timeline(&history, record));
    }
    let Some(violation) = history.violations.first() else {
        let (faults, records) = (&history.fired, &history.external_ids);
        tell(&format!("seed {seed}: every invariant held\nfaults: {faults:?}\n"));
        let names: Vec<&str> = records.keys().map(String::as_str).collect();
        tell(&format!("records at the CRMs, to tell of with --record: {}\n", names.join(", ")));
        return Ok(true);
    };
    if options.whole || options.record.is_some() {
        tell(&format!("seed {seed} breaks {violation}\n"));
        return Ok(false);
    }
    eprintln!("seed {seed} breaks {violation}: looking for a smaller scenario");
    let small = shrink(&place, &scenario, violation, mutant);
    let history = run(&place, &small, Trace::kept(), mutant);
    let violation = history.violations.iter().find(|one| one.invariant == violation.invariant);
    if let Some(violation) = violation {
        tell(&story::failure(&small, &history, violation));
    }
    Ok(false)
}

/// The same where changes flow both ways.
fn replay_both(seed: u64, options: &Options) -> Result<bool, String> {
    let (place, drawn, mutant) = (Place::both()?, draw_both(seed), mutant(options)?);
    let history = run_both(&place, &drawn, Trace::kept(), mutant);
    if options.whole {
        tell(&story::whole(&history));
    }
    let Some(violation) = history.violations.first() else {
        tell(&format!("seed {seed}: every invariant held\nfaults: {:?}\n", history.fired));
        return Ok(true);
    };
    if options.whole {
        tell(&format!("seed {seed} breaks {violation}\n"));
        return Ok(false);
    }
    eprintln!("seed {seed} breaks {violation}: looking for a smaller story");
    let small = shrink_both(&place, &drawn, violation, mutant);
    let history = run_both(&place, &small, Trace::kept(), mutant);
    if let Some(violation) = history.violations.iter().find(|one| one.invariant == violation.invariant) {
        tell(&failure_of(&small, &history, violation));
    }
    Ok(false)
}

fn many(options: &Options) -> Result<bool, String> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let by_the_clock =
        || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_secs() * 1_000);
    let from = options.from.unwrap_or_else(by_the_clock);
    if from.checked_add(options.seeds).is_none() {
        return Err(format!(
            "seeds end at {}: begin lower than {from}, or run fewer than {}",
            u64::MAX,
            options.seeds
        ));
    }
    let wanted = Wanted {
        from,
        seeds: options.seeds,
        measure: STANDARD,
        both: options.both,
        threads: options.threads.unwrap_or(cores),
        for_at_most: options.seconds.map(Duration::from_secs),
        keep_going: options.keep_going,
        mutant: mutant(options)?,
        tell_every: 10_000,
    };
    let what =
        if options.both { "both ways".to_owned() } else { format!("the standard scenario: {STANDARD:?}") };
    println!("seeds from {} on, {} threads, {what}", wanted.from, wanted.threads);
    let report = run_many(&wanted)?;
    tell(&format!("{report}\n"));
    let Some(seed) = report.first_broken() else {
        let never = if options.all_faults { report.never(options.both) } else { Vec::new() };
        if never.is_empty() {
            return Ok(true);
        }
        tell(&format!("in {} histories there was never: {}\n", report.histories, never.join(", ")));
        return Ok(false);
    };
    let more = if options.both { " ARGS=--both" } else { "" };
    tell(&format!("again, and smaller: make simulate SEED={seed}{more}\n"));
    if options.both { replay_both(seed, options) } else { replay(seed, options) }
}
