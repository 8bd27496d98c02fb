//! Against what is previewed: whose configuration, and what is known of records.

use super::Args;
use crate::app::App;
use crate::aws::Aws;
use crate::commands::config::{absent, load_or_refuse};
use crate::commands::connection::open::runtime;
use crate::commands::connection::select::{resolved, stored};
use crate::problem::Problem;
use rtr_aws::clock::SystemClock;
use rtr_aws::function::Runtime;
use rtr_core::config::{ConfigSet, OrgConfig, Stored, Wish, plan_apply};
use rtr_engine::rehearsal::State;
use rtr_engine::seams::Clock;
use std::path::{Path, PathBuf};

/// The folder that is previewed if it is there and nobody says otherwise.
const FOLDER: &str = "config";

/// What a preview is against.
pub(super) struct Setting {
    /// The configuration, as it would be in force.
    pub(super) stored: Stored,
    /// The folder it is of; none: what is stored.
    folder: Option<PathBuf>,
    /// The stack whose records and credentials count, with its name; none: nothing is known of any record.
    stack: Option<(String, Runtime)>,
    clock: SystemClock,
}

impl Setting {
    /// What `args` ask for.
    pub(super) async fn of(app: &App, args: &Args) -> Result<Self, Problem> {
        let default = Path::new(FOLDER);
        let folder = match &args.config {
            Some(dir) => Some(dir.clone()),
            None => (!args.stored && default.is_dir()).then(|| default.to_owned()),
        };
        // Told before AWS is asked for anything.
        let set = folder.as_deref().map(load_or_refuse).transpose()?;
        let stack = if args.stored || args.live || folder.is_none() {
            let aws =
                Box::pin(app.aws()).await.map_err(|problem| without_folder(problem, folder.as_deref()))?;
            let table = stored(&aws).await?;
            Some((Self::open(&aws).await?, table))
        } else {
            None
        };
        let (stack, table) = match stack {
            Some((stack, table)) => (Some(stack), table),
            None => (None, Stored::default()),
        };
        let stored = match &set {
            Some(set) => applied(&table, set),
            None => table,
        };
        Ok(Self { stored, folder, stack, clock: SystemClock })
    }

    async fn open(aws: &Aws) -> Result<(String, Runtime), Problem> {
        Ok((aws.stack.name.clone(), runtime(aws).await?))
    }

    /// Says what the preview is against.
    pub(super) fn note(&self, app: &App) {
        let configuration = match &self.folder {
            Some(folder) => format!("the configuration in {}", folder.display()),
            None => "the stored configuration".to_owned(),
        };
        app.out.note(&match &self.stack {
            Some((stack, _)) => format!("Previewed with {configuration} and the records of {stack}."),
            None => format!("Previewed with {configuration}, offline: nothing is known of any record."),
        });
    }

    /// The stack's adapters, if there is a stack.
    pub(super) fn runtime(&self) -> Option<&Runtime> {
        self.stack.as_ref().map(|(_, runtime)| runtime)
    }

    /// What is kept of records.
    pub(super) fn state(&self) -> State<'_> {
        State::over(self.runtime().map(|runtime| runtime.seams().records))
    }

    /// Time and chance.
    pub(super) fn clock(&self) -> &dyn Clock {
        &self.clock
    }

    /// The org's configuration.
    pub(super) fn org(&self, org: &str) -> Result<OrgConfig, Problem> {
        let is_there = self.stored.orgs.get(org).is_some_and(|stored| !stored.doc.removed);
        if !is_there {
            let problem = absent(org, &self.stored);
            return Err(Problem { what: format!("{}: its events are skipped", problem.what), ..problem });
        }
        let stage = self.runtime().map_or("", |runtime| runtime.settings.stage.as_str());
        let config = resolved(&self.stored, org, stage);
        Ok(config.map_err(|error| Problem::usage(error.to_string()))?.under(&self.stored.pauses))
    }
}

/// What the table would say once the folder is applied.
fn applied(table: &Stored, set: &ConfigSet) -> Stored {
    table.after(&plan_apply(table, set, Wish::default()))
}

fn without_folder(problem: Problem, folder: Option<&Path>) -> Problem {
    match folder {
        Some(_) => problem,
        None => {
            let hint = problem.hint.as_ref().map_or_else(String::new, |hint| format!("{hint}\n  "));
            let ours = format!("{hint}without a stack: rtr preview EVENT.json --config DIR");
            problem.hint(ours)
        }
    }
}
