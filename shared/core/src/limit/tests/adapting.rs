//! What the CRM says: refusals slow down, quiet speeds up, and what it counts as left is the most there is.

use super::*;

const HUNDRED: Rule = Rule { requests: 100, per_ms: 10_000, burst: 100 };
const DAY: Rule = Rule { requests: 1_000, per_ms: QUOTA_MS, burst: 1_000 };

fn pace_after(refusals: &[i64], at: i64) -> u64 {
    let pace = refusals
        .iter()
        .fold(Pace::default(), |pace, at| pace.after(Some(Instant(*at)), (50, 10_000), Instant(*at)));
    pace.after(None, (50, 10_000), Instant(at)).permille
}

#[test]
fn given_refusals_when_they_come_then_the_pace_falls_once_a_window_and_rises_with_each_quiet_minute() {
    assert_eq!(pace_after(&[], 999_999), 1_000);
    assert_eq!(pace_after(&[1_000, 1_001, 5_000, 10_999], 11_000), 700);
    // Again before anything was given back: half.
    assert_eq!(pace_after(&[1_000, 11_000], 70_999), 350);
    // Half of the way to the 700 that were refused last, each minute.
    let quiet = |minutes: i64| pace_after(&[1_000, 11_000], 11_000 + minutes * 60_000);
    assert_eq!([1, 2, 3, 4].map(quiet), [525, 612, 656, 678]);
    // Then by a hundredth, and beyond them faster and faster.
    assert_eq!([6, 7, 8, 9, 10, 11, 12].map(quiet), [695, 701, 708, 716, 732, 764, 828]);
    assert_eq!([13, 14, 60].map(quiet), [956, 1_000, 1_000]);
    assert_eq!(
        [1, 2, 3, 60].map(|minutes| pace_after(&[1_000], 1_000 + minutes * 60_000)),
        [850, 925, 962, 1_000]
    );
    // One that is not counted ends the quiet all the same.
    assert_eq!(pace_after(&[1_000, 10_000], 61_000), 700);
    let storm: Vec<i64> = (0..50).map(|n| n * 10_000).collect();
    assert_eq!(pace_after(&storm, 490_000), 20);
    // What was a bad hour is forgotten soon.
    assert_eq!(
        [1, 5, 10, 14].map(|minutes| pace_after(&storm, 490_000 + minutes * 60_000)),
        [21, 36, 532, 1_000]
    );
}

#[test]
fn given_a_limit_that_is_far_too_high_when_it_is_used_then_what_the_crm_takes_is_found_and_hardly_ever_exceeded()
 {
    // A CRM that takes less than the limit: refuses whoever is faster, after a call or two.
    for takes in [51, 137, 600, 993] {
        let (mut pace, mut refused, mut calls) = (Pace::default(), Vec::new(), 0);
        for second in 0..3_600 {
            let now = Instant(second * 1_000);
            pace = pace.after(None, (20, 1_000), now);
            if pace.permille > takes {
                pace = pace.after(Some(now), (20, 1_000), now);
                refused.push(second);
            } else {
                pace = pace.granting((pace.permille * 20 / 1_000).max(1));
                calls += pace.permille;
            }
        }
        let learning = refused.iter().take_while(|second| **second < 120).count();
        let later = u64::try_from(refused.len() - learning).unwrap();
        let percent = calls * 100 / (takes * 3_600);
        println!("takes {takes}: refused {learning} times, then {later}; {percent} % used");
        assert!(learning <= 8 && later * 100 * 1_000 < calls * 20, "{takes}: {refused:?}");
        assert!(percent >= 95, "{takes}: {percent} %");
    }
}

#[test]
fn given_a_refusal_when_many_calls_were_taken_before_it_then_it_costs_little() {
    let refused = |requests, granted| {
        let pace = Pace::default().granting(granted);
        pace.after(Some(Instant(1_000)), (requests, 1_000), Instant(1_000))
    };
    assert_eq!((refused(10, 99).permille, refused(10, 100).permille), (700, 970));
    assert_eq!((refused(100, 199).permille, refused(100, 200).permille), (700, 970));
    let again = refused(10, 100).granting(99).after(Some(Instant(5_000)), (10, 1_000), Instant(5_000));
    assert_eq!(again.permille, 679, "soon after another one");
}

#[test]
fn given_a_refusal_when_the_next_leases_are_taken_then_the_limit_is_kept_to_at_seven_tenths() {
    let mut bucket = block(&Bucket::default(), Instant(10_000), Instant(0));
    let mut granted = 0;
    for at in (10_000..30_000).step_by(100) {
        let taken = whole(&bucket, &[HUNDRED], 1, at);
        (bucket, granted) = (taken.bucket, granted + taken.granted);
    }
    assert_eq!(bucket.pace.permille, 700);
    assert!((126..=140).contains(&granted), "{granted}");
    assert_eq!(bucket.refused_at, None);
}

#[test]
fn given_what_the_crm_says_is_left_when_it_is_less_than_we_think_then_no_more_is_given() {
    let told = |per_ms, left| vec![Told { per_ms, left, at: Instant(0), resets_at: None }];
    let takes = |rules: &[Rule], told, at| {
        take(
            &Bucket::default(),
            rules,
            &Ask {
                want: 99,
                unused: Unused::default(),
                way: Way::Whole,
                ahead_ms: 0,
                spread_ms: 0,
                told,
                flight: None,
            },
            Instant(at),
        )
        .granted
    };
    assert_eq!(takes(&[HUNDRED], told(10_000, 7), 0), 7);
    // Told a second ago, and in it and a moment ten came in.
    assert_eq!(takes(&[HUNDRED], told(10_000, 7), 1_031), 17);
    assert_eq!(takes(&[HUNDRED], told(10_000, 70_000), 0), 99);
    assert_eq!(takes(&[HUNDRED], told(1_000, 7), 0), 99, "another window");
    assert_eq!(takes(&[HUNDRED], told(QUOTA_MS, 0), 0), 99, "no rule for a day");
    assert_eq!(takes(&[HUNDRED, DAY], told(QUOTA_MS, 3), 0), 3);
}

#[test]
fn given_a_days_allowance_that_is_spent_when_asked_then_nothing_goes_before_it_begins_anew() {
    let ask = |resets_at| Ask {
        want: 1,
        unused: Unused::default(),
        way: Way::Whole,
        ahead_ms: 0,
        spread_ms: 0,
        told: vec![Told { per_ms: QUOTA_MS, left: 0, at: Instant(0), resets_at }],
        flight: None,
    };
    let known = take(&Bucket::default(), &[DAY], &ask(Some(Instant(7_000_000))), Instant(6_999_999));
    assert_eq!((known.granted, known.retry_at), (0, Some(Instant(7_000_000))));
    let unknown = take(&Bucket::default(), &[DAY], &ask(None), Instant(1));
    assert_eq!((unknown.granted, unknown.retry_at), (0, Some(Instant(QUOTA_REST_MS))));
    // Then one call finds out.
    assert_eq!(take(&Bucket::default(), &[DAY], &ask(None), Instant(QUOTA_REST_MS)).granted, 1);
}
