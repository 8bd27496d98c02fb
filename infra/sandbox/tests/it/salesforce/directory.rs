//! Users and stages.

use super::Org;
use rtr_sandbox::Request;
use serde_json::json;

fn names(org: &mut Org, query: &str, name: &str) -> Vec<String> {
    let (status, body) = org.get(&format!("/query?q={}", query.replace(' ', "%20")));
    assert_eq!(status, 200, "{body}");
    body["records"].as_array().unwrap().iter().map(|one| one[name].as_str().unwrap().to_owned()).collect()
}

#[test]
fn given_users_and_stages_when_queried_then_they_are_those_that_were_set() {
    let mut org = Org::new();
    let active = "SELECT Id, Username FROM User WHERE IsActive = true AND Email = 'Ada@example.org'";
    assert_eq!(names(&mut org, active, "Username"), ["ada@acme.example"]);
    assert_eq!(
        names(&mut org, "SELECT Username FROM User WHERE IsActive = false", "Username"),
        ["left@acme.example"]
    );
    let stages = "SELECT ApiName FROM OpportunityStage WHERE IsActive = true ORDER BY SortOrder";
    assert_eq!(names(&mut org, stages, "ApiName").len(), 7);
    org.own("PUT", "/settings", json!({
        "users": [{"username": "a@x.io", "email": "both@x.io"}, {"username": "b@x.io", "email": "both@x.io", "type": "PowerPartner"}],
        "stages": [{"api_name": "Won", "label": "Gewonnen"}, {"api_name": "Old", "label": "Alt", "active": false}],
    }));
    assert_eq!(
        names(&mut org, "SELECT Username FROM User WHERE Email = 'both@x.io'", "Username"),
        ["a@x.io", "b@x.io"]
    );
    assert_eq!(
        names(&mut org, "SELECT Username FROM User WHERE Username LIKE 'integration%25'", "Username").len(),
        1
    );
    assert_eq!(names(&mut org, stages, "ApiName"), ["Won"]);
    org.create("Opportunity", json!({"Name": "Big", "StageName": "Won", "CloseDate": "2026-12-01"}));
    let (status, _) = org.post(
        "/sobjects/Opportunity",
        json!({"Name": "x", "StageName": "Gewonnen", "CloseDate": "2026-12-01"}),
    );
    assert_eq!(status, 400);
    let wrong = json!({"provider": "salesforce", "account": "acme", "users": [{"email": "a@x.io"}]});
    let reply = org.send(&Request::new("PUT", "/_sandbox/settings").json(&wrong));
    assert_eq!(
        (reply.status, reply.value()["error"].clone()),
        (400, json!("users[0].username: expected a string"))
    );
}
