use super::super::take;
use super::*;
use proptest::prelude::*;

const RULES: &[Rule] = &[Rule { requests: 1_000, per_ms: 1_000, burst: 1_000 }];

fn flight(answered: Option<i64>, ended: &[i64]) -> Flight {
    let ended = ended.iter().copied().map(Instant).collect();
    Flight { share: 3, call_ms: 100, answered: answered.map(Instant), ended, ..Flight::default() }
}

fn ask(bucket: &Bucket, flight: Flight, now: i64) -> Taken {
    take(bucket, RULES, &Ask { flight: Some(flight), ..Ask::whole(1) }, Instant(now))
}

fn tell(bucket: &Bucket, flight: Flight, now: i64) -> Taken {
    take(bucket, RULES, &Ask { flight: Some(flight), ..Ask::whole(0) }, Instant(now))
}

/// Places of one call each.
fn places(at: &[i64]) -> Vec<Place> {
    at.iter().map(|at| Place { at: Instant(*at), last: Instant(*at), lasts: false }).collect()
}

fn three() -> Bucket {
    Bucket { out: places(&[10, 20, 30]), ..Bucket::default() }
}

fn names(bucket: &Bucket) -> Vec<i64> {
    bucket.out.iter().map(|place| place.at.0).collect()
}

#[test]
fn given_a_crm_that_answers_nobody_when_asked_for_more_leases_then_no_more_than_the_share_are_given() {
    let mut bucket = Bucket::default();
    for now in 0..3 {
        let taken = ask(&bucket, flight(None, &[]), now);
        assert_eq!((taken.granted, taken.full, taken.taken_at), (1, false, Some(Instant(now))));
        assert_eq!(taken.crowded, now == 2, "the last is to tell at once");
        bucket = taken.bucket;
    }
    let refused = ask(&bucket, flight(None, &[]), 10);
    assert_eq!((refused.granted, refused.full, refused.retry_at), (0, true, Some(Instant(10 + FULL_MS))));
    assert_eq!(refused.bucket, bucket, "a refusal writes nothing");
    // Who is not heard of for so long is gone.
    assert!(ask(&bucket, flight(None, &[]), COVER_MS - 1).full);
    assert_eq!(ask(&bucket, flight(None, &[]), COVER_MS).granted, 1);
}

#[test]
fn given_the_share_at_work_when_one_comes_back_then_one_place_is_free_and_all_where_later_calls_were_answered()
 {
    let bucket = three();
    assert_eq!(names(&ask(&bucket, flight(None, &[20]), 40).bucket), [10, 30, 40]);
    assert_eq!(names(&ask(&bucket, flight(Some(25), &[]), 40).bucket), [30, 40]);
    assert_eq!(names(&ask(&bucket, flight(Some(35), &[]), 40).bucket), [40]);
    let full = ask(&bucket, flight(Some(5), &[]), 40);
    assert!(full.full, "what it answered before says nothing of these");
    assert_eq!(full.retry_at, Some(Instant(40 + FULL_MS)), "and there may be room in a moment");
    assert_eq!(at_work(&bucket, Instant(40)), 3);
    assert_eq!(at_work(&Bucket { answered_at: Some(Instant(25)), ..bucket.clone() }, Instant(40)), 1);
    // What one has told the next need not.
    let known = Bucket { answered_at: Some(Instant(35)), ..bucket };
    assert_eq!(names(&ask(&known, flight(Some(5), &[]), 40).bucket), [40]);
}

#[test]
fn given_tokens_left_when_others_ask_then_they_are_an_obstacle_while_they_last_and_longer_where_calls_last() {
    let left = Place { at: Instant(0), last: Instant(900), lasts: false };
    let bucket = Bucket { out: vec![left; 3], answered_at: Some(Instant(100)), ..Bucket::default() };
    assert!(ask(&bucket, flight(None, &[]), 900).full, "each of them may call");
    assert_eq!(ask(&bucket, flight(None, &[]), 901).granted, 1, "it answers");
    let lasts = |n: usize| {
        let mut out = vec![Place { at: Instant(0), last: Instant(2_000), lasts: true }; n];
        out.extend(vec![left; 3 - n]);
        Bucket { out, ..bucket.clone() }
    };
    assert_eq!(ask(&lasts(1), flight(None, &[]), 901).granted, 1);
    let full = ask(&lasts(2), flight(None, &[]), 901);
    assert!(full.full, "it does not answer all: any of them may be at work");
    assert_eq!(full.retry_at, Some(Instant(901 + SILENT_MS)));
    assert_eq!(ask(&lasts(2), flight(Some(901), &[]), 902).granted, 1, "it has answered later calls");
}

#[test]
fn given_a_slow_crm_or_one_that_is_back_when_asked_then_few_have_a_place_and_of_a_slow_one_the_lane_has_the_last()
 {
    let left = Place { at: Instant(0), last: Instant(900), lasts: false };
    let bucket = Bucket { out: vec![left; 3], answered_at: Some(Instant(100)), ..Bucket::default() };
    let cap = Cap { most: 2, others: 2, again_ms: 3_000, since: None };
    let capped = Flight { cap: Some(cap), ..flight(None, &[]) };
    let refused = ask(&bucket, capped.clone(), 950);
    assert!(refused.full, "few may be at work, whoever may call counts");
    assert_eq!(refused.retry_at, Some(Instant(3_950)));
    let one = Flight { ended: vec![Instant(0), Instant(0)], ..capped };
    assert_eq!(ask(&bucket, one, 950).granted, 1);
    let closed = Flight { cap: Some(Cap { since: Some(Instant(1)), ..cap }), ..flight(None, &[]) };
    assert_eq!(ask(&bucket, closed, 950).granted, 1, "they were there before it closed");
    let lane = Flight { is_lane: true, ..flight(None, &[]) };
    assert!(ask(&three(), flight(None, &[]), 40).full);
    assert_eq!(ask(&three(), lane, 40).granted, 1, "the lane has a place beside the share");
    let slow = |is_lane| {
        let cap = Cap { most: 1, others: 0, again_ms: 3_000, since: None };
        Flight { cap: Some(cap), is_lane, ..flight(None, &[]) }
    };
    assert!(ask(&Bucket::default(), slow(false), 40).full, "the only place is the lane's");
    assert_eq!(ask(&Bucket::default(), slow(true), 40).granted, 1);
}

#[test]
fn given_a_call_that_lasts_when_told_then_it_counts_for_longer_whatever_is_answered() {
    let lasting = Flight { lasts_ms: Some(8_000), ..flight(None, &[10]) };
    let told = tell(&three(), lasting.clone(), 2_010);
    let place = told.taken_at.unwrap();
    assert!(told.crowded && told.granted == 0 && names(&told.bucket) == [20, 30, place.0]);
    let later = |answered, now| ask(&told.bucket, Flight { share: 1, ..flight(answered, &[]) }, now).full;
    assert!(later(Some(10_000), 10_050) && later(Some(10_900), 2_009 + LASTS_AGAIN_MS + TURN_MS));
    assert!(!later(None, 2_010 + LASTS_AGAIN_MS + TURN_MS));
    // It waits for its turn, and leaves a stop alone.
    let busy = Bucket { leases: (0..9).map(|n| Instant(2_000 + n)).collect(), ..three() };
    let put_off = tell(&busy, lasting.clone(), 2_010);
    assert_eq!((&put_off.bucket, put_off.taken_at, put_off.retry_at), (&busy, None, Some(Instant(3_000))));
    let stopped = Bucket { refused_at: Some(Instant(2_000)), ..three() };
    assert_eq!(tell(&stopped, lasting, 2_010).bucket, stopped);
}

#[test]
fn given_what_came_back_when_it_is_only_told_then_the_bucket_says_so_and_no_token_is_taken() {
    let bucket = three();
    let told = tell(&bucket, flight(None, &[30]), 40);
    assert_eq!((told.granted, told.bucket.out.len(), &told.bucket.levels), (0, 2, &bucket.levels));
    let again = tell(&told.bucket, flight(None, &[30]), 41);
    assert_eq!(again.bucket, told.bucket, "told twice it changes nothing");
    let refused = Bucket { refused_at: Some(Instant(39)), ..bucket };
    let put_off = tell(&refused, flight(None, &[30]), 40);
    assert_eq!((&put_off.bucket, put_off.crowded), (&refused, false), "a stop is for the next lease");
}

#[test]
fn given_whoever_does_not_count_when_he_takes_a_lease_then_who_is_at_work_stays_as_it_is() {
    let bucket = three();
    let taken = take(&bucket, RULES, &Ask::whole(1), Instant(40));
    assert_eq!((taken.granted, taken.bucket.out), (1, bucket.out));
}

#[test]
fn given_a_lease_of_several_when_taken_then_it_lasts_as_the_share_allows_and_long_enough_to_be_used_in_turn()
{
    let life = |share, call_ms, tokens| Flight { share, call_ms, ..Flight::default() }.life_ms(tokens);
    assert_eq!((life(25, 100, 1), life(25, 100, 3), life(25, 100, 12)), (0, 2_100, 2_100));
    assert_eq!((life(10, 100, 12), life(4, 100, 12), life(4, 100, 3)), (600, IN_TURN_MS, 400));
    assert_eq!((life(4, 1_500, 3), life(4, 1_500, 2)), (1_600, 1_600), "the next call can be made");
    assert_eq!(life(1_000, 100, 2), lease_ms(2), "it lasts no longer than a lease does");
}

proptest! {
    #[test]
    fn given_any_history_when_leases_are_given_then_no_more_than_the_share_are_at_work(
        steps in prop::collection::vec((0_i64..2_500, 0_u8..5), 1..80), share in 1_u64..60, cap in prop::option::of(1_u64..9),
    ) {
        let (mut bucket, mut now) = (Bucket::default(), 0);
        let mut at_work: Vec<Instant> = Vec::new();
        for (pause, step) in steps {
            now += pause;
            let cap = cap.map(|most| Cap { most, others: most, again_ms: 1, since: None });
            let mut flight = Flight { share, cap, ..flight(None, &[]) };
            at_work.retain(|at| now - at.0 < COVER_MS);
            match step {
                // One comes back with a failure; or the CRM answers one, and with it whoever was there before.
                0 if !at_work.is_empty() => flight.ended.push(at_work.remove(0)),
                1 if !at_work.is_empty() => {
                    let answered = at_work.remove(0);
                    flight.ended.push(answered);
                    flight.answered = Some(answered);
                    at_work.retain(|at| *at >= answered);
                }
                _ => {}
            }
            let taken = ask(&bucket, flight, now);
            if taken.granted > 0 {
                bucket = taken.bucket;
                at_work.push(Instant(now));
            }
            prop_assert!(at_work.len() as u64 <= share.min(cap.map_or(MOST, |cap| cap.most)).min(MOST), "{at_work:?}");
            prop_assert!(taken.full || taken.granted > 0);
            prop_assert!(bucket.out.len() as u64 <= MOST, "{bucket:?}");
        }
    }
}
