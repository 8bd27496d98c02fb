//! The lines that a crowd's figures must keep to, and the judgement over them. Pure.

use super::{Crm, Crowd, Figures, Trouble};

/// The other org's median with the crowd, over that without it, at most.
const MEDIAN: f64 = 1.2;
/// The same of its p99.
const P99: f64 = 2.0;
/// The blocked org's messages in flight stay below this.
const IN_FLIGHT: usize = 200;
/// Of a hundred calls fewer than this are refused for the limit.
const REFUSED_PERCENT: f64 = 1.0;
/// Of a limit at least this much is used, in percent.
const USED_PERCENT: f64 = 90.0;

/// All has landed so long after the CRM's return, in seconds: the longest rest of a breaker, and what is to be drained. What
/// waited out the six hours for which a job's records are kept would be far beyond.
const LONGEST_S: i64 = 3_600;

/// What differs by crowd; what holds for everybody is not in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Calls for each record once the CRM is back, at most.
    pub calls_each: f64,
    /// Whether the CRM's limit is known to us: then it is hardly refused, and nearly all of it is used.
    pub limit_is_known: bool,
    /// Whether the limit is what holds the way back up: where a few calls take everything there is no use to be seen.
    pub limit_is_short: bool,
    /// Whether all of that is judged; else it is told, and counts for nothing.
    pub judged: bool,
}

/// What came of a judgement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Figures beyond a line.
    pub beyond: Vec<String>,
    /// Figures beyond a line that is not kept to there, and known not to be.
    pub known: Vec<String>,
}

impl Bounds {
    /// Those of 20,000 records: there every batch is full but the first ones.
    #[must_use]
    pub fn of(crowd: &Crowd) -> Self {
        Self {
            calls_each: match (crowd.trouble, crowd.crm) {
                // What became of a call without an answer has to be asked for, record by record of it.
                (Trouble::Stalls(_), _) => 0.015,
                (_, Crm::HubSpot) => 0.012,
                (_, Crm::Salesforce) => 0.007,
            },
            limit_is_known: !matches!(
                crowd.trouble,
                Trouble::Down(_) | Trouble::Hangs(_) | Trouble::Stalls(_)
            ),
            limit_is_short: !matches!(
                crowd.trouble,
                Trouble::Down(_) | Trouble::Hangs(_) | Trouble::Stalls(_)
            ),
            // Whoever is told twenty calls a second of a CRM that takes one finds out by being refused.
            judged: crowd.trouble != Trouble::Misjudged,
        }
    }
}

/// Judges what was measured of `crowd`, beside the same without it.
#[must_use]
pub fn judge(crowd: &Crowd, bounds: &Bounds, figures: &Figures, alone: &Figures) -> Verdict {
    let mut verdict = Verdict::default();
    let mut everybody = |is_fine: bool, what: String| {
        if !is_fine {
            verdict.beyond.push(what);
        }
    };
    figures.violations.iter().for_each(|violation| everybody(false, format!("breaks {violation}")));
    let ratio = |percent| figures.within(percent) as f64 / alone.within(percent).max(1) as f64;
    for (name, percent, line) in [("medians", 50, MEDIAN), ("p99", 99, P99)] {
        let is = ratio(percent);
        everybody(is <= line, format!("the other org's ratio of {name} is {is:.2}, and may be {line}"));
    }
    let (is, wants) = (figures.other_ms.len(), alone.other_ms.len());
    everybody(
        is == wants && is > 0,
        format!("of the other org {is} events landed, and {wants} without the crowd"),
    );
    let is = figures.in_flight;
    everybody(
        is < IN_FLIGHT,
        format!("{is} of its messages were in flight at once, and fewer than {IN_FLIGHT} may be"),
    );
    everybody(figures.dead == 0, format!("{} versions are dead, and none may be", figures.dead));
    // While nothing gets through what is parked is only replaced; where some calls go a record may change after its own.
    if matches!(crowd.trouble, Trouble::Down(_)) {
        let is = figures.rewritten;
        everybody(is == 0, format!("{is} records were written more than once after all, and none may be"));
    }
    let is_s = figures.drained_ms / 1_000;
    everybody(
        is_s < LONGEST_S,
        format!("all landed {is_s} s after the CRM's return, and less than {LONGEST_S} s it may be"),
    );
    let (is, wants) = (figures.landed, crowd.blocked as usize);
    everybody(is == wants, format!("{is} of its {wants} records landed"));

    let mut some = |is_fine: bool, what: String| {
        if !is_fine {
            if bounds.judged { verdict.beyond.push(what) } else { verdict.known.push(what) }
        }
    };
    let (is, line) = (figures.calls_each(), bounds.calls_each);
    some(is <= line, format!("{is:.4} calls a record, and {line} may be"));
    if bounds.limit_is_known {
        let is = figures.refused_percent;
        some(
            is < REFUSED_PERCENT,
            format!("{is:.2} % of the calls were refused, and less than {REFUSED_PERCENT} % may be"),
        );
    }
    if bounds.limit_is_short {
        let is = figures.used_percent.unwrap_or(0.0);
        some(is >= USED_PERCENT, format!("{is:.0} % of the limit were used, and {USED_PERCENT} % are to be"));
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::Violation;

    const CROWD: Crowd = Crowd {
        blocked: 100,
        other: 2,
        over_ms: 1_000,
        crm: Crm::HubSpot,
        trouble: Trouble::Limited,
        pollers: 50,
        seed: 1,
    };

    fn figures() -> Figures {
        Figures {
            other_ms: vec![100; 100],
            landed: 100,
            rewritten: 0,
            calls_down: 0,
            calls_after: 1,
            jobs: 0,
            drained_ms: 1_000,
            in_flight: 199,
            dead: 0,
            refused: 0,
            refused_percent: 0.99,
            used_percent: Some(90.0),
            violations: Vec::new(),
        }
    }

    fn judged(crowd: Crowd, figures: &Figures) -> Verdict {
        judge(&crowd, &Bounds::of(&crowd), figures, &self::figures())
    }

    #[test]
    fn given_figures_just_within_each_line_when_judged_then_nothing_is_beyond_it() {
        let others = [120; 98].into_iter().chain([200; 2]).collect();
        let within = Figures { other_ms: others, ..figures() };
        assert_eq!(judged(CROWD, &within), Verdict::default());
        // A CRM that is down has no limit to be used.
        let down = Crowd { trouble: Trouble::Down(1), ..CROWD };
        assert_eq!(judged(down, &Figures { used_percent: None, ..within.clone() }), Verdict::default());
        assert_eq!(judged(down, &Figures { rewritten: 1, ..within.clone() }).beyond.len(), 1);
        assert_eq!(judged(CROWD, &Figures { rewritten: 1, ..within }), Verdict::default());
    }

    #[test]
    fn given_one_figure_beyond_its_line_when_judged_then_it_alone_is_told() {
        let slow = [100; 98].into_iter().chain([201; 2]).collect();
        let violation = Violation { invariant: "I1", what: "twice".to_owned(), record: None };
        let cases = [
            (Figures { other_ms: vec![121; 100], ..figures() }, "ratio of medians is 1.21"),
            (Figures { other_ms: slow, ..figures() }, "ratio of p99 is 2.01"),
            (Figures { other_ms: vec![100; 99], ..figures() }, "99 events landed, and 100 without"),
            (Figures { in_flight: 200, ..figures() }, "200 of its messages were in flight"),
            (Figures { dead: 1, ..figures() }, "1 versions are dead"),
            (Figures { landed: 99, ..figures() }, "99 of its 100 records landed"),
            (Figures { calls_after: 2, ..figures() }, "0.0200 calls a record"),
            (Figures { refused_percent: 1.0, ..figures() }, "1.00 % of the calls were refused"),
            (Figures { used_percent: Some(89.4), ..figures() }, "89 % of the limit were used"),
            (Figures { used_percent: None, ..figures() }, "0 % of the limit were used"),
            (Figures { violations: vec![violation], ..figures() }, "breaks I1: twice"),
        ];
        for (figures, told) in cases {
            let Verdict { beyond, known } = judged(CROWD, &figures);
            assert!(matches!(beyond.as_slice(), [one] if one.contains(told)), "{told}: {beyond:?}");
            assert_eq!(known, Vec::<String>::new());
        }
        // Nothing at all is no good figure.
        let nothing = Figures { other_ms: vec![], ..figures() };
        assert_eq!(judge(&CROWD, &Bounds::of(&CROWD), &nothing, &nothing).beyond.len(), 1);
    }

    #[test]
    fn given_the_other_crm_when_judged_then_its_own_line_counts() {
        let salesforce = Crowd { crm: Crm::Salesforce, ..CROWD };
        assert_eq!(judged(salesforce, &figures()).beyond, ["0.0100 calls a record, and 0.007 may be"]);
    }

    #[test]
    fn given_a_limit_that_nobody_knew_when_judged_then_what_it_costs_is_told_and_what_others_feel_counts() {
        let misjudged = Crowd { trouble: Trouble::Misjudged, ..CROWD };
        let costly = Figures { calls_after: 2, refused_percent: 20.6, used_percent: Some(63.0), ..figures() };
        let verdict = judged(misjudged, &costly);
        assert_eq!((verdict.beyond.len(), verdict.known.len()), (0, 3), "{verdict:?}");
        let verdict = judged(misjudged, &Figures { in_flight: 200, dead: 1, ..costly });
        assert_eq!((verdict.beyond.len(), verdict.known.len()), (2, 3), "{verdict:?}");
    }
}
