use super::{Org, code, record};
use serde_json::{Value, json};

fn ruled(allow_save: bool) -> (Org, String) {
    let mut org = Org::new();
    let rule = json!({"object": "Contact", "fields": ["Email"], "allow_save": allow_save});
    org.own("PUT", "/settings", json!({"duplicate_rule": rule}));
    let id = org.create("Contact", json!({"LastName": "A", "Email": "ada@x.io"}));
    (org, id)
}

fn twin(org: &mut Org, insist: bool) -> (u16, Value) {
    let request =
        org.request("POST", "/sobjects/Contact").json(&json!({"LastName": "B", "Email": "Ada@x.io"}));
    let request =
        if insist { request.header("Sforce-Duplicate-Rule-Header", "allowSave=true") } else { request };
    let reply = org.send(&request);
    (reply.status, reply.value())
}

#[test]
fn given_a_duplicate_rule_when_broken_then_the_body_names_the_record_in_each_versions_spelling() {
    let (mut org, id) = ruled(false);
    for (version, name) in [("v56.0", "duplicateResut"), ("v62.0", "duplicateResult")] {
        org.version = version;
        let (status, body) = twin(&mut org, false);
        assert_eq!((status, code(&body)), (400, "DUPLICATES_DETECTED"));
        let result = &body[0][name];
        assert_eq!(
            (&result["allowSave"], &result["duplicateRuleEntityType"]),
            (&json!(false), &json!("Contact"))
        );
        assert_eq!(result["matchResults"][0]["matchRecords"][0]["record"]["Id"], json!(id));
    }
    let items =
        org.items("POST", "", json!([record("Contact", json!({"LastName": "B", "Email": "ada@x.io"}))]));
    let found = &items[0]["errors"][0]["duplicateResult"]["matchResults"][0]["matchRecords"];
    assert_eq!((code(&items[0]), &found[0]["record"]["Id"]), ("DUPLICATES_DETECTED", &json!(id)));
}

#[test]
fn given_a_caller_that_insists_when_the_rule_allows_it_then_it_is_saved_and_else_not() {
    let (mut org, _) = ruled(true);
    assert_eq!(twin(&mut org, false).0, 400);
    assert_eq!(twin(&mut org, true).0, 201);
    let (mut org, _) = ruled(false);
    assert_eq!(twin(&mut org, true).0, 400);
    assert_eq!(org.records("Contact").len(), 1);
}

#[test]
fn given_a_record_itself_when_updated_then_it_is_no_duplicate_and_lifting_the_rule_lifts_it() {
    let (mut org, id) = ruled(false);
    assert_eq!(org.patch(&format!("/sobjects/Contact/{id}"), json!({"Email": "ADA@x.io"})).0, 204);
    org.own("PUT", "/settings", json!({"duplicate_rule": {"object": "Contact", "fields": []}}));
    assert_eq!(twin(&mut org, false).0, 201);
}
