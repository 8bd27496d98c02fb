//! Lines that are not imported: listed for people, for scripts, and as a file to mend.

use super::look::Look;
use crate::app::App;
use crate::commands::lines::{Source, unreadable};
use crate::output::{count, one_line};
use crate::problem::Problem;
use rtr_core::links::{Refusal, Told};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Refused lines that are shown to a person; a script gets all.
const SHOWN: usize = 20;

/// A line that is not imported, or not stamped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Refused {
    /// Its number, from 1.
    pub(super) line: u64,
    /// The record, if it could be read.
    record_id: Option<String>,
    /// The CRM's id, if it could be read.
    external_id: Option<String>,
    /// The short name of why.
    reason: &'static str,
    /// Why.
    message: String,
}

impl Refused {
    /// Line `line`, refused.
    pub(super) fn new(line: u64, told: Option<&Told>, refusal: &Refusal) -> Self {
        Self {
            line,
            record_id: told.map(|told| told.record_id.clone()),
            external_id: told.map(|told| told.external_id.clone()),
            reason: refusal.name(),
            message: refusal.to_string(),
        }
    }

    fn words(&self) -> String {
        let ids = [&self.record_id, &self.external_id].map(|id| id.as_deref().unwrap_or("?"));
        let ids =
            if self.record_id.is_some() { format!("{} → {}: ", ids[0], ids[1]) } else { String::new() };
        one_line(&format!("{ids}{}", self.message))
    }
}

/// The first of them, on stderr.
pub(super) fn tell(app: &App, file: &str, refused: &[Refused]) {
    for one in refused.iter().take(SHOWN) {
        app.out.note(&format!("{file}:{}: {}", one.line, one.words()));
    }
    let more = refused.len().saturating_sub(SHOWN);
    if more > 0 {
        app.out.note(&format!("… and {} more; --json lists all, --rejects keeps them", count(more, "line")));
    }
}

/// Writes the lines of `source` that are among `refused` to `to`, below their header.
pub(super) async fn keep(to: &Path, source: Source, look: &Look, refused: &[Refused]) -> Result<(), Problem> {
    let failed =
        |error: std::io::Error| Problem::usage(format!("{} cannot be written: {error}", to.display()));
    let wanted: BTreeSet<u64> = refused.iter().map(|one| one.line).collect();
    let mut out = BufWriter::new(std::fs::File::create(to).map_err(|error| unreadable(to, &error))?);
    let mut lines = source.lines()?;
    while let Some(next) = lines.recv().await {
        let (number, bytes, _) = next?;
        if wanted.contains(&number) || look.is_header(number) {
            let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
            out.write_all(line).and_then(|()| out.write_all(b"\n")).map_err(failed)?;
        }
    }
    out.flush().map_err(failed)
}
