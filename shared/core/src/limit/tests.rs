//! What a bucket gives, whoever asks and however the clock goes.

use super::*;
use proptest::prelude::*;

mod adapting;
mod anyhow;
mod sharing;

const TEN_A_SECOND: Rule = Rule { requests: 10, per_ms: 1_000, burst: 10 };

fn whole(bucket: &Bucket, rules: &[Rule], want: u64, at: i64) -> Taken {
    take(bucket, rules, &Ask::whole(want), Instant(at))
}

#[test]
fn given_an_empty_bucket_when_taken_then_it_says_when_the_next_token_comes() {
    let half = Rule { burst: 5, ..TEN_A_SECOND };
    let emptied = whole(&Bucket::default(), &[half], 10, 0);
    assert_eq!((emptied.granted, emptied.retry_at), (5, None));
    let refused = whole(&emptied.bucket, &[half], 1, 40);
    assert_eq!((refused.granted, refused.retry_at), (0, Some(Instant(109))), "ten in 1,085 ms");
    assert_eq!(whole(&refused.bucket, &[half], 5, 109).granted, 1);
}

#[test]
fn given_a_full_burst_when_the_window_has_no_room_then_nothing_goes_before_it_has_and_then_evenly() {
    let mut bucket = whole(&Bucket::default(), &[TEN_A_SECOND], 10, 0).bucket;
    // Slots are 25 ms long: what went in the first counts until 1,025, and what is late by 60 ms more until 1,085.
    for at in [100, 500, 1_084] {
        let refused = whole(&bucket, &[TEN_A_SECOND], 10, at);
        assert_eq!((refused.granted, refused.retry_at), (0, Some(Instant(1_085))), "{at}");
    }
    let mut grants = Vec::new();
    for at in (1_085..2_000).step_by(25) {
        let taken = whole(&bucket, &[TEN_A_SECOND], 10, at);
        bucket = taken.bucket;
        if taken.granted > 0 {
            grants.push((at, taken.granted));
        }
    }
    assert_eq!(grants[..3], [(1_085, 2), (1_210, 1), (1_310, 1)]);
}

#[test]
fn given_a_blocked_bucket_when_taken_then_nothing_goes_before_the_time() {
    let blocked = block(&block(&Bucket::default(), Instant(900), Instant(0)), Instant(500), Instant(1));
    let refused = whole(&blocked, &[TEN_A_SECOND], 1, 899);
    assert_eq!((refused.granted, refused.retry_at), (0, Some(Instant(900))));
    assert_eq!(whole(&blocked, &[TEN_A_SECOND], 1, 900).granted, 1);
}

#[test]
fn given_a_full_bucket_when_its_block_ends_then_one_goes_and_the_others_evenly() {
    let mut bucket = block(&Bucket::default(), Instant(900), Instant(0));
    let mut grants = Vec::new();
    for at in (900..2_000).step_by(5) {
        let taken = whole(&bucket, &[TEN_A_SECOND], 10, at);
        bucket = taken.bucket;
        if taken.granted > 0 {
            grants.push((at, taken.granted));
        }
    }
    // At seven tenths of the pace.
    assert_eq!(grants[..3], [(900, 1), (1_055, 1), (1_210, 1)]);
}

#[test]
fn given_small_and_large_rules_when_backed_off_then_a_tenth_or_one_a_second_is_left() {
    let day = Rule { requests: 250_000, per_ms: 86_400_000, burst: 250_000 };
    let small = Rule { requests: 5, per_ms: 1_000, burst: 5 };
    assert_eq!(backstop(&[day])[0].requests, 86_400);
    assert_eq!(backstop(&[small])[0], Rule { requests: 1, per_ms: 1_000, burst: 1 });
}

#[test]
fn given_a_day_of_greed_when_it_is_over_then_no_day_has_had_more_than_its_allowance() {
    let hour = 3_600_000;
    let rules = [
        Rule { requests: 90, per_ms: 10_000, burst: 50 },
        Rule { requests: 250_000, per_ms: QUOTA_MS, burst: 250_000 },
    ];
    let (mut bucket, mut hours) = (Bucket::default(), Vec::new());
    for n in 0..96 {
        let mut granted = 0;
        // A look every five seconds is enough to take nearly all that the faster rule gives.
        for at in (n * hour..(n + 1) * hour).step_by(5_000) {
            let taken = whole(&bucket, &rules, 50, at);
            granted += taken.granted;
            bucket = taken.bucket;
        }
        hours.push(granted);
    }
    for day in hours.windows(24) {
        let spent: u64 = day.iter().sum();
        assert!(spent <= 250_000, "{spent}");
    }
    let second_day: u64 = hours[24..48].iter().sum();
    assert!(second_day >= 225_000, "{second_day}: {hours:?}");
}

#[test]
fn given_many_leases_in_a_second_when_taken_then_they_grow_and_there_are_no_more_than_nine() {
    let rules = [Rule { requests: 90, per_ms: 1_000, burst: 90 }];
    let (mut bucket, mut sizes) = (Bucket::default(), Vec::new());
    for at in 0..999 {
        let taken = whole(&bucket, &rules, 1, at);
        bucket = taken.bucket;
        if taken.granted > 0 {
            sizes.push(taken.granted);
        } else {
            assert_eq!(taken.retry_at, Some(Instant(1_000)));
        }
    }
    assert_eq!(sizes, [1, 1, 1, 13, 13, 13, 13, 13, 13]);
    assert_eq!(whole(&bucket, &rules, 1, 1_000).granted, 9, "what the window has left");
}

#[test]
fn given_a_connection_without_rules_when_many_lease_then_its_row_is_written_no_more_than_nine_times_a_second()
{
    let (mut bucket, mut leases) = (Bucket::default(), 0);
    for at in 0..2_000 {
        let taken = whole(&bucket, &[], 1, at);
        bucket = taken.bucket;
        leases += u64::from(taken.granted > 0);
    }
    assert_eq!(leases, 18);
}

#[test]
fn given_a_lease_by_a_clock_that_is_far_ahead_when_others_lease_then_they_do_not_wait_for_its_time() {
    let rules = [Rule { requests: 1_000, per_ms: 1_000, burst: 1_000 }];
    let mut bucket = Bucket::default();
    for at in 0..9 {
        bucket = whole(&bucket, &rules, 1, 300_000 + at).bucket;
    }
    let taken = whole(&bucket, &rules, 1, 10);
    assert!(taken.granted > 0, "{taken:?}");
    assert_eq!(taken.bucket.leases, [Instant(10)]);
}

#[test]
fn given_a_bucket_when_looked_at_then_what_has_come_back_counts_and_nothing_is_taken() {
    let rule = Rule { requests: 100, per_ms: 10_000, burst: 10 };
    let bucket = whole(&Bucket::default(), &[rule], 6, 0).bucket;
    assert_eq!(left(&Bucket::default(), &[rule], Instant(0)), [10]);
    assert_eq!(
        (left(&bucket, &[rule], Instant(0)), left(&bucket, &[rule], Instant(310))),
        (vec![4], vec![7])
    );
}

#[test]
fn given_a_bucket_without_rules_when_many_ask_then_each_lease_lasts_longer() {
    let mut bucket = Bucket::default();
    for _ in 0..3 {
        let taken = whole(&bucket, &[], 1, 0);
        assert_eq!(taken.granted, 1);
        bucket = taken.bucket;
    }
    assert_eq!(whole(&bucket, &[], 1, 0).granted, 100);
}

fn giving_back(bucket: &Bucket, tokens: u64, leased_at: i64, at: i64) -> Taken {
    let unused = Unused { tokens, leased_at: Instant(leased_at) };
    take(bucket, &[TEN_A_SECOND], &Ask { unused, ..Ask::whole(10) }, Instant(at))
}

#[test]
fn given_tokens_that_were_not_used_when_they_come_back_then_it_is_as_if_they_had_never_gone() {
    let taken = whole(&Bucket::default(), &[TEN_A_SECOND], 10, 1_000);
    assert_eq!(giving_back(&taken.bucket, 4, 1_000, 1_030).granted, 4);
    // Of a slot of which nothing is known.
    assert_eq!(giving_back(&taken.bucket, 4, 940, 1_030).granted, 0);
    let none = whole(&taken.bucket, &[TEN_A_SECOND], 10, 1_030);
    assert_eq!((none.granted, none.bucket), (0, taken.bucket.clone()));
    // No more than there may be at once, however many come.
    let rested = giving_back(&taken.bucket, 10, 1_000, 9_000);
    assert_eq!(rested.granted, 10);
    assert_eq!(whole(&rested.bucket, &[TEN_A_SECOND], 10, 9_001).granted, 0);
}

#[test]
fn given_few_tokens_when_as_many_come_back_then_a_lease_may_be_of_those_alone() {
    let rule = Rule { requests: 20, per_ms: 1_000, burst: 20 };
    let mut bucket = Bucket::default();
    for at in 0..7 {
        bucket = whole(&bucket, &[rule], 1, 1_000 + at).bucket;
    }
    bucket = whole(&bucket, &[rule], 99, 1_010).bucket;
    let ask = |tokens| Ask { unused: Unused { tokens, leased_at: Instant(1_010) }, ..Ask::whole(1) };
    assert_eq!(take(&bucket, &[rule], &ask(0), Instant(1_020)).granted, 0);
    assert_eq!(take(&bucket, &[rule], &ask(2), Instant(1_020)).granted, 2);
}

#[test]
fn given_tokens_of_before_a_refusal_when_they_come_back_then_they_are_gone() {
    let taken = whole(&Bucket::default(), &[TEN_A_SECOND], 10, 1_000);
    let stopped = block(&taken.bucket, Instant(1_500), Instant(1_200));
    let after = giving_back(&stopped, 9, 1_000, 2_500);
    assert_eq!(after.granted, giving_back(&stopped, 0, 0, 2_500).granted);
    // Nor are they any later; those of a lease since are there.
    assert_eq!(giving_back(&after.bucket, 9, 1_000, 2_510).granted, 0);
    assert_eq!(giving_back(&after.bucket, 2, 2_500, 2_510).granted, 2);
}
