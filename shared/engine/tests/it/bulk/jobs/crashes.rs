//! Workers that die at any request around a job: nothing is lost, and nothing is there twice.

use super::*;

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

/// Works the lane with a worker after another until one dies, or everything is drained; the baton of the one that died.
fn until_one_dies(world: &World, storm: &Storm) -> Option<Received> {
    for _ in 0..20 {
        if left(world) == 0 {
            return None;
        }
        let first = baton(world);
        if bulk_by(world, &Powered(world, storm), &[first.clone()]).is_none() {
            return Some(first);
        }
        world.queue.take_sent(rtr_engine::seams::QueueName::Bulk);
        world.clock.advance_ms(20_000);
    }
    assert_eq!(left(world), 0, "it is never drained");
    None
}

#[test]
fn given_a_worker_that_dies_at_any_request_around_a_job_when_followed_then_nothing_is_lost_and_nothing_is_twice()
 {
    for (linked, fails_after) in [(false, None), (true, None), (false, Some(2))] {
        let mut survived = false;
        for power in 0..600 {
            let (mut world, storm) = under_a_storm(CONTACT);
            lead_to_salesforce(&mut world, 4);
            if linked {
                park_at_salesforce(&world, &ids(2), 1);
                pass_minutes(&world, 2);
            }
            let all = ids(if linked { 2 } else { 5 });
            park_at_salesforce(&world, &all, 2);
            if linked {
                world.settings.job_from = 2;
            }
            ingest(&world, &json!({"fails_after": fails_after}));
            storm.left.store(power, Ordering::SeqCst);
            let died = until_one_dies(&world, &storm);
            storm.left.store(CALM, Ordering::SeqCst);
            world.queue.take_sent(rtr_engine::seams::QueueName::Bulk);
            let Some(first) = died else {
                assert_eq!(left(&world), 0);
                survived = true;
                break;
            };
            // A change comes meanwhile; then the baton comes back.
            world.clock.advance_ms(100_000);
            assert!(world.sync(&[contact(&world, "c0001", 3)]).failed.is_empty());
            world.clock.advance_ms(260_000);
            world.bulk(&[build::again(first)]);
            pass_minutes(&world, 12);
            let mut expected = vec!["v2".to_owned(); all.len() - 1];
            expected.push("v3".to_owned());
            let why = format!("{linked} {fails_after:?} died at {power}: {:?}", asked(&world, 0));
            assert_eq!(values(&world, "LastName"), expected, "{why}");
            assert_eq!((left(&world), lane(&world).runs, lane(&world).note), (0, 0, None), "{why}");
            assert_eq!(world.records.state().claims.len(), all.len(), "{why}");
            assert_eq!(world.item("contact", "c0001").applied_version, Some(3), "{why}");
        }
        assert!(survived, "it never got to its end");
    }
}
