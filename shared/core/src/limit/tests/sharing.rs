//! Backfills have their share and no more; what is drained goes evenly; live traffic has what there is.

use super::*;

const HUNDRED: Rule = Rule { requests: 100, per_ms: 10_000, burst: 100 };

fn asks(bucket: &mut Bucket, rules: &[Rule], way: Way, want: u64, at: i64) -> u64 {
    let taken = take(
        bucket,
        rules,
        &Ask {
            want,
            unused: Unused::default(),
            way,
            ahead_ms: 0,
            spread_ms: 0,
            told: Vec::new(),
            flight: None,
        },
        Instant(at),
    );
    *bucket = taken.bucket;
    taken.granted
}

#[test]
fn given_a_full_bucket_when_a_backfill_asks_for_all_then_it_gets_its_share_evenly_and_live_gets_the_rest() {
    let mut bucket = Bucket::default();
    let filled: u64 =
        (0..10_000).step_by(50).map(|at| asks(&mut bucket, &[HUNDRED], Way::Share(20), 99, at)).sum();
    assert!((18..=20).contains(&filled), "{filled}");
    let live: u64 = (0..5).map(|n| asks(&mut bucket, &[HUNDRED], Way::Whole, 99, 10_000 + n)).sum();
    assert_eq!(live, 100 - filled);
}

#[test]
fn given_a_share_of_nothing_when_asked_then_nothing_is_given_and_nothing_written() {
    let ask = Ask {
        want: 5,
        unused: Unused::default(),
        way: Way::Share(0),
        ahead_ms: 0,
        spread_ms: 0,
        told: Vec::new(),
        flight: None,
    };
    let taken = take(&Bucket::default(), &[HUNDRED], &ask, Instant(0));
    assert_eq!((taken.granted, taken.bucket), (0, Bucket::default()));
    assert!(taken.retry_at > Some(Instant(0)));
}

#[test]
fn given_what_is_drained_when_the_bucket_is_full_then_no_second_has_more_than_half_again_the_even_share() {
    let rules = [HUNDRED, Rule { requests: 100, per_ms: 1_000, burst: 100 }, Rule { burst: 4, ..HUNDRED }];
    for (rule, (way, percent)) in
        rules.iter().flat_map(|rule| [(rule, (Way::Even, 100)), (rule, (Way::Share(20), 20))])
    {
        let even = rule.requests * 10 * percent / u64::try_from(rule.per_ms).unwrap();
        let (mut bucket, mut grants) = (Bucket::default(), Vec::new());
        for at in (0..60_000).step_by(10) {
            grants.push((at, asks(&mut bucket, &[*rule], way, 99, at)));
        }
        grants.retain(|(_, granted)| *granted > 0);
        for (began, _) in &grants {
            let within = grants.iter().filter(|(at, _)| (*began..began + 1_000).contains(at));
            let most: u64 = within.map(|(_, granted)| granted).sum();
            assert!(2 * most <= 3 * even, "{rule:?} {way:?}: {most} from {began}");
        }
        let all: u64 = grants.iter().map(|(_, granted)| granted).sum();
        // Of a window of a second a tenth is lost to what may come late.
        assert!(all * 100 >= even * 60 * 88, "{rule:?} {way:?}: {all}");
    }
}

#[test]
fn given_a_daily_allowance_when_a_backfill_has_spent_its_share_then_the_rest_of_the_day_is_for_live_traffic()
{
    let rules = [TEN_A_SECOND, Rule { requests: 1_000, per_ms: QUOTA_MS, burst: 1_000 }];
    let mut bucket = Bucket::default();
    let filled: u64 = (0..3_600).map(|s| asks(&mut bucket, &rules, Way::Share(30), 99, s * 1_000)).sum();
    assert_eq!(filled, 300);
    let live: u64 = (3_600..7_200).map(|s| asks(&mut bucket, &rules, Way::Whole, 99, s * 1_000)).sum();
    assert_eq!(live, 700);
}

#[test]
fn given_a_small_share_when_it_is_leased_then_half_a_second_of_it_comes_at_once_so_that_fewer_leases_are_taken()
 {
    let rule = Rule { requests: 20, per_ms: 1_000, burst: 20 };
    let mut bucket = Bucket::default();
    assert_eq!(asks(&mut bucket, &[rule], Way::Share(20), 2, 0), 2);
    // A day's allowance has no pace, and its share no more than that.
    let day = Rule { requests: 100, per_ms: QUOTA_MS, burst: 10 };
    assert_eq!(asks(&mut Bucket::default(), &[day], Way::Share(20), 99, 0), 2);
}
