//! Every value in these secrets holds CANARY: none may show.

use super::*;
use crate::hubspot::TOKEN_ENDPOINT;
use serde_json::json;

const NOW: Instant = Instant(1_795_000_000_123);
const SECOND: Duration = Duration::from_secs(1);

fn secret(value: &Value) -> SecretString {
    value.to_string().into()
}

fn oauth() -> Value {
    json!({
        "type": "oauth2", "client_id": "CANARY-id", "client_secret": "CANARY-secret+&", "refresh_token": "CANARY-refresh",
        "access_token": "CANARY-access", "expires_at": "2026-11-18T11:36:40Z", "webhook": {"secrets": ["CANARY-hook"]},
    })
}

fn answer(status: u16, body: &str) -> Response {
    Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
}

fn exposed(headers: &[(String, SecretString)]) -> Vec<(&str, &str)> {
    headers.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect()
}

#[test]
fn given_a_bearer_secret_when_parsed_then_its_token_is_sent_and_never_renewed() {
    let credential =
        Credential::parse(&secret(&json!({"type": "bearer", "token": " CANARY-token\n"}))).unwrap();
    assert_eq!(exposed(&credential.headers().unwrap()), [("authorization", "Bearer CANARY-token")]);
    assert!(!credential.needs_refresh(Instant(i64::MAX)));
    assert!(credential.refresh_request(TOKEN_ENDPOINT, None, SECOND).is_none());
}

#[test]
fn given_an_oauth_secret_when_time_passes_then_it_is_renewed_five_minutes_early() {
    let credential = Credential::parse(&secret(&oauth())).unwrap();
    let end = credential.expires_at().unwrap();
    assert!(!credential.needs_refresh(end.plus_ms(-REFRESH_EARLY_MS - 1)));
    assert!(credential.needs_refresh(end.plus_ms(-REFRESH_EARLY_MS)));
    let mut fresh = oauth();
    fresh["access_token"] = Value::Null;
    let credential = Credential::parse(&secret(&fresh)).unwrap();
    assert!(credential.headers().is_none() && credential.needs_refresh(NOW));
    fresh["access_token"] = "CANARY".into();
    fresh["refresh_token"] = Value::Null;
    assert!(!Credential::parse(&secret(&fresh)).unwrap().needs_refresh(Instant(i64::MAX)));
}

#[test]
fn given_a_refresh_when_requested_then_everything_stands_in_the_body_and_the_secrets_url_wins() {
    let request = |value: &Value, base: Option<&str>| {
        Credential::parse(&secret(value)).unwrap().refresh_request(TOKEN_ENDPOINT, base, SECOND).unwrap()
    };
    let plain = request(&oauth(), None);
    assert_eq!(plain.url, "https://api.hubapi.com/oauth/v3/token");
    assert_eq!(
        String::from_utf8(plain.body.clone()).unwrap(),
        "grant_type=refresh_token&refresh_token=CANARY-refresh&client_id=CANARY-id&client_secret=CANARY-secret%2B%26"
    );
    assert!(!format!("{plain:?}").contains("CANARY"));
    assert_eq!(request(&oauth(), Some("http://127.0.0.1:9/hs/")).url, "http://127.0.0.1:9/hs/oauth/v3/token");
    let mut own = oauth();
    own["token_url"] = "https://tokens.example.org/t".into();
    assert_eq!(request(&own, Some("http://127.0.0.1:9")).url, "https://tokens.example.org/t");
}

#[test]
fn given_an_app_when_joined_then_its_newest_secret_is_used() {
    let connection = json!({"type": "oauth2", "app": "main", "refresh_token": "CANARY-refresh"});
    let credential = Credential::parse(&secret(&connection)).unwrap();
    assert_eq!(credential.app(), Some("main"));
    assert!(credential.refresh_request(TOKEN_ENDPOINT, None, SECOND).is_none());
    let app = json!({"client_id": "id", "client_secrets": ["CANARY-new", "CANARY-old"], "token_url": "https://t.example"});
    let credential = credential.with_app(&secret(&app)).unwrap();
    let request = credential.refresh_request(TOKEN_ENDPOINT, None, SECOND).unwrap();
    assert_eq!(request.url, "https://t.example");
    assert!(String::from_utf8(request.body).unwrap().ends_with("&client_id=id&client_secret=CANARY-new"));
}

#[test]
fn given_answers_of_the_token_endpoint_when_read_then_it_is_clear_who_must_act() {
    let credential = Credential::parse(&secret(&oauth())).unwrap();
    let line =
        |status: u16, body: &str| match credential.read_refresh(TOKEN_ENDPOINT, &answer(status, body), NOW) {
            Ok(_) => format!("{status}: new tokens"),
            Err(failure) => format!("{status}: {failure:?}"),
        };
    let revoked = include_str!("../hubspot/fixtures/refresh-revoked.json");
    let table = [
        line(200, include_str!("../hubspot/fixtures/refresh-ok.json")),
        line(400, revoked),
        line(400, include_str!("../hubspot/fixtures/refresh-bad-hub.json")),
        line(400, include_str!("../hubspot/fixtures/refresh-bad-client.json")),
        line(401, r#"{"error":"unauthorized_client","error_description":"CANARY"}"#),
        line(200, r#"{"error":"invalid_grant"}"#),
        line(400, r#"{"error":"CANARY"}"#),
        line(200, "{}"),
        line(200, r#"{"access_token":"CANARY\nforged: header"}"#),
        line(200, "<html>CANARY</html>"),
        line(307, revoked),
        line(423, revoked),
        line(429, ""),
        line(477, ""),
        line(503, revoked),
    ]
    .join("\n");
    assert!(!table.contains("CANARY"));
    insta::assert_snapshot!(table, @r#"
    200: new tokens
    400: Revoked("the grant was revoked or has ended (BAD_REFRESH_TOKEN)")
    400: Revoked("the grant was revoked or has ended (BAD_HUB)")
    400: Config("the OAuth app's settings were refused (BAD_CLIENT_ID)")
    401: Config("the OAuth app's settings were refused (unauthorized_client)")
    200: Revoked("the grant was revoked or has ended (invalid_grant)")
    400: Transient("the token endpoint gave no access token (400)")
    200: Transient("the token endpoint gave no access token (200)")
    200: Transient("the token endpoint gave no access token (200)")
    200: Transient("the token endpoint gave an answer that cannot be read (200)")
    307: Config("the token endpoint answered with a redirect, which is not followed (307)")
    423: Transient("the token endpoint is busy or unavailable (423)")
    429: Transient("the token endpoint is busy or unavailable (429)")
    477: Transient("the token endpoint is busy or unavailable (477)")
    503: Transient("the token endpoint is busy or unavailable (503)")
    "#);
}

#[test]
fn given_new_tokens_when_written_back_then_all_else_stays() {
    let original = secret(&oauth());
    let credential = Credential::parse(&original).unwrap();
    let ok = answer(200, include_str!("../hubspot/fixtures/refresh-ok.json"));
    let refreshed = credential.read_refresh(TOKEN_ENDPOINT, &ok, NOW).unwrap();
    assert_eq!(refreshed.account.as_deref(), Some("7700123"));
    assert_eq!(refreshed.expires_at, NOW.plus_ms(1_800_000));
    let mut wanted = oauth();
    wanted["access_token"] = "CANARY-access-2".into();
    wanted["refresh_token"] = "CANARY-refresh-2".into();
    wanted["expires_at"] = "2026-11-18T11:36:40.123Z".into();
    let written = write_back(&original, &refreshed).unwrap();
    assert_eq!(serde_json::from_str::<Value>(written.expose_secret()).unwrap(), wanted);
    let kept = Refreshed { refresh_token: None, ..refreshed };
    wanted["refresh_token"] = "CANARY-refresh".into();
    let written = write_back(&original, &kept).unwrap();
    assert_eq!(serde_json::from_str::<Value>(written.expose_secret()).unwrap(), wanted);
    assert!(!format!("{credential:?} {kept:?} {written:?}").contains("CANARY"));
}

#[test]
fn given_bad_secrets_when_parsed_then_the_fault_is_named_and_nothing_quoted() {
    let bad = |text: &str| Credential::parse(&SecretString::from(text)).unwrap_err();
    let table = [
        bad("pat-CANARY"),
        bad("\"CANARY\""),
        bad(r#"{"type": "bearer", "token": "CANARY}"#),
        bad(r#"{"token": "CANARY"}"#),
        bad(r#"{"type": "CANARY"}"#),
        bad(r#"{"type": "basic", "username": "CANARY"}"#),
        bad(r#"{"type": "bearer"}"#),
        bad(r#"{"type": "bearer", "token": ["CANARY"]}"#),
        bad(r#"{"type": "bearer", "token": "CAN\nARY"}"#),
        bad(r#"{"type": "oauth2"}"#),
        bad(r#"{"type": "oauth2", "refresh_token": "CANARY"}"#),
        bad(r#"{"type": "oauth2", "access_token": "CANARY", "expires_at": "CANARY"}"#),
    ]
    .join("\n");
    assert!(!table.contains("CAN"));
    insta::assert_snapshot!(table, @"
    the secret is not JSON: line 1, column 1
    the secret is not a JSON object
    the secret is not JSON: line 1, column 36
    the secret's `type` is missing; supported: bearer, oauth2
    the secret's `type` is unknown; supported: bearer, oauth2
    the secret's type `basic` is not supported yet; supported: bearer, oauth2
    the secret's `token` is missing
    the secret's `token` is not text
    the secret's `token` holds a character that no header can carry
    the secret has neither a `refresh_token` nor an `access_token`
    the secret names neither an `app` nor a `client_id`
    the secret's `expires_at` is not an RFC 3339 time
    ");
}
