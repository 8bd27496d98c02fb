//! `rtr dlq preview`: how dead letters would fare if they were sent again now, or once a folder is applied. No CRM hears of it.

use super::filter::{Filter, quoted};
use super::index;
use super::outlook::Outlook;
use super::rehearse::rehearse;
use super::slip;
use crate::app::App;
use crate::commands::config::load_or_refuse;
use crate::commands::connection::select::stored;
use crate::output::{Style, progress_bar};
use crate::problem::{Ended, Exit};
use rtr_core::config::{Stored, Wish, plan_apply};
use std::path::{Path, PathBuf};

/// The folder that is previewed if it is there and nobody says otherwise.
const FOLDER: &str = "config";

/// Against what.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder whose configuration is previewed [default: `config`, if it is there, else what is stored]
    #[arg(long, value_name = "DIR", conflicts_with = "stored")]
    config: Option<PathBuf>,
    /// Preview what is stored
    #[arg(long)]
    stored: bool,
    /// Look at so many at most, the oldest
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = at_least_one)]
    most: usize,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("say a whole number, 1 or more".to_owned()),
        Ok(most) => Ok(most),
    }
}

/// Says how what `filter` takes would fare.
pub(super) async fn run(app: &App, filter: &Filter, args: &Args) -> Ended {
    let default = Path::new(FOLDER);
    let folder = match &args.config {
        Some(dir) => Some(dir.as_path()),
        None => (!args.stored && default.is_dir()).then_some(default),
    };
    // Told before AWS is asked for anything.
    let set = folder.map(load_or_refuse).transpose()?;
    let aws = Box::pin(app.aws()).await?;
    let mut letters = Box::pin(index::find(&aws, filter)).await?;
    if letters.is_empty() {
        slip::tell(app, &aws, filter).await?;
    }
    let now = stored(&aws).await?;
    let plan = set.map(|set| plan_apply(&now, &set, Wish::default()));
    let then: Option<Stored> = plan.as_ref().map(|plan| now.after(plan));
    let not_looked_at = letters.len().saturating_sub(args.most);
    letters.truncate(args.most);
    let runtime = aws.runtime("")?;
    let against = then.as_ref().unwrap_or(&now);
    let bar = progress_bar(Some(letters.len() as u64));
    let mut outlook = Outlook { not_looked_at, ..Outlook::default() };
    Box::pin(rehearse(&aws, &runtime, against, &letters, &bar, |fared| outlook.add(fared))).await?;
    let outlook = outlook.sorted();
    app.out.answer(&outlook, |style| words(style, &outlook));
    if !app.out.is_json() {
        // What the folder says already needs no apply.
        let apply = folder.filter(|_| plan.as_ref().is_some_and(|plan| !plan.is_empty()));
        if let Some(next) = next(&outlook, filter, apply) {
            app.out.note(&next);
        }
        let with = match folder {
            Some(folder) => format!("the configuration in {}", folder.display()),
            None => "the stored configuration".to_owned(),
        };
        let records = &aws.stack.name;
        app.out.note(&format!("Previewed with {with} and the records of {records}; no CRM was asked."));
    }
    Ok(Exit::of_findings(outlook.dead > 0))
}

/// What one does next where something would go through: ready to be copied.
fn next(outlook: &Outlook, filter: &Filter, apply: Option<&Path>) -> Option<String> {
    if outlook.applied + outlook.as_refused == 0 {
        return None;
    }
    let apply = apply
        .map_or_else(String::new, |dir| format!("\n  rtr config apply {}", quoted(&dir.to_string_lossy())));
    Some(format!("to send them again:{apply}\n  rtr dlq redrive{}", filter.words()))
}

fn words(style: Style, outlook: &Outlook) -> String {
    let mut parts = vec![outlook.rows(style), outlook.summary()];
    parts.extend(outlook.remarks());
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_preview_when_something_would_go_through_then_the_next_commands_stand_ready_to_be_copied() {
        let filter = Filter { code: Some("RTR2005".to_owned()), ..Filter::default() };
        let well = Outlook { looked_at: 3, applied: 2, dead: 1, ..Outlook::default() };
        insta::assert_snapshot!(next(&well, &filter, Some(Path::new("my config"))).unwrap(), @r"
        to send them again:
          rtr config apply 'my config'
          rtr dlq redrive --code RTR2005
        ");
        insta::assert_snapshot!(next(&well, &filter, None).unwrap(), @r"
        to send them again:
          rtr dlq redrive --code RTR2005
        ");
        assert_eq!(next(&Outlook { looked_at: 1, dead: 1, ..Outlook::default() }, &filter, None), None);
    }

    #[test]
    fn given_how_many_at_most_when_read_then_none_at_all_is_refused() {
        assert_eq!(at_least_one("25"), Ok(25));
        assert!(["0", "-1", "x"].iter().all(|text| at_least_one(text).is_err()));
    }
}
