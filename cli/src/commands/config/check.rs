//! `rtr config check`: without AWS, so that it runs in an editor and in any build.

use super::folder;
use crate::app::App;
use crate::output::count;
use crate::problem::{Ended, Exit};
use std::path::Path;

/// Shows everything that is wrong with the folder.
pub(super) fn run(app: &App, dir: &Path) -> Ended {
    let files = folder::read(dir)?;
    let (found, orgs) = match folder::checked(&files) {
        Ok(set) => (Vec::new(), set.orgs.len()),
        Err(found) => (found, 0),
    };
    app.out.answer(&found, |_| match found.len() {
        0 => format!(
            "{}: {}, {}, nothing wrong",
            dir.display(),
            count(files.len(), "file"),
            count(orgs, "org")
        ),
        n => {
            let lines: Vec<String> = found.iter().map(|one| folder::line(dir, one)).collect();
            format!("{}\n{}", lines.join("\n"), count(n, "error"))
        }
    });
    Ok(if found.is_empty() { Exit::Done } else { Exit::Usage })
}
