use super::{Org, START};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rtr_sandbox::{Reply, Request};
use serde_json::{Value, json};

const BASE: &str = "http://sandbox.test/salesforce/acme";

fn post(org: &mut Org, path: &str, form: &[(&str, &str)], headers: &[(&str, &str)]) -> Reply {
    let body: Vec<String> =
        form.iter().map(|(name, value)| format!("{name}={}", super::encode(value))).collect();
    let request = Request::new("POST", &format!("/salesforce/acme/services/oauth2/{path}"));
    let request =
        request.header("host", "sandbox.test").header("content-type", "application/x-www-form-urlencoded");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    org.send(&Request { body: body.join("&").into_bytes(), ..request })
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}")).to_owned()
}

fn refresh(org: &mut Org, issued: &Value, token: &str) -> (u16, Value) {
    let (id, secret) = (text(issued, "client_id"), text(issued, "client_secret"));
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", &id),
        ("client_secret", &secret),
    ];
    let reply = post(org, "token", &form, &[]);
    (reply.status, reply.value())
}

#[test]
fn given_a_refresh_token_when_refreshed_then_the_answer_is_the_vendors_and_says_no_end() {
    let mut org = Org::new();
    let issued = org.issue(json!({"scopes": ["api", "refresh_token"]}));
    assert_eq!(issued["token_url"], "/salesforce/acme/services/oauth2/token");
    let (status, body) = refresh(&mut org, &issued, &text(&issued, "refresh_token"));
    assert_eq!(status, 200);
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["access_token", "id", "instance_url", "issued_at", "scope", "signature", "token_type"]
    );
    assert_eq!((&body["instance_url"], &body["issued_at"]), (&json!(BASE), &json!(START.to_string())));
    assert_eq!((&body["scope"], &body["token_type"]), (&json!("api refresh_token"), &json!("Bearer")));
    assert!(text(&body, "id").starts_with(&format!("{BASE}/id/00D")));
    org.token = text(&body, "access_token");
    assert_eq!(org.get("/sobjects").0, 200);
}

#[test]
fn given_rotation_when_refreshed_then_a_new_refresh_token_comes_and_the_old_is_refused() {
    let mut org = Org::new();
    let issued = org.issue(json!({"rotate": true}));
    let old = text(&issued, "refresh_token");
    let (_, body) = refresh(&mut org, &issued, &old);
    let new = text(&body, "refresh_token");
    assert_ne!(new, old);
    let expected = json!({"error": "invalid_grant", "error_description": "expired access/refresh token"});
    assert_eq!(refresh(&mut org, &issued, &old), (400, expected));
    assert_eq!(refresh(&mut org, &issued, &new).0, 200);
}

#[test]
fn given_a_client_when_it_authenticates_in_the_form_or_by_basic_then_both_are_good() {
    let mut org = Org::new();
    let issued = org.issue(json!({}));
    let (id, secret) = (text(&issued, "client_id"), text(&issued, "client_secret"));
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let reply =
        post(&mut org, "token", &[("grant_type", "client_credentials")], &[("authorization", &basic)]);
    assert_eq!((reply.status, reply.value().get("refresh_token")), (200, None));
    let form = [("grant_type", "client_credentials"), ("client_id", id.as_str()), ("client_secret", "wrong")];
    assert_eq!(post(&mut org, "token", &form, &[]).value()["error"], "invalid_client");
    let form =
        [("grant_type", "client_credentials"), ("client_id", "who"), ("client_secret", secret.as_str())];
    assert_eq!(post(&mut org, "token", &form, &[]).value()["error"], "invalid_client_id");
    let form = [("grant_type", "password"), ("client_id", id.as_str())];
    assert_eq!(post(&mut org, "token", &form, &[]).value()["error"], "unsupported_grant_type");
}

fn assertion(claims: &Value, signature: usize) -> String {
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let header = json!({"alg": "RS256"}).to_string();
    format!(
        "{}.{}.{}",
        part(header.as_bytes()),
        part(claims.to_string().as_bytes()),
        part(&vec![7; signature])
    )
}

#[test]
fn given_an_assertion_when_well_formed_then_a_token_comes_and_else_it_is_refused() {
    let mut org = Org::new();
    let client = text(&org.issue(json!({})), "client_id");
    let grant = |org: &mut Org, assertion: &str| {
        let form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", assertion)];
        post(org, "token", &form, &[])
    };
    let seconds = START / 1000;
    let good = json!({"iss": client, "sub": "integration@acme.example", "aud": "https://login.salesforce.com", "exp": seconds + 180});
    let reply = grant(&mut org, &assertion(&good, 256));
    assert_eq!((reply.status, reply.value().get("refresh_token")), (200, None));
    org.token = text(&reply.value(), "access_token");
    assert_eq!(org.get("/sobjects").0, 200);
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        assertion(&claims, 256)
    };
    assert_eq!(grant(&mut org, &with("aud", json!(BASE))).status, 200);
    for bad in [
        with("aud", json!("https://elsewhere.example")),
        with("exp", json!(seconds)),
        with("exp", json!(seconds + 600)),
        with("exp", Value::Null),
        with("sub", json!("")),
        assertion(&good, 8),
        assertion(&good, 256).replace('.', "!"),
        "a.b.c".to_owned(),
    ] {
        let reply = grant(&mut org, &bad);
        assert_eq!((reply.status, &reply.value()["error"]), (400, &json!("invalid_grant")), "{bad}");
    }
    assert_eq!(grant(&mut org, &with("iss", json!("who"))).value()["error"], "invalid_client_id");
}

#[test]
fn given_a_token_when_asked_who_it_is_then_org_and_user_are_told_and_a_bad_one_is_plain_text() {
    let mut org = Org::new();
    let who = |org: &mut Org, token: &str| {
        let bearer = format!("Bearer {token}");
        let request =
            Request::new("GET", "/salesforce/acme/services/oauth2/userinfo").header("authorization", &bearer);
        org.send(&request)
    };
    let token = org.token.clone();
    let body = who(&mut org, &token).value();
    let id = org.found("SELECT Id FROM Organization", "Id").remove(0);
    assert_eq!((&body["organization_id"], &body["active"]), (&json!(id), &json!(true)));
    assert!(text(&body, "user_id").starts_with("005"));
    let reply = who(&mut org, "strange");
    assert_eq!((reply.status, reply.body.as_slice()), (403, b"Bad_OAuth_Token".as_slice()));
    assert!(reply.headers.contains(&("content-type".to_owned(), "text/plain".to_owned())));
}

#[test]
fn given_a_token_when_revoked_then_introspection_and_calls_know() {
    let mut org = Org::new();
    let issued = org.issue(json!({}));
    let (id, secret, token) =
        (text(&issued, "client_id"), text(&issued, "client_secret"), text(&issued, "access_token"));
    let form = [("token", token.as_str()), ("client_id", id.as_str()), ("client_secret", secret.as_str())];
    let active = |org: &mut Org| post(org, "introspect", &form, &[]).value()["active"].clone();
    assert_eq!(active(&mut org), true);
    assert_eq!(post(&mut org, "revoke", &[("token", &token)], &[]).status, 200);
    assert_eq!(active(&mut org), false);
    assert_eq!(post(&mut org, "revoke", &[("token", &token)], &[]).value()["error"], "invalid_token");
    org.token = token;
    assert_eq!(org.get("/sobjects").0, 401);
    org.own("POST", "/tokens", json!({"action": "revoke"}));
    let expected = json!({"error": "invalid_grant", "error_description": "expired access/refresh token"});
    let (status, body) = refresh(&mut org, &issued, &text(&issued, "refresh_token"));
    assert_eq!((status, body), (400, expected));
}
