use crate::world::{CONTACTS, START, World};
use rtr_sandbox::{Reply, Request};
use serde_json::{Value, json};

fn refresh(world: &mut World, version: &str, form: &str) -> Reply {
    let request = Request::new("POST", &format!("/hubspot/acme/oauth/{version}/token"))
        .header("content-type", "application/x-www-form-urlencoded");
    world.send(&Request { body: form.as_bytes().to_vec(), ..request })
}

#[test]
fn given_no_or_a_strange_token_when_called_then_invalid_authentication() {
    let mut world = World::new();
    let bare = Request::new("GET", &format!("/hubspot/acme{CONTACTS}"));
    let strange = bare.clone().header("authorization", "Bearer strange");
    let basic = bare.clone().header("authorization", "Basic eHg6eHg=");
    let other = Request::new("GET", &format!("/hubspot/other{CONTACTS}"))
        .header("authorization", &format!("Bearer {}", world.token));
    for request in [bare, strange, basic, other] {
        let reply = world.send(&request);
        assert_eq!((reply.status, &reply.value()["category"]), (401, &json!("INVALID_AUTHENTICATION")));
    }
}

#[test]
fn given_an_old_token_when_called_then_expired_with_the_time() {
    let mut world = World::new();
    world.now += 1_800_000 + 75_000;
    let (status, body) = world.get(CONTACTS);
    assert_eq!((status, &body["category"]), (401, &json!("EXPIRED_AUTHENTICATION")));
    assert_eq!(body["message"], "The OAuth token used to make this call expired 75 second(s) ago.");
    assert!(body["context"]["expire time"][0].as_str().unwrap().ends_with('Z'));
}

#[test]
fn given_a_static_token_when_much_later_then_it_is_still_valid() {
    let mut world = World::new();
    let issued = world.issue(json!({"expires_in": null}));
    assert_eq!((&issued["refresh_token"], &issued["expires_at"]), (&Value::Null, &Value::Null));
    world.token = issued["access_token"].as_str().unwrap().to_owned();
    world.now = START * 2;
    assert_eq!(world.get(CONTACTS).0, 200);
}

#[test]
fn given_scopes_when_one_is_missing_then_403_names_it() {
    let mut world = World::new();
    let issued = world.issue(json!({"scopes": ["crm.objects.contacts.read"]}));
    world.token = issued["access_token"].as_str().unwrap().to_owned();
    assert_eq!(world.get(CONTACTS).0, 200);
    assert_eq!(world.post(&format!("{CONTACTS}/search"), json!({})).0, 200);
    let (status, body) = world.post(CONTACTS, json!({"properties": {"email": "a@x.io"}}));
    assert_eq!((status, &body["category"]), (403, &json!("MISSING_SCOPES")));
    assert_eq!(body["errors"][0]["context"]["requiredGranularScopes"], json!(["crm.objects.contacts.write"]));
}

#[test]
fn given_a_refresh_token_when_refreshed_then_each_version_answers_in_its_shape() {
    let mut world = World::new();
    let issued = world.issue(json!({"scopes": ["crm.objects.contacts.read"], "expires_in": 60}));
    let text = |name: &str| issued[name].as_str().unwrap().to_owned();
    let form = format!(
        "grant_type=refresh_token&client_id={}&client_secret={}&refresh_token={}",
        text("client_id"),
        text("client_secret"),
        text("refresh_token")
    );
    let old = refresh(&mut world, "v1", &form).value();
    assert_eq!((&old["expires_in"], &old["refresh_token"]), (&json!(60), &issued["refresh_token"]));
    assert!(old.get("hub_id").is_none());
    for version in ["v3", "2026-03"] {
        let new = refresh(&mut world, version, &form).value();
        assert_eq!(new["scopes"], json!(["crm.objects.contacts.read"]));
        assert_eq!((&new["token_type"], &new["token_use"]), (&json!("bearer"), &json!("access_token")));
        world.token = new["access_token"].as_str().unwrap().to_owned();
        assert_eq!(world.get("/account-info/v3/details").1["portalId"], new["hub_id"]);
    }
    let query = Request::new("POST", &format!("/hubspot/acme/oauth/v3/token?{form}"));
    assert_eq!(world.send(&query).status, 400);
    let query = Request::new("POST", &format!("/hubspot/acme/oauth/v1/token?{form}"));
    assert_eq!(world.send(&query).status, 200);
}

#[test]
fn given_bad_credentials_when_refreshed_then_the_status_says_which() {
    let mut world = World::new();
    let issued = world.issue(json!({"client_id": "c", "client_secret": "s", "refresh_token": "r"}));
    assert_eq!(issued["client_id"], "c");
    let mut denied = |form: &str, version: &str| {
        let reply = refresh(&mut world, version, form);
        assert_eq!(reply.status, 400);
        reply.value()
    };
    let body = denied("grant_type=refresh_token&client_id=c&client_secret=s&refresh_token=x", "v3");
    assert_eq!((&body["error"], &body["status"]), (&json!("invalid_grant"), &json!("BAD_REFRESH_TOKEN")));
    let body = denied("grant_type=refresh_token&client_id=c&client_secret=s&refresh_token=x", "v1");
    assert_eq!((body.get("error"), &body["status"]), (None, &json!("BAD_REFRESH_TOKEN")));
    let body = denied("grant_type=refresh_token&client_id=x&client_secret=s&refresh_token=r", "v3");
    assert_eq!((&body["error"], &body["status"]), (&json!("invalid_client"), &json!("BAD_CLIENT_ID")));
    let body = denied("grant_type=refresh_token&client_id=c&client_secret=x&refresh_token=r", "v3");
    assert_eq!(body["status"], "BAD_CLIENT_SECRET");
    let body = denied("grant_type=password&client_id=c&client_secret=s", "v3");
    assert_eq!(body["status"], "BAD_GRANT_TYPE");
}

#[test]
fn given_rotation_when_refreshed_twice_with_one_token_then_the_second_is_refused() {
    let mut world = World::new();
    world.issue(json!({"rotate": true, "client_id": "c", "client_secret": "s", "refresh_token": "r"}));
    let form = "grant_type=refresh_token&client_id=c&client_secret=s&refresh_token=r";
    let first = refresh(&mut world, "v3", form);
    assert_eq!(first.status, 200);
    assert_ne!(first.value()["refresh_token"], "r");
    assert_eq!(refresh(&mut world, "v3", form).value()["status"], "BAD_REFRESH_TOKEN");
}

#[test]
fn given_tokens_when_expired_or_revoked_by_control_then_calls_and_refreshes_fail() {
    let mut world = World::new();
    let issued = world.issue(json!({"client_id": "c", "client_secret": "s", "refresh_token": "r"}));
    world.token = issued["access_token"].as_str().unwrap().to_owned();
    let of = |action: &str| json!({"provider": "hubspot", "account": "acme", "action": action});
    world.control("POST", "/tokens", of("expire"));
    assert_eq!(world.get(CONTACTS).1["category"], "EXPIRED_AUTHENTICATION");
    let form = "grant_type=refresh_token&client_id=c&client_secret=s&refresh_token=r";
    let fresh = refresh(&mut world, "v3", form).value();
    world.token = fresh["access_token"].as_str().unwrap().to_owned();
    assert_eq!(world.get(CONTACTS).0, 200);
    world.control("POST", "/tokens", of("revoke"));
    assert_eq!(world.get(CONTACTS).1["category"], "INVALID_AUTHENTICATION");
    assert_eq!(refresh(&mut world, "v3", form).value()["status"], "BAD_REFRESH_TOKEN");
}

#[test]
fn given_limits_when_reached_then_429_says_which_and_headers_count_down() {
    let mut world = World::new();
    let limits = json!([{"api": "*", "requests": 2, "per_ms": 10_000, "retry_after": 3},
        {"api": "search", "requests": 1, "per_ms": 1000}, {"api": "*", "requests": 5, "per_ms": 86_400_000}]);
    world.control("PUT", "/limits", json!({"provider": "hubspot", "account": "acme", "limits": limits}));
    let header = |reply: &Reply, name: &str| {
        reply.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let list = world.request("GET", CONTACTS);
    let search = world.request("POST", &format!("{CONTACTS}/search")).json(&json!({}));
    let first = world.send(&list);
    assert_eq!(header(&first, "x-hubspot-ratelimit-max"), "2");
    assert_eq!(header(&first, "x-hubspot-ratelimit-remaining"), "1");
    assert_eq!(header(&first, "x-hubspot-ratelimit-daily-remaining"), "4");
    assert_eq!(header(&first, "x-hubspot-ratelimit-interval-milliseconds"), "10000");
    let found = world.send(&search);
    assert_eq!((found.status, header(&found, "x-hubspot-ratelimit-max").as_str()), (200, ""));
    assert_eq!(world.send(&search).value()["policyName"], "SECONDLY");
    world.send(&list);
    let refused = world.send(&list);
    let body = refused.value();
    assert_eq!((refused.status, header(&refused, "retry-after").as_str()), (429, "3"));
    assert_eq!(body["policyName"], "TEN_SECONDLY_ROLLING");
    assert_eq!(body["message"], "You have reached your ten_secondly_rolling limit.");
    assert_eq!((&body["errorType"], body.get("category")), (&json!("RATE_LIMIT"), None));
    world.now += 10_000;
    assert_eq!((world.send(&list).status, world.send(&list).status), (200, 200));
    world.now += 10_000;
    assert_eq!(world.send(&list).value()["policyName"], "DAILY");
}
