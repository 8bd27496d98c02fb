//! Records that refer to others which change between the look at them and what follows.

#![allow(clippy::unwrap_used)]

use crate::references::{CONTACT, associated, company, contact};
use async_trait::async_trait;
use rtr_core::item::Item;
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_core::time::Instant;
use rtr_engine::seams::{ClaimChange, Named, Parked, Records, Seams, Sleeper, Unavailable, Write, Wrote};
use rtr_engine::sync::{Caches, run};
use rtr_testkit::build;
use rtr_testkit::world::{TIMEOUT_MS, World};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

/// A table that shows companies as they were the first time it is read: they change between the read and what follows.
pub(crate) struct Earlier<'a>(pub(crate) &'a World, pub(crate) AtomicBool, pub(crate) Option<Item>);

#[async_trait]
impl Records for Earlier<'_> {
    async fn read(&self, keys: &[PairKey]) -> Result<HashMap<PairKey, Item>, Unavailable> {
        let mut found = self.0.records.read(keys).await?;
        if !self.1.swap(true, Ordering::SeqCst) {
            for key in keys.iter().filter(|key| key.pk.contains("company")) {
                match &self.2 {
                    Some(item) => drop(found.insert(key.clone(), item.clone())),
                    None => drop(found.remove(key)),
                }
            }
        }
        Ok(found)
    }
    async fn write(&self, writes: &[Write]) -> Vec<Wrote> {
        self.0.records.write(writes).await
    }
    async fn write_with_claims(&self, write: &Write, claims: &[ClaimChange]) -> Wrote {
        self.0.records.write_with_claims(write, claims).await
    }
    async fn waiting_for(
        &self,
        at: &ConnectionKey,
        on: &RecordKey,
        limit: usize,
    ) -> Result<Vec<Sleeper>, Unavailable> {
        self.0.records.waiting_for(at, on, limit).await
    }
    async fn due(&self, now: Instant, limit: usize) -> Result<Vec<Sleeper>, Unavailable> {
        self.0.records.due(now, limit).await
    }
    async fn parked(&self, at: &ConnectionKey, limit: usize) -> Result<Vec<Parked>, Unavailable> {
        self.0.records.parked(at, limit).await
    }
    async fn backfilled(&self, at: &ConnectionKey, limit: usize) -> Result<Vec<Parked>, Unavailable> {
        self.0.records.backfilled(at, limit).await
    }
    async fn owners(&self, claims: &[PairKey]) -> Result<HashMap<PairKey, String>, Unavailable> {
        self.0.records.owners(claims).await
    }

    async fn read_named(&self, keys: &[PairKey]) -> Result<Vec<Named>, Unavailable> {
        self.0.records.read_named(keys).await
    }
    async fn put_body(&self, key: &str, body: &[u8]) -> Result<(), Unavailable> {
        self.0.records.put_body(key, body).await
    }
    async fn body(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.0.records.body(key).await
    }
    async fn delete_body(&self, key: &str) -> Result<(), Unavailable> {
        self.0.records.delete_body(key).await
    }
}

#[test]
fn given_a_company_linked_between_the_read_and_the_wait_when_synced_then_the_contact_goes_at_once() {
    let world = World::with_contact(CONTACT);
    world.sync(&[company(&world, "k")]);
    let records = Earlier(&world, AtomicBool::new(false), None);
    let seams = Seams { records: &records, ..world.seams() };
    let batch = [contact(&world, "c", 1, "k")];
    let deadline = world.now().plus_ms(TIMEOUT_MS);
    let report =
        futures::executor::block_on(run(&seams, &world.settings, &Caches::default(), &batch, deadline));
    assert_eq!((report.counts["applied"], associated(&world, "k")), (1, vec!["v1".to_owned()]));
}

#[test]
fn given_a_company_deleted_between_the_read_and_the_association_when_synced_then_the_contact_comes_back_and_goes_without()
 {
    let world = World::with_contact(CONTACT);
    world.sync(&[company(&world, "k")]);
    let before = world.item("company", "k");
    world.sync(&[build::delete("acme", "company", "k", 2, world.now())]);
    let records = Earlier(&world, AtomicBool::new(false), Some(before));
    let seams = Seams { records: &records, ..world.seams() };
    let batch = [contact(&world, "c", 1, "k")];
    let deadline = world.now().plus_ms(TIMEOUT_MS);
    let report =
        futures::executor::block_on(run(&seams, &world.settings, &Caches::default(), &batch, deadline));
    assert_eq!((report.failed.len(), world.item("contact", "c").dead()), (1, None), "it is nobody's fault");
    world.sync(&[build::again(batch[0].clone())]);
    assert_eq!(
        (world.contacts("firstname"), world.item("contact", "c").applied_version),
        (vec!["v1".to_owned()], Some(1))
    );
}
