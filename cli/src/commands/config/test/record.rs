//! `rtr config test --record`: a real record becomes a case of each mapping that it goes through.

mod event;

use super::folder;
use crate::app::App;
use crate::commands::record::{Held, held};
use crate::output::{one_line, pretty};
use crate::problem::{Ended, Exit, Problem};
use rtr_connectors::registry;
use rtr_core::config::{ConfigSet, SourceFile, append_case};
use rtr_core::key::RecordKey;
use rtr_core::mapping::{Case, Mapping, Recorded, Values, listed, nearest, record_case};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What is to be recorded.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) org: &'a str,
    pub(super) record_type: &'a str,
    pub(super) record_id: &'a str,
    pub(super) connection: Option<String>,
    pub(super) from: Option<PathBuf>,
    pub(super) show_data: bool,
}

/// A case, and where it belongs.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(in crate::commands::config) struct Made {
    file: String,
    case: Case,
    /// The fields that come out otherwise because values are masked; null: the record as a whole.
    differing: Vec<Option<String>>,
}

/// Records the case, or prints it for a script.
pub(super) async fn run(app: &App, dir: &Path, wanted: &Wanted<'_>) -> Ended {
    let files = folder::read(dir)?;
    let set = folder::checked(&files).map_err(|found| folder::refusal(dir, &found))?;
    // Whether there are mappings at all is known without AWS.
    let providers = providers(&set, wanted)?;
    let record = record(app, wanted).await?;
    let made: Vec<Made> = providers
        .iter()
        .map(|provider| make(&set, &files, provider, wanted, &record))
        .collect::<Result<_, _>>()?;
    let mut lines = Vec::new();
    for one in &made {
        lines.push(if app.out.is_json() { String::new() } else { store(dir, &files, one, wanted)? });
        for field in &one.differing {
            app.out.note(&differs(field.as_deref(), &one.file));
        }
    }
    app.out.answer(&made, |_| lines.join("\n"));
    Ok(Exit::Done)
}

/// The record's data: of the file that is given, else what is kept of it.
async fn record(app: &App, wanted: &Wanted<'_>) -> Result<Value, Problem> {
    let key = RecordKey::new(wanted.org, wanted.record_type, wanted.record_id);
    if let Some(file) = &wanted.from {
        return event::read(file, &key);
    }
    let aws = Box::pin(app.aws()).await?;
    let name = one_line(&format!("{} {} {}", key.org_id, key.record_type, key.record_id));
    let hint = "take its event: --from EVENT.json, or --from FILE with JSON lines, such as your system's outbox or export";
    match Box::pin(held(&aws, &key, wanted.connection.as_deref())).await? {
        Held::Data(data) => Ok(data),
        Held::Nothing => {
            let what = format!("no data of {name} is kept: of what is applied rtr-sync keeps a digest alone");
            Err(Problem::not_found(what).hint(hint))
        }
        Held::Unknown => Err(Problem::not_found(format!("nothing is known of {name}")).hint(hint)),
    }
}

/// The providers whose mappings it goes through.
fn providers(set: &ConfigSet, wanted: &Wanted<'_>) -> Result<Vec<String>, Problem> {
    let Wanted { org, record_type, connection, .. } = wanted;
    let Some(doc) = set.orgs.get(*org) else {
        let problem = Problem::not_found(format!("the folder has no org `{org}`"));
        return Err(match nearest(org, set.orgs.keys().map(String::as_str)) {
            Some(near) => problem.hint(format!("did you mean `{near}`?")),
            None => problem.hint("rtr config init ORG PROVIDER begins one"),
        });
    };
    let ids: Vec<&String> = match connection {
        Some(id) => vec![id],
        None => {
            let route = doc.routes.get(*record_type).or_else(|| set.global.routes.get(*record_type));
            route.into_iter().flatten().filter(|id| doc.connections.contains_key(*id)).collect()
        }
    };
    if ids.is_empty() {
        let what = format!("{record_type} records of org `{org}` are routed to no connection");
        return Err(Problem::usage(what).hint("name the connection whose mapping is meant: --connection ID"));
    }
    let mut providers: Vec<String> = Vec::new();
    for id in ids {
        let Some(found) = doc.connections.get(id) else {
            let names = listed(doc.connections.keys().map(String::as_str));
            return Err(Problem::not_found(format!("org `{org}` has no connection `{id}`; it has {names}")));
        };
        let provider = found.provider.clone().unwrap_or_else(|| id.clone());
        if !providers.contains(&provider) {
            providers.push(provider);
        }
    }
    Ok(providers)
}

fn make(
    set: &ConfigSet,
    files: &[SourceFile],
    provider: &str,
    wanted: &Wanted<'_>,
    record: &Value,
) -> Result<Made, Problem> {
    let Wanted { org, record_type, record_id, show_data, .. } = wanted;
    let raw = set.mapping(Some(org), provider, record_type);
    let facts = registry::by_name(provider).map(|connector| connector.facts());
    let mapping = raw.zip(facts).and_then(|(raw, facts)| Mapping::compile(&facts, record_type, &raw).ok());
    let mapping = mapping.ok_or_else(|| {
        Problem::not_found(format!("the folder has no mapping of {provider} for {record_type}"))
            .hint(format!("rtr config init {org} {provider} begins one for contacts"))
    })?;
    let values = if *show_data { Values::Shown } else { Values::Masked };
    let Recorded { case, differing } = record_case(&mapping, record, values);
    let own = set.own_mapping(org, provider, record_type).is_some();
    let file = file_of(files, provider, record_type);
    let name =
        if *show_data { format!("{record_type} {record_id}") } else { format!("a recorded {record_type}") };
    let name = fresh(&name, &text_of(files, &file));
    let case = Case { name: Some(name), org: own.then(|| (*org).to_owned()), ..case };
    Ok(Made { file, case, differing: differing.into_iter().collect() })
}

/// The file of cases of a mapping, whichever of the two endings it has.
fn file_of(files: &[SourceFile], provider: &str, record_type: &str) -> String {
    let path = |ending: &str| format!("mappings/{provider}/tests/{record_type}.{ending}");
    let there =
        ["yaml", "yml"].map(path).into_iter().find(|path| files.iter().any(|file| file.path == *path));
    there.unwrap_or_else(|| path("yaml"))
}

fn text_of(files: &[SourceFile], path: &str) -> String {
    files.iter().find(|file| file.path == path).map(|file| file.text.clone()).unwrap_or_default()
}

/// A name that no case of the file has.
fn fresh(name: &str, text: &str) -> String {
    let taken =
        |name: &str| text.lines().any(|line| line.trim_end().trim_end_matches(['"', '\'']).ends_with(name));
    let numbered = (2..).map(|number| format!("{name} {number}"));
    std::iter::once(name.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
}

/// Adds the case to its file.
fn store(dir: &Path, files: &[SourceFile], made: &Made, wanted: &Wanted<'_>) -> Result<String, Problem> {
    let path = dir.join(&made.file);
    let place = path.display();
    let file = SourceFile { path: made.file.clone(), text: text_of(files, &made.file) };
    let text = append_case(&file, &made.case).map_err(|why| {
        let what = format!("nothing was written to {place}: {why}");
        // The values of a record that was masked may be shown; otherwise the person has asked for them.
        Problem::usage(what).hint(format!("the case, to be added by hand:\n{}", pretty(&made.case)))
    })?;
    let unwritten = |error: std::io::Error| Problem::usage(format!("{place} cannot be written: {error}"));
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(unwritten)?;
    }
    std::fs::write(&path, text).map_err(unwritten)?;
    let name = made.case.name.as_deref().unwrap_or_default();
    let how = if wanted.show_data { "with the record's own values" } else { "values masked" };
    Ok(format!("{place}: added `{}`, {how}", one_line(name)))
}

fn differs(field: Option<&str>, file: &str) -> String {
    let field = field.map_or_else(|| "the record".to_owned(), |field| format!("`{field}`"));
    format!(
        "{file}: {field} comes out otherwise than of the record itself, since its mapping goes by values that are masked; \
         mend the case by hand, or take --show-data"
    )
}

#[cfg(test)]
mod tests;
