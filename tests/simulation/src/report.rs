//! What many histories came to: how fast, what struck how often, how the events ended, what did not hold.

use crate::faults::{BACK, BACK_SHAPES, BACK_STEPS, Fault, JOB_STEPS, SHAPES, STEPS, STRIKING};
use crate::run::History;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// Seeds shown for each invariant that did not hold.
const SHOWN: usize = 8;

/// The sum of histories.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Histories.
    pub histories: u64,
    /// What struck, and how often.
    pub fired: BTreeMap<&'static str, u64>,
    /// Which faults struck invocations at which remote call.
    pub struck: BTreeMap<(&'static str, &'static str), u64>,
    /// The functions' counters.
    pub counts: BTreeMap<&'static str, u64>,
    /// The histories with the most messages: how many, and which.
    pub longest: Vec<(u64, u64)>,
    /// Time of their own that the histories spanned, in milliseconds.
    pub lasted_ms: i64,
    /// By invariant: the seeds at which it did not hold, and what was seen.
    pub broken: BTreeMap<&'static str, Vec<(u64, String)>>,
    /// Time that threads worked.
    pub worked: Duration,
    /// Time that passed.
    pub took: Duration,
}

impl Report {
    /// Adds the history of `seed`.
    pub fn add(&mut self, seed: u64, history: &History) {
        self.histories += 1;
        self.lasted_ms += history.lasted_ms;
        self.keep_longest([(history.counts.get("messages").copied().unwrap_or(0), seed)]);
        for (name, count) in &history.fired {
            *self.fired.entry(name).or_default() += count;
        }
        for (place, count) in &history.struck {
            *self.struck.entry(*place).or_default() += count;
        }
        for (name, count) in &history.counts {
            *self.counts.entry(name).or_default() += count;
        }
        for violation in &history.violations {
            self.broken.entry(violation.invariant).or_default().push((seed, violation.what.clone()));
        }
    }

    fn keep_longest(&mut self, more: impl IntoIterator<Item = (u64, u64)>) {
        self.longest.extend(more);
        self.longest.sort_unstable_by(|one, other| other.cmp(one));
        self.longest.truncate(SHOWN);
    }

    /// Adds the sum of other histories.
    pub fn merge(&mut self, other: Self) {
        self.histories += other.histories;
        self.lasted_ms += other.lasted_ms;
        self.worked += other.worked;
        self.keep_longest(other.longest);
        for (name, count) in other.fired {
            *self.fired.entry(name).or_default() += count;
        }
        for (place, count) in other.struck {
            *self.struck.entry(place).or_default() += count;
        }
        for (name, count) in other.counts {
            *self.counts.entry(name).or_default() += count;
        }
        for (invariant, seen) in other.broken {
            self.broken.entry(invariant).or_default().extend(seen);
        }
    }

    /// How often `name` struck.
    #[must_use]
    pub fn fired(&self, name: &str) -> u64 {
        self.fired.get(name).copied().unwrap_or(0)
    }

    /// What never struck: faults, shapes, and invocations at some remote call. Histories that go both ways have others.
    #[must_use]
    pub fn never(&self, both: bool) -> Vec<String> {
        let faults: Vec<Fault> = match both {
            true => crate::both::faults(),
            false => Fault::ALL.iter().filter(|fault| !BACK.contains(fault)).copied().collect(),
        };
        let (shapes, steps) = if both { (BACK_SHAPES, BACK_STEPS) } else { (SHAPES, JOB_STEPS) };
        let ordinary = if both { &[] } else { STEPS };
        let names = faults.iter().map(|fault| fault.name()).chain(shapes.iter().map(|(_, name, _)| *name));
        let never = names.filter(|name| self.fired(name) == 0).map(str::to_owned);
        let steps = ordinary.iter().chain(steps);
        let places = steps.flat_map(|(step, _)| STRIKING.map(|fault| (fault.name(), *step)));
        let unstruck = places.filter(|place| !self.struck.contains_key(place));
        never.chain(unstruck.map(|(fault, step)| format!("{fault} at {step}"))).collect()
    }

    /// The first seed at which something did not hold.
    #[must_use]
    pub fn first_broken(&self) -> Option<u64> {
        self.broken.values().flatten().map(|(seed, _)| *seed).min()
    }
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn rate(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(1e-9)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: u64 = self.fired.values().sum();
        let planned: u64 = Fault::ALL.iter().map(|fault| self.fired(fault.name())).sum();
        writeln!(f, "faults fired, by id, step and times:")?;
        for fault in Fault::ALL {
            let (id, name, site) = (fault.id(), fault.name(), format!("{:?}", fault.site()));
            let times = grouped(self.fired(name));
            writeln!(f, "  {id:<4} {name:<21} {site:<11} {times:>11}  {}", fault.words())?;
        }
        for (id, name, words) in SHAPES.iter().chain(BACK_SHAPES) {
            writeln!(f, "  {id:<4} {name:<21} {:<11} {:>11}  {words}", "shape", grouped(self.fired(name)))?;
        }
        writeln!(f, "where invocations were struck, by the remote call begun last:")?;
        let steps: BTreeSet<&str> = self.struck.keys().map(|(_, step)| *step).collect();
        let [one, two, three, four] = STRIKING.map(Fault::name);
        writeln!(f, "  {:<17} {one:>11} {two:>11} {three:>11} {four:>11}", "")?;
        for step in steps {
            write!(f, "  {step:<17}")?;
            for name in STRIKING.map(Fault::name) {
                write!(f, " {:>11}", grouped(self.struck.get(&(name, step)).copied().unwrap_or(0)))?;
            }
            writeln!(f)?;
        }
        writeln!(f, "what the functions counted:")?;
        for (name, count) in &self.counts {
            writeln!(f, "  {name:<26} {:>11}", grouped(*count))?;
        }
        writeln!(
            f,
            "{} histories of {:.1} hours of their own time each: {:.0} a second, {:.0} a second and core",
            grouped(self.histories),
            self.lasted_ms as f64 / 3_600_000.0 / (self.histories.max(1) as f64),
            rate(self.histories, self.took),
            rate(self.histories, self.worked),
        )?;
        let longest: Vec<String> = self
            .longest
            .iter()
            .map(|(messages, seed)| format!("{} in seed {seed}", grouped(*messages)))
            .collect();
        writeln!(f, "most messages worked: {}", longest.join(", "))?;
        let each = |count: u64| count as f64 / self.histories.max(1) as f64;
        writeln!(
            f,
            "{} faults fired, {:.1} a history ({:.1} of them planned for a step)",
            grouped(all),
            each(all),
            each(planned)
        )?;
        if self.broken.is_empty() {
            return writeln!(f, "every invariant held");
        }
        for (invariant, seen) in &self.broken {
            writeln!(f, "{invariant} did not hold, {} times:", seen.len())?;
            for (seed, what) in seen.iter().take(SHOWN) {
                writeln!(f, "  seed {seed}: {what}")?;
            }
        }
        Ok(())
    }
}
