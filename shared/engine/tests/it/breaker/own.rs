//! The place of a call that lasted is its work's own: its next call goes in it.

use super::contact;
use super::hall::{Hall, Ticking};
use async_trait::async_trait;
use rtr_connectors::http::{Clock as _, Http, NoAnswer, Outgoing, Response};
use rtr_testkit::world::{BEGIN, World};
use std::sync::atomic::{AtomicI64, Ordering};

type Task<'a> = std::pin::Pin<Box<dyn Future<Output = ()> + 'a>>;
/// Each new record takes two calls: a search and a write.
const BY_EMAIL: &str = "object: contacts\nmatch: email\nfields:\n  email: email\n  firstname: first_name\n";

/// A CRM each call of which takes a little more than two seconds.
struct Lasting<'a> {
    world: &'a World,
    clock: &'a Ticking,
    last_ms: AtomicI64,
}

#[async_trait]
impl Http for Lasting<'_> {
    async fn send(&self, outgoing: Outgoing) -> Result<Response, NoAnswer> {
        self.clock.sleep_ms(2_200).await;
        self.last_ms.store(self.clock.now().since_ms(BEGIN), Ordering::SeqCst);
        self.world.crm.send(outgoing).await
    }
}

/// When the last of six records was there, with so many places.
fn last_ms(share: u64) -> i64 {
    let mut world = World::with_contact(BY_EMAIL);
    world.settings.connection_share = share;
    world.settings.tokens_within_ms = 250;
    let hall = Hall::new(&world);
    let clock = hall.clock.clone();
    let crm = Lasting { world: &world, clock: &clock, last_ms: AtomicI64::new(0) };
    (0..6).for_each(|n| hall.bring(contact(&world, &format!("c{n}"), 1)));
    let tasks: Vec<Task<'_>> =
        vec![Box::pin(hall.environment(&crm, 1, 60_000)), Box::pin(hall.lane(&crm, 60_000))];
    hall.run(tasks);
    assert_eq!(world.contacts("firstname").len(), 6);
    crm.last_ms.load(Ordering::SeqCst)
}

#[test]
fn given_calls_of_a_little_more_than_two_seconds_when_each_record_takes_two_then_one_place_is_enough_for_who_is_alone()
 {
    let (one, many) = (last_ms(1), last_ms(1_000));
    assert!(one * 10 <= many * 13, "{one} ms with one place, {many} with many");
}
