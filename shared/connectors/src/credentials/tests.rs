//! Every value in these secrets holds CANARY: none may show.

use super::*;
use crate::http::{Outgoing, Response};
use crate::hubspot::TOKEN_ENDPOINT;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::time::Duration;

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

fn ask(base_url: Option<&str>) -> TokenAsk<'_> {
    TokenAsk { endpoint: TOKEN_ENDPOINT, base_url, timeout: SECOND, now: NOW, client_secret: 0 }
}

fn parsed(value: &Value) -> Credential {
    Credential::parse(&secret(value)).unwrap()
}

fn request(credential: &Credential, ask: &TokenAsk<'_>) -> Option<Outgoing> {
    credential.refresh_request(ask).unwrap()
}

fn form(outgoing: &Outgoing) -> String {
    String::from_utf8(outgoing.body.clone()).unwrap()
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
    assert!(request(&credential, &ask(None)).is_none());
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
    let request = |value: &Value, base: Option<&str>| request(&parsed(value), &ask(base)).unwrap();
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
fn given_an_app_when_joined_then_its_newest_secret_goes_first_and_the_old_one_is_at_hand() {
    let connection = json!({"type": "oauth2", "app": "main", "refresh_token": "CANARY-refresh"});
    let credential = Credential::parse(&secret(&connection)).unwrap();
    assert_eq!(credential.app(), Some("main"));
    assert!(request(&credential, &ask(None)).is_none());
    let app = json!({"client_id": "id", "client_secrets": ["CANARY-new", "CANARY-old"], "token_url": "https://t.example",
        "webhook": {"secrets": ["CANARY-hook"]}});
    let credential = credential.with_app(App::parse(&secret(&app)).unwrap());
    let new = request(&credential, &ask(None)).unwrap();
    assert_eq!(new.url, "https://t.example");
    assert!(form(&new).ends_with("&client_id=id&client_secret=CANARY-new"));
    let old = request(&credential, &TokenAsk { client_secret: 1, ..ask(None) }).unwrap();
    assert!(form(&old).ends_with("&client_id=id&client_secret=CANARY-old"));
    assert_eq!((credential.client_secrets(), credential.webhook_secrets().len()), (2, 1));
}

#[test]
fn given_answers_of_the_token_endpoint_when_read_then_it_is_clear_who_must_act() {
    let line = |status: u16, body: &str| match read_tokens(TOKEN_ENDPOINT, &answer(status, body), NOW) {
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
        line(400, r#"{"status":"BAD_CLIENT_SECRET","error":"invalid_client"}"#),
        line(400, r#"{"error":"invalid_grant","error_description":"login rate exceeded"}"#),
        line(400, r#"{"error":"inactive_user","error_description":"user is inactive CANARY"}"#),
        line(400, r#"{"error":"invalid_client_id","error_description":"client identifier invalid"}"#),
        line(200, r#"{"error":"invalid_code"}"#),
        line(200, r#"{"error":"Access Denied","error_description":"You have made too many requests continuously."}"#),
        line(400, r#"{"error":"invalid_grant","error_description":"AADSTS700082: The refresh token has expired CANARY"}"#),
        line(400, r#"{"error":"invalid_grant","error_description":"AADSTS90033: A transient error has occurred."}"#),
        line(400, r#"{"success":false,"message":"CANARY","error":"invalid_grant"}"#),
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
    400: ClientSecret("the OAuth app's settings were refused (BAD_CLIENT_SECRET)")
    400: Transient("the token endpoint gives no tokens now (too many requests)")
    400: Revoked("the grant was revoked or has ended (inactive_user)")
    400: Config("the OAuth app's settings were refused (invalid_client_id)")
    200: Revoked("the grant was revoked or has ended (invalid_code)")
    200: Transient("the token endpoint gives no tokens now (too many requests)")
    400: Revoked("the grant was revoked or has ended (invalid_grant)")
    400: Transient("the token endpoint gives no tokens now (too many requests)")
    400: Revoked("the grant was revoked or has ended (invalid_grant)")
    "#);
}

#[test]
fn given_new_tokens_when_written_back_then_all_else_stays() {
    let original = secret(&oauth());
    let credential = Credential::parse(&original).unwrap();
    let ok = answer(200, include_str!("../hubspot/fixtures/refresh-ok.json"));
    let refreshed = read_tokens(TOKEN_ENDPOINT, &ok, NOW).unwrap();
    assert_eq!(refreshed.account.as_deref(), Some("7700123"));
    assert_eq!(refreshed.expires_at, Some(NOW.plus_ms(1_800_000)));
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
bad(r#"{"type": "basic", "password": "CANARY"}"#),
        bad(r#"{"type": "basic", "username": "CAN:ARY"}"#),
        bad(r#"{"type": "header", "name": "CAN ARY", "value": "CANARY"}"#),
        bad(r#"{"type": "header", "name": "Host", "value": "CANARY"}"#),
        bad(r#"{"type": "header", "name": "x-api-token", "value": "CAN\nARY"}"#),
        bad(r#"{"type": "client_credentials", "client_id": "CANARY"}"#),
        bad(r#"{"type": "jwt_bearer", "client_id": "CANARY", "username": "u"}"#),
        bad(r#"{"type": "jwt_bearer", "client_id": "c", "username": "u", "audience": "a", "private_key": "CANARY"}"#),
        bad(r#"{"type": "jwt_bearer", "client_id": "c", "username": "u", "audience": "a", "private_key": "-----BEGIN PRIVATE KEY-----\nQ0FOQVJZ\n-----END PRIVATE KEY-----"}"#),
        bad(r#"{"type": "jwt_bearer", "client_id": "c", "username": "u", "audience": "a", "private_key": "-----BEGIN ENCRYPTED PRIVATE KEY-----"}"#),
        bad(r#"{"type": "bearer", "token": "CANARY", "webhook": ["CANARY"]}"#),
        bad(r#"{"type": "bearer", "token": "CANARY", "webhook": {"secrets": "CANARY"}}"#),
        bad(r#"{"type": "oauth2", "app": "../CANARY", "refresh_token": "CANARY"}"#),
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
    the secret's `type` is missing; supported: bearer, oauth2, client_credentials, jwt_bearer, basic, header
    the secret's `type` is unknown; supported: bearer, oauth2, client_credentials, jwt_bearer, basic, header
    the secret's `username` is missing
    the secret's `username` holds a colon
    the secret's `name` is no name of a header
    the secret's `name` is a header that the connection itself sets
    the secret's `value` holds a character that no header can carry
    the secret's `client_secret` is missing
    the secret's `audience` is missing
    the secret's `private_key` is not PEM (`-----BEGIN PRIVATE KEY-----` …)
    the secret's `private_key` is not an RSA key of 2,048 bits or more
    the secret's `private_key` is encrypted: store it without its passphrase, the secret is encrypted as a whole
    the secret's `webhook` is not an object
    the secret's `webhook.secrets` are not a list of texts
    the secret's `app` is no name: letters, digits, `-`, `_` and `.`, up to 64
    the secret's `token` is missing
    the secret's `token` is not text
    the secret's `token` holds a character that no header can carry
    the secret has neither a `refresh_token` nor an `access_token`
    the secret names neither an `app` nor a `client_id`
    the secret's `expires_at` is not an RFC 3339 time
    ");
}

#[test]
fn given_a_name_and_a_password_or_a_header_when_sent_then_they_are_what_the_crm_wants() {
    let close = parsed(&json!({"type": "basic", "username": "CANARY-key"}));
    assert_eq!(exposed(&close.headers().unwrap()), [("authorization", "Basic Q0FOQVJZLWtleTo=")]);
    let both = parsed(&json!({"type": "basic", "username": "é", "password": " p:w "}));
    let sent = STANDARD.encode("é: p:w ");
    assert_eq!(exposed(&both.headers().unwrap()), [("authorization", format!("Basic {sent}").as_str())]);
    let header = parsed(&json!({"type": "header", "name": "X-Api-Token", "value": "CANARY"}));
    assert_eq!(exposed(&header.headers().unwrap()), [("x-api-token", "CANARY")]);
    for credential in [close, both, header] {
        assert!(!credential.can_refresh() && !credential.needs_refresh(NOW));
        assert!(!format!("{credential:?}").contains("CANARY"));
    }
}

#[test]
fn given_a_client_of_its_own_when_it_asks_then_its_token_is_fetched_once_and_kept_like_any_other() {
    let mut value = json!({"type": "client_credentials", "client_id": "CANARY-id", "client_secret": "CANARY-s",
        "token_url": "https://login.example/t", "scope": "api x"});
    let credential = parsed(&value);
    assert!(credential.headers().is_none() && credential.needs_refresh(NOW));
    let sent = request(&credential, &ask(Some("http://127.0.0.1:9"))).unwrap();
    assert_eq!(sent.url, "https://login.example/t");
    assert_eq!(
        form(&sent),
        "grant_type=client_credentials&scope=api+x&client_id=CANARY-id&client_secret=CANARY-s"
    );
    value["access_token"] = "CANARY-access".into();
    let kept = parsed(&value);
    assert!(!kept.needs_refresh(NOW), "of unknown life: used until it is refused");
    assert_eq!(exposed(&kept.headers().unwrap()), [("authorization", "Bearer CANARY-access")]);
}

#[test]
fn given_a_private_key_in_either_form_when_asserted_then_the_signature_holds_and_the_claims_are_the_flows() {
    let pems = [include_str!("fixtures/key-pkcs8.pem"), include_str!("fixtures/key-pkcs1.pem")];
    let escaped = pems[0].replace('\n', "\\n");
    let public = STANDARD.decode(include_str!("fixtures/key-public-der.base64").trim()).unwrap();
    for pem in [pems[0], pems[1], &escaped] {
        let value = json!({"type": "jwt_bearer", "client_id": "consumer", "username": "sync@acme.example",
            "private_key": pem, "audience": "https://test.salesforce.com"});
        let sent = request(&parsed(&value), &ask(None)).unwrap();
        assert_eq!(
            sent.url, "https://test.salesforce.com/oauth/v3/token",
            "the endpoint's path at the login server"
        );
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(&sent.body).into_owned().collect();
        assert_eq!(pairs[0].1, "urn:ietf:params:oauth:grant-type:jwt-bearer");
        let (signed, signature) = pairs[1].1.rsplit_once('.').unwrap();
        let key = aws_lc_rs::signature::UnparsedPublicKey::new(
            &aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256,
            &public,
        );
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        key.verify(signed.as_bytes(), &signature).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(
            claims,
            json!({"iss": "consumer", "sub": "sync@acme.example", "aud": "https://test.salesforce.com",
                "exp": 1_795_000_150})
        );
    }
}

#[test]
fn given_salesforces_answer_when_read_then_account_and_address_are_learned_and_no_end_is_made_up() {
    let body = json!({"id": "https://login.salesforce.com/id/00Dxx0000001gPLEAY/005xx000001SwiUAAS",
        "instance_url": "https://acme.my.salesforce.com/", "access_token": "00D!CANARY", "token_type": "Bearer",
        "issued_at": "1278448832702", "signature": "c2ln", "scope": "api refresh_token"});
    let endpoint =
        TokenEndpoint { url: "https://login.salesforce.com/services/oauth2/token", default_life_s: 0 };
    let refreshed = read_tokens(endpoint, &answer(200, &body.to_string()), NOW).unwrap();
    assert_eq!(refreshed.account.as_deref(), Some("00Dxx0000001gPLEAY"));
    assert_eq!((refreshed.expires_at, refreshed.refresh_token.is_none()), (None, true));
    let mut old = oauth();
    old["instance_url"] = "https://old.my.salesforce.com".into();
    let written = parsed(
        &serde_json::from_str(write_back(&secret(&old), &refreshed).unwrap().expose_secret()).unwrap(),
    );
    assert_eq!(written.instance_url(), Some("https://acme.my.salesforce.com"));
    assert!(written.expires_at().is_none() && !written.needs_refresh(NOW));
    let zoho = json!({"access_token": "t", "api_domain": "https://www.zohoapis.eu", "expires_in": 3600});
    let refreshed = read_tokens(endpoint, &answer(200, &zoho.to_string()), NOW).unwrap();
    assert_eq!(refreshed.instance_url.as_deref(), Some("https://www.zohoapis.eu"));
    let forged = json!({"access_token": "t", "instance_url": "https://acme@evil.example"});
    assert_eq!(read_tokens(endpoint, &answer(200, &forged.to_string()), NOW).unwrap().instance_url, None);
}

#[test]
fn given_ids_of_accounts_when_compared_then_salesforces_two_spellings_are_one() {
    assert!(same_account("00Dxx0000001gPL", "00Dxx0000001gPLEAY"));
    assert!(!same_account("00Dxx0000001gPL", "00Dxx0000001gPMEAY"));
    assert!(same_account("7700123", "7700123") && !same_account("7700123", "77001234"));
}

#[test]
fn given_a_connections_secret_when_its_app_is_looked_for_then_it_is_in_the_same_stage() {
    assert_eq!(App::secret_name("main", "rtr/prod/acme/hubspot").unwrap(), "rtr/prod/apps/main");
    assert!(App::secret_name("main", "elsewhere/acme").is_err());
    assert!(App::secret_name("a/b", "rtr/prod/acme/hubspot").is_err());
}
