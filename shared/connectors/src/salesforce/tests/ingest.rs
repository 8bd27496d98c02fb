//! Jobs: the recorded answers, the rows that go in, and what is made of the rows that come back.

use super::fake::{Fake, Reply};
use super::*;
use crate::http::NoAnswer;
use crate::ingest::{Fate, Ingest, Part, Row, State, Target};
use crate::salesforce::Salesforce;
use futures::executor::block_on;
use rtr_core::failure::Class;

const JOB: &str = "750ak000009BWKLAA4";

fn contacts(kind: Kind) -> Target {
    Target { object: "Contact".to_owned(), kind }
}

fn row(kind: Kind, id: &str, pairs: &[(&str, Patch<Value>)]) -> Option<Row> {
    let fields = pairs.iter().map(|(name, patch)| ((*name).to_owned(), patch.clone())).collect();
    Salesforce.row(&contacts(kind), &item(id, fields))
}

fn set(value: impl Into<Value>) -> Patch<Value> {
    Patch::Set(value.into())
}

fn told(body: &'static str) -> impl Fn(&str, &Value) -> Reply + Send + Sync {
    move |_, _| Ok(answer(200, body))
}

fn results(kind: Kind, part: Part, body: &'static str) -> Result<Vec<(String, Fate)>, Class> {
    let fake = Fake::new(told(body));
    block_on(Salesforce.results(&fake.session(), JOB, &contacts(kind), part)).map_err(|failure| failure.class)
}

#[test]
fn given_the_recorded_answers_when_a_job_is_made_filled_and_started_then_each_call_says_what_it_must() {
    let fake = Fake::new(|path: &str, _: &Value| {
        Ok(match path.split(' ').next() {
            Some("POST") => answer(200, fixture!("200-job-write-launch-job-opportunity.json")),
            Some("PUT") => answer(201, ""),
            _ => answer(200, fixture!("200-job-write-update-job-opportunity.json")),
        })
    });
    let session = fake.session();
    let target = contacts(upsert());
    let id = block_on(Salesforce.open(&session, &target)).unwrap();
    assert_eq!(id, JOB);
    let rows = [
        row(upsert(), "r-1", &[("LastName", set("King")), ("Email", Patch::Clear), ("Title", Patch::Keep)]),
        row(upsert(), "r-2", &[("LastName", set("O \"Q\", Jr.\nII"))]),
    ];
    block_on(Salesforce.fill(&session, &id, &rows.map(Option::unwrap))).unwrap();
    block_on(Salesforce.start(&session, &id)).unwrap();
    block_on(Salesforce.abort(&session, &id)).unwrap();
    let asked = fake.asked.lock().unwrap();
    let lines: Vec<String> = asked.iter().map(|(path, body)| format!("{path} {body}")).collect();
    let jobs = "/services/data/v62.0/jobs/ingest";
    assert_eq!(
        lines,
        [
            format!(
                r#"POST {jobs} {{"contentType":"CSV","externalIdFieldName":"Rtr_Record_Id__c","lineEnding":"LF","object":"Contact","operation":"upsert"}}"#
            ),
            format!(
                "PUT {jobs}/{JOB}/batches {}",
                Value::from(
                    "\"Email\",\"LastName\",\"Rtr_Record_Id__c\"\n\"#N/A\",\"King\",\"r-1\"\n,\"O \"\"Q\"\", Jr.\nII\",\"r-2\"\n"
                )
            ),
            format!(r#"PATCH {jobs}/{JOB} {{"state":"UploadComplete"}}"#),
            format!(r#"PATCH {jobs}/{JOB} {{"state":"Aborted"}}"#),
        ]
    );
}

#[test]
fn given_deletes_and_updates_when_a_job_is_made_then_it_goes_by_the_id_and_creates_have_none() {
    let fake = Fake::new(told(fixture!("200-job-delete-launch-job-opportunity.json")));
    let id = block_on(Salesforce.open(&fake.session(), &contacts(Kind::Archive))).unwrap();
    assert_eq!(id, "750ak000009BkrxAAC");
    block_on(Salesforce.open(&fake.session(), &contacts(Kind::Update))).unwrap();
    for kind in [Kind::Create, Kind::Erase] {
        let made = block_on(Salesforce.open(&fake.session(), &contacts(kind.clone())));
        assert_eq!(made.unwrap_err().class, Class::Refused);
        assert_eq!(row(kind, A, &[("LastName", set("x"))]), None);
    }
    let asked = fake.asked.lock().unwrap();
    let operations: Vec<&str> = asked.iter().filter_map(|(_, body)| body["operation"].as_str()).collect();
    assert_eq!(operations, ["delete", "update"]);
    assert!(asked.iter().all(|(_, body)| body["externalIdFieldName"].is_null()));
    let only_id = Row::from([("Id".to_owned(), A.to_owned())]);
    assert_eq!(row(Kind::Archive, A, &[]), Some(only_id));
}

#[test]
fn given_values_of_every_kind_when_put_into_a_row_then_cells_hold_them_and_what_no_cell_can_say_has_no_row() {
    let fields = [
        ("Account.Rtr_Record_Id__c", set("a-1")),
        ("Active__c", set(true)),
        ("Amount__c", set(12.5)),
        ("Boss.Key__c", Patch::Clear),
        ("Levels__c", set(vec!["One", "Two"])),
        ("Title", set("  ")),
    ];
    let made = row(Kind::Update, A, &fields).unwrap();
    let cells: Vec<(&str, &str)> = made.iter().map(|(name, cell)| (name.as_str(), cell.as_str())).collect();
    assert_eq!(
        cells,
        [
            ("Account.Rtr_Record_Id__c", "a-1"),
            ("Active__c", "true"),
            ("Amount__c", "12.5"),
            ("BossId", "#N/A"),
            ("Id", A),
            ("Levels__c", "One;Two"),
            ("Title", "#N/A"),
        ]
    );
    assert_eq!(row(Kind::Update, A, &[("Title", set("#N/A"))]), None, "it would empty the field");
    assert_eq!(row(Kind::Update, A, &[("Title", Patch::Keep)]), None, "there is nothing to say");
    assert_eq!(row(upsert(), " r-1", &[("LastName", set("x"))]), None, "a key that a reader may trim");
    assert_eq!(row(Kind::Update, A, &[("Boss.A.B", set("x"))]), None);
}

#[test]
fn given_the_recorded_states_when_asked_then_they_are_known_and_new_words_are_no_end() {
    for (body, expected) in [
        (fixture!("200-job-write-launch-job-opportunity.json"), State::Open),
        (fixture!("200-job-write-update-job-opportunity.json"), State::Running),
        (fixture!("200-job-info-in-progress.json"), State::Running),
        (fixture!("200-job-info-success.json"), State::Complete),
        (fixture!("200-job-info-partial-failure.json"), State::Complete),
        (fixture!("200-job-info-complete-failure.json"), State::Failed),
        (r#"{"state": "Aborted"}"#, State::Aborted),
    ] {
        let fake = Fake::new(told(body));
        assert_eq!(block_on(Salesforce.state(&fake.session(), JOB)), Ok(expected));
    }
    for body in [r#"{"state": "Dreaming"}"#, "{}"] {
        let fake = Fake::new(told(body));
        let class = block_on(Salesforce.state(&fake.session(), JOB)).unwrap_err().class;
        assert_eq!(class, Class::Unavailable, "{body}");
    }
    let fake = Fake::new(|_: &str, _: &Value| Ok(answer(404, fixture!("404-resource.json"))));
    assert_eq!(block_on(Salesforce.state(&fake.session(), JOB)).unwrap_err().class, Class::Refused);
}

#[test]
fn given_a_start_whose_answer_is_lost_when_sent_then_it_is_not_sent_again() {
    let fake = Fake::new(|_: &str, _: &Value| Err(NoAnswer::Unknown("cut".to_owned())));
    let class = block_on(Salesforce.start(&fake.session(), JOB)).unwrap_err().class;
    assert_eq!((class, fake.paths().len()), (Class::OutcomeUnknown, 1));
    assert_eq!(block_on(Salesforce.start(&fake.session(), "../x")).unwrap_err().class, Class::Refused);
    assert_eq!(fake.paths().len(), 1);
}

#[test]
fn given_rows_that_were_written_when_read_in_any_order_then_each_has_its_own_id() {
    let csv = "\"sf__Id\",\"sf__Created\",\"Rtr_Record_Id__c\",\"LastName\"\n\
               \"003KX00000AbCd2\",\"false\",\"r-2\",\"two\nlines\"\n\"003KX00000AbCd1YAF\",\"true\",\"r-1\",\"\"\n";
    let found = results(upsert(), Part::Done, csv).unwrap();
    let lines: Vec<String> = found.iter().map(|(key, fate)| format!("{key} {fate:?}")).collect();
    assert_eq!(
        lines,
        [
            format!(r#"r-2 Worked(Ok(Written {{ external_id: "{B}", created: false, held: {{}} }}))"#),
            format!(r#"r-1 Worked(Ok(Written {{ external_id: "{A}", created: true, held: {{}} }}))"#),
        ]
    );
    let deleted = results(Kind::Archive, Part::Done, "sf__Id,sf__Created,Id\n,false,003KX00000AbCd1YAF\n");
    let (key, fate) = deleted.unwrap().remove(0);
    assert_eq!((key.as_str(), matches!(fate, Fate::Worked(Ok(done)) if done.external_id == A)), (A, true));
}

#[test]
fn given_rows_that_were_refused_when_read_then_they_are_classified_as_everything_else_and_name_the_field() {
    let csv = "\"sf__Id\",\"sf__Error\",\"Rtr_Record_Id__c\",\"LastName\",\"Title\"\n\
        \"\",\"REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --\",\"r-1\",\"\",\"x\"\n\
        \"\",\"FIELD_CUSTOM_VALIDATION_EXCEPTION:CANARY may have no Title:--\",\"r-2\",\"K\",\"x\"\n\
        \"\",\"UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--\",\"r-3\",\"K\",\"\"\n\
        \"\",\"DUPLICATE_VALUE:duplicate value found: Email duplicates value on record with id: 003KX00000AbCd1:--\",\"r-4\",\"K\",\"\"\n\
        \"\",\"SOMETHING_NEW:in new words:--\",\"r-5\",\"K\",\"\"\n\
        \"\",\"UNKNOWN_EXCEPTION:An unexpected error occurred:--\",\"r-6\",\"K\",\"\"\n";
    let found = results(upsert(), Part::Refused, csv).unwrap();
    let class = |(key, fate): &(String, Fate)| match fate {
        Fate::Worked(Err(failure)) => {
            assert!(!failure.message.contains("CANARY"), "{} repeats a value", failure.message);
            format!("{key} {:?}", failure.class)
        }
        other => format!("{key} {other:?}"),
    };
    assert_eq!(
        found.iter().map(class).collect::<Vec<_>>(),
        [
            r#"r-1 Invalid { field: Some("LastName") }"#.to_owned(),
            r#"r-2 Invalid { field: Some("Title") }"#.to_owned(),
            "r-3 Busy".to_owned(),
            format!(r#"r-4 Duplicate {{ existing: Some("{A}") }}"#),
            "r-5 Refused".to_owned(),
            "r-6 OutcomeUnknown".to_owned(),
        ]
    );
    // What is gone already needs no deleting.
    let csv = "sf__Id,sf__Error,Id\n,ENTITY_IS_DELETED:entity is deleted:--,003KX00000AbCd1YAF\n";
    let found = results(Kind::Archive, Part::Refused, csv).unwrap();
    assert!(matches!(&found[..], [(_, Fate::Worked(Ok(_)))]), "{found:?}");
    let found = results(Kind::Update, Part::Refused, csv).unwrap();
    assert!(matches!(&found[..], [(_, Fate::Worked(Err(failure)))] if failure.class == Class::Missing));
}

#[test]
fn given_lists_that_are_empty_or_cut_off_when_read_then_nobody_is_told_of_what_is_not_there() {
    assert_eq!(results(upsert(), Part::Done, ""), Ok(Vec::new()));
    assert_eq!(results(upsert(), Part::Done, "\"sf__Id\",\"sf__Created\"\n"), Ok(Vec::new()));
    let header = "\"sf__Id\",\"sf__Created\",\"Rtr_Record_Id__c\"\n";
    assert_eq!(results(upsert(), Part::Done, header), Ok(Vec::new()));
    let untouched = results(upsert(), Part::Untouched, "\"Rtr_Record_Id__c\",\"Title\"\n\"r-1\",\"x\"\n");
    assert_eq!(untouched, Ok(vec![("r-1".to_owned(), Fate::Untouched)]));
    for cut in [
        "\"sf__Id\",\"sf__Created\",\"Rtr_Record_Id__c\"\n\"003KX00000AbCd1YAF\",\"tr",
        "\"sf__Id\",\"sf__Created\",\"Rtr_Record_Id__c\"\n\"003KX00000AbCd1YAF\",\"true\"\n",
        "\"sf__Id\",\"sf__Created\",\"Rtr_Record_Id__c\"\n,\"true\",\"r-1\"\n",
        "\"sf__Id\",\"sf__Created\"\n\"003KX00000AbCd1YAF\",\"true\"\n",
        "<html>",
    ] {
        assert_eq!(results(upsert(), Part::Done, cut), Err(Class::Unavailable), "{cut}");
    }
}
