//! Token endpoints. v1 takes its parameters from anywhere; the later ones from the form body alone.

use super::HubSpot;
use super::errors::Fail;
use crate::clock::iso;
use crate::consent::{self, Refused};
use crate::http::pairs;
use crate::provider::{Answer, Call, Env};
use crate::tokens::{Denied, Issued};
use serde_json::{Value, json};

/// A refusal in OAuth's words. v1 has only the last two fields.
fn denied(v1: bool, error: &str, status: &str, message: &str) -> Answer {
    let mut body = json!({"status": status, "message": message});
    if !v1 {
        body["error"] = json!(error);
        body["error_description"] = json!(message);
    }
    Answer::json(400, body)
}

/// Every path below `/oauth/`.
pub(super) fn serve(
    hub: &mut HubSpot,
    rest: &[&str],
    call: &Call<'_>,
    env: &mut Env<'_>,
) -> Result<Answer, Fail> {
    match (call.method(), rest) {
        // HubSpot's own is on another host, app.hubspot.com.
        (_, ["authorize"]) => Ok(consent::serve(call, env, &format!("HubSpot {}", hub.portal))),
        ("POST", [version, "token"]) => Ok(token(hub, *version == "v1", call, env)),
        ("POST", [_, "token", "introspect"]) => {
            let form = form(call);
            Ok(introspect(hub, find(&form, "token").unwrap_or_default(), env))
        }
        ("POST", [_, "token", "revoke"]) => {
            let form = form(call);
            env.tokens.revoke(Some(find(&form, "token").unwrap_or_default()));
            Ok(Answer::empty(200))
        }
        ("GET", ["v1", "access-tokens" | "refresh-tokens", token]) => {
            let answer = introspect(hub, token, env);
            let active = answer.body.as_ref().is_some_and(|body| body["active"] == json!(true));
            if active { Ok(answer) } else { Err(Fail::new(404, "INVALID_TOKEN", "missing or unknown token")) }
        }
        ("DELETE", ["v1", "refresh-tokens", token]) => {
            env.tokens.revoke(Some(token));
            Ok(Answer::empty(204))
        }
        _ => Err(Fail::bare(404, "The requested resource was not found.")),
    }
}

fn form(call: &Call<'_>) -> Vec<(String, String)> {
    pairs(&String::from_utf8_lossy(&call.request.body))
}

fn find<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn token(hub: &HubSpot, v1: bool, call: &Call<'_>, env: &mut Env<'_>) -> Answer {
    let mut form = form(call);
    if v1 {
        form.extend(call.query.iter().cloned());
    } else if !call.query.is_empty() {
        return denied(v1, "invalid_request", "BAD_REQUEST", "parameters must be sent in the request body");
    }
    let is_form =
        call.request.find_header("content-type").is_some_and(|kind| kind.contains("x-www-form-urlencoded"));
    if !is_form && !call.request.body.is_empty() {
        return Fail::bare(415, "Unsupported Media Type").answer();
    }
    let get = |name: &str| find(&form, name).unwrap_or_default();
    let (id, secret) = (get("client_id"), get("client_secret"));
    match env.tokens.check_client(id, secret) {
        Err(Denied::Client) => {
            return denied(v1, "invalid_client", "BAD_CLIENT_ID", "missing or invalid client id");
        }
        Err(_) => {
            return denied(v1, "invalid_client", "BAD_CLIENT_SECRET", "missing or invalid client secret");
        }
        Ok(()) => {}
    }
    match get("grant_type") {
        "refresh_token" => match env.tokens.refresh(env.now, get("refresh_token"), id) {
            Ok(issued) => granted(hub, v1, "access_token", issued, env),
            Err(_) if v1 => denied(v1, "", "BAD_REFRESH_TOKEN", "missing or invalid refresh token"),
            Err(_) => denied(
                v1,
                "invalid_grant",
                "BAD_REFRESH_TOKEN",
                "refresh token is invalid, expired or revoked",
            ),
        },
        "client_credentials" if !v1 => {
            let issued = env.tokens.client_token(env.now, id);
            granted(hub, v1, "client_credentials", issued, env)
        }
        "authorization_code" => match consent::trade(&form, env) {
            Ok(issued) => granted(hub, v1, "access_token", issued, env),
            Err(Refused::RedirectUri) => {
                denied(v1, "invalid_grant", "BAD_REDIRECT_URI", "missing or invalid redirect uri")
            }
            Err(Refused::Code) => {
                denied(v1, "invalid_grant", "BAD_AUTH_CODE", "missing or unknown auth code")
            }
            Err(Refused::Verifier) => {
                denied(v1, "invalid_grant", "BAD_CODE_VERIFIER", "missing or invalid code verifier")
            }
        },
        _ => denied(v1, "unsupported_grant_type", "BAD_GRANT_TYPE", "missing or unknown grant type"),
    }
}

fn granted(hub: &HubSpot, v1: bool, token_use: &str, issued: Issued, env: &Env<'_>) -> Answer {
    let expires_in = issued.expires_at.map(|at| (at - env.now) / 1000);
    let mut body =
        json!({"token_type": "bearer", "access_token": issued.access_token, "expires_in": expires_in});
    if let Some(token) = issued.refresh_token {
        body["refresh_token"] = json!(token);
    }
    if !v1 {
        body["hub_id"] = json!(hub.portal);
        body["user_id"] = json!(1);
        body["scopes"] = json!(issued.scopes.unwrap_or_default());
        body["token_use"] = json!(token_use);
    }
    Answer::json(200, body)
}

fn introspect(hub: &HubSpot, token: &str, env: &Env<'_>) -> Answer {
    let about = |token_use: &str, client: &str, scopes: &Option<Vec<String>>| {
        json!({"active": true, "token": token, "token_use": token_use, "token_type": "bearer", "hub_id": hub.portal,
               "client_id": client, "user_id": 1, "app_id": 1_000_001, "scopes": scopes.clone().unwrap_or_default(),
               "is_private_distribution": false})
    };
    if let Ok(access) = env.tokens.check(token, env.now) {
        let mut body = about("access_token", &access.client_id, &access.scopes);
        body["expires_in"] = access.expires_at.map_or(Value::Null, |at| json!((at - env.now) / 1000));
        body["expires_at"] = access.expires_at.map_or(Value::Null, |at| json!(iso(at)));
        return Answer::json(200, body);
    }
    match env.tokens.grant(token) {
        Some(grant) => Answer::json(200, about("refresh_token", &grant.client_id, &grant.scopes)),
        None => Answer::json(200, json!({"active": false})),
    }
}
