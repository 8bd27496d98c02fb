use super::{Org, code};
use serde_json::{Value, json};

#[test]
fn given_two_accounts_when_merged_then_the_loser_names_the_winner_and_children_move() {
    let mut org = Org::new();
    let [winner, loser] = ["A", "B"].map(|name| org.create("Account", json!({"Name": name})));
    let child = org.create("Contact", json!({"LastName": "A", "AccountId": loser}));
    org.own("POST", "/actions", json!({"action": "merge", "winner": winner, "loser": loser}));
    let (status, body) = org.patch(&format!("/sobjects/Account/{loser}"), json!({"Industry": "x"}));
    assert_eq!((status, code(&body)), (404, "ENTITY_IS_DELETED"));
    let (_, all) = org.get("/queryAll?q=SELECT+Id,MasterRecordId+FROM+Account+WHERE+IsDeleted=true");
    assert_eq!(all["records"][0]["MasterRecordId"], json!(winner));
    assert_eq!(org.get(&format!("/sobjects/Contact/{child}")).1["AccountId"], json!(winner));
}

#[test]
fn given_a_deleted_record_when_undeleted_then_it_is_back_under_its_id() {
    let mut org = Org::new();
    let id = org.create("Contact", json!({"LastName": "A"}));
    org.delete(&format!("/sobjects/Contact/{id}"));
    assert_eq!(
        org.own("POST", "/actions", json!({"action": "undelete", "id": id})),
        json!({"undeleted": true})
    );
    assert_eq!(org.get(&format!("/sobjects/Contact/{id}")).0, 200);
    assert_eq!(
        org.own("POST", "/actions", json!({"action": "undelete", "id": id})),
        json!({"undeleted": false})
    );
}

#[test]
fn given_nonsense_when_acted_on_then_400_says_where() {
    let mut org = Org::new();
    let id = org.create("Contact", json!({"LastName": "A"}));
    for (action, start) in [
        (json!({"action": "explode"}), "action: \"explode\""),
        (json!({"action": "undelete", "id": "x"}), "id: no record"),
        (json!({"action": "merge", "winner": id, "loser": id}), "loser: "),
    ] {
        let mut body = action;
        body["provider"] = json!("salesforce");
        body["account"] = json!("acme");
        let reply = org.send(&rtr_sandbox::Request::new("POST", "/_sandbox/actions").json(&body));
        assert_eq!(reply.status, 400);
        assert!(reply.value()["error"].as_str().unwrap().starts_with(start), "{}", reply.value());
    }
    let hubspot = json!({"provider": "hubspot", "account": "acme", "action": "merge"});
    let reply = org.send(&rtr_sandbox::Request::new("POST", "/_sandbox/actions").json(&hubspot));
    assert_eq!(
        (reply.status, reply.value()["error"].is_string(), reply.value()["x"].clone()),
        (400, true, Value::Null)
    );
}
