use super::{KEY, Org, code};
use rtr_sandbox::Reply;
use serde_json::{Value, json};

const MINUTE: i64 = 60_000;

fn job(org: &mut Org, body: Value) -> String {
    let (status, job) = org.post("/jobs/ingest", body);
    assert_eq!((status, &job["state"]), (200, &json!("Open")), "{job}");
    job["id"].as_str().unwrap().to_owned()
}

fn upsert(org: &mut Org) -> String {
    job(
        org,
        json!({"object": "Contact", "operation": "upsert", "externalIdFieldName": KEY, "contentType": "CSV", "lineEnding": "LF"}),
    )
}

fn fill(org: &mut Org, id: &str, csv: &str) -> u16 {
    let mut request =
        org.request("PUT", &format!("/jobs/ingest/{id}/batches")).header("Content-Type", "text/csv");
    request.body = csv.as_bytes().to_vec();
    org.send(&request).status
}

fn set(org: &mut Org, id: &str, state: &str) -> (u16, Value) {
    org.patch(&format!("/jobs/ingest/{id}"), json!({"state": state}))
}

fn state(org: &mut Org, id: &str) -> String {
    org.get(&format!("/jobs/ingest/{id}")).1["state"].as_str().unwrap().to_owned()
}

fn list(org: &mut Org, id: &str, name: &str) -> String {
    let request = org.request("GET", &format!("/jobs/ingest/{id}/{name}"));
    let reply: Reply = org.send(&request);
    assert_eq!(reply.status, 200);
    String::from_utf8(reply.body).unwrap()
}

#[test]
fn given_a_job_that_would_take_long_when_told_to_finish_then_its_rows_are_done_and_the_next_one_takes_as_long()
 {
    let mut org = Org::keyed();
    org.own("PUT", "/settings", json!({"ingest": {"takes_ms": MINUTE}}));
    let ids = [upsert(&mut org), upsert(&mut org)];
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(fill(&mut org, id, &format!("{KEY},LastName\nk-{n},King\n")), 201);
        set(&mut org, id, "UploadComplete");
        if n == 0 {
            org.own("PUT", "/settings", json!({"ingest": {"finish": true}}));
        }
        assert_eq!(state(&mut org, id), ["JobComplete", "UploadComplete"][n]);
    }
}

#[test]
fn given_a_job_when_closed_then_its_rows_are_done_when_its_time_has_come_and_each_is_told_of() {
    let mut org = Org::keyed();
    org.own("PUT", "/settings", json!({"ingest": {"takes_ms": MINUTE}}));
    let id = upsert(&mut org);
    let csv =
        format!("{KEY},LastName,Email\nk-1,\"King, \"\"A\"\"\",a@x.io\nk-2,,b@x.io\nk-3,Queen,nowhere\n");
    assert_eq!(fill(&mut org, &id, &csv), 201);
    org.now += MINUTE;
    assert_eq!(
        (state(&mut org, &id).as_str(), org.records("Contact").len()),
        ("Open", 0),
        "it was not started"
    );
    assert_eq!(set(&mut org, &id, "UploadComplete").1["state"], "UploadComplete");
    org.now += MINUTE - 1;
    assert_eq!((state(&mut org, &id).as_str(), org.records("Contact").len()), ("InProgress", 0));
    org.now += 1;
    assert_eq!(org.records("Contact").len(), 1);
    let (_, done) = org.get(&format!("/jobs/ingest/{id}"));
    assert_eq!(
        (&done["state"], &done["numberRecordsProcessed"], &done["numberRecordsFailed"]),
        (&json!("JobComplete"), &json!(3), &json!(2))
    );
    let contact = org.records("Contact")[0]["id"].as_str().unwrap().to_owned();
    let header = format!("\"{KEY}\",\"LastName\",\"Email\"\n");
    assert_eq!(
        list(&mut org, &id, "successfulResults"),
        format!(
            "\"sf__Id\",\"sf__Created\",{header}\"{contact}\",\"true\",\"k-1\",\"King, \"\"A\"\"\",\"a@x.io\"\n"
        )
    );
    let failed = list(&mut org, &id, "failedResults");
    assert!(
        failed.contains(
            "\"REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --\",\"k-2\""
        ),
        "{failed}"
    );
    assert!(failed.contains(":Email --\",\"k-3\",\"Queen\",\"nowhere\""), "{failed}");
    assert_eq!(list(&mut org, &id, "unprocessedrecords"), header);
}

#[test]
fn given_cells_when_a_record_is_there_then_empty_ones_leave_it_alone_and_the_mark_empties_it() {
    let mut org = Org::keyed();
    let contact = org.create("Contact", json!({"LastName": "A", "Title": "t", "Email": "a@x.io", KEY: "k"}));
    let id = upsert(&mut org);
    fill(&mut org, &id, &format!("{KEY},LastName,Title,Email\nk,B,,#N/A\n"));
    set(&mut org, &id, "UploadComplete");
    let held = &org.records("Contact")[0];
    assert_eq!(
        (&held["id"], &held["properties"]["LastName"], &held["properties"]["Title"]),
        (&json!(contact), &json!("B"), &json!("t"))
    );
    assert!(held["properties"]["Email"].is_null());
    assert!(list(&mut org, &id, "successfulResults").contains(",\"false\","));
    let id = job(&mut org, json!({"object": "Contact", "operation": "delete"}));
    fill(&mut org, &id, &format!("Id\n{contact}\n{contact}\n"));
    set(&mut org, &id, "UploadComplete");
    assert_eq!(org.records("Contact").len(), 0);
    assert!(list(&mut org, &id, "failedResults").contains("ENTITY_IS_DELETED:entity is deleted:--"));
}

#[test]
fn given_a_job_that_fails_or_is_stopped_when_asked_then_what_it_did_stays_done_and_the_rest_is_told_of() {
    let mut org = Org::keyed();
    org.own("PUT", "/settings", json!({"ingest": {"fails_after": 1}}));
    let csv = format!("{KEY},LastName\nk-1,A\nk-2,B\n");
    let id = upsert(&mut org);
    fill(&mut org, &id, &csv);
    set(&mut org, &id, "UploadComplete");
    assert_eq!((state(&mut org, &id).as_str(), org.records("Contact").len()), ("Failed", 1));
    assert_eq!(list(&mut org, &id, "unprocessedrecords"), format!("\"{KEY}\",\"LastName\"\n\"k-2\",\"B\"\n"));
    let id = upsert(&mut org);
    fill(&mut org, &id, &csv.replace("LastName", "Nope__c"));
    set(&mut org, &id, "UploadComplete");
    let (_, failed) = org.get(&format!("/jobs/ingest/{id}"));
    assert_eq!(
        (&failed["state"], &failed["errorMessage"]),
        (&json!("Failed"), &json!("InvalidBatch : Field name not found : Nope__c"))
    );
    let id = upsert(&mut org);
    fill(&mut org, &id, &csv);
    assert_eq!(set(&mut org, &id, "Aborted").1["state"], "Aborted");
    let (status, refused) = set(&mut org, &id, "UploadComplete");
    assert_eq!((status, code(&refused)), (400, "INVALIDJOBSTATE"), "what was stopped never runs");
    assert_eq!(org.records("Contact").len(), 1);
}

#[test]
fn given_what_is_no_job_when_made_or_filled_then_it_is_refused() {
    let mut org = Org::keyed();
    for body in [
        json!({"operation": "upsert"}),
        json!({"object": "Nope", "operation": "update"}),
        json!({"object": "Contact", "operation": "upsert"}),
        json!({"object": "Contact", "operation": "sing"}),
    ] {
        let (status, refused) = org.post("/jobs/ingest", body);
        assert_eq!((status, code(&refused)), (400, "INVALIDJOB"));
    }
    let id = upsert(&mut org);
    let (status, _) = org.call("PUT", &format!("/jobs/ingest/{id}/batches"), json!({}));
    assert_eq!(status, 415);
    assert_eq!((fill(&mut org, &id, "a\n1\n"), fill(&mut org, &id, "a\n1\n")), (201, 400));
    org.now += 7 * 24 * 60 * MINUTE;
    org.token = org.issue(json!({}))["access_token"].as_str().unwrap().to_owned();
    assert_eq!(org.get(&format!("/jobs/ingest/{id}")).0, 404, "kept for seven days");
}
