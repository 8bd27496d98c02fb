//! Webhooks: where accounts push to, and what was pushed.

use super::set::account;
use super::{Bad, Query, needed};
use crate::push::address::Address;
use crate::sandbox::Sandbox;
use serde_json::Value;

/// `PUT /_sandbox/webhooks`: one address, or a list; they replace those of the accounts they name. Nothing changes unless all of
/// them are understood.
pub(super) fn set(sandbox: &mut Sandbox, input: &Value) -> Result<Value, Bad> {
    let single = std::slice::from_ref(input);
    let (list, is_one) = input.as_array().map_or((single, true), |list| (list.as_slice(), false));
    let mut parsed = Vec::new();
    for (at, entry) in list.iter().enumerate() {
        let place = if is_one { "body".to_owned() } else { format!("[{at}]") };
        for name in ["provider", "account"] {
            needed(entry, name).map_err(|bad| format!("{place}.{bad}"))?;
        }
        let number = sandbox.pushes.next_number();
        let crm = &account(sandbox, entry).map_err(|bad| format!("{place}.{bad}"))?.crm;
        let objects: Vec<String> = crm.counts().into_iter().map(|(object, _)| object).collect();
        parsed.push(Address::parse(entry, &place, crm.own_settings(), &objects, number)?);
    }
    for entry in list {
        account(sandbox, entry)?.crm.listen();
    }
    sandbox.pushes.replace(parsed);
    Ok(Value::Array(sandbox.pushes.view()))
}

/// `DELETE /_sandbox/webhooks?provider&account`
pub(super) fn remove(sandbox: &mut Sandbox, query: &Query) -> Value {
    let wanted = wanted(query);
    sandbox.pushes.remove(&wanted);
    Value::Array(sandbox.pushes.view())
}

/// `GET /_sandbox/pushes?since&provider&account`
pub(super) fn pushes(sandbox: &Sandbox, query: &Query) -> Result<Value, Bad> {
    let since = match query.get("since").map(str::parse) {
        None => 0,
        Some(Ok(since)) => since,
        Some(Err(_)) => return Err("since: expected a sequence number".to_owned()),
    };
    Ok(Value::Array(sandbox.pushes.since(since, query.get("bodies") == Some("true"), wanted(query))))
}

/// Whether an account is one that the query asks for; it asks for all when it names none.
fn wanted(query: &Query) -> impl Fn(&str, &str) -> bool + '_ {
    let (provider, account) = (query.get("provider"), query.get("account"));
    move |p, a| provider.is_none_or(|name| name == p) && account.is_none_or(|name| name == a)
}
