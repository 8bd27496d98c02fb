//! Looking: records, requests, limits, and everything at once for the page.

use super::{Bad, Query};
use crate::provider::PROVIDERS;
use crate::sandbox::Sandbox;
use serde_json::{Value, json};

const SHOWN: usize = 50;

fn needed<'a>(query: &'a Query, name: &str) -> Result<&'a str, Bad> {
    query.get(name).ok_or_else(|| format!("{name}: missing from the query"))
}

/// Every record of a type, oldest first; an account nobody used has none.
pub(super) fn records(sandbox: &mut Sandbox, query: &Query) -> Result<Value, Bad> {
    let (provider, account) = (needed(query, "provider")?, needed(query, "account")?);
    let object = needed(query, "object")?;
    let archived = query.get("archived") == Some("true");
    let newest = query
        .get("newest")
        .map(|count| count.parse().map_err(|_| "newest: expected a whole number".to_owned()));
    let account = sandbox.account(provider, account).ok_or_else(|| unknown(provider))?;
    let found = match newest.transpose()? {
        Some(count) => account.crm.newest(object, count)?,
        None => account.crm.records(object, archived)?,
    };
    Ok(Value::Array(found))
}

/// The fields of a type that a person may write.
pub(super) fn fields(sandbox: &mut Sandbox, query: &Query) -> Result<Value, Bad> {
    let (provider, account) = (needed(query, "provider")?, needed(query, "account")?);
    let account = sandbox.account(provider, account).ok_or_else(|| unknown(provider))?;
    Ok(Value::Array(account.crm.fields(needed(query, "object")?)?))
}

pub(super) fn unknown(provider: &str) -> Bad {
    let known: Vec<&str> = PROVIDERS.iter().map(|(name, _)| *name).collect();
    format!("provider: \"{provider}\" is not one of {}", known.join(", "))
}

/// The requests after a sequence number, oldest first.
pub(super) fn requests(sandbox: &Sandbox, query: &Query) -> Result<Value, Bad> {
    let since = match query.get("since").map(str::parse) {
        None => 0,
        Some(Ok(since)) => since,
        Some(Err(_)) => return Err("since: expected a sequence number".to_owned()),
    };
    let (provider, account) = (query.get("provider"), query.get("account"));
    let bodies = query.get("bodies") == Some("true");
    let found = sandbox.journal.since(since).filter(|entry| {
        provider.is_none_or(|name| name == entry.provider) && account.is_none_or(|name| name == entry.account)
    });
    Ok(Value::Array(found.map(|entry| entry.view(bodies)).collect()))
}

/// The limits of every account that has some.
pub(super) fn limits(sandbox: &Sandbox, now: i64) -> Value {
    let limited = sandbox.accounts.iter().filter(|(_, account)| !account.limiter.limits.is_empty());
    limited
        .map(|((provider, name), account)| {
            let limits: Vec<Value> = account.limiter.limits.iter().map(|limit| limit.view(now)).collect();
            json!({"provider": provider, "account": name, "limits": limits})
        })
        .collect()
}

/// What the page shows, but for the records.
pub(super) fn state(sandbox: &Sandbox, now: i64) -> Value {
    let accounts: Vec<Value> = sandbox
        .accounts
        .iter()
        .map(|((provider, name), account)| {
            let counts: Vec<Value> = account
                .crm
                .counts()
                .into_iter()
                .map(|(object, count)| json!({"object": object, "count": count}))
                .collect();
            json!({"provider": provider, "account": name, "objects": counts})
        })
        .collect();
    let requests: Vec<Value> = sandbox.journal.newest(SHOWN).map(|entry| entry.view(false)).collect();
    json!({"now": now, "accounts": accounts, "requests": requests, "last_seq": sandbox.journal.last_seq(), "last_push": sandbox.pushes.last_seq(),
           "kept": sandbox.journal.len(), "faults": sandbox.faults.view(now), "limits": limits(sandbox, now)})
}
