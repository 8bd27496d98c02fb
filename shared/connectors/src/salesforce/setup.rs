//! What is asked and made once, by a person's command: fields as described, the key field, who may see it, whose account.

use super::body::{Complaint, list};
use super::lookup::all_pages;
use super::{API, USER_INFO, error, request, soql};
use crate::connector::Property;
use crate::session::Session;
use crate::shape::Shape;
use rtr_core::failure::{Class, Failure};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The permission set by which the integration user sees the fields that we make.
const PERMISSION_SET: &str = "rtr_sync";
/// Requests of one batch call: "up to 25".
const SUBREQUESTS: usize = 25;

/// The fields of `object`; and of each parent that its references lead to, the fields that name one, dotted, as a
/// mapping writes them.
///
/// # Errors
/// The failure of a call.
pub async fn properties(session: &Session<'_>, object: &str) -> Result<Vec<Property>, Failure> {
    let call = request::get(format!("{API}/sobjects/{}/describe", soql::object(object)?));
    let description = session.send(&call).await?.json().unwrap_or_default();
    if !description["fields"].is_array() {
        return Err(Failure::new(Class::Unavailable, "Salesforce described an object without its fields"));
    }
    let fields = list(&description["fields"]);
    let mut properties: Vec<Property> = fields.iter().filter_map(property).collect();
    properties.extend(of_parents(session, fields).await?);
    Ok(properties)
}

/// What a field holds, by Salesforce's names of types.
#[must_use]
pub fn shape(property: &Property) -> Shape {
    match property.kind.as_str() {
        "int" | "long" | "double" | "currency" | "percent" => Shape::Number,
        "boolean" => Shape::Truth,
        "date" => Shape::Day,
        "datetime" => Shape::Moment,
        "multipicklist" => Shape::Choices,
        "email" => Shape::Address,
        _ => Shape::Text,
    }
}

/// Describes all parents in one batch call rather than one by one. Parents that may not be seen have no fields; where
/// the batch itself is not to be had, no dotted name is known.
async fn of_parents(session: &Session<'_>, fields: &[Value]) -> Result<Vec<Property>, Failure> {
    let mut relationships: Vec<(&str, &str)> = Vec::new();
    for field in fields.iter().filter(|field| is_true(field, "createable") || is_true(field, "updateable")) {
        let parents = list(&field["referenceTo"]).iter().filter_map(Value::as_str);
        let Some(relationship) = field["relationshipName"].as_str() else { continue };
        relationships.extend(parents.filter(|name| soql::object(name).is_ok()).map(|to| (relationship, to)));
    }
    let mut parents: Vec<&str> = relationships.iter().map(|(_, parent)| *parent).collect();
    parents.sort_unstable();
    parents.dedup();
    let mut keys: BTreeMap<&str, Vec<Property>> = BTreeMap::new();
    let version = API.rsplit('/').next().unwrap_or_default();
    for parents in parents.chunks(SUBREQUESTS) {
        let one = |parent: &&str| json!({ "method": "GET", "url": format!("{version}/sobjects/{parent}/describe") });
        let body =
            json!({ "haltOnError": false, "batchRequests": parents.iter().map(one).collect::<Vec<_>>() });
        let mut call = request::post(format!("{API}/composite/batch"), body);
        call.request.reads_only = true;
        let answer = match session.send(&call).await {
            Ok(answer) => answer.json().unwrap_or_default(),
            Err(failure) if matches!(failure.class, Class::Refused | Class::Forbidden) => {
                return Ok(Vec::new());
            }
            Err(failure) => return Err(failure),
        };
        for (parent, result) in parents.iter().zip(list(&answer["results"])) {
            let described = list(&result["result"]["fields"]).iter().filter_map(property);
            keys.insert(parent, described.filter(|property| property.unique).collect());
        }
    }
    let mut dotted = Vec::new();
    for (relationship, parent) in relationships {
        let of_parent = keys.get(parent).into_iter().flatten().filter(|key| key.name != "Id");
        dotted.extend(of_parent.map(|key| Property {
            name: format!("{relationship}.{}", key.name),
            kind: "reference".to_owned(),
            searchable: false,
            ..Property::default()
        }));
    }
    Ok(dotted)
}

/// The values of a restricted picklist that are in use; others take any.
fn options(field: &Value) -> Vec<String> {
    let listed = list(&field["picklistValues"]).iter().filter(|value| value["active"] != false);
    let listed = listed.filter(|_| is_true(field, "restrictedPicklist"));
    listed.filter_map(|value| value["value"].as_str()).map(str::to_owned).collect()
}

fn property(field: &Value) -> Option<Property> {
    let own_key = is_true(field, "externalId") && is_true(field, "unique");
    Some(Property {
        name: field["name"].as_str()?.to_owned(),
        kind: field["type"].as_str().unwrap_or_default().to_owned(),
        // `idLookup` alone says that a field can find records, as an e-mail address does, not that it finds one.
        unique: own_key || field["type"] == "id",
        writable: is_true(field, "createable") || is_true(field, "updateable"),
        searchable: field["filterable"] != false,
        options: options(field),
        refers_to: list(&field["referenceTo"]).iter().filter_map(Value::as_str).map(str::to_owned).collect(),
    })
}

fn is_true(field: &Value, name: &str) -> bool {
    field[name].as_bool().unwrap_or_default()
}

/// Makes the external-id field that holds our key, and lets the integration user see it: a field made over the API is
/// visible to nobody.
///
/// # Errors
/// The failure of a call; a field, or a permission, that is there already is none.
pub async fn create_key(session: &Session<'_>, object: &str, name: &str) -> Result<(), Failure> {
    let (object, name) = (soql::object(object)?, soql::object(name)?);
    if !name.ends_with("__c") {
        let message =
            format!("Salesforce lets only custom fields be made, and `{name}` does not end in `__c`");
        return Err(Failure::new(Class::Refused, message));
    }
    let body = json!({
        "FullName": format!("{object}.{name}"),
        "Metadata": {
            "label": name.trim_end_matches("__c").replace('_', " "),
            "description": "The record's id in the internal system. Written by rtr-sync; please leave it alone.",
            "type": "Text",
            "length": 255,
            "externalId": true,
            "unique": true,
            // Our ids differ by case.
            "caseSensitive": true,
        },
    });
    let call = request::post(format!("{API}/tooling/sobjects/CustomField"), body);
    let answer = session.send_reading(&call, error::classify_items).await?;
    if !(200..=299).contains(&answer.status) {
        let complaint = Complaint::of_response(&answer);
        if !matches!(complaint.code.as_str(), "DUPLICATE_DEVELOPER_NAME" | "DUPLICATE_VALUE") {
            return Err(error::refusal(&answer, session.clock.now()));
        }
    }
    if sees(session, object, name).await? { Ok(()) } else { let_see(session, object, name).await }
}

async fn sees(session: &Session<'_>, object: &str, name: &str) -> Result<bool, Failure> {
    let call = request::get(format!("{API}/sobjects/{object}/describe"));
    let description = session.send(&call).await?.json().unwrap_or_default();
    Ok(list(&description["fields"]).iter().any(|field| field["name"] == name))
}

/// The permission set, the field's permission in it, and its assignment to the user, in one composite call.
async fn let_see(session: &Session<'_>, object: &str, name: &str) -> Result<(), Failure> {
    let user = user_info(session, "user_id").await?;
    let asked = format!("SELECT Id FROM PermissionSet WHERE Name = {}", soql::literal(PERMISSION_SET));
    let there = all_pages(session, request::query(&asked, false)).await?;
    let known = there.first().and_then(|set| set["Id"].as_str());
    let set = known.unwrap_or("@{set.id}");
    let step = |id: &str, object: &str, body: Value| json!({ "method": "POST", "url": format!("{API}/sobjects/{object}"), "referenceId": id, "body": body });
    let mut steps = Vec::new();
    if known.is_none() {
        steps.push(step("set", "PermissionSet", json!({ "Name": PERMISSION_SET, "Label": "rtr-sync" })));
    }
    let field = format!("{object}.{name}");
    let permission = json!({
        "ParentId": set, "SobjectType": object, "Field": field, "PermissionsRead": true, "PermissionsEdit": true,
    });
    steps.push(step("field", "FieldPermissions", permission));
    let assignment = json!({ "PermissionSetId": set, "AssigneeId": user });
    steps.push(step("assignment", "PermissionSetAssignment", assignment));
    let body = json!({ "allOrNone": false, "compositeRequest": steps });
    let answer = session.send(&request::post(format!("{API}/composite"), body)).await?;
    let answer = answer.json().unwrap_or_default();
    for part in list(&answer["compositeResponse"]) {
        let failed = part["httpStatusCode"].as_u64().is_none_or(|status| !(200..300).contains(&status));
        let error = part["body"].as_array().and_then(|errors| errors.first()).unwrap_or(&Value::Null);
        if failed && Complaint::of(error).code != "DUPLICATE_VALUE" {
            return Err(error::of_item(error, session.clock.now()));
        }
    }
    Ok(())
}

/// The org behind the credentials.
///
/// # Errors
/// The failure of the call.
pub async fn account(session: &Session<'_>) -> Result<String, Failure> {
    user_info(session, "organization_id").await
}

async fn user_info(session: &Session<'_>, name: &str) -> Result<String, Failure> {
    let answer = session.send(&request::get(USER_INFO.to_owned())).await?.json().unwrap_or_default();
    let said = answer[name].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
    said.ok_or_else(|| Failure::new(Class::Unavailable, "Salesforce did not say whose token this is"))
}
