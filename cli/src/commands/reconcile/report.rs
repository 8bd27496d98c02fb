//! What was found, counted and kept for the answer.

use crate::schema::foreign;
use rtr_connectors::shape::Compared;
use rtr_core::code::Code;
use rtr_engine::reconcile::Judged;
use rtr_engine::reconcile::judge::{Differs, Kind, Standing};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Records that could not be judged, or lines that were refused, which are kept; the others are counted.
const KEPT: usize = 10_000;

/// All of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub(super) struct Report {
    pub(super) org_id: String,
    pub(super) connection: String,
    /// What was asked for, when not all: `500`, `2.5%`.
    pub(super) sample: Option<String>,
    pub(super) seed: Option<u64>,
    /// Whether everything that was asked for was looked at.
    pub(super) complete: bool,
    pub(super) types: Vec<OfType>,
    /// How often each kind was found, by type and field.
    pub(super) drift: Vec<Counted>,
    pub(super) findings: Vec<Found>,
    /// Records that could not be judged: the first ten thousand.
    pub(super) unjudged: Vec<Unjudged>,
    pub(super) repair: Option<Repair>,
}

/// The records of one type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct OfType {
    pub(super) record_type: String,
    /// The CRM's object.
    pub(super) object: String,
    /// Records that were looked at.
    pub(super) looked_at: u64,
    pub(super) same: u64,
    pub(super) drift: u64,
    /// Newer at their source, or on their way: not judged.
    pub(super) pending: u64,
    /// Left alone by the mapping.
    pub(super) not_meant: u64,
    /// The source lists an older version than the one that was applied.
    pub(super) older: u64,
    pub(super) unjudged: u64,
    /// In the CRM as they should be, and linked to nothing.
    pub(super) unlinked: u64,
    /// Fields that were not compared.
    pub(super) left_out_fields: u64,
    /// Lines of the source that are no events of this org and type.
    pub(super) refused_lines: u64,
    pub(super) refused: Vec<Refused>,
    /// Properties that the mapping writes and the CRM does not have.
    pub(super) unknown_fields: Vec<String>,
    /// Whether it was looked for what the source does not list any more.
    pub(super) looked_for_extra: bool,
}

/// A line that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Refused {
    pub(super) line: u64,
    pub(super) message: String,
}

/// So many findings of a kind and field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub(super) struct Counted {
    pub(super) record_type: String,
    #[schemars(schema_with = "foreign::kind")]
    pub(super) kind: Kind,
    /// None where it is not about a field.
    pub(super) field: Option<String>,
    pub(super) count: u64,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Found {
    pub(super) record_type: String,
    pub(super) record_id: String,
    pub(super) external_id: Option<String>,
    #[schemars(schema_with = "foreign::kind")]
    pub(super) kind: Kind,
    pub(super) fields: Vec<Field>,
    /// Other records of the CRM that it is about.
    pub(super) others: Vec<String>,
    pub(super) because: String,
    /// The code of the dead letter whose cause a person has to mend first.
    #[schemars(schema_with = "foreign::code_or_null")]
    pub(super) dead: Option<Code>,
    /// Whether writing the record again mends it.
    pub(super) mendable: bool,
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Field {
    pub(super) field: String,
    #[schemars(schema_with = "foreign::compared")]
    pub(super) is: Compared,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) held: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) wanted: Option<Value>,
}

/// A record that could not be judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Unjudged {
    pub(super) record_type: String,
    pub(super) record_id: String,
    #[schemars(schema_with = "foreign::code")]
    pub(super) code: Code,
    pub(super) field: Option<String>,
    pub(super) message: String,
}

/// What was written again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Repair {
    /// Records that are to be written again.
    pub(super) records: u64,
    /// Those that were sent.
    pub(super) sent: u64,
    /// Whether all of these have reached the CRM, or ended otherwise.
    pub(super) done: bool,
    pub(super) dry_run: bool,
}

impl Report {
    /// Whether anything was seen: a record, or a line that is none.
    pub(super) fn has_seen_any(&self) -> bool {
        let seen = |of: &OfType| of.looked_at > 0 || of.unjudged > 0 || of.refused_lines > 0;
        self.types.iter().any(seen) || !self.findings.is_empty()
    }

    /// Counts what became of a record of the last type.
    pub(super) fn take(&mut self, judged: &Judged, show_values: bool) {
        let Some(of) = self.types.last_mut() else { return };
        of.looked_at += 1;
        of.left_out_fields += judged.left_out as u64;
        of.unlinked += u64::from(judged.unlinked);
        *match judged.standing {
            Standing::Same => &mut of.same,
            Standing::Drift => &mut of.drift,
            Standing::Pending => &mut of.pending,
            Standing::NotMeant => &mut of.not_meant,
            Standing::Older => &mut of.older,
            Standing::Unjudged => &mut of.unjudged,
        } += 1;
        if let Some(reason) = judged.unjudged.as_ref().filter(|_| self.unjudged.len() < KEPT) {
            self.unjudged.push(Unjudged {
                record_type: judged.record.record_type.clone(),
                record_id: judged.record.record_id.clone(),
                code: reason.code,
                field: reason.field.clone(),
                message: reason.message.clone(),
            });
        }
        let mendable = judged.is_mended_by_writing();
        for finding in &judged.findings {
            self.findings.push(Found {
                record_type: judged.record.record_type.clone(),
                record_id: judged.record.record_id.clone(),
                external_id: judged.external_id.clone(),
                kind: finding.kind,
                fields: finding.fields.iter().map(|one| field(one, show_values)).collect(),
                others: finding.others.clone(),
                because: finding.because.clone(),
                dead: judged.dead,
                mendable: mendable && finding.kind.is_mended_by_writing(),
            });
        }
    }

    /// Keeps a line that was not taken.
    pub(super) fn refuse(&mut self, refused: Refused) {
        let Some(of) = self.types.last_mut() else { return };
        of.refused_lines += 1;
        if of.refused.len() < KEPT {
            of.refused.push(refused);
        }
    }

    /// Counts the findings by kind and field.
    pub(super) fn count(&mut self) {
        let mut counts: BTreeMap<(&str, Kind, Option<&str>), u64> = BTreeMap::new();
        for found in &self.findings {
            for field in found.places() {
                *counts.entry((&found.record_type, found.kind, field)).or_default() += 1;
            }
        }
        let counted = |((record_type, kind, field), count): ((&str, Kind, Option<&str>), u64)| Counted {
            record_type: record_type.to_owned(),
            kind,
            field: field.map(str::to_owned),
            count,
        };
        self.drift = counts.into_iter().map(counted).collect();
    }

    /// Whether anything is not as it should be, or could not be told.
    pub(super) fn has_findings(&self) -> bool {
        let of_type = |of: &OfType| of.refused_lines + of.unjudged > 0 || !of.unknown_fields.is_empty();
        self.types.iter().any(of_type) || self.left()
    }

    /// Whether there is drift that was not mended.
    fn left(&self) -> bool {
        let mended = self.repair.as_ref().is_some_and(|repair| repair.done && repair.sent >= repair.records);
        self.findings.iter().any(|found| !(mended && found.mendable))
    }
}

impl Found {
    /// The fields that it is about; none, once, where it is about none.
    pub(super) fn places(&self) -> Vec<Option<&str>> {
        match self.fields.is_empty() {
            true => vec![None],
            false => self.fields.iter().map(|one| Some(one.field.as_str())).collect(),
        }
    }
}

fn field(one: &Differs, show_values: bool) -> Field {
    Field {
        field: one.field.clone(),
        is: one.is,
        held: show_values.then(|| one.held.clone()),
        wanted: show_values.then(|| one.wanted.clone()),
    }
}
