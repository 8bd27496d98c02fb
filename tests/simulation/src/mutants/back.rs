//! Bugs of the way back.

mod limits;

use self::limits::WrongLimits;
use super::Mutant;
use super::layer::Layered;
use crate::core::Core;
use crate::env::Dress;
use crate::kernel::held;
use crate::lambda::Function;
use async_trait::async_trait;
use rtr_connectors::http::{Http, NoAnswer, Outgoing, Response};
use rtr_core::inbound::{Message, Seen};
use rtr_core::item::{Body, Item, SlotState};
use rtr_core::key::{ConnectionKey, PairKey, RecordKey, Whose};
use rtr_core::sent::Sent;
use rtr_core::time::Instant;
use rtr_engine::seams::{
    ClaimChange, Named, Outbound, Parked, Queue, QueueName, Records, Sleeper, Unavailable, Write, Wrote,
};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// What is sent only once the place has been written so often since.
type Held = Arc<Mutex<Vec<(u8, QueueName, Vec<Outbound>)>>>;

/// Writes of the place in a run: when it begins, and when it ends.
const WRITES: u8 = 2;

struct WrongQueue {
    mutant: Mutant,
    core: Arc<Core>,
    function: Function,
    inner: Arc<dyn Queue>,
    later: Held,
}

struct WrongRecords {
    mutant: Mutant,
    inner: Arc<dyn Records>,
    queue: Arc<dyn Queue>,
    later: Held,
}

struct WrongHttp {
    mutant: Mutant,
    function: Function,
    inner: Arc<dyn Http>,
}

/// Dresses the seams that `mutant` is at.
pub(super) fn dress(mutant: Mutant, core: &Arc<Core>, mut dress: Dress) -> Dress {
    if !mutant.is_back() {
        return dress;
    }
    let later: Held = Arc::default();
    dress.records = Arc::new(WrongRecords {
        mutant,
        inner: dress.records,
        queue: dress.queue.clone(),
        later: later.clone(),
    });
    let (core, function) = (core.clone(), dress.function);
    dress.queue = Arc::new(WrongQueue { mutant, core, function, inner: dress.queue, later });
    dress.http = Arc::new(WrongHttp { mutant, function, inner: dress.http });
    if mutant == Mutant::OffersUnheard {
        dress.limits = Arc::new(Layered(WrongLimits(dress.limits)));
    }
    dress
}

impl WrongQueue {
    /// The message as it is sent; none: it is dropped.
    fn out(&self, to: QueueName, message: &Outbound) -> Option<Outbound> {
        let mut message = message.clone();
        let mut body: Value = serde_json::from_str(&message.body).unwrap_or_default();
        match self.mutant {
            // What is done in the group of the CRM's record, not in that of ours.
            Mutant::JudgesApart if to == QueueName::Changes && body.get("look").is_some() => {
                message.group = format!("apart-{}", message.deduplication_id);
            }
            Mutant::StampAlone if body.get("deliver").is_some() => {
                let version = body["deliver"]["version"].as_u64().unwrap_or(0);
                body["deliver"]["version"] = json!(version / 1_000_000 * 1_000_000);
                message.body = body.to_string();
            }
            Mutant::DropsMachines if self.function == Function::Poll => {
                let Ok(Message::Notice(notice)) = Message::parse(&message.body) else { return Some(message) };
                let at = format!("{}#{}", notice.connection.key(), notice.external_id);
                if notice.seen == Seen::Poll && self.core.is_by_machine(&at) {
                    return None;
                }
            }
            _ => {}
        }
        Some(message)
    }
}

#[async_trait]
impl Queue for WrongQueue {
    async fn send(&self, to: QueueName, messages: &[Outbound]) -> Vec<Result<(), Unavailable>> {
        if self.mutant == Mutant::PlaceAhead && self.function == Function::Poll {
            held(&self.later).push((WRITES, to, messages.to_vec()));
            return messages.iter().map(|_| Ok(())).collect();
        }
        let out: Vec<Option<Outbound>> = messages.iter().map(|message| self.out(to, message)).collect();
        let left: Vec<Outbound> = out.iter().flatten().cloned().collect();
        let mut sent =
            if left.is_empty() { Vec::new() } else { self.inner.send(to, &left).await }.into_iter();
        out.iter().map(|one| if one.is_some() { sent.next().unwrap_or(Ok(())) } else { Ok(()) }).collect()
    }

    async fn delete(&self, receipts: &[String]) -> Vec<Result<(), Unavailable>> {
        self.inner.delete(receipts).await
    }

    async fn set_visibility(&self, receipts: &[(String, i32)]) -> Vec<Result<(), Unavailable>> {
        self.inner.set_visibility(receipts).await
    }
}

impl WrongRecords {
    fn out(&self, write: &Write) -> Write {
        let mut write = write.clone();
        match self.mutant {
            // That something was heard of shows in nothing else: the same version stands, under the same link.
            Mutant::BaseUnnoted
                if write.key.whose() == Whose::Record
                    && write.old.external_id.is_some()
                    && write.new.external_id == write.old.external_id
                    && write.new.recent == write.old.recent
                    && write.new.intent == write.old.intent =>
            {
                write.new.base = write.old.base.clone();
            }
            Mutant::ForgetsSent => write.new.sent = Sent::default(),
            Mutant::ReplacesWaiting if write.key.whose() == Whose::External => replace(&mut write),
            _ => {}
        }
        write
    }
}

/// Takes what waited before out of what waits now.
fn replace(write: &mut Write) {
    fn waiting(item: &Item) -> Option<&Value> {
        let slot = item.slot.as_ref().filter(|slot| slot.state == SlotState::Waiting)?;
        if let Body::Inline(body) = &slot.body { body.get("deliver") } else { None }
    }
    let Some(before) = waiting(&write.old).cloned() else { return };
    let Some(mut now) = waiting(&write.new).cloned() else { return };
    if let Some(last) = now["behind"].as_array().and_then(|behind| behind.last()).cloned() {
        if let Some(Body::Inline(body)) = write.new.slot.as_mut().map(|slot| &mut slot.body) {
            body["deliver"] = last;
        }
        return;
    }
    if now["version"] == before["version"] {
        return;
    }
    for list in ["fields", "changed"] {
        let old = before[list].as_array().cloned().unwrap_or_default();
        if let Some(names) = now[list].as_array_mut() {
            let left: Vec<Value> = names.iter().filter(|name| !old.contains(name)).cloned().collect();
            if left.is_empty() {
                return;
            }
            *names = left;
        }
    }
    let changed = now["changed"].as_array().cloned().unwrap_or_default();
    if let Some(data) = now["data"].as_object_mut() {
        data.retain(|name, _| changed.contains(&json!(name)));
    }
    if let Some(slot) = &mut write.new.slot
        && let Body::Inline(body) = &mut slot.body
    {
        body["deliver"] = now;
    }
}

#[async_trait]
impl Records for WrongRecords {
    async fn read(&self, keys: &[PairKey]) -> Result<HashMap<PairKey, Item>, Unavailable> {
        self.inner.read(keys).await
    }

    async fn write(&self, writes: &[Write]) -> Vec<Wrote> {
        let writes: Vec<Write> = writes.iter().map(|write| self.out(write)).collect();
        let answers = self.inner.write(&writes).await;
        let (ripe, later): (Vec<_>, Vec<_>) = std::mem::take(&mut *held(&self.later))
            .into_iter()
            .map(|(writes, to, messages)| (writes - 1, to, messages))
            .partition(|(writes, ..)| *writes == 0);
        held(&self.later).extend(later);
        for (_, to, messages) in ripe {
            self.queue.send(to, &messages).await;
        }
        answers
    }

    async fn write_with_claims(&self, write: &Write, claims: &[ClaimChange]) -> Wrote {
        self.inner.write_with_claims(&self.out(write), claims).await
    }

    async fn waiting_for(
        &self,
        connection: &ConnectionKey,
        record: &RecordKey,
        limit: usize,
    ) -> Result<Vec<Sleeper>, Unavailable> {
        self.inner.waiting_for(connection, record, limit).await
    }

    async fn due(&self, now: Instant, limit: usize) -> Result<Vec<Sleeper>, Unavailable> {
        self.inner.due(now, limit).await
    }

    async fn put_body(&self, key: &str, body: &[u8]) -> Result<(), Unavailable> {
        self.inner.put_body(key, body).await
    }

    async fn body(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.inner.body(key).await
    }

    async fn delete_body(&self, key: &str) -> Result<(), Unavailable> {
        self.inner.delete_body(key).await
    }

    async fn parked(&self, connection: &ConnectionKey, limit: usize) -> Result<Vec<Parked>, Unavailable> {
        self.inner.parked(connection, limit).await
    }

    async fn backfilled(&self, connection: &ConnectionKey, limit: usize) -> Result<Vec<Parked>, Unavailable> {
        self.inner.backfilled(connection, limit).await
    }

    async fn owners(&self, claims: &[PairKey]) -> Result<HashMap<PairKey, String>, Unavailable> {
        self.inner.owners(claims).await
    }

    async fn read_named(&self, keys: &[PairKey]) -> Result<Vec<Named>, Unavailable> {
        self.inner.read_named(keys).await
    }
}

impl WrongHttp {
    /// Whether a question is the one before a write: it asks for our key too.
    fn compares(&self, outgoing: &Outgoing) -> bool {
        let body = String::from_utf8_lossy(&outgoing.body);
        let hubspot = outgoing.url.ends_with("/batch/read")
            && !body.contains("idProperty")
            && (body.contains("rtr_record_id") || body.contains("rtr_marker"));
        let salesforce = outgoing.url.contains("/queryAll")
            && outgoing.url.contains("Rtr_Record_Id__c")
            && outgoing.url.contains("SystemModstamp");
        matches!(self.function, Function::Sync | Function::Bulk) && (hubspot || salesforce)
    }
}

/// A question from `from` on, as if nothing were seen later than the stamp it bears.
fn without_overlap(outgoing: &mut Outgoing) {
    let mut body: Value = serde_json::from_slice(&outgoing.body).unwrap_or_default();
    let filter = &mut body["filterGroups"][0]["filters"][0];
    let from = filter["value"].as_str().and_then(|value| value.parse::<i64>().ok());
    let (Some(from), true) = (from, filter["operator"] == "GTE") else { return };
    filter["value"] = json!((from + OVERLAP_MS).to_string());
    outgoing.body = body.to_string().into_bytes();
}

/// How far a poll of HubSpot's looks back, in milliseconds.
const OVERLAP_MS: i64 = rtr_connectors::hubspot::CAPABILITIES.search_lag_ms;

#[async_trait]
impl Http for WrongHttp {
    async fn send(&self, mut outgoing: Outgoing) -> Result<Response, NoAnswer> {
        if self.mutant == Mutant::WritesBlindly && self.compares(&outgoing) {
            let body = b"[{\"errorCode\": \"INVALID_FIELD\", \"message\": \"no\"}]".to_vec();
            return Ok(Response { status: 400, headers: Vec::new(), body });
        }
        if self.mutant == Mutant::NoOverlap
            && self.function == Function::Poll
            && outgoing.url.ends_with("/search")
        {
            without_overlap(&mut outgoing);
        }
        self.inner.send(outgoing).await
    }
}
