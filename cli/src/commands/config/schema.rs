//! `rtr config schema`: the JSON Schemas that editors read, made from the types that the check reads.

use crate::app::App;
use crate::output::pretty;
use crate::problem::{Ended, Exit, Problem};
use rtr_core::config::{SchemaKind, schema};
use schemars::JsonSchema;
use serde::Serialize;
use std::path::Path;

/// The folder's own folder of schemas.
const FOLDER: &str = "schema";

/// What became of one schema.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Schema {
    file: String,
    changed: bool,
}

/// Writes the schemas, or says whether they are up to date.
pub(super) fn run(app: &App, dir: &Path, check: bool) -> Ended {
    let folder = dir.join(FOLDER);
    let mut all = Vec::new();
    for kind in SchemaKind::ALL {
        let path = folder.join(kind.file_name());
        let text = format!("{}\n", pretty(&schema(kind)));
        let changed = std::fs::read_to_string(&path).ok().as_deref() != Some(&text);
        if changed && !check {
            let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, text));
            written
                .map_err(|error| Problem::usage(format!("{} cannot be written: {error}", path.display())))?;
        }
        all.push(Schema { file: path.display().to_string(), changed });
    }
    let word = |changed| match (changed, check) {
        (false, _) => "unchanged",
        (true, true) => "differs",
        (true, false) => "written",
    };
    app.out.answer(&all, |_| {
        all.iter().map(|one| format!("{}: {}", one.file, word(one.changed))).collect::<Vec<_>>().join("\n")
    });
    Ok(Exit::of_findings(check && all.iter().any(|one| one.changed)))
}
