//! Tokens: refresh token, authorization code, client credentials and JWT bearer, for a client that gives its secret in the form or
//! by HTTP Basic. No answer says when a token ends. A refresh gives a refresh token only where they rotate.

use super::Salesforce;
use super::access;
use super::errors::Fail;
use crate::consent;
use crate::http::pairs;
use crate::ids::mix;
use crate::provider::{Answer, Call, Env};
use crate::tokens::{Denied, Issued};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// How far ahead an assertion may end.
const MAX_ASSERTION_MS: i64 = 180_000;

type Form = Vec<(String, String)>;

fn denied(error: &str, description: &str) -> Answer {
    Answer::json(400, json!({"error": error, "error_description": description}))
}

/// Every path below `/services/oauth2/`.
pub(super) fn serve(org: &Salesforce, rest: &[&str], call: &Call<'_>, env: &mut Env<'_>) -> Answer {
    match (call.method(), rest) {
        (_, ["authorize"]) => consent::serve(call, env, &format!("Salesforce {}", org.org)),
        ("POST", ["token"]) => token(org, call, env).unwrap_or_else(|refused| refused),
        ("POST" | "GET", ["userinfo"]) => userinfo(org, call, env),
        ("POST" | "GET", ["revoke"]) => {
            let mut form = form(call);
            form.extend(call.query.iter().cloned());
            match env.tokens.revoke(Some(find(&form, "token").unwrap_or_default())) {
                0 => denied("invalid_token", "invalid token"),
                _ => Answer::empty(200),
            }
        }
        ("POST", ["introspect"]) => introspect(org, call, env).unwrap_or_else(|refused| refused),
        _ => Fail::not_found().answer(),
    }
}

fn form(call: &Call<'_>) -> Form {
    pairs(&String::from_utf8_lossy(&call.request.body))
}

fn find<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// The client's id and secret: by HTTP Basic, or in the form.
fn client(call: &Call<'_>, form: &Form) -> (String, String) {
    let basic = call.request.find_header("authorization").and_then(|value| value.split_once(' '));
    let basic = basic.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    let decoded = basic
        .and_then(|(_, text)| STANDARD.decode(text.trim()).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded.as_deref().and_then(|text| text.split_once(':')) {
        Some((id, secret)) => (crate::http::decode(id), crate::http::decode(secret)),
        None => {
            let get = |name: &str| find(form, name).unwrap_or_default().to_owned();
            (get("client_id"), get("client_secret"))
        }
    }
}

fn check(call: &Call<'_>, form: &Form, env: &Env<'_>) -> Result<String, Answer> {
    let (id, secret) = client(call, form);
    match env.tokens.check_client(&id, &secret) {
        Ok(()) => Ok(id),
        Err(Denied::Client) => Err(denied("invalid_client_id", "client identifier invalid")),
        Err(_) => Err(denied("invalid_client", "invalid client credentials")),
    }
}

fn token(org: &Salesforce, call: &Call<'_>, env: &mut Env<'_>) -> Result<Answer, Answer> {
    let form = form(call);
    let kind = call.request.find_header("content-type").unwrap_or_default();
    if !kind.contains("x-www-form-urlencoded") {
        return Err(denied("invalid_request", "content type must be application/x-www-form-urlencoded"));
    }
    match find(&form, "grant_type").unwrap_or_default() {
        "refresh_token" => {
            let id = check(call, &form, env)?;
            let given = find(&form, "refresh_token").unwrap_or_default();
            let issued = env.tokens.refresh(env.now, given, &id);
            let mut issued = issued.map_err(|_| denied("invalid_grant", "expired access/refresh token"))?;
            if !env.tokens.rotate {
                issued.refresh_token = None;
            }
            Ok(granted(org, issued, env))
        }
        "client_credentials" => {
            let id = check(call, &form, env)?;
            let issued = env.tokens.client_token(env.now, &id);
            Ok(granted(org, issued, env))
        }
        JWT_BEARER => {
            let id = assertion(find(&form, "assertion").unwrap_or_default(), env)?;
            let issued = env.tokens.client_token(env.now, &id);
            Ok(granted(org, issued, env))
        }
        "authorization_code" => {
            check(call, &form, env)?;
            let traded = consent::trade(&form, env).map_err(|refused| {
                denied(
                    "invalid_grant",
                    match refused {
                        consent::Refused::Code => "invalid authorization code",
                        consent::Refused::RedirectUri => "redirect_uri must match configuration",
                        consent::Refused::Verifier => "invalid code verifier",
                    },
                )
            })?;
            Ok(granted(org, traded, env))
        }
        _ => Err(denied("unsupported_grant_type", "grant type not supported")),
    }
}

/// Reads an assertion and gives the client it is from. Nobody registered a key, so its signature is only
/// looked at for its form.
fn assertion(text: &str, env: &Env<'_>) -> Result<String, Answer> {
    let refused = |what: &str| denied("invalid_grant", what);
    let parts: Vec<&str> = text.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else { return Err(refused("invalid assertion")) };
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| refused("invalid assertion"));
    let object = |part: &str| -> Result<Value, Answer> {
        let value: Value =
            serde_json::from_slice(&decode(part)?).map_err(|_| refused("invalid assertion"))?;
        if value.is_object() { Ok(value) } else { Err(refused("invalid assertion")) }
    };
    let (header, claims) = (object(header)?, object(claims)?);
    if header.get("alg") != Some(&json!("RS256")) || decode(signature)?.len() < 128 {
        return Err(refused("invalid assertion"));
    }
    let claim = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    if matches!(env.tokens.check_client(claim("iss"), ""), Err(Denied::Client)) {
        return Err(denied("invalid_client_id", "client identifier invalid"));
    }
    if claim("sub").is_empty() {
        return Err(refused("user hasn't approved this consumer"));
    }
    let aud = claim("aud").trim_end_matches('/');
    let hosts = ["https://login.salesforce.com", "https://test.salesforce.com", env.base.as_str()];
    if !hosts.contains(&aud) || aud.is_empty() {
        return Err(refused("audience is invalid"));
    }
    let exp = claims.get("exp").and_then(|exp| exp.as_i64().or_else(|| exp.as_str()?.parse().ok()));
    let ends =
        exp.and_then(|seconds| seconds.checked_mul(1000)).ok_or_else(|| refused("invalid assertion"))?;
    // A second more, since the assertion's own time has no fraction.
    if ends <= env.now || ends > env.now + MAX_ASSERTION_MS + 1000 {
        return Err(refused("invalid assertion: expired, or it ends too late"));
    }
    Ok(claim("iss").to_owned())
}

fn identity(org: &Salesforce, env: &Env<'_>) -> String {
    format!("{}/id/{}/{}", env.base, org.org, org.user)
}

fn granted(org: &Salesforce, issued: Issued, env: &Env<'_>) -> Answer {
    let scope = issued.scopes.map_or_else(|| "api refresh_token".to_owned(), |scopes| scopes.join(" "));
    let signature = STANDARD.encode(
        [mix(env.serial), mix(org.salt), mix(env.serial ^ 1), mix(org.salt ^ 1)]
            .map(u64::to_be_bytes)
            .concat(),
    );
    let mut body = json!({"access_token": issued.access_token, "instance_url": env.base, "id": identity(org, env),
        "token_type": "Bearer", "issued_at": env.now.to_string(), "signature": signature, "scope": scope});
    if let Some(token) = issued.refresh_token {
        body["refresh_token"] = json!(token);
    }
    Answer::json(200, body)
}

/// Who the token is: a bad one is answered in plain text.
fn userinfo(org: &Salesforce, call: &Call<'_>, env: &Env<'_>) -> Answer {
    let known = access::token(call).is_some_and(|token| env.tokens.check(token, env.now).is_ok());
    if !known {
        return Answer { plain: true, ..Answer::json(403, json!("Bad_OAuth_Token")) };
    }
    let name = org.store.get(&org.user).and_then(|user| user.text("Username")).unwrap_or_default();
    Answer::json(
        200,
        json!({"sub": identity(org, env), "user_id": org.user, "organization_id": org.org,
        "preferred_username": name, "email": name, "name": "Integration User", "active": true,
        "user_type": "STANDARD", "language": "en_US", "locale": "en_US", "zoneinfo": "UTC"}),
    )
}

fn introspect(org: &Salesforce, call: &Call<'_>, env: &Env<'_>) -> Result<Answer, Answer> {
    let form = form(call);
    check(call, &form, env)?;
    let token = find(&form, "token").unwrap_or_default();
    let name = org.store.get(&org.user).and_then(|user| user.text("Username")).unwrap_or_default();
    let about = |kind: &str, client: &str, ends: Option<i64>, scopes: &Option<Vec<String>>| {
        let scope = scopes.as_ref().map_or_else(|| "api refresh_token".to_owned(), |scopes| scopes.join(" "));
        json!({"active": true, "scope": scope, "client_id": client, "username": name, "sub": identity(org, env),
               "token_type": kind, "exp": ends.map(|at| at / 1000)})
    };
    if let Ok(found) = env.tokens.check(token, env.now) {
        return Ok(Answer::json(
            200,
            about("access_token", &found.client_id, found.expires_at, &found.scopes),
        ));
    }
    Ok(Answer::json(
        200,
        match env.tokens.grant(token) {
            Some(grant) => about("refresh_token", &grant.client_id, None, &grant.scopes),
            None => json!({"active": false}),
        },
    ))
}
