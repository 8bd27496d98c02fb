#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;
use rtr_connectors::shape::Shape;
use rtr_core::item::{Body, Intent, Reason, Recent, Slot};
use rtr_core::mapping::{Mapping, ProviderFacts};
use rtr_core::marks::Marks;
use serde_json::json;
use std::collections::BTreeMap;

const NOW: Instant = Instant(10_000_000_000);
const FIELDS: [&str; 3] = ["email", "name", "stage"];

fn mapping(more: &Value) -> Mapping {
    let facts = ProviderFacts {
        name: "crm",
        title: "CRM",
        default_key: Some("ours"),
        default_limits: &[],
        lookups: &[],
    };
    let mut raw = json!({"object": "contacts", "match": "email", "fields": {
        "email": "email", "name": {"from": "name", "direction": "both"}, "stage": "stage",
        "told": {"from": "told", "direction": "in"}, "first": {"from": "first", "on": "create"},
    }});
    raw.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    Mapping::compile(&facts, "contact", &serde_json::from_value(raw).unwrap()).unwrap()
}

fn payload(values: &[(&str, &str)]) -> Payload {
    let fields = values.iter().map(|(name, value)| ((*name).to_owned(), Patch::Set(json!(value)))).collect();
    let on_create = BTreeMap::from([("first".to_owned(), Patch::Set(json!("then")))]);
    Payload { fields, on_create, associations: Vec::new() }
}

fn here(values: &[(&str, &str)]) -> Snapshot {
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    Snapshot { external_id: "501".to_owned(), fate: Fate::Here, at: Some(Instant(1)), by: None, values }
}

fn shapes() -> BTreeMap<String, Shape> {
    let of = |name: &str| (name.to_owned(), if name == "email" { Shape::Address } else { Shape::Text });
    FIELDS.into_iter().chain(["ours"]).map(of).collect()
}

/// Version 7 is applied, and the CRM has confirmed it.
fn applied() -> Item {
    let recent =
        Recent { field: None, trail: None, ended: Ended::Applied, version: 7, at: Instant(5), code: None };
    Item {
        rev: 3,
        applied_version: Some(7),
        mapping_revision: Some(1),
        applied_hash: Some("h".to_owned()),
        external_id: Some("501".to_owned()),
        object: Some("contacts".to_owned()),
        linked_at: Some(Instant(5)),
        recent: vec![recent],
        ..Item::default()
    }
}

fn slot(state: SlotState, version: u64) -> Option<Slot> {
    Some(Slot {
        trace: None,
        wanted_version: version,
        mapping_revision: 1,
        state,
        deleted: false,
        body: Body::Inline(Value::Null),
        reason: Reason::new(Code::Invalid, "refused"),
        since: Instant(1),
        not_before: Instant(0),
        attempts: 1,
        waits: None,
        backfill: false,
        occurred_at: None,
    })
}

struct Told {
    version: u64,
    occurred_at: Option<Instant>,
    item: Item,
    mapping: Mapping,
    flows_back: bool,
    found: Option<Snapshot>,
    others: Vec<String>,
    wanted: &'static str,
}

fn told() -> Told {
    let found = Some(here(&[("email", "A@x.io"), ("name", "Ann"), ("stage", "won"), ("ours", "c-1")]));
    Told {
        version: 7,
        occurred_at: None,
        item: applied(),
        mapping: mapping(&json!({})),
        flows_back: false,
        found,
        others: Vec::new(),
        wanted: "holding",
    }
}

impl Told {
    fn verdict(&self) -> Verdict {
        let payload = payload(&[("email", "a@x.io"), ("name", "Ann"), ("stage", "won")]);
        let wanted = match self.wanted {
            "nothing" => Wanted::Nothing,
            "absent" => Wanted::Absent,
            "left" => Wanted::Left(&payload),
            _ => Wanted::Holding(&payload),
        };
        judge(&Case {
            version: self.version,
            occurred_at: self.occurred_at,
            now: NOW,
            item: &self.item,
            mapping: &self.mapping,
            flows_back: self.flows_back,
            lag_ms: 60_000,
            wanted,
            found: self.found.as_ref(),
            others: &self.others,
            shapes: &shapes(),
            key: Some(("ours", "c-1")),
        })
    }

    /// In a line: `drift different(name changed)`.
    fn line(&self) -> String {
        let verdict = self.verdict();
        let finding = |one: &Finding| {
            let fields: Vec<String> =
                one.fields.iter().map(|field| format!("{} {:?}", field.field, field.is)).collect();
            let others = if one.others.is_empty() { String::new() } else { format!(" {:?}", one.others) };
            format!("{}({}{others}): {}", one.kind.as_str(), fields.join(", "), one.because)
        };
        let findings: Vec<String> = verdict.findings.iter().map(finding).collect();
        let left_out = if verdict.left_out == 0 { String::new() } else { format!(" -{}", verdict.left_out) };
        format!("{:?}{left_out} {}", verdict.standing, findings.join("; ")).trim_end().to_owned()
    }
}

fn gone(into: Option<&str>) -> Option<Snapshot> {
    let fate = into.map_or(Fate::Gone, |into| Fate::Merged { into: into.to_owned() });
    Some(Snapshot { fate, ..Snapshot::gone("501", None) })
}

fn changed() -> Option<Snapshot> {
    Some(here(&[("email", "a@x.io"), ("name", "Bob"), ("stage", ""), ("ours", "c-1")]))
}

#[test]
fn given_a_linked_record_when_judged_then_each_kind_of_drift_is_told_and_spelling_is_none() {
    let nobodys = || Item { external_id: None, object: None, applied_hash: None, ..Item::default() };
    let cases = [
        ("as it should be", told()),
        ("changed", Told { found: changed(), ..told() }),
        (
            "our key is gone",
            Told { found: Some(here(&[("email", "a@x.io"), ("name", "Ann"), ("stage", "won")])), ..told() },
        ),
        ("gone", Told { found: gone(None), ..told() }),
        ("merged", Told { found: gone(Some("77")), ..told() }),
        ("overtaken", Told { found: changed(), item: Item { applied_hash: None, ..applied() }, ..told() }),
        ("a double", Told { others: vec!["9".to_owned()], ..told() }),
        ("changed and a double", Told { found: changed(), others: vec!["9".to_owned()], ..told() }),
        ("never there", Told { found: None, item: nobodys(), ..told() }),
        (
            "one of several",
            Told { found: None, item: nobodys(), others: vec!["8".to_owned(), "9".to_owned()], ..told() },
        ),
        ("there, not linked", Told { item: nobodys(), ..told() }),
        ("deleted, and there", Told { wanted: "absent", ..told() }),
        ("deleted, and gone", Told { wanted: "absent", found: gone(None), ..told() }),
        ("marked when deleted", Told { wanted: "left", found: changed(), ..told() }),
        ("marked when deleted, and gone", Told { wanted: "left", found: gone(None), ..told() }),
        ("not for this CRM", Told { wanted: "nothing", found: changed(), ..told() }),
    ];
    let lines: Vec<String> = cases.iter().map(|(name, told)| format!("{name}: {}", told.line())).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    as it should be: Same -2
    changed: Drift -2 different(name Changed, stage Set): it holds other values
    our key is gone: Drift -2 different(ours Set): it holds other values
    gone: Drift missing(): its record at the CRM is gone
    merged: Drift missing(): its record at the CRM was merged into 77
    overtaken: Drift -2 overtaken(name Changed, stage Set): confirmed, and written over by somebody since
    a double: Drift -2 duplicate( ["9"]): other records of the CRM have its key or match value too
    changed and a double: Drift -2 different(name Changed, stage Set): it holds other values; duplicate( ["9"]): other records of the CRM have its key or match value too
    never there: Drift missing(): the CRM has no record of it
    one of several: Drift duplicate( ["8", "9"]): several records of the CRM have its key or match value, and none is linked
    there, not linked: Same -2
    deleted, and there: Drift extra(): deleted, or none for this CRM by the mapping's `when`
    deleted, and gone: Same
    marked when deleted: Drift -2 different(name Changed, stage Set): it holds other values
    marked when deleted, and gone: Same
    not for this CRM: NotMeant
    "#);
}

#[test]
fn given_what_moves_or_may_differ_when_judged_then_it_is_no_drift() {
    let of = |item: Item| Told { found: changed(), item, ..told() };
    let young = NOW.plus_ms(-ON_ITS_WAY_MS);
    let newer = |occurred_at| Told { version: 8, occurred_at, ..of(applied()) };
    let intent = Intent { nonce: "n".to_owned(), version: 7, at: Instant(1), matched: None };
    let base = Marks::of([("name", &json!("Ann"))]);
    let cases = [
        ("parked", of(Item { slot: slot(SlotState::Parked, 8), ..applied() })),
        ("waits for another", of(Item { slot: slot(SlotState::Waiting, 8), ..applied() })),
        ("went without another", of(Item { slot: slot(SlotState::Incomplete, 7), ..applied() })),
        ("a create is open", of(Item { intent: Some(intent), ..applied() })),
        ("dead", Told { version: 8, ..of(Item { slot: slot(SlotState::Dead, 8), ..applied() }) }),
        ("newer at the source", newer(None)),
        ("newer at the source for a while", newer(Some(young))),
        ("newer at the source for long", newer(Some(young.plus_ms(-1)))),
        ("older at the source", Told { version: 6, ..of(applied()) }),
        ("older at the source, gone", Told { version: 6, found: gone(None), ..told() }),
        ("just made", Told { found: gone(None), item: Item { linked_at: Some(NOW), ..applied() }, ..told() }),
        (
            "left alone when gone",
            Told { found: gone(None), mapping: mapping(&json!({"on_missing": "ignore"})), ..told() },
        ),
        (
            "not to be made",
            Told {
                found: None,
                item: Item::default(),
                mapping: mapping(&json!({"write": "update"})),
                ..told()
            },
        ),
        ("made once and left", Told { mapping: mapping(&json!({"write": "create"})), ..of(applied()) }),
        ("new to us, of now", Told { found: None, item: Item::default(), occurred_at: Some(NOW), ..told() }),
        (
            "changed there, flows back",
            Told { flows_back: true, ..of(Item { base: base.clone(), ..applied() }) },
        ),
        ("deleted there, flows back", Told { flows_back: true, found: gone(None), ..told() }),
        ("deleted there, and told", {
            let mut base = base;
            base.note_gone(true);
            Told { flows_back: true, found: gone(None), item: Item { base, ..applied() }, ..told() }
        }),
    ];
    let lines: Vec<String> = cases.iter().map(|(name, told)| format!("{name}: {}", told.line())).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    parked: Pending
    waits for another: Pending
    went without another: Drift -2 different(name Changed, stage Set): it holds other values
    a create is open: Pending
    dead: Drift -2 different(name Changed, stage Set): it holds other values
    newer at the source: Pending
    newer at the source for a while: Pending
    newer at the source for long: Drift -2 different(name Changed, stage Set): it holds other values
    older at the source: Older
    older at the source, gone: Drift missing(): its record at the CRM is gone
    just made: Pending
    left alone when gone: NotMeant
    not to be made: NotMeant
    made once and left: Same -5
    new to us, of now: Pending
    changed there, flows back: Drift -3 different(stage Set): it holds other values
    deleted there, flows back: Pending
    deleted there, and told: Drift missing(): its record at the CRM is gone
    ");
    assert_eq!(dead(&Item { slot: slot(SlotState::Dead, 8), ..applied() }, 8), Some(Code::Invalid));
    assert_eq!(dead(&Item { slot: slot(SlotState::Dead, 8), ..applied() }, 9), None, "a newer one clears it");
}

#[test]
fn given_the_kinds_when_asked_then_only_those_that_a_write_mends_are_written() {
    let mended: Vec<&str> =
        Kind::ALL.into_iter().filter(|kind| kind.is_mended_by_writing()).map(Kind::as_str).collect();
    assert_eq!(mended, ["missing", "different", "overtaken"]);
}

proptest! {
    #[test]
    fn given_any_record_when_judged_then_drift_has_findings_and_nothing_else_has(
        version in 5u64..9, hash: bool, linked: bool, state in 0usize..6, fate in 0usize..4,
        holds in prop::array::uniform3("[ab]"), others in 0usize..3, flows_back: bool, wanted in 0usize..4,
    ) {
        let states = [SlotState::Parked, SlotState::Dead, SlotState::Drop, SlotState::Waiting, SlotState::Incomplete];
        let values: Vec<(&str, &str)> = FIELDS.into_iter().zip(holds.iter().map(String::as_str)).collect();
        let found = match fate {
            0 => None,
            1 => gone(None),
            2 => gone(Some("77")),
            _ => Some(here(&values)),
        };
        let told = Told {
            version,
            item: Item {
                applied_hash: hash.then(|| "h".to_owned()),
                external_id: linked.then(|| "501".to_owned()),
                slot: states.get(state).and_then(|state| slot(*state, 8)),
                ..applied()
            },
            flows_back,
            found: found.filter(|_| linked || fate == 3),
            others: (0..others).map(|n| n.to_string()).collect(),
            wanted: ["nothing", "absent", "left", "holding"][wanted],
            ..told()
        };
        let verdict = told.verdict();
        prop_assert_eq!(verdict.standing == Standing::Drift, !verdict.findings.is_empty());
        for finding in &verdict.findings {
            // A field is named if, and only if, it is about fields; and never one that is held as it should be.
            let about_fields = matches!(finding.kind, Kind::Different | Kind::Overtaken);
            prop_assert_eq!(about_fields, !finding.fields.is_empty());
            prop_assert!(finding.fields.iter().all(|one| one.is != Compared::Same));
            prop_assert_eq!(finding.kind == Kind::Duplicate, !finding.others.is_empty());
        }
        // What moves is never judged.
        if is_on_its_way(&told.item) {
            prop_assert_eq!(verdict.standing, Standing::Pending);
        }
    }
}
