//! A connection that a person pauses and resumes beside its configuration: nothing is lost meanwhile, however long, and what
//! was parked goes at once.

use super::*;
use rtr_connectors::registry;
use rtr_connectors::session::{Auth as _, Freshness};
use rtr_core::config::{OrgConfig, Pause, Scope};
use rtr_core::item::SlotState;
use rtr_engine::credentials::{ConnectionAuth, CredentialCache, resume as end_suspension};
use rtr_engine::seams::{Configs, Limits as _, Unavailable};

const DAY_MS: i64 = 86_400_000;

fn scopes() -> [Scope; 3] {
    [Scope::Connection(here()), Scope::Provider("hubspot".to_owned()), Scope::All]
}

fn pause(world: &World, scope: &Scope) {
    let pause = Pause { by: "ada".to_owned(), at: world.now(), reason: Some("they asked".to_owned()) };
    assert!(world.configs.pause(scope.clone(), pause));
}

/// As `rtr connection resume` does: the pause ends, and the lane is wanted now.
fn resume(world: &World, scope: &Scope) {
    world.configs.resume(scope).unwrap();
    want(world);
}

fn want(world: &World) {
    futures::executor::block_on(world.limits.want_lane(&here(), world.now())).unwrap();
}

#[test]
fn given_a_pause_of_twenty_days_when_it_ends_then_the_newest_of_each_arrives_at_once_and_nothing_is_dead() {
    for scope in scopes() {
        let world = World::with_contact(CONTACT);
        bring(&world, &ids(250), 1);
        pause(&world, &scope);
        let calls = world.calls().len();
        for version in 2..=4 {
            // Each message is done when it was received once: it cannot grow old in the queue.
            bring(&world, &ids(250), version);
            for _ in 0..20 {
                world.clock.advance_ms(DAY_MS / 3);
                world.sweep();
            }
        }
        let slots: Vec<_> = ids(250).iter().map(|id| crate::parked(&world, id)).collect();
        assert!(slots.iter().all(|slot| slot.wanted_version == 4), "{scope}: the newest and no other");
        assert!(
            slots.iter().all(|slot| slot.since < slot.not_before.plus_ms(1)
                && world.now().since_ms(slot.since) > 19 * DAY_MS)
        );
        assert_eq!(world.calls().len(), calls, "{scope}: the CRM is left alone");
        assert!(world.queue.take_sent(rtr_engine::seams::QueueName::DeadLetter).is_empty());
        resume(&world, &scope);
        let began = world.now();
        world.sweep();
        assert!(world.now().since_ms(began) < 5_000, "{scope}");
        assert_eq!((left(&world), world.contacts("firstname")), (0, vec!["v4".to_owned(); 250]), "{scope}");
        assert_eq!(writes_since(&world, calls).len(), 3, "{scope}: each once, in full calls");
    }
}

#[test]
fn given_what_was_parked_at_different_times_when_resumed_then_it_goes_in_that_order() {
    let world = World::with_contact(CONTACT);
    bring(&world, &ids(300), 1);
    pause(&world, &Scope::All);
    // The last of the names came first.
    for part in ids(300).chunks(100).rev() {
        bring(&world, part, 2);
        world.clock.advance_ms(1_000);
    }
    world.faults(&json!([{"provider": "hubspot", "account": "acme", "match": {"path": "*batch/update*"}, "fault": "status",
        "value": throttled(30), "skip": 1, "count": 1}]));
    resume(&world, &Scope::All);
    world.sweep();
    let firsts: Vec<u64> =
        ids(300).iter().map(|id| world.item("contact", id).applied_version.unwrap()).collect();
    assert_eq!(firsts, [vec![1; 200], vec![2; 100]].concat());
}

/// Pauses everything while the first batch of updates is under way.
struct PausesMeanwhile<'a>(&'a World);

#[async_trait]
impl Http for PausesMeanwhile<'_> {
    async fn send(&self, outgoing: Outgoing) -> Result<Response, NoAnswer> {
        if outgoing.url.contains("batch/update") {
            self.0.configs.pause(Scope::All, Pause { by: "ada".to_owned(), at: self.0.now(), reason: None });
        }
        self.0.crm.send(outgoing).await
    }
}

#[test]
fn given_a_pause_during_a_drain_when_the_calls_under_way_end_then_the_lane_rests_and_the_rest_is_untouched() {
    let world = linked_and_parked(1_000);
    let before = world.calls().len();
    assert!(bulk_by(&world, &PausesMeanwhile(&world), &[baton(&world)]).is_some());
    assert_eq!((left(&world), writes_since(&world, before).len()), (600, 4), "what went stands");
    assert_eq!(lane(&world).due_at, Some(world.now().plus_ms(60_000)));
    let untouched = ids(1_000)[400..].iter().all(|id| {
        let slot = crate::parked(&world, id);
        slot.wanted_version == 2 && slot.not_before <= world.now() && slot.attempts == 1
    });
    assert!(untouched);
    resume(&world, &Scope::All);
    world.sweep();
    assert_eq!((left(&world), world.contacts("firstname")), (0, vec!["v2".to_owned(); 1_000]));
    // One look shows of each shard its share: of a thousand a few stay for the next.
    let calls = writes_since(&world, before).len();
    assert!((10..=11).contains(&calls), "none twice: {calls}");
}

/// What an environment has in memory, beside what stands in the table.
struct Remembers<'a>(&'a World, Mutex<Arc<OrgConfig>>);

#[async_trait]
impl Configs for Remembers<'_> {
    async fn org(&self, _: &str) -> Result<Arc<OrgConfig>, Unavailable> {
        Ok(self.1.lock().unwrap().clone())
    }
    async fn org_anew(&self, org: &str) -> Result<Arc<OrgConfig>, Unavailable> {
        let config = self.0.configs.org(org).await?;
        *self.1.lock().unwrap() = config.clone();
        Ok(config)
    }
}

#[test]
fn given_an_environment_that_remembers_the_pause_when_resumed_then_its_lane_goes_at_once_all_the_same() {
    let world = World::with_contact(CONTACT);
    bring(&world, &ids(3), 1);
    pause(&world, &Scope::All);
    bring(&world, &ids(3), 2);
    let paused = futures::executor::block_on(world.configs.org("acme")).unwrap();
    let remembers = Remembers(&world, Mutex::new(paused));
    let run = || {
        let seams = rtr_engine::seams::Seams { configs: &remembers, ..world.seams() };
        let (caches, deadline) = (Caches::default(), world.now().plus_ms(TIMEOUT_MS));
        let batch = [baton(&world)];
        futures::executor::block_on(rtr_engine::bulk::run(
            &seams,
            &world.settings,
            &caches,
            &batch,
            deadline,
        ));
    };
    run();
    assert_eq!((left(&world), lane(&world).due_at), (3, Some(world.now().plus_ms(60_000))));
    resume(&world, &Scope::All);
    assert_eq!(lane(&world).due_at, Some(world.now()));
    run();
    assert_eq!((left(&world), world.contacts("firstname")), (0, vec!["v2".to_owned(); 3]));
}

#[test]
fn given_a_paused_connection_where_nothing_is_parked_when_its_lane_was_wanted_then_it_goes_quiet() {
    let world = World::with_contact(CONTACT);
    bring(&world, &ids(2), 1);
    pause(&world, &Scope::Connection(here()));
    want(&world);
    pass_minutes(&world, 4);
    assert_eq!(lane(&world).due_at, None, "nobody looks for ever");
    // Whoever parks wakes it, to be looked at once a minute.
    bring(&world, &ids(2), 2);
    assert_eq!(lane(&world).due_at, Some(world.now().plus_ms(60_000)));
    let looks: usize = (0..30)
        .map(|_| {
            world.clock.advance_ms(10_000);
            world.sweep().len()
        })
        .sum();
    assert_eq!(looks, 5, "five minutes");
    resume(&world, &Scope::Connection(here()));
    world.sweep();
    pass_minutes(&world, 4);
    assert_eq!((left(&world), lane(&world).due_at), (0, None));
}

#[test]
fn given_a_dead_version_when_woken_while_paused_then_it_waits_for_the_end_of_the_pause() {
    let world = World::with_contact(CONTACT);
    bring(&world, &ids(1), 1);
    world.sync(&[world.contact("c0000", 2, &json!({"email": "not an address"}))]);
    assert_eq!(world.item("contact", "c0000").slot.unwrap().state, SlotState::Dead);
    pause(&world, &Scope::All);
    world.sync(&[build::wake("acme", "contact", "c0000", "hubspot", 2, world.now())]);
    assert_eq!(crate::parked(&world, "c0000").wanted_version, 2);
    resume(&world, &Scope::All);
    world.sweep();
    assert_eq!(world.item("contact", "c0000").slot.unwrap().state, SlotState::Dead);
}

const SECRET: &str = "rtr/test/acme/hubspot";

/// Revokes the connection's token, which `ids` find out at version 2.
fn revoke(world: &World, ids: &[String]) {
    let token = json!({"provider": "hubspot", "account": "acme", "action": "revoke"});
    world.crm.control("POST", "/_sandbox/tokens", &token);
    bring(world, ids, 2);
    assert!(ids.iter().all(|id| crate::parked(world, id).reason.code.as_str() == "RTR4004"));
}

#[test]
fn given_a_suspended_connection_when_somebody_sees_new_credentials_then_its_lane_goes_at_once() {
    let mut world = World::with_contact(CONTACT);
    bring(&world, &ids(150), 1);
    revoke(&world, &ids(150));
    pass_minutes(&world, 3);
    let token = world.crm.token("acme");
    world.secrets.put(SECRET, &json!({"type": "bearer", "token": token}).to_string());
    // An environment that has nothing in memory is the first to see them.
    let seen = std::mem::take(&mut world.caches);
    world.clock.advance_ms(20_000);
    assert!(lane(&world).due_at > Some(world.now()));
    bring(&world, &["other".to_owned()], 1);
    assert!(world.limits.state().suspensions.is_empty());
    assert_eq!(lane(&world).due_at, Some(world.now()));
    // The lane's own environment remembers the refusal, and asks anew.
    world.caches = seen;
    world.sweep();
    assert_eq!((left(&world), world.contacts("firstname").len()), (0, 151));
}

#[test]
fn given_credentials_that_the_crm_takes_again_when_a_person_tries_them_then_the_suspension_ends_and_the_lane_goes()
 {
    let world = World::with_contact(CONTACT);
    bring(&world, &ids(3), 1);
    let secret: Value = serde_json::from_str(&world.secrets.text(SECRET).unwrap()).unwrap();
    revoke(&world, &ids(3));
    let since = world.limits.state().suspensions["acme#hubspot"].since;
    world.clock.advance_ms(5_000);
    let tried = |cache: &CredentialCache| {
        let auth = ConnectionAuth {
            seams: world.seams(),
            cache,
            connection: here(),
            connector: registry::by_name("hubspot").unwrap(),
            secret: SECRET,
            base_url: Some("http://sandbox/hubspot/acme"),
            cache_ms: 60_000,
            deadline: world.now().plus_ms(60_000),
        };
        futures::executor::block_on(auth.authorize(Freshness::Cached)).map(drop)
    };
    assert!(tried(&CredentialCache::default()).is_err(), "what was refused is not tried by itself");
    assert!(tried(&CredentialCache::trying_refused()).is_ok(), "but by a person");
    assert_eq!(world.limits.state().suspensions["acme#hubspot"].since, since, "trying alone ends nothing");
    let again = json!({"provider": "hubspot", "account": "acme", "action": "issue", "expires_in": null, "token": secret["token"]});
    world.crm.control("POST", "/_sandbox/tokens", &again);
    let held = world.limits.state().suspensions["acme#hubspot"].clone();
    futures::executor::block_on(end_suspension(&world.seams(), &here(), "hubspot", &held)).unwrap();
    assert_eq!(lane(&world).due_at, Some(world.now()));
    world.sweep();
    assert_eq!((left(&world), world.contacts("firstname")), (0, vec!["v2".to_owned(); 3]));
}
