//! Which records are looked at, when not all are: a choice by a digest of the record, so that the same choice can be made again.

use rtr_core::digest;
use std::collections::BTreeMap;

/// Parts that a whole has, for shares.
const WHOLE: u64 = 1_000_000;

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sample {
    /// So many records.
    Count(usize),
    /// So many millionths of them.
    Share(u64),
}

impl Sample {
    /// What `text` says: `500`, or `2.5%`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "a number of records, such as 500, or a share of them, such as 2.5%".to_owned();
        let Some(percent) = text.strip_suffix('%') else {
            let count: usize = text.parse().map_err(|_| wrong())?;
            return if count == 0 { Err(wrong()) } else { Ok(Self::Count(count)) };
        };
        let (whole, fraction) = percent.split_once('.').unwrap_or((percent, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 4 {
            return Err(wrong());
        }
        let share: u64 = format!("{whole}{fraction:0<4}").parse().map_err(|_| wrong())?;
        if (1..=WHOLE).contains(&share) { Ok(Self::Share(share)) } else { Err(wrong()) }
    }
}

/// The number that a record is chosen by.
pub(super) fn number(seed: u64, record: &str) -> u64 {
    digest::number(format!("{seed}#{record}").as_bytes())
}

/// Whether a share of `millionths` has the record in it.
pub(super) fn is_within(millionths: u64, seed: u64, record: &str) -> bool {
    number(seed, record) % WHOLE < millionths
}

/// The so many records with the lowest numbers, each with the last line of its newest version.
#[derive(Debug, Default)]
pub(super) struct Lowest {
    most: usize,
    seed: u64,
    held: BTreeMap<(u64, String), (u64, String)>,
}

impl Lowest {
    pub(super) fn new(most: usize, seed: u64) -> Self {
        Self { most, seed, held: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, record: &str, version: u64, line: String) {
        let key = (number(self.seed, record), record.to_owned());
        match self.held.get_mut(&key) {
            Some(held) if held.0 > version => {}
            Some(held) => *held = (version, line),
            None => drop(self.held.insert(key, (version, line))),
        }
        if self.held.len() > self.most {
            self.held.pop_last();
        }
    }

    pub(super) fn lines(self) -> impl Iterator<Item = String> {
        self.held.into_values().map(|(_, line)| line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_texts_when_read_then_numbers_and_shares_pass_and_nothing_else() {
        assert_eq!(Sample::parse("500"), Ok(Sample::Count(500)));
        let shares = ["1%", "2.5%", "100%", "0.0001%"].map(|text| Sample::parse(text).ok());
        let share = |n| Some(Sample::Share(n));
        assert_eq!(shares, [share(10_000), share(25_000), share(1_000_000), share(1)]);
        for wrong in ["0", "0%", "101%", "-1", "x", "%", "1.%%", "0.00001%", ".5%", "1e3"] {
            assert!(Sample::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn given_records_when_chosen_then_the_same_seed_chooses_the_same_and_a_share_is_about_that_much() {
        let chosen = |seed: u64| -> Vec<u32> {
            (0..10_000).filter(|n| is_within(50_000, seed, &format!("r{n}"))).collect()
        };
        assert_eq!(chosen(1), chosen(1));
        assert_ne!(chosen(1), chosen(2));
        assert!((400..600).contains(&chosen(1).len()), "{}", chosen(1).len());
    }

    #[test]
    fn given_records_in_any_order_when_so_many_are_chosen_then_they_are_the_same_ones_at_their_newest() {
        let choose = |order: &mut dyn Iterator<Item = u64>| -> Vec<String> {
            let mut lowest = Lowest::new(3, 7);
            for n in order {
                lowest.add(&format!("r{}", n % 10), n, format!("r{} v{n}", n % 10));
            }
            lowest.lines().collect()
        };
        let (there, back) = (choose(&mut (0..30)), choose(&mut (0..30).rev()));
        assert_eq!(there, back);
        assert!(there.len() == 3 && there.iter().all(|line| line.contains(" v2")), "{there:?}");
    }
}
