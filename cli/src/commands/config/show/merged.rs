//! One org's mapping as it holds: its own over that of all, each part with who says so.

use crate::app::App;
use crate::output::table;
use crate::problem::{Ended, Exit, Problem};
use rtr_connectors::registry;
use rtr_core::config::{Mappings, Stored};
use rtr_core::mapping::{Origin, Part, listed, nearest, parts};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// A mapping, part by part.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::commands::config) struct Merged<'a> {
    org: &'a str,
    provider: &'a str,
    record_type: &'a str,
    /// The revision that records are written under.
    revision: u64,
    parts: Vec<Row>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    name: String,
    value: Value,
    from: String,
}

/// Shows the mapping of `record_type` at `provider` for `org`.
pub(super) fn run(app: &App, stored: &Stored, org: &str, (provider, record_type): (&str, &str)) -> Ended {
    let merged = merged(stored, org, provider, record_type)?;
    app.out.answer(&merged, |style| {
        let cell = |value: &Value| match value {
            Value::Null => "left out".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let row = |row: &Row| vec![row.name.clone(), cell(&row.value), row.from.clone()];
        let rows = merged.parts.iter().map(row).collect();
        let revision = merged.revision;
        format!("{}\nrevision {revision}", table(style, &["part", "value", "from"], rows))
    });
    Ok(Exit::Done)
}

fn merged<'a>(
    stored: &Stored,
    org: &'a str,
    provider: &'a str,
    record_type: &'a str,
) -> Result<Merged<'a>, Problem> {
    let own = stored.orgs.get(org).map(|stored| &stored.doc).filter(|doc| !doc.removed);
    let global = stored.global.as_ref().map(|stored| &stored.doc);
    let facts = registry::facts();
    let Some(facts) = facts.iter().find(|facts| facts.name == provider) else {
        return Err(absent("provider", provider, facts.iter().map(|facts| facts.name).collect()));
    };
    let of = |mappings: Option<&'_ Mappings>| {
        mappings.and_then(|all| all.get(provider)).cloned().unwrap_or_default()
    };
    let (owns, globals) = (of(own.map(|doc| &doc.mappings)), of(global.map(|doc| &doc.mappings)));
    let (own_raw, global_raw) = (owns.get(record_type), globals.get(record_type));
    if own_raw.is_none() && global_raw.is_none() {
        let names = owns.keys().chain(globals.keys()).map(String::as_str).collect();
        return Err(absent(&format!("mapping of {provider} for"), record_type, names));
    }
    let at = format!("{provider}/{record_type}");
    let revisions = [own.map(|doc| &doc.mapping_revisions), global.map(|doc| &doc.mapping_revisions)];
    let revision = revisions.into_iter().flatten().filter_map(|known| known.get(&at)).max().copied();
    let row = |Part { name, value, origin }: Part| {
        let from = match origin {
            Origin::Org => org.to_owned(),
            Origin::Global => "all orgs".to_owned(),
            Origin::Default => "default".to_owned(),
        };
        Row { name, value, from }
    };
    let parts = parts(own_raw, global_raw, facts).into_iter().map(row).collect();
    Ok(Merged { org, provider, record_type, revision: revision.unwrap_or_default(), parts })
}

fn absent(what: &str, name: &str, names: Vec<&str>) -> Problem {
    let problem = Problem::not_found(format!("there is no {what} `{name}`"));
    match nearest(name, names.iter().copied()) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None => problem.hint(format!("there are {}", listed(names.into_iter()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::config::{GlobalDoc, OrgDoc, StoredDoc};
    use serde_json::json;

    fn stored() -> Stored {
        let doc = |revision| move |value: Value| (revision, value);
        let ((one, org), (two, global)) = (
            doc(4)(json!({
                "mappings": {"hubspot": {"contact": {"fields": {"phone": null, "city": "town"}}}},
                "mapping_revisions": {"hubspot/contact": 4},
            })),
            doc(7)(json!({
                "mappings": {"hubspot": {"contact": {"object": "contacts", "match": "email", "fields": {"email": "email", "phone": "phone"}}}},
                "mapping_revisions": {"hubspot/contact": 7},
            })),
        );
        let (author, at) = ("ada".to_owned(), "2026-11-23T10:00:00Z".to_owned());
        let org: OrgDoc = serde_json::from_value(org).unwrap();
        let global: GlobalDoc = serde_json::from_value(global).unwrap();
        let org = StoredDoc { revision: one, author: author.clone(), at: at.clone(), reason: None, doc: org };
        Stored {
            revision: two,
            global: Some(StoredDoc { revision: two, author, at, reason: None, doc: global }),
            orgs: [("acme".to_owned(), org)].into(),
            ..Stored::default()
        }
    }

    fn told(org: &str, provider: &str, record_type: &str) -> String {
        match merged(&stored(), org, provider, record_type) {
            Ok(merged) => {
                let line = |row: &Row| format!("{} = {} ({})", row.name, row.value, row.from);
                let lines: Vec<String> = merged.parts.iter().map(line).collect();
                format!("revision {}\n{}", merged.revision, lines.join("\n"))
            }
            Err(problem) => problem.to_string(),
        }
    }

    #[test]
    fn given_what_is_stored_when_answered_then_each_form_is_as_its_schema_has_it() {
        let stored = stored();
        crate::schema::tests::holds("config show", &merged(&stored, "acme", "hubspot", "contact").unwrap());
        crate::schema::tests::holds("config show", stored.orgs.get("acme").unwrap());
        crate::schema::tests::holds("config show", &super::super::rows(&stored));
    }

    #[test]
    fn given_an_orgs_layer_when_shown_then_each_part_says_who_says_so() {
        insta::assert_snapshot!(told("acme", "hubspot", "contact"), @r#"
        revision 7
        object = "contacts" (all orgs)
        key = "rtr_record_id" (default)
        key_value = "{record_id}" (default)
        match = "email" (all orgs)
        write = "upsert" (default)
        fields.city = "town" (acme)
        fields.email = "email" (all orgs)
        fields.phone = null (acme)
        reference_wait = "1h" (default)
        on_delete = "archive" (default)
        on_missing = "recreate" (default)
        on_unmatched = "ignore" (default)
        "#);
        let others = told("globex", "hubspot", "contact");
        assert!(others.contains("fields.phone = \"phone\" (all orgs)") && !others.contains("fields.city"));
        let wrong = [told("acme", "hubspot", "contakt"), told("acme", "hubspt", "contact")];
        assert!(wrong[0].contains("no mapping of hubspot for `contakt`"), "{wrong:?}");
        assert!(wrong[1].contains("no provider `hubspt`"), "{wrong:?}");
    }
}
