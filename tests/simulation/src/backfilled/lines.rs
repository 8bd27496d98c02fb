//! The lines that live events beside a backfill must keep to, and the judgement over them. Pure.

use super::{Backfilled, Figures, within};

/// The p99 of live events with the backfill, over that without it, at most.
const P99: f64 = 1.2;

/// What of `figures`, measured as `wanted`, is beyond its line, beside the same without a backfill.
#[must_use]
pub fn judge(wanted: &Backfilled, figures: &Figures, without: &Figures) -> Vec<String> {
    let mut beyond: Vec<String> =
        figures.violations.iter().map(|violation| format!("breaks {violation}")).collect();
    let mut line = |is_fine: bool, what: String| {
        if !is_fine {
            beyond.push(what);
        }
    };
    for (whose, with, without) in [
        ("its own", &figures.own_ms, &without.own_ms),
        ("another org's", &figures.other_ms, &without.other_ms),
    ] {
        let is = within(with, 99) as f64 / within(without, 99).max(1) as f64;
        line(is <= P99, format!("the ratio of p99 of {whose} live events is {is:.2}, and may be {P99}"));
        let (is, wants) = (with.len(), without.len());
        line(
            is == wants && is > 0,
            format!("{is} of {whose} live events landed, and {wants} without the backfill"),
        );
    }
    line(figures.dead == 0, format!("{} versions are dead, and none may be", figures.dead));
    let (is, wants) = (figures.landed, wanted.records as usize);
    line(is == wants, format!("{is} of the {wants} records of the backfill landed"));
    beyond
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::Violation;

    const WANTED: Backfilled = Backfilled { records: 10, ..Backfilled::BESIDE };

    fn figures() -> Figures {
        Figures {
            own_ms: vec![100; 100],
            other_ms: vec![100; 100],
            landed: 10,
            dead: 0,
            queued: 5_000,
            took_ms: (1, 2),
            violations: Vec::new(),
        }
    }

    #[test]
    fn given_figures_just_within_each_line_when_judged_then_nothing_is_beyond_it() {
        let within = Figures { own_ms: vec![120; 100], other_ms: vec![120; 100], ..figures() };
        assert_eq!(judge(&WANTED, &within, &figures()), Vec::<String>::new());
    }

    #[test]
    fn given_one_figure_beyond_its_line_when_judged_then_it_alone_is_told() {
        let slow: Vec<i64> = [100; 98].into_iter().chain([121; 2]).collect();
        let violation = Violation { invariant: "I1", what: "twice".to_owned(), record: None };
        let cases = [
            (Figures { own_ms: slow.clone(), ..figures() }, "p99 of its own live events is 1.21"),
            (Figures { other_ms: slow, ..figures() }, "p99 of another org's live events is 1.21"),
            (Figures { own_ms: vec![100; 99], ..figures() }, "99 of its own live events landed"),
            (Figures { dead: 1, ..figures() }, "1 versions are dead"),
            (Figures { landed: 9, ..figures() }, "9 of the 10 records"),
            (Figures { violations: vec![violation], ..figures() }, "breaks I1: twice"),
        ];
        for (with, told) in cases {
            let beyond = judge(&WANTED, &with, &figures());
            assert!(matches!(beyond.as_slice(), [one] if one.contains(told)), "{told}: {beyond:?}");
        }
        let nothing = Figures { own_ms: vec![], ..figures() };
        assert_eq!(judge(&WANTED, &nothing, &nothing).len(), 1, "nothing at all is no good figure");
    }
}
