//! The files of a start: the org, its mapping with cases, an example of an event, and the schemas for editors.

use rtr_connectors::registry::Connector;
use rtr_core::config::{ConfigSet, SchemaKind, SourceFile, org_of, schema, yaml_text};
use serde_json::Value;

/// The record of the example event.
pub(super) const EXAMPLE_ID: &str = "example-1";

/// Characters of an org's id in the name of its file: names of files end at 255 bytes.
const MOST_NAME: usize = 60;

/// What is begun, and what is there.
pub(super) struct Start<'a> {
    pub(super) org: &'a str,
    pub(super) connector: Connector,
    pub(super) there: &'a [SourceFile],
    pub(super) set: &'a ConfigSet,
}

/// A file of the start: its path within the folder, and its text unless it is there already.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) path: String,
    pub(super) text: Option<String>,
}

impl Start<'_> {
    /// The connection's id: the provider's name.
    pub(super) fn connection(&self) -> &'static str {
        self.connector.facts().name
    }

    /// Every file, with its text where it is to be written.
    pub(super) fn files(&self) -> Vec<Planned> {
        let starter = self.connector.starter();
        let folder = format!("mappings/{}", self.connection());
        let mapping = self.either(&format!("{folder}/{}", starter.record_type), starter.mapping);
        // Cases of another mapping than the one written here would say nothing true of it.
        let cases = mapping
            .text
            .is_some()
            .then(|| self.either(&format!("{folder}/tests/{}", starter.record_type), starter.cases));
        let event = Planned { path: self.event(), text: Some(self.event_text()) };
        let schemas = SchemaKind::ALL.into_iter().map(|kind| Planned {
            path: format!("schema/{}", kind.file_name()),
            text: Some(format!("{:#}\n", schema(kind))),
        });
        [self.org_file(), mapping].into_iter().chain(cases).chain([event]).chain(schemas).collect()
    }

    /// Where the example event lies.
    pub(super) fn event(&self) -> String {
        let org = self.org_path();
        let stem =
            org.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map_or("org", |(stem, _)| stem);
        format!("events/{stem}-{}.json", self.connector.starter().record_type)
    }

    /// What the org's file lacks, if it was there already.
    pub(super) fn lacking(&self) -> Option<String> {
        let doc = self.set.orgs.get(self.org)?;
        let (id, record_type) = (self.connection(), self.connector.starter().record_type);
        let mut lines = Vec::new();
        if !doc.connections.contains_key(id) {
            lines.push(format!("  connections:\n    {id}: {{}}"));
        }
        let route = doc.routes.get(record_type).or_else(|| self.set.global.routes.get(record_type));
        if !route.is_some_and(|route| route.iter().any(|to| to == id)) {
            let all =
                route.into_iter().flatten().map(String::as_str).chain([id]).collect::<Vec<_>>().join(", ");
            lines.push(format!("  routes:\n    {record_type}: [{all}]"));
        }
        Some(lines.join("\n")).filter(|text| !text.is_empty())
    }

    fn has(&self, path: &str) -> bool {
        self.there.iter().any(|file| file.path == path)
    }

    /// A file of mappings or cases, which may be there with either ending.
    fn either(&self, stem: &str, text: &str) -> Planned {
        let found =
            ["yaml", "yml"].map(|ending| format!("{stem}.{ending}")).into_iter().find(|path| self.has(path));
        match found {
            Some(path) => Planned { path, text: None },
            None => Planned { path: format!("{stem}.yaml"), text: Some(text.to_owned()) },
        }
    }

    fn org_file(&self) -> Planned {
        let known = self.set.orgs.contains_key(self.org);
        Planned { path: self.org_path(), text: (!known).then(|| self.org_text()) }
    }

    /// The file that the org has, or a name that no other org's has.
    fn org_path(&self) -> String {
        let own = |file: &&SourceFile| org_of(file).is_some_and(|org| org == self.org);
        if let Some(file) = self.there.iter().find(own) {
            return file.path.clone();
        }
        let name = file_name(self.org);
        let names = std::iter::once(name.clone()).chain((2..).map(|number| format!("{name}-{number}")));
        let free =
            |name: &String| ["yaml", "yml"].iter().all(|ending| !self.has(&format!("orgs/{name}.{ending}")));
        format!("orgs/{}.yaml", names.into_iter().find(free).unwrap_or(name))
    }

    fn org_text(&self) -> String {
        let Self { org, connector, .. } = self;
        let (id, title, record_type) =
            (self.connection(), connector.facts().title, connector.starter().record_type);
        let name = yaml_text(org);
        format!(
            "# yaml-language-server: $schema=../schema/org.json
#
# What this org is connected to, and where its records go. An editor that reads the schema completes all there is.

org: {name}

connections:
  # The connection's id, here the provider's name. Its credentials are the secret rtr/<stage>/<org>/{id}, unless `secret`
  # names another one.
  {id}:
    mode: live # shadow: nothing is called, what would be written is kept by name | paused: what comes waits
    # base_url: https://…    an address other than {title}'s own, such as a sandbox's

# Which connections the records of a type go to. Records of a type that is not listed end `skipped`.
routes:
  {record_type}: [{id}]

# What this org wants otherwise than mappings/{id}/{record_type}.yaml says; all else stays as it is there. Cases of it say `org`.
# mappings:
#   {id}:
#     {record_type}:
#       fields:
#         …: …
"
        )
    }

    /// One line: `rtr publish` takes it as well as `rtr preview`.
    fn event_text(&self) -> String {
        let starter = self.connector.starter();
        // By hand, so that what a person looks for stands first.
        let (org, record_type) = (Value::from(self.org), Value::from(starter.record_type));
        format!(
            "{{\"org_id\": {org}, \"record_type\": {record_type}, \"record_id\": \"{EXAMPLE_ID}\", \"version\": 1, \"data\": {}}}\n",
            starter.record.trim()
        )
    }
}

/// An org's id as part of a file's name.
fn file_name(org: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    let name: String = org.chars().map(safe).take(MOST_NAME).collect();
    let name = name.trim_start_matches('.');
    if name.is_empty() { "org".to_owned() } else { name.to_owned() }
}
