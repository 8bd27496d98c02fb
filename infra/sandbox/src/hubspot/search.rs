//! Search: limits as documented, results of a moment ago when there is a lag, and never what is archived.

use super::HubSpot;
use super::errors::Fail;
use super::filter::{Filter, order_values};
use super::objects::{body, or_default};
use super::store::Record;
use super::types::ObjectType;
use crate::ids::mix;
use crate::provider::{Answer, Call, Env};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const MAX_BODY: usize = 3000;
const MAX_GROUPS: usize = 5;
const MAX_FILTERS: usize = 6;
const MAX_ALL_FILTERS: usize = 18;
const MAX_LIMIT: u64 = 200;
const MAX_RESULTS: u64 = 10_000;

type Seen<'a> = (&'a Record, &'a BTreeMap<String, String>);

pub(super) fn serve(
    hub: &HubSpot,
    kind: &ObjectType,
    call: &Call<'_>,
    env: &Env<'_>,
) -> Result<Answer, Fail> {
    if call.request.body.len() > MAX_BODY {
        return Err(Fail::invalid(format!("The request body is longer than {MAX_BODY} characters")));
    }
    let body = body(call)?;
    let table = hub.table(kind)?;
    let groups = groups(&body, hub, kind)?;
    let limit = number(&body, "limit", 10)?;
    let after = number(&body, "after", 0)?;
    if limit > MAX_LIMIT {
        return Err(Fail::invalid(format!("limit must be at most {MAX_LIMIT}")));
    }
    if after >= MAX_RESULTS {
        return Err(Fail::invalid(format!(
            "A search gives at most {MAX_RESULTS} results; paging beyond them is refused"
        )));
    }
    let query = body.get("query").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    let matches = |properties: &BTreeMap<String, String>| {
        let found = groups.is_empty()
            || groups.iter().any(|group| group.iter().all(|filter| filter.holds(properties)));
        found && (query.is_empty() || properties.values().any(|value| value.to_lowercase().contains(&query)))
    };
    let live = table.store.all().filter(|record| record.archived.is_none());
    let mut found: Vec<Seen<'_>> = live
        .filter_map(|record| Some((record, record.searchable(env.now)?)))
        .filter(|(_, properties)| matches(properties))
        .collect();
    if let Some((name, descending)) = sort(&body)? {
        found.sort_by(|one, other| {
            let order = order_values(&table.schema, &name, one.1.get(&name), other.1.get(&name));
            let order = if descending { order.reverse() } else { order };
            // One property alone is sorted by: what is equal in it stands in any order, and never in that of the ids.
            order.then_with(|| mix(one.0.id).cmp(&mix(other.0.id)))
        });
    }
    let wanted = body.get("properties").and_then(Value::as_array).into_iter().flatten();
    let wanted = or_default(kind, wanted.filter_map(Value::as_str).map(str::to_owned).collect());
    let (start, end) = (after, (after + limit).min(MAX_RESULTS));
    let page = found.iter().skip(start as usize).take((end - start) as usize);
    let results: Vec<Value> = page
        .map(|(record, properties)| {
            let mut seen = (*record).clone();
            (*properties).clone_into(&mut seen.properties);
            hub.view(kind, &seen, &wanted, true)
        })
        .collect();
    let mut answer = json!({"total": found.len(), "results": results});
    if end < found.len() as u64 && limit > 0 {
        answer["paging"] = json!({"next": {"after": end.to_string()}});
    }
    Ok(Answer::json(200, answer))
}

/// Both a number and its text are accepted.
fn number(body: &Value, name: &str, default: u64) -> Result<u64, Fail> {
    let wrong = || Fail::invalid(format!("Invalid input JSON: {name} must be a whole number"));
    match body.get(name) {
        None | Some(Value::Null) => Ok(default),
        Some(Value::String(text)) if text.is_empty() => Ok(default),
        Some(Value::String(text)) => text.parse().map_err(|_| wrong()),
        Some(value) => value.as_u64().ok_or_else(wrong),
    }
}

fn groups(body: &Value, hub: &HubSpot, kind: &ObjectType) -> Result<Vec<Vec<Filter>>, Fail> {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let groups: Vec<Vec<Value>> =
        list(body.get("filterGroups")).iter().map(|group| list(group.get("filters"))).collect();
    let all: usize = groups.iter().map(Vec::len).sum();
    if groups.len() > MAX_GROUPS {
        return Err(Fail::invalid(format!("A search has at most {MAX_GROUPS} filter groups")));
    }
    if all > MAX_ALL_FILTERS || groups.iter().any(|group| group.len() > MAX_FILTERS) {
        let message =
            format!("A search has at most {MAX_FILTERS} filters in a group and {MAX_ALL_FILTERS} in all");
        return Err(Fail::invalid(message));
    }
    let schema = &hub.table(kind)?.schema;
    groups.iter().map(|group| group.iter().map(|filter| Filter::parse(filter, schema)).collect()).collect()
}

/// The one property to sort by, and whether it is descending.
fn sort(body: &Value) -> Result<Option<(String, bool)>, Fail> {
    let sorts = body.get("sorts").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let one = match sorts {
        [] => return Ok(None),
        [one] => one,
        _ => return Err(Fail::invalid("A search is sorted by one property at most")),
    };
    if let Some(text) = one.as_str() {
        return Ok(Some((text.trim_start_matches('-').to_owned(), text.starts_with('-'))));
    }
    let name = one.get("propertyName").and_then(Value::as_str);
    let name = name.ok_or_else(|| Fail::invalid("Invalid input JSON: a sort needs propertyName"))?;
    match one.get("direction").and_then(Value::as_str) {
        None | Some("ASCENDING") => Ok(Some((name.to_owned(), false))),
        Some("DESCENDING") => Ok(Some((name.to_owned(), true))),
        Some(other) => {
            Err(Fail::invalid(format!("Invalid input JSON: {other} is not ASCENDING or DESCENDING")))
        }
    }
}
