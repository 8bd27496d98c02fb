//! Credentials in their corners: nothing good is suspended, nothing rotated is lost.

use super::*;

#[test]
fn given_a_new_secret_and_one_503_after_the_401_when_synced_then_the_connection_is_not_suspended() {
    let world = World::with_contact(CONTACT);
    assert_eq!(world.sync(&[world.contact("a", 1, &json!({"email": "a@x.io"}))]).counts["applied"], 1);
    // A person rotates the private app's token; this environment still has the old one at hand.
    world.crm.control(
        "POST",
        "/_sandbox/tokens",
        &json!({"provider": "hubspot", "account": "acme", "action": "revoke"}),
    );
    let token = world.crm.token("acme");
    world.secrets.put("rtr/test/acme/hubspot", &json!({"type": "bearer", "token": token}).to_string());
    world.faults(
        &json!([{"provider": "hubspot", "account": "acme", "match": {"path": "*contacts*"}, "fault": "status",
        "value": 503, "skip": 1, "count": 1}]),
    );
    let report = world.sync(&[world.contact("c", 1, &json!({"email": "c@x.io"}))]);
    assert!(
        world.limits.state().suspensions.is_empty(),
        "{:?} {:?}",
        world.limits.state().suspensions,
        world.calls()
    );
    assert_eq!(report.counts.get("applied"), Some(&1), "{:?}", world.calls());
}

#[test]
fn given_one_503_after_the_401_when_synced_then_the_token_is_refreshed_once() {
    let world = World::with_contact(CONTACT);
    let issued = oauth(&world, true);
    world.crm.control("POST", "/_sandbox/tokens",
        &json!({"provider": "hubspot", "account": "acme", "action": "expire", "token": issued["access_token"]}));
    world.faults(
        &json!([{"provider": "hubspot", "account": "acme", "match": {"path": "*contacts*"}, "fault": "status",
        "value": 503, "skip": 1, "count": 1}]),
    );
    world.sync(&[world.contact("c", 1, &json!({"email": "c@x.io"}))]);
    assert_eq!(refreshes(&world), 1, "{:?}", world.calls());
}

#[test]
fn given_too_little_time_for_a_refresh_when_synced_then_none_is_begun() {
    let world = World::with_contact(CONTACT);
    oauth(&world, true);
    world.clock.advance_ms(26 * 60_000);
    world.faults(&json!([on("acme", "*oauth*", "latency", &json!(9_000), 1)]));
    let (seams, message) = (world.seams(), [world.contact("c", 1, &json!({"email": "c@x.io"}))]);
    let killed_at = world.now().plus_ms(5_000);
    let caches = Caches::default();
    futures::executor::block_on(run(&seams, &world.settings, &caches, &message, killed_at));
    let over = world.now().since_ms(killed_at);
    assert!(
        over <= 0,
        "the flow went on {over} ms after the function's end; refreshes: {}",
        refreshes(&world)
    );
}

#[test]
fn given_rotated_tokens_that_could_not_be_written_back_at_once_when_the_store_is_up_again_then_they_are_not_lost()
 {
    let world = World::with_contact(CONTACT);
    oauth(&world, true);
    world.clock.advance_ms(26 * 60_000);
    let secrets = ReadOnly(&world, AtomicBool::new(true));
    let caches = Caches::default();
    let sync = |id: &str| {
        let seams = Seams { secrets: &secrets, ..world.seams() };
        let batch = [world.contact(id, 1, &json!({"email": format!("{id}@x.io")}))];
        futures::executor::block_on(run(
            &seams,
            &world.settings,
            &caches,
            &batch,
            world.now().plus_ms(TIMEOUT_MS),
        ))
    };
    assert_eq!(sync("a").counts.get("applied"), Some(&1));
    secrets.1.store(false, Ordering::SeqCst);
    world.clock.advance_ms(61_000);
    assert_eq!(sync("b").counts.get("applied"), Some(&1), "{:?}", world.limits.state().suspensions);
}

#[test]
fn given_a_token_with_four_minutes_left_and_a_token_endpoint_that_is_down_when_synced_then_the_token_is_used()
{
    let world = World::with_contact(CONTACT);
    oauth(&world, true);
    world.clock.advance_ms(26 * 60_000);
    world.faults(&json!([on("acme", "*oauth*", "status", &json!(503), 9)]));
    let report = world.sync(&[world.contact("c", 1, &json!({"email": "c@x.io"}))]);
    assert_eq!(report.counts.get("applied"), Some(&1), "{:?}", world.calls());
    // The endpoint is left alone for a moment, however many calls go meanwhile.
    let asked = || world.calls().iter().filter(|call| call.contains("oauth")).count();
    let before = asked();
    for version in 2..6 {
        world.sync(&[world.contact("c", version, &json!({"email": format!("c{version}@x.io")}))]);
    }
    assert_eq!((asked(), world.contacts("email")), (before, vec!["c5@x.io".to_owned()]));
    world.faults(&json!([]));
    world.clock.advance_ms(16_000);
    world.sync(&[world.contact("c", 6, &json!({"email": "c6@x.io"}))]);
    assert_eq!(asked(), before + 1);
}
