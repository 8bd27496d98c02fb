//! `rtr cost`: what a stack costs in a month, by unit prices and by what an event asks of AWS. Nothing is asked of anybody.

mod estimate;
mod prices;
mod standing;

use crate::app::App;
use crate::output::{Style, table};
use crate::problem::{Ended, Exit};
use crate::schema::Answer;
use estimate::{Estimate, Load, Part, estimate};
use std::path::PathBuf;

/// The shapes of its `--json` answers.
pub(super) const ANSWERS: [Answer; 1] = [Answer::of::<Estimate>("cost")];

/// What is to be borne, and what it is paid by.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Versions told to a CRM in a day: one event to two CRMs is two
    #[arg(long, value_name = "N")]
    syncs_per_day: u32,
    /// Records of one org in a batch, as they come: 1 where they come one by one, up to 10 where they come in bursts
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=10))]
    batch: u8,
    /// How long a call of a CRM takes, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 400)]
    call_ms: u32,
    /// Connections, each with a secret
    #[arg(long, value_name = "N", default_value_t = 1)]
    connections: u32,
    /// Prices of another region: a JSON file with those that differ, by the names that `--json` shows
    #[arg(long, value_name = "FILE")]
    region_prices: Option<PathBuf>,
}

/// Estimates.
pub(crate) fn run(app: &App, args: &Args) -> Ended {
    let prices = prices::read(args.region_prices.as_deref())?;
    let Args { syncs_per_day, batch, call_ms, connections, .. } = *args;
    let found = estimate(&Load { syncs_per_day, batch, call_ms, connections }, prices);
    app.out.answer(&found, |style| words(style, &found));
    Ok(Exit::Done)
}

fn words(style: Style, found: &Estimate) -> String {
    let dollars = |amount: f64| format!("{amount:.2}");
    let row = |part: &Part| vec![part.part.to_owned(), dollars(part.usd), part.because.clone()];
    let mut rows: Vec<Vec<String>> = found.parts.iter().map(row).collect();
    rows.push(vec!["all".to_owned(), dollars(found.usd), String::new()]);
    let assumed: Vec<String> = found.assumptions.iter().map(|line| format!("- {line}")).collect();
    format!(
        "{} syncs a day, in US dollars a month:\n\n{}\n\nTaken for granted:\n{}",
        found.load.syncs_per_day,
        table(style, &["part", "usd", "because"], rows),
        assumed.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::tests::holds;

    #[test]
    fn given_a_load_when_told_then_each_part_says_why_and_json_the_same() {
        let load = Load { syncs_per_day: 100_000, batch: 1, call_ms: 400, connections: 2 };
        let found = estimate(&load, prices::Prices::default());
        holds("cost", &found);
        let words = words(Style::Plain, &found);
        assert!(words.starts_with("100000 syncs a day, in US dollars a month:\n\nPART"), "{words}");
        for part in &found.parts {
            assert!(words.contains(part.part) && words.contains(&part.because), "{words}");
        }
        assert!(words.contains("Taken for granted:\n- "), "{words}");
    }
}
