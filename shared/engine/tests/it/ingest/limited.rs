//! How much an org may hand in.

use super::{Hall, contact, statuses};
use serde_json::Value;

fn many(org: &str, count: usize) -> Vec<Value> {
    (0..count).map(|n| contact(org, &format!("c-{n}"), 1)).collect()
}

#[test]
fn given_an_org_that_hands_in_too_much_when_posted_then_the_last_are_put_off_and_another_org_is_not() {
    let hall = Hall::limited_to(10);
    let events = [many("acme", 120), many("globex", 5)].concat();
    let answer = hall.post(&events);
    let told = statuses(&answer);
    assert_eq!(answer.status, 200);
    assert!(told[..100].iter().all(|status| *status == 200), "ten seconds' worth: {told:?}");
    assert!(told[100..120].iter().all(|status| *status == 429), "{told:?}");
    assert!(told[120..].iter().all(|status| *status == 200), "{told:?}");
    assert!(answer.retry_after_s.is_some());
    assert_eq!(answer.body["results"][119]["code"], "RTR4015");
    assert_eq!(hall.sent().len(), 105);
}

#[test]
fn given_an_org_that_has_used_its_share_when_it_comes_again_in_the_time_named_then_it_is_taken() {
    let hall = Hall::limited_to(10);
    hall.post(&many("acme", 100));
    let events = [contact("acme", "later", 2)];
    let refused = hall.post(&events);
    assert_eq!(refused.status, 429);
    let seconds = i64::try_from(refused.retry_after_s.unwrap()).unwrap();
    assert!(
        (1..=11).contains(&seconds),
        "ten seconds' worth was used at once, and a second's part is waited for: {seconds}"
    );
    hall.world.clock.advance_ms(seconds * 1_000);
    assert_eq!(hall.post(&events).status, 200);
}

#[test]
fn given_a_limiter_that_does_not_answer_when_posted_then_everything_is_taken_and_it_is_left_alone_for_a_while()
 {
    let hall = Hall::limited_to(1);
    hall.world.limits.state().hangs = true;
    let began = hall.world.now();
    assert_eq!(hall.post(&many("acme", 50)).status, 200);
    assert_eq!(hall.world.now().since_ms(began), 50, "its budget");
    assert_eq!(hall.post(&many("globex", 50)).body["accepted"], 50);
    assert_eq!(hall.world.now().since_ms(began), 50, "it is not asked");
}

#[test]
fn given_many_small_requests_when_posted_then_the_bucket_is_written_less_often() {
    let hall = Hall::limited_to(1_000);
    for n in 0..100 {
        assert_eq!(hall.post(&[contact("acme", &format!("c-{n}"), 1)]).status, 200);
    }
    let writes = hall.world.limits.state().writes;
    assert!(writes <= 9, "{writes}");
}
