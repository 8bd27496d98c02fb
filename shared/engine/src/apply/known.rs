//! What is known of CRMs' records: whose they are, what both sides had last, and what the internal system was told.

use crate::seams::{Seams, Unavailable};
use rtr_core::config::{MappingAt, OrgConfig};
use rtr_core::inbound::judge::Seen;
use rtr_core::inbound::{Had, Notice, Operation, judge};
use rtr_core::item::Item;
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_core::metric::Metric;
use rtr_core::time::Instant;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A record of a CRM, by its connection, kind and id.
pub(crate) type External<'a> = (&'a ConnectionKey, &'a str, &'a str);

/// What is known of one record of a CRM.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// The record of the internal system that it is linked to, and that one's item at the connection.
    pub(crate) owner: Option<(RecordKey, Item)>,
    /// What the internal system was told, and what it is still to be told.
    pub(crate) told: Item,
}

/// What is known of `records`, in their order, strongly consistent.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn known(seams: &Seams<'_>, records: &[External<'_>]) -> Result<Vec<Known>, Unavailable> {
    let claims: Vec<PairKey> =
        records.iter().map(|(connection, object, id)| PairKey::claim(connection, object, id)).collect();
    let owners = seams.records.owners(&claims).await?;
    let pair = |at: usize| {
        let pk = owners.get(&claims[at])?.clone();
        Some(PairKey { pk, sk: records[at].0.key() })
    };
    let told = |at: usize| PairKey::inbound(records[at].0, records[at].1, records[at].2);
    let keys: Vec<PairKey> =
        (0..records.len()).flat_map(|at| std::iter::once(told(at)).chain(pair(at))).collect();
    let found = seams.records.read_named(&keys).await?;
    let found: HashMap<&PairKey, _> = found.iter().map(|named| (&named.key, named)).collect();
    let one = |at: usize| Known {
        owner: pair(at).and_then(|key| {
            let named = found.get(&key)?;
            let (kind, id) = (named.names.record_type.clone()?, named.names.record_id.clone()?);
            Some((RecordKey::new(&records[at].0.org_id, kind, id), named.item.clone()))
        }),
        told: found.get(&told(at)).map(|named| named.item.clone()).unwrap_or_default(),
    };
    Ok((0..records.len()).map(one).collect())
}

/// Whether what the notice itself says of the record is nothing new: told by a write of ours, by another notice, or of what does
/// not flow back. A notice that brings no values says nothing of that, and of a change it does not bring another notice tells.
pub(crate) fn is_echo(notice: &Notice, known: &Known, config: &OrgConfig) -> bool {
    let Some((record, item)) = &known.owner else {
        // Gone, or a part of another, before anybody knew of it.
        return notice.operation != Operation::Upsert;
    };
    let Some(mapping) = config.mapping(&notice.connection.connection, &record.record_type) else {
        return true;
    };
    match (&notice.operation, &notice.record) {
        (Operation::Deleted | Operation::Merged { .. }, _) => item.base.is_gone(),
        (Operation::Upsert, None) => false,
        (Operation::Upsert, Some(record)) => {
            let values = values(record);
            let seen = Seen { stamp: Instant(0), values: &values };
            let fields = mapping.mapping.inbound().map(|field| (field.field, field.wins));
            !item.base.is_gone()
                && judge(fields, Had { base: &item.base, sent: &item.sent }, seen, None).is_echo()
        }
    }
}

fn values(record: &Value) -> BTreeMap<String, Value> {
    let members = record.as_object().into_iter().flatten();
    members.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The one mapping under which records of `object` at `connection` are offered as new ones.
///
/// # Errors
/// Why there is none: how it is counted.
pub(crate) fn offered_by<'c>(
    config: &'c OrgConfig,
    connection: &str,
    object: &str,
) -> Result<(&'c str, &'c Arc<MappingAt>), Metric> {
    let mut mappings = config.mappings(connection).filter(|(record_type, at)| {
        let routed = config.route(record_type).iter().any(|name| name == connection);
        routed && at.mapping.object == object && at.mapping.flows_back()
    });
    match (mappings.next(), mappings.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(Metric::NotMapped),
        // Nobody can tell of which type it is.
        (Some(_), Some(_)) => Err(Metric::Ambiguous),
    }
}
