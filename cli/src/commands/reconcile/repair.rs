//! Writing again what differs: the events of these records, put aside while they are looked at, and then brought as a backfill brings
//! them, to be written although their versions are applied.

use super::Asked;
use super::report::{Repair, Report};
use crate::app::App;
use crate::audit::note;
use crate::aws::Aws;
use crate::commands::backfill::listed::private;
use crate::commands::backfill::{Args, bring};
use crate::commands::publish::fresh;
use crate::confirm::confirm;
use crate::output::count;
use crate::problem::Problem;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

/// The events that are to be sent, a file for each type.
#[derive(Debug, Default)]
pub(super) struct Aside {
    files: BTreeMap<String, Lines>,
}

/// The events of one type. The file goes with this value, unless it is kept.
#[derive(Debug)]
struct Lines {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    count: u64,
    kept: bool,
}

impl Aside {
    /// Puts the event in `line` aside.
    pub(super) fn put(&mut self, record_type: &str, line: &str) -> Result<(), Problem> {
        if !self.files.contains_key(record_type) {
            self.files.insert(record_type.to_owned(), Lines::begin(record_type)?);
        }
        match self.files.get_mut(record_type) {
            Some(lines) => lines.put(line),
            None => Ok(()),
        }
    }

    fn records(&self) -> u64 {
        self.files.values().map(|lines| lines.count).sum()
    }
}

impl Lines {
    fn begin(record_type: &str) -> Result<Self, Problem> {
        let plain: String = record_type.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
        let path = PathBuf::from(format!("rtr-repair-{plain}-{}.jsonl", fresh()));
        let file = private(&path).map_err(|error| unwritable(&path, &error))?;
        Ok(Self { path, file: Some(BufWriter::new(file)), count: 0, kept: false })
    }

    fn put(&mut self, line: &str) -> Result<(), Problem> {
        let Some(file) = &mut self.file else { return Ok(()) };
        writeln!(file, "{line}").map_err(|error| unwritable(&self.path, &error))?;
        self.count += 1;
        Ok(())
    }

    fn end(&mut self) -> Result<(), Problem> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let ended = file.into_inner().map_err(std::io::IntoInnerError::into_error);
        ended.and_then(|file| file.sync_all()).map_err(|error| unwritable(&self.path, &error))
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if !self.kept {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn unwritable(path: &std::path::Path, error: &std::io::Error) -> Problem {
    Problem::usage(format!("{} cannot be written: {error}", path.display()))
}

/// Has them written; what became of it is in the report, whatever happens.
pub(super) async fn repair(
    app: &App,
    aws: &Aws,
    asked: &Asked,
    mut aside: Aside,
    report: &mut Report,
) -> Result<(), Problem> {
    let records = aside.records();
    let mut repair = Repair { records, dry_run: asked.dry_run, ..Repair::default() };
    report.repair = Some(repair.clone());
    if records == 0 || asked.dry_run {
        return Ok(());
    }
    let (org, connection) = (&asked.org, &asked.connection);
    let some = count(usize::try_from(records).unwrap_or(usize::MAX), "record");
    if !confirm(app, &format!("Write {some} of {org} again at {connection}?"), asked.yes)? {
        return Ok(());
    }
    let mut entry = asked.who.entry_of("reconcile.repair", org, format!("{org} {connection}"));
    entry.count = Some(records);
    note(aws, &entry).await?;
    repair.done = true;
    for (record_type, lines) in &mut aside.files {
        lines.end()?;
        let args = Args::again(org, record_type, connection, &lines.path).without_waiting(asked.no_wait);
        let brought = Box::pin(bring(app, args)).await;
        // Until all of it is sent it is needed to go on with.
        let stopped = match brought {
            Ok(Some(brought)) => {
                repair.sent += brought.summary.sent;
                repair.done &= brought.summary.done;
                brought.stopped
            }
            Ok(None) => None,
            Err(problem) => Some(problem),
        };
        report.repair = Some(repair.clone());
        if let Some(problem) = stopped {
            repair.done = false;
            report.repair = Some(repair);
            lines.kept = true;
            let goes_on = format!(
                "goes on with: rtr backfill {org} {record_type} --from {} --connection {connection} --rewrite",
                lines.path.display()
            );
            return Err(problem.hint(goes_on));
        }
    }
    Ok(())
}
