use super::*;
use crate::args;
use crate::commands::answers;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Commands that answer by something else than JSON.
const WITHOUT: [&str; 1] = ["completions"];
/// Schemas beside ours in the folder.
const OTHERS: [&str; 1] = ["change-event.json"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schema")
}

/// What is wrong with `value` as an answer of `command`.
fn wrong(command: &str, value: &Value) -> Vec<String> {
    let answer = answers().into_iter().find(|one| one.command == command);
    let schema = answer.unwrap_or_else(|| panic!("there is no schema of {command}")).schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path)).collect()
}

/// That `value` is an answer as the schema of `command` has it.
pub(crate) fn fits<T: Serialize>(command: &str, value: &T) {
    let value = serde_json::to_value(value).unwrap();
    assert_eq!(wrong(command, &value), Vec::<String>::new(), "rtr {command}: {value:#}");
}

/// The same, and that it is none once a field of it is missing or has another name.
pub(crate) fn holds<T: Serialize>(command: &str, value: &T) {
    fits(command, value);
    let value = serde_json::to_value(value).unwrap();
    let one = value.as_array().map_or(Some(&value), |all| all.first());
    for field in one.and_then(Value::as_object).into_iter().flat_map(|fields| fields.keys()) {
        let mut other = value.clone();
        let one = match &mut other {
            Value::Array(all) => &mut all[0],
            one => one,
        };
        if let Some(was) = one.as_object_mut().and_then(|fields| fields.remove(field)) {
            one[format!("{field}_")] = was;
        }
        assert_ne!(
            wrong(command, &other),
            Vec::<String>::new(),
            "rtr {command}: {field} may be called otherwise"
        );
    }
}

#[test]
fn given_every_command_when_its_answer_is_looked_for_then_there_is_a_schema_of_it() {
    fn leaves(command: &clap::Command, path: &str, all: &mut BTreeSet<String>) {
        if !command.has_subcommands() {
            all.insert(path.trim().to_owned());
        }
        for one in command.get_subcommands() {
            leaves(one, &format!("{path} {}", one.get_name()), all);
        }
    }
    let mut commands = BTreeSet::new();
    leaves(&args::command(), "", &mut commands);
    let known: BTreeSet<String> = answers().iter().map(|one| one.command.to_owned()).collect();
    let with_json = commands.iter().filter(|name| !WITHOUT.contains(&name.as_str()));
    let missing: Vec<&String> = with_json.filter(|name| !known.contains(*name)).collect();
    assert_eq!(missing, Vec::<&String>::new());
    let of = |name: &String| name.split(" --").next().map(str::to_owned);
    let strange: Vec<&String> =
        known.iter().filter(|name| !of(name).is_some_and(|of| commands.contains(&of))).collect();
    assert_eq!(strange, Vec::<&String>::new());
    assert_eq!(known.len(), answers().len(), "one is there twice");
}

#[test]
fn given_every_schema_when_read_then_it_is_one_and_every_object_in_it_is_closed_or_says_what_else_it_holds() {
    fn open(at: &str, schema: &Value, found: &mut Vec<String>) {
        if let Value::Array(all) = schema {
            return all.iter().for_each(|inner| open(at, inner, found));
        }
        if !schema["properties"].is_null() && schema["additionalProperties"].is_null() {
            found.push(at.to_owned());
        }
        for (key, inner) in schema.as_object().into_iter().flatten() {
            match key.as_str() {
                // Names of fields and of shapes, and no keywords.
                "properties" | "$defs" => {
                    let inner = inner.as_object().into_iter().flatten();
                    inner.for_each(|(name, inner)| open(&format!("{at}/{name}"), inner, found));
                }
                _ => open(&format!("{at}/{key}"), inner, found),
            }
        }
    }
    for answer in answers() {
        let schema = answer.schema();
        jsonschema::meta::validate(&schema).unwrap_or_else(|error| panic!("{}: {error}", answer.command));
        let mut found = Vec::new();
        open("", &schema, &mut found);
        assert_eq!(found, Vec::<String>::new(), "{}", answer.command);
    }
}

#[test]
fn given_the_schemas_of_the_repository_when_compared_then_they_are_the_types() {
    let mut names: BTreeSet<String> = OTHERS.iter().map(|name| (*name).to_owned()).collect();
    for answer in answers() {
        let name = format!("{}.json", answer.name());
        let (path, wanted) = (folder().join(&name), format!("{:#}\n", answer.schema()));
        if std::env::var_os("RTR_WRITE_SCHEMAS").is_some() {
            std::fs::write(&path, &wanted).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == wanted, "{} is old: run the tests once with RTR_WRITE_SCHEMAS=1", path.display());
        names.insert(name);
    }
    let there =
        std::fs::read_dir(folder()).unwrap().map(|one| one.unwrap().file_name().into_string().unwrap());
    let left: Vec<String> = there.filter(|name| !names.contains(name)).collect();
    assert_eq!(left, Vec::<String>::new(), "of no command: remove them");
}
