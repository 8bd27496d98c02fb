//! Property definitions and their groups. HubSpot's own definitions cannot be changed; a property's
//! uniqueness is settled when it is made.

use super::HubSpot;
use super::batch::{envelope, inputs};
use super::errors::Fail;
use super::objects::body;
use super::schema::{Group, MAX_UNIQUE, Property, Schema};
use super::types::ObjectType;
use crate::provider::{Answer, Call, Env};
use serde_json::{Value, json};

const KINDS: &[&str] = &["bool", "date", "datetime", "enumeration", "number", "phone_number", "string"];
const FIELDS: &[&str] = &[
    "booleancheckbox",
    "calculation_equation",
    "checkbox",
    "date",
    "file",
    "html",
    "number",
    "phonenumber",
    "radio",
    "select",
    "text",
    "textarea",
];

/// Every path below `/crm/v3/properties/{type}`.
pub(super) fn serve(
    hub: &mut HubSpot,
    kind: &ObjectType,
    rest: &[&str],
    call: &Call<'_>,
    env: &Env<'_>,
) -> Result<Answer, Fail> {
    let schema = &mut hub.table_mut(kind)?.schema;
    match (call.method(), rest) {
        ("GET", []) => {
            let archived = call.query("archived") == Some("true");
            let found = schema.properties.values().filter(|property| property.archived == archived);
            Ok(Answer::json(200, json!({"results": found.map(Property::view).collect::<Vec<_>>()})))
        }
        ("POST", []) => Ok(Answer::json(201, create(schema, &body(call)?, env)?)),
        (method, ["groups", name @ ..]) => groups(schema, method, name, call),
        ("POST", ["batch", operation]) => batch(schema, operation, &body(call)?, env),
        ("GET", [name]) => {
            let archived = call.query("archived") == Some("true");
            let found = schema.properties.get(*name).filter(|property| property.archived == archived);
            found.map(|property| Answer::json(200, property.view())).ok_or_else(|| missing(name))
        }
        ("PATCH", [name]) => {
            let change = body(call)?;
            let property = own(schema, name)?;
            update(property, &change)?;
            property.updated = env.now;
            Ok(Answer::json(200, property.view()))
        }
        ("DELETE", [name]) => {
            own(schema, name)?.archived = true;
            Ok(Answer::empty(204))
        }
        _ => Err(Fail::bare(405, "HTTP 405 Method Not Allowed")),
    }
}

fn missing(name: &str) -> Fail {
    Fail::new(404, "OBJECT_NOT_FOUND", format!("Property '{name}' does not exist"))
        .with("subCategory", json!("Properties.PROPERTY_DOESNT_EXIST"))
}

/// A property whose definition may be changed.
fn own<'a>(schema: &'a mut Schema, name: &str) -> Result<&'a mut Property, Fail> {
    let found = schema.properties.get_mut(name).filter(|property| !property.archived);
    let property = found.ok_or_else(|| missing(name))?;
    if property.standard {
        return Err(Fail::invalid(format!("Property '{name}' is defined by HubSpot and cannot be changed")));
    }
    Ok(property)
}

fn text<'a>(input: &'a Value, name: &str) -> Result<&'a str, Fail> {
    let found = input.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    found.ok_or_else(|| Fail::invalid(format!("Invalid input JSON: {name} is required")))
}

fn one_of(name: &str, value: &str, allowed: &[&str]) -> Result<String, Fail> {
    if allowed.contains(&value) {
        return Ok(value.to_owned());
    }
    Err(Fail::invalid(format!("Invalid input JSON: {name} \"{value}\" is not one of {}", allowed.join(", "))))
}

fn options(input: &Value) -> Result<Vec<(String, String)>, Fail> {
    let list = input.get("options").and_then(Value::as_array).into_iter().flatten();
    list.map(|option| Ok((text(option, "value")?.to_owned(), text(option, "label")?.to_owned()))).collect()
}

fn create(schema: &mut Schema, input: &Value, env: &Env<'_>) -> Result<Value, Fail> {
    let name = text(input, "name")?;
    let starts_well = name.chars().next().is_some_and(|c| c.is_ascii_lowercase());
    let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !starts_well || !plain || name.len() > 100 {
        let message = format!(
            "Property name \"{name}\" is invalid: it must start with a letter and hold only lower case letters, \
             digits and underscores, at most 100"
        );
        return Err(Fail::invalid(message));
    }
    if schema.live(name).is_some() {
        return Err(Fail::new(
            409,
            "OBJECT_ALREADY_EXISTS",
            format!("A property named '{name}' already exists."),
        )
        .with("subCategory", json!("Properties.PROPERTY_WITH_NAME_EXISTS"))
        .context("name", vec![name.to_owned()]));
    }
    let group = text(input, "groupName")?;
    if !schema.groups.iter().any(|known| known.name == group && !known.archived) {
        return Err(Fail::invalid(format!("Property group '{group}' does not exist")));
    }
    let unique = input.get("hasUniqueValue") == Some(&json!(true));
    if unique && schema.unique_names().len() >= MAX_UNIQUE {
        let message = format!("An object type has at most {MAX_UNIQUE} properties with unique values");
        return Err(Fail::invalid(message));
    }
    let kind = one_of("type", text(input, "type")?, KINDS)?;
    if unique && !["string", "number"].contains(&kind.as_str()) {
        return Err(Fail::invalid("Only properties of type string or number can have unique values"));
    }
    let options = options(input)?;
    if kind == "enumeration" && options.is_empty() {
        return Err(Fail::invalid("An enumeration needs options"));
    }
    let property = Property {
        name: name.to_owned(),
        label: text(input, "label")?.to_owned(),
        description: input.get("description").and_then(Value::as_str).unwrap_or_default().to_owned(),
        group: group.to_owned(),
        kind,
        field: one_of("fieldType", text(input, "fieldType")?, FIELDS)?,
        options,
        unique,
        created: env.now,
        updated: env.now,
        ..Property::default()
    };
    let view = property.view();
    schema.properties.insert(name.to_owned(), property);
    Ok(view)
}

fn update(property: &mut Property, change: &Value) -> Result<(), Fail> {
    if change.get("hasUniqueValue").is_some_and(|unique| *unique != json!(property.unique)) {
        return Err(Fail::invalid("hasUniqueValue cannot be changed once a property exists"));
    }
    if change.get("options").is_some() {
        property.options = options(change)?;
    }
    for (name, field) in [("label", &mut property.label), ("description", &mut property.description)] {
        if let Some(text) = change.get(name).and_then(Value::as_str) {
            text.clone_into(field);
        }
    }
    if let Some(kind) = change.get("type").and_then(Value::as_str) {
        property.kind = one_of("type", kind, KINDS)?;
    }
    if let Some(field) = change.get("fieldType").and_then(Value::as_str) {
        property.field = one_of("fieldType", field, FIELDS)?;
    }
    Ok(())
}

/// Those that can be made are made, whatever becomes of the others.
fn batch(schema: &mut Schema, operation: &str, body: &Value, env: &Env<'_>) -> Result<Answer, Fail> {
    let inputs = inputs(body, 100)?;
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for input in inputs {
        let outcome = match operation {
            "create" => create(schema, input, env),
            "read" => {
                let name = text(input, "name")?;
                schema.live(name).map(Property::view).ok_or_else(|| missing(name))
            }
            "archive" => own(schema, text(input, "name")?).map(|property| {
                property.archived = true;
                Value::Null
            }),
            _ => return Err(Fail::bare(404, "The requested resource was not found.")),
        };
        match outcome {
            Ok(view) => results.push(view),
            Err(fail) => errors.push(fail.entry()),
        }
    }
    match operation {
        "archive" => Ok(Answer::empty(204)),
        _ if !errors.is_empty() => Ok(Answer::json(207, envelope(results, errors, env))),
        "create" => Ok(Answer::json(201, envelope(results, errors, env))),
        _ => Ok(Answer::json(200, envelope(results, errors, env))),
    }
}

fn groups(schema: &mut Schema, method: &str, name: &[&str], call: &Call<'_>) -> Result<Answer, Fail> {
    let at = |name: &str| schema.groups.iter().position(|group| group.name == name && !group.archived);
    let unknown =
        |name: &str| Fail::new(404, "OBJECT_NOT_FOUND", format!("Property group '{name}' does not exist"));
    match (method, name) {
        ("GET", []) => {
            let live = schema.groups.iter().enumerate().filter(|(_, group)| !group.archived);
            let views: Vec<Value> = live.map(|(at, group)| group.view(at)).collect();
            Ok(Answer::json(200, json!({"results": views})))
        }
        ("POST", []) => {
            let input = body(call)?;
            let (name, label) = (text(&input, "name")?.to_owned(), text(&input, "label")?.to_owned());
            if at(&name).is_some() {
                let message = format!("A property group named '{name}' already exists.");
                return Err(Fail::new(409, "OBJECT_ALREADY_EXISTS", message).context("name", vec![name]));
            }
            let group = Group { name, label, archived: false };
            let view = group.view(schema.groups.len());
            schema.groups.push(group);
            Ok(Answer::json(201, view))
        }
        ("GET", [name]) => {
            let found = at(name).and_then(|at| schema.groups.get(at).map(|group| group.view(at)));
            found.map(|view| Answer::json(200, view)).ok_or_else(|| unknown(name))
        }
        ("DELETE", [name]) => {
            let found = at(name).and_then(|at| schema.groups.get_mut(at));
            found.map(|group| group.archived = true).ok_or_else(|| unknown(name))?;
            Ok(Answer::empty(204))
        }
        _ => Err(Fail::bare(405, "HTTP 405 Method Not Allowed")),
    }
}
