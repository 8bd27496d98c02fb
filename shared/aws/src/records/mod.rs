//! Items and claims in DynamoDB, large bodies in S3.
//!
//! Every write is conditioned on the `rev` that was read, so a write that DynamoDB took twice, or after we stopped
//! waiting, is refused the second time; the caller reads again and recognises its own hand.

mod backlog;
mod bodies;
mod claims;
mod index;
mod item;
mod many;
mod names;
mod oldest;
mod parked;
mod query;
mod read;
mod sleepers;
mod slot;
mod write;

pub use backlog::{Backlog, backlog};
pub use index::{DUE, DeadSummary, dead_stem};
pub use item::attributes;
pub use names::names;
pub use oldest::Oldest;
pub use parked::{Count, Counted};

use crate::clients::Clients;
use async_trait::async_trait;
use rtr_core::item::Item;
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_core::time::Instant;
use rtr_engine::seams::{ClaimChange, Named, Parked, Records, Sleeper, Unavailable, Write, Wrote};
use std::collections::HashMap;

/// The records table and its bucket.
#[derive(Debug, Clone)]
pub struct DynamoRecords {
    client: aws_sdk_dynamodb::Client,
    s3: aws_sdk_s3::Client,
    table: String,
    bucket: String,
}

impl DynamoRecords {
    /// Items in `table`, bodies in `bucket`.
    #[must_use]
    pub fn new(clients: &Clients, table: impl Into<String>, bucket: impl Into<String>) -> Self {
        let (client, s3) = (clients.dynamodb.clone(), clients.s3.clone());
        Self { client, s3, table: table.into(), bucket: bucket.into() }
    }

    /// Versions that wait at `connection` for another record, those whose wait ends first foremost; at most `limit`.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn waits(&self, connection: &ConnectionKey, limit: usize) -> Result<Vec<Parked>, Unavailable> {
        parked::waits(&self.client, &self.table, connection, limit).await
    }

    /// How many versions are parked at `connection`.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn count_parked(
        &self,
        connection: &ConnectionKey,
        wanted: Counted,
    ) -> Result<Count, Unavailable> {
        parked::count_parked(&self.client, &self.table, connection, wanted).await
    }

    /// Since when the oldest is parked at `connection`, where [`count_parked`](Self::count_parked) counted so many with what
    /// waits for another record.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn oldest_parked(
        &self,
        connection: &ConnectionKey,
        parked: u64,
    ) -> Result<Oldest, Unavailable> {
        oldest::oldest(&self.client, &self.table, connection, parked).await
    }

    /// What waits for another record and goes without it by `by`; about `limit` looked at.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn waits_ending(&self, by: Instant, limit: usize) -> Result<Vec<Sleeper>, Unavailable> {
        sleepers::waits_ending(&self.client, &self.table, by, limit).await
    }
}

#[async_trait]
impl Records for DynamoRecords {
    async fn read(&self, keys: &[PairKey]) -> Result<HashMap<PairKey, Item>, Unavailable> {
        read::read(&self.client, &self.table, keys).await
    }

    async fn write(&self, writes: &[Write]) -> Vec<Wrote> {
        write::write(&self.client, &self.table, writes).await
    }

    async fn write_with_claims(&self, write: &Write, claims: &[ClaimChange]) -> Wrote {
        claims::write(&self.client, &self.table, write, claims).await
    }

    async fn waiting_for(
        &self,
        connection: &ConnectionKey,
        record: &RecordKey,
        limit: usize,
    ) -> Result<Vec<Sleeper>, Unavailable> {
        sleepers::waiting_for(&self.client, &self.table, connection, record, limit).await
    }

    async fn due(&self, now: Instant, limit: usize) -> Result<Vec<Sleeper>, Unavailable> {
        sleepers::due(&self.client, &self.table, now, limit).await
    }

    async fn parked(&self, connection: &ConnectionKey, limit: usize) -> Result<Vec<Parked>, Unavailable> {
        parked::parked(&self.client, &self.table, connection, limit).await
    }

    async fn backfilled(&self, connection: &ConnectionKey, limit: usize) -> Result<Vec<Parked>, Unavailable> {
        parked::backfilled(&self.client, &self.table, connection, limit).await
    }

    async fn owners(&self, claims: &[PairKey]) -> Result<HashMap<PairKey, String>, Unavailable> {
        claims::owners(&self.client, &self.table, claims).await
    }

    async fn read_named(&self, keys: &[PairKey]) -> Result<Vec<Named>, Unavailable> {
        read::read_named(&self.client, &self.table, keys).await
    }

    async fn write_many_with_claims(&self, writes: &[(Write, Vec<ClaimChange>)]) -> Vec<Wrote> {
        many::write(&self.client, &self.table, writes).await
    }

    async fn put_body(&self, key: &str, body: &[u8]) -> Result<(), Unavailable> {
        bodies::put(&self.s3, &self.bucket, key, body).await
    }

    async fn body(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        bodies::get(&self.s3, &self.bucket, key).await
    }

    async fn delete_body(&self, key: &str) -> Result<(), Unavailable> {
        bodies::delete(&self.s3, &self.bucket, key).await
    }
}
