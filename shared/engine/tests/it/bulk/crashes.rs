//! Workers that die: at any request, or at one record again and again. Nothing is lost, nothing is made twice.

use super::*;
use rtr_core::code::Code;
use rtr_core::item::SlotState;

pub(super) const WITHOUT_KEY: &str =
    "object: contacts\nkey: none\nmatch: email\nfields:\n  email: email\n  firstname: first_name\n";

/// The CRM of a world whose power may go off before a request, or when it has landed.
struct Powered<'a>(&'a World, &'a Storm);

#[async_trait]
impl Http for Powered<'_> {
    async fn send(&self, outgoing: Outgoing) -> Result<Response, NoAnswer> {
        self.1.step().await;
        let answer = self.0.crm.send(outgoing).await;
        self.1.step().await;
        answer
    }
}

#[test]
fn given_a_worker_that_dies_at_any_request_when_followed_by_another_then_nothing_is_lost_and_nothing_is_there_twice()
 {
    for (mapping, linked) in [(CONTACT, false), (CONTACT, true), (WITHOUT_KEY, false)] {
        let mut survived = false;
        for power in 0..200 {
            let (world, storm) = under_a_storm(mapping);
            if linked {
                bring(&world, &ids(2), 1);
            }
            configure(&world, "paused", mapping);
            bring(&world, &ids(3), 2);
            configure(&world, "live", mapping);
            let first = baton(&world);
            storm.left.store(power, Ordering::SeqCst);
            survived = bulk_by(&world, &Powered(&world, &storm), &[first.clone()]).is_some();
            storm.left.store(CALM, Ordering::SeqCst);
            world.queue.take_sent(rtr_engine::seams::QueueName::Bulk);
            if survived {
                break;
            }
            // A change comes meanwhile; then the baton comes back.
            world.clock.advance_ms(100_000);
            assert!(world.sync(&[contact(&world, "c0001", 3)]).failed.is_empty());
            world.clock.advance_ms(260_000);
            world.bulk(&[build::again(first)]);
            pass_minutes(&world, 8);
            let names = world.contacts("firstname");
            assert_eq!(names, ["v2", "v2", "v3"], "{linked} {mapping} died at {power}: {:?}", world.calls());
            assert_eq!((left(&world), lane(&world).runs), (0, 0), "died at {power}");
            assert_eq!(world.records.state().claims.len(), 3);
        }
        assert!(survived, "it never got to its end");
    }
}

#[test]
fn given_a_worker_that_dies_and_whose_baton_is_gone_when_time_passes_then_the_sweep_sends_another() {
    for power in [1, 4, 8, 12] {
        let (world, storm) = under_a_storm(CONTACT);
        park(&world, &ids(3), 1);
        storm.left.store(power, Ordering::SeqCst);
        assert!(bulk_by(&world, &Powered(&world, &storm), &[baton(&world)]).is_none());
        storm.left.store(CALM, Ordering::SeqCst);
        pass_minutes(&world, 12);
        assert_eq!((left(&world), world.contacts("email").len()), (0, 3), "died at {power}");
    }
}

/// A carrier that never comes back from a request about `poison`.
struct Poison<'a>(&'a World);

#[async_trait]
impl Http for Poison<'_> {
    async fn send(&self, outgoing: Outgoing) -> Result<Response, NoAnswer> {
        if String::from_utf8_lossy(&outgoing.body).contains("poison") {
            std::future::pending::<()>().await;
        }
        self.0.crm.send(outgoing).await
    }
}

#[test]
fn given_a_record_that_crashes_every_worker_when_drained_again_and_again_then_it_is_dead_and_its_neighbours_go()
 {
    for (linked, at) in [(true, "c0001"), (false, "c0001"), (true, "c0000"), (true, "c0004")] {
        let world = World::with_contact(CONTACT);
        if linked {
            bring(&world, &ids(5), 1);
        }
        park(&world, &ids(5), 2);
        mode(&world, "paused");
        world.sync(&[world.contact(at, 3, &json!({"email": format!("{at}@x.io"), "first_name": "poison"}))]);
        mode(&world, "live");
        let mut runs = 0;
        let crashes = || world.item("contact", at).crashes;
        while bulk_by(&world, &Poison(&world), &[baton(&world)]).is_none() {
            runs += 1;
            assert!(runs < 10, "it crashes for ever");
            // The first death may be anybody's: from the second run on each record's work is announced.
            assert_eq!(crashes(), runs - 1, "{at}");
            ids(5)
                .iter()
                .filter(|id| *id != at)
                .for_each(|id| assert_eq!(world.item("contact", id).crashes, 0));
            world.clock.advance_ms(360_000);
        }
        assert_eq!(runs, 4, "{at}");
        let slot = world.item("contact", at).slot.unwrap();
        assert_eq!((slot.state, slot.reason.code, slot.wanted_version), (SlotState::Dead, Code::Crash, 3));
        assert_eq!((left(&world), lane(&world).runs, crashes()), (1, 0, 0));
        let others = world.contacts("firstname").into_iter().filter(|name| name == "v2").count();
        assert_eq!(others, 4, "{:?}", world.contacts("firstname"));
        // The next version is tried.
        world.sync(&[contact(&world, at, 4)]);
        assert_eq!(left(&world), 0);
    }
}

#[test]
fn given_a_worker_that_died_once_when_the_next_ends_in_order_then_nobody_is_taken_for_a_culprit() {
    let world = linked_and_parked(5);
    assert!(bulk_by(&world, &Poison(&world), &[]).is_some());
    struct Hangs;
    #[async_trait]
    impl Http for Hangs {
        async fn send(&self, _: Outgoing) -> Result<Response, NoAnswer> {
            std::future::pending().await
        }
    }
    for round in 0..8 {
        assert!(bulk_by(&world, &Hangs, &[baton(&world)]).is_none());
        world.clock.advance_ms(360_000);
        // The next is stopped in order before it can do anything.
        world.faults(&json!([fault("*", "status", &throttled(30), 1)]));
        assert!(bulk_by(&world, &world.crm, &[baton(&world)]).is_some());
        let crashed: Vec<_> = ids(5).iter().map(|id| world.item("contact", id).crashes).collect();
        assert_eq!((crashed, lane(&world).runs), (vec![0; 5], 0), "round {round}");
        world.clock.advance_ms(30_000);
    }
    world.faults(&json!([]));
    pass_minutes(&world, 1);
    assert_eq!((left(&world), world.contacts("firstname")), (0, vec!["v2".to_owned(); 5]));
}
