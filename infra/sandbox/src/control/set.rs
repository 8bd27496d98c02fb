//! Setting: tokens, limits, faults, records, rules; and forgetting it all.

use super::look::unknown;
use super::{Bad, needed, text};
use crate::clock::iso;
use crate::faults::{Fault, known};
use crate::http::Request;
use crate::limits::Limit;
use crate::provider::Env;
use crate::push::vendor::Author;
use crate::sandbox::{Account, Sandbox};
use crate::tokens::Wanted;
use serde_json::{Value, json};

pub(super) fn account<'a>(sandbox: &'a mut Sandbox, input: &Value) -> Result<&'a mut Account, Bad> {
    let (provider, name) = (needed(input, "provider")?, needed(input, "account")?);
    if name.contains(['/', '?', '#', '%', ' ']) {
        return Err(format!("account: \"{name}\" cannot be part of a URL as it stands"));
    }
    sandbox.account(provider, name).ok_or_else(|| unknown(provider))
}

/// `POST /_sandbox/tokens`
pub(super) fn tokens(
    sandbox: &mut Sandbox,
    now: i64,
    input: &Value,
    request: &Request,
) -> Result<Value, Bad> {
    let (provider, name) = (needed(input, "provider")?, needed(input, "account")?);
    let account = account(sandbox, input)?;
    let token = text(input, "token")?;
    if let Some(rotate) = input.get("rotate") {
        account.tokens.rotate = rotate.as_bool().ok_or("rotate: expected true or false")?;
    }
    match text(input, "action")?.unwrap_or("issue") {
        "issue" => {}
        "expire" => return Ok(json!({"expired": account.tokens.expire(now, token)})),
        "revoke" => {
            let one = token.or(text(input, "refresh_token")?);
            return Ok(json!({"revoked": account.tokens.revoke(one)}));
        }
        other => return Err(format!("action: \"{other}\" is not one of issue, expire, revoke")),
    }
    let expires_in = match input.get("expires_in") {
        None => Some(account.crm.token_lifetime()),
        Some(Value::Null) => None,
        Some(seconds) => {
            Some(seconds.as_i64().ok_or("expires_in: expected seconds, or null for a static token")?)
        }
    };
    if let Some(seconds) = expires_in {
        account.tokens.lifetime = seconds;
    }
    let scopes = match input.get("scopes") {
        None | Some(Value::Null) => None,
        Some(Value::Array(list)) => {
            let texts = list.iter().map(|scope| scope.as_str().map(str::to_owned));
            Some(texts.collect::<Option<Vec<_>>>().ok_or("scopes: expected a list of strings")?)
        }
        Some(_) => return Err("scopes: expected a list of strings".to_owned()),
    };
    let own = |name: &str| text(input, name).map(|found| found.map(str::to_owned));
    let wanted = Wanted {
        expires_in,
        scopes,
        client_id: own("client_id")?,
        client_secret: own("client_secret")?,
        access_token: own("token")?,
        refresh_token: own("refresh_token")?,
    };
    let (issued, client_id, client_secret) = account.tokens.issue(now, wanted);
    let host = request.find_header("host").map(|host| format!("http://{host}")).unwrap_or_default();
    let base = format!("{host}/{provider}/{name}");
    Ok(
        json!({"access_token": issued.access_token, "refresh_token": issued.refresh_token, "client_id": client_id,
              "client_secret": client_secret, "expires_at": issued.expires_at.map(iso), "base_url": base, "instance_url": base,
              "token_url": format!("{base}{}", account.crm.token_path())}),
    )
}

/// `POST /_sandbox/reset`
pub(super) fn reset(sandbox: &mut Sandbox, input: &Value) -> Result<Value, Bad> {
    known(input, &["provider", "account"], "body")?;
    sandbox.reset(text(input, "provider")?, text(input, "account")?);
    Ok(json!({"reset": true}))
}

/// `POST /_sandbox/records`
pub(super) fn seed(sandbox: &mut Sandbox, now: i64, input: &Value) -> Result<Value, Bad> {
    let serial = sandbox.next_serial();
    let object = needed(input, "object")?;
    let records = input.get("records").and_then(Value::as_array).ok_or("records: expected a list")?;
    let Account { crm, tokens, .. } = account(sandbox, input)?;
    let mut env = Env { now, serial, search_lag: 0, tokens, base: String::new(), daily: None };
    Ok(json!({"ids": crm.seed(object, records, &mut env)?}))
}

/// `PUT /_sandbox/settings`
pub(super) fn setting(sandbox: &mut Sandbox, input: &Value) -> Result<Value, Bad> {
    account(sandbox, input)?.crm.setting(input)?;
    Ok(json!({"set": true}))
}

/// `POST /_sandbox/actions`
pub(super) fn act(sandbox: &mut Sandbox, now: i64, input: &Value) -> Result<Value, Bad> {
    let serial = sandbox.next_serial();
    let Account { crm, tokens, .. } = account(sandbox, input)?;
    let mut env = Env { now, serial, search_lag: 0, tokens, base: String::new(), daily: None };
    let done = crm.act(input, &mut env);
    sandbox.hear(now, Some(Author::Person));
    done
}

/// `POST /_sandbox/edit`: as a person does it in the CRM. Without an id a record is made; `values: null` deletes one.
pub(super) fn edit(sandbox: &mut Sandbox, now: i64, input: &Value) -> Result<Value, Bad> {
    known(input, &["provider", "account", "object", "id", "values"], "body")?;
    let serial = sandbox.next_serial();
    let object = needed(input, "object")?;
    let id = text(input, "id")?;
    if id == Some("") {
        return Err("id: empty; leave it out to make a record".to_owned());
    }
    let Account { crm, tokens, .. } = account(sandbox, input)?;
    let env = Env { now, serial, search_lag: 0, tokens, base: String::new(), daily: None };
    let id = match (input.get("values"), id) {
        (Some(Value::Object(values)), id) => crm.save(object, id, values, &env)?,
        (Some(Value::Null), Some(id)) => crm.delete(object, id, &env)?,
        (Some(Value::Null), None) => return Err("id: missing: which record is to be deleted?".to_owned()),
        _ => {
            return Err("values: expected an object of field values, or null to delete the record".to_owned());
        }
    };
    sandbox.hear(now, Some(Author::Person));
    Ok(json!({"id": id}))
}

/// `PUT /_sandbox/properties`
pub(super) fn rule(sandbox: &mut Sandbox, input: &Value) -> Result<Value, Bad> {
    account(sandbox, input)?.crm.rule(input)?;
    Ok(json!({"set": true}))
}

/// `PUT /_sandbox/limits`: one object, or a list of them; each replaces its account's limits.
pub(super) fn limits(sandbox: &mut Sandbox, now: i64, input: &Value) -> Result<Value, Bad> {
    let single = std::slice::from_ref(input);
    let entries = input.as_array().map_or(single, Vec::as_slice);
    let mut parsed = Vec::new();
    for entry in entries {
        let list = entry.get("limits").and_then(Value::as_array).ok_or("limits: expected a list")?;
        let limits = list.iter().enumerate().map(|(at, limit)| Limit::parse(limit, &format!("limits[{at}]")));
        parsed.push(limits.collect::<Result<Vec<_>, _>>()?);
    }
    for (entry, limits) in entries.iter().zip(parsed) {
        account(sandbox, entry)?.limiter.limits = limits;
    }
    Ok(super::look::limits(sandbox, now))
}

/// `PUT /_sandbox/faults`: nothing changes unless all of them are understood.
pub(super) fn faults(sandbox: &mut Sandbox, now: i64, input: &Value) -> Result<Value, Bad> {
    let list = input.as_array().ok_or("body: expected a list of faults")?;
    let parsed = list.iter().enumerate().map(|(at, fault)| Fault::parse(fault, &format!("[{at}]"), now));
    let parsed = parsed.collect::<Result<Vec<_>, _>>()?;
    sandbox.faults.replace(parsed);
    Ok(json!(sandbox.faults.view(now)))
}
