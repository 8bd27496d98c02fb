use super::*;
use crate::commands::reconcile::report::{Field, Refused, Unjudged};
use rtr_connectors::shape::Compared;
use rtr_core::code::Code;
use serde_json::json;

fn found(kind: Kind, record_id: &str, fields: &[(&str, Value, Value)]) -> Found {
    let field = |(name, held, wanted): &(&str, Value, Value)| Field {
        field: (*name).to_owned(),
        is: Compared::Changed,
        held: Some(held.clone()),
        wanted: Some(wanted.clone()),
    };
    Found {
        record_type: "contact".to_owned(),
        record_id: record_id.to_owned(),
        external_id: Some("501".to_owned()),
        kind,
        fields: fields.iter().map(field).collect(),
        others: Vec::new(),
        because: "it holds other values".to_owned(),
        dead: None,
        mendable: kind.is_mended_by_writing(),
    }
}

fn report(findings: Vec<Found>) -> Report {
    let of = OfType {
        record_type: "contact".to_owned(),
        object: "contacts".to_owned(),
        looked_at: 1_000,
        same: 990,
        drift: 10,
        looked_for_extra: true,
        ..OfType::default()
    };
    let mut report = Report {
        org_id: "acme".to_owned(),
        connection: "hubspot".to_owned(),
        complete: true,
        types: vec![of],
        findings,
        ..Report::default()
    };
    report.count();
    crate::schema::tests::holds("reconcile", &report);
    report
}

#[test]
fn given_drift_when_told_then_it_is_counted_by_kind_and_field_with_ids_and_no_value() {
    let mut findings: Vec<Found> = (0..12)
        .map(|n| found(Kind::Different, &format!("c-{n}"), &[("email", json!("secret"), json!("s"))]))
        .collect();
    findings.push(found(Kind::Different, "c-3", &[("phone", json!("1"), json!("2"))]));
    findings.push(found(Kind::Missing, "c-20", &[]));
    findings.push(Found { dead: Some(Code::Invalid), mendable: false, ..found(Kind::Missing, "c-21", &[]) });
    findings.push(found(Kind::Extra, "c-30", &[]));
    findings.push(Found { others: vec!["77".to_owned()], ..found(Kind::Duplicate, "c-31", &[]) });
    insta::assert_snapshot!(words(&report(findings), Style::Plain, false), @r"
    TYPE     KIND       FIELD  COUNT  EXAMPLES
    contact  missing    -      2      c-20 c-21
    contact  extra      -      1      c-30
    contact  different  email  12     c-0 c-1 c-2 c-3 c-4 c-5 c-6 c-7 c-8 c-9 …
    contact  different  phone  1      c-3
    contact  duplicate  -      1      c-31

    contact: 1000 records looked at: 990 as they should be, 10 not

    missing, different, overtaken: --repair writes these records again
    some are dead letters: mend the cause, then rtr dlq redrive --org acme --connection hubspot
    extra: a deleted event removes such a record; or remove it in the CRM
    duplicate: merge them in the CRM; the one that is linked is the one to keep
    ");
}

#[test]
fn given_values_when_they_are_wanted_then_they_stand_below_the_table_short_and_on_one_line() {
    let long = "x".repeat(100);
    let findings = vec![found(
        Kind::Different,
        "c-1",
        &[("email", json!("a@x.io\u{1b}[2J"), json!("b@x.io")), ("notes", json!(null), json!(long))],
    )];
    insta::assert_snapshot!(words(&report(findings), Style::Plain, true), @r#"
    TYPE     KIND       FIELD  COUNT  EXAMPLES
    contact  different  email  1      c-1
    contact  different  notes  1      c-1

    contact c-1 email: holds "a@x.io\u{1b}[2J", should hold "b@x.io"
    contact c-1 notes: holds nothing, should hold "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"

    contact: 1000 records looked at: 990 as they should be, 10 not

    missing, different, overtaken: --repair writes these records again
    "#);
}

#[test]
fn given_all_that_is_left_out_when_told_then_each_is_counted_and_nothing_found_is_said() {
    let mut report = report(Vec::new());
    report.types = vec![OfType {
        record_type: "contact".to_owned(),
        object: "contacts".to_owned(),
        looked_at: 9,
        same: 3,
        pending: 2,
        not_meant: 1,
        older: 1,
        unjudged: 2,
        unlinked: 1,
        left_out_fields: 5,
        refused_lines: 1,
        refused: vec![Refused { line: 4, message: "`org_id` is `umbra`, `acme` is meant".to_owned() }],
        unknown_fields: vec!["faxx".to_owned()],
        ..OfType::default()
    }];
    report.unjudged = vec![Unjudged {
        record_type: "contact".to_owned(),
        record_id: "c-9".to_owned(),
        code: Code::MappingFailed,
        field: None,
        message: "field `email`: it has no @".to_owned(),
    }];
    report.complete = false;
    insta::assert_snapshot!(words(&report, Style::Plain, false), @r"
    contact: 9 records looked at: 3 as they should be, 2 on their way, 1 left alone by the mapping, 1 older at their source than what was applied, 2 could not be judged
      5 fields not compared: written on create only, the CRM's own to say, or on their way back
      1 in the CRM without a link here: the next change links them
      contacts has no faxx: rtr connection setup says what to do
      not looked for: records that the source does not list any more
      line 4: `org_id` is `umbra`, `acme` is meant

    contact c-9: RTR2005 field `email`: it has no @

    Stopped before the end: this is what was seen until then.
    ");
}

#[test]
fn given_a_repair_when_told_then_it_says_what_was_written_and_whether_that_is_there() {
    let told = |repair: Repair| repaired(&repair);
    let some = Repair { records: 2, sent: 2, done: true, dry_run: false };
    assert_eq!(told(some.clone()), "wrote 2 records again");
    assert_eq!(
        told(Repair { dry_run: true, sent: 0, done: false, ..some.clone() }),
        "would write 2 records again"
    );
    assert_eq!(told(Repair::default()), "nothing to write again");
    let waits = Repair { sent: 1, done: false, ..some.clone() };
    assert_eq!(told(waits), "sent 1 of 2 records to be written again; they may be on their way still");
    // What was mended is no finding any more; what is left is.
    let mut report = report(vec![found(Kind::Missing, "c-1", &[])]);
    assert!(report.has_findings());
    report.repair = Some(some);
    assert!(!report.has_findings());
    report.findings.push(found(Kind::Extra, "c-2", &[]));
    assert!(report.has_findings());
}
