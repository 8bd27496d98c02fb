//! Owners and pipelines.

use super::world::{World, texts};
use rtr_sandbox::Request;
use serde_json::json;

#[test]
fn given_owners_when_asked_for_then_by_address_and_page_by_page_without_who_has_left() {
    let mut world = World::new();
    let (status, body) = world.get("/crm/v3/owners?email=Ada@example.org");
    assert_eq!((status, texts(&body["results"], "/email")), (200, vec!["ada@example.org".to_owned()]));
    let id = body["results"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(world.get(&format!("/crm/v3/owners/{id}")).1["email"], "ada@example.org");
    assert_eq!(world.get("/crm/v3/owners?email=left@example.org").1["results"], json!([]));
    let left = world.get("/crm/v3/owners?archived=true").1;
    assert_eq!(
        (texts(&left["results"], "/email"), &left["results"][0]["userId"]),
        (vec!["left@example.org".to_owned()], &json!(null))
    );
    let first = world.get("/crm/v3/owners?limit=1").1;
    let after = first["paging"]["next"]["after"].as_str().unwrap();
    let second = world.get(&format!("/crm/v3/owners?limit=1&after={after}")).1;
    assert_eq!(texts(&second["results"], "/email"), ["grace@example.org"]);
    assert_eq!(second.get("paging"), None);
    assert_eq!(world.get("/crm/v3/owners?limit=501").0, 400);
    let other = world.issue(json!({"account": "other"}))["access_token"].as_str().unwrap().to_owned();
    let request = Request::new("GET", "/hubspot/other/crm/v3/owners?email=ada@example.org");
    let theirs = world.send(&request.header("Authorization", &format!("Bearer {other}"))).value();
    assert_ne!(theirs["results"][0]["id"], json!(id), "each account has ids of its own");
}

#[test]
fn given_settings_when_set_then_owners_and_pipelines_are_these_and_deals_take_their_stages() {
    let mut world = World::new();
    let of = |more: serde_json::Value| {
        let mut body = json!({"provider": "hubspot", "account": "acme"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let labels = world.get("/crm/v3/pipelines/deals").1;
    assert_eq!(texts(&labels["results"], "/label"), ["Sales Pipeline"]);
    world.control("PUT", "/settings", of(json!({
        "owners": [{"email": "new@x.io", "id": "51"}],
        "pipelines": {"deals": [{"id": "p1", "label": "Renewals", "stages": [{"id": "s1", "label": "Won"}]}]},
    })));
    assert_eq!(texts(&world.get("/crm/v3/owners").1["results"], "/id"), ["51"]);
    let (_, one) = world.get("/crm/v3/pipelines/0-3/p1");
    assert_eq!(texts(&one["stages"], "/id"), ["s1"]);
    assert_eq!(texts(&world.get("/crm/v3/pipelines/tickets").1["results"], "/id"), ["0"]);
    world.create("deals", json!({"dealname": "Big", "pipeline": "p1", "dealstage": "s1"}));
    let (status, _) = world.post("/crm/v3/objects/deals", json!({"properties": {"dealstage": "closedwon"}}));
    assert_eq!(status, 400);
    assert_eq!(world.get("/crm/v3/pipelines/deals/none").0, 404);
    let wrong = of(json!({"pipelines": {"deals": [{"id": "p1"}]}}));
    let reply = world.send(&Request::new("PUT", "/_sandbox/settings").json(&wrong));
    assert_eq!(
        (reply.status, reply.value()["error"].clone()),
        (400, json!("pipelines.deals: each needs `id` and `label`"))
    );
}

#[test]
fn given_a_token_without_the_scope_when_owners_are_asked_for_then_it_is_refused() {
    let mut world = World::new();
    world.token = world.issue(json!({"scopes": ["crm.objects.deals.read"]}))["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let (status, body) = world.get("/crm/v3/owners");
    assert_eq!((status, body["category"].clone()), (403, json!("MISSING_SCOPES")));
    assert_eq!(world.get("/crm/v3/pipelines/deals").0, 200);
}
