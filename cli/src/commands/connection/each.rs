//! What `test` and `setup` share: each selected connection is opened, looked at, and told of with its findings.

use super::Which;
use super::open::{Finding, Opening, runtime};
use super::select::{Selected, select, stored};
use crate::app::App;
use crate::audit::Who;
use crate::aws::Aws;
use crate::output::{one_line, progress_bar};
use crate::problem::{Ended, Exit};
use rtr_aws::function::Runtime;
use rtr_connectors::session::Session;
use rtr_core::config::Stored;
use rtr_engine::credentials::CredentialCache;
use schemars::JsonSchema;
use serde::Serialize;

/// One connection and what came of it, in the shape that scripts rely on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Seen<T> {
    pub(super) org_id: String,
    pub(super) connection: String,
    pub(super) provider: String,
    /// False: there are findings.
    pub(super) ok: bool,
    /// What the command looked for.
    #[serde(flatten)]
    pub(super) found: T,
    pub(super) findings: Vec<Finding>,
}

impl<T> Seen<T> {
    /// The findings, a line each.
    pub(super) fn finding_lines(&self) -> impl Iterator<Item = String> {
        self.findings.iter().map(|finding| format!("  {}", one_line(&finding.words())))
    }
}

/// Looks at connections, one after another, if that is agreed to. An error of `look` ends its connection; what is found on the way is
/// noted.
pub(super) async fn run<T: Default + Serialize>(
    app: &App,
    (which, agreed): (&Which, impl FnOnce(&[Selected]) -> bool),
    who: &Who,
    look: impl AsyncFn(&Opening<'_>, &Session<'_>, &mut T, &mut Vec<Finding>) -> Result<(), Finding>,
    words: impl Fn(&Seen<T>) -> String,
) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let stored = stored(&aws).await?;
    let selected = select(&stored, which)?;
    if !agreed(&selected) {
        return Ok(Exit::Done);
    }
    let mut runtime = runtime(&aws).await?;
    // Whether what was refused works by now is what a person wants to know.
    runtime.caches.credentials = CredentialCache::trying_refused();
    let mut all = Vec::new();
    let bar = progress_bar(Some(selected.len() as u64));
    for one in &selected {
        bar.set_message(one_line(&format!("{} {}", one.org, one.connection)));
        let mut seen = Seen {
            org_id: one.org.clone(),
            connection: one.connection.clone(),
            provider: one.provider().to_owned(),
            ok: false,
            found: T::default(),
            findings: Vec::new(),
        };
        if let Err(finding) = Box::pin(open(&runtime, &stored, one, (&aws, who), &look, &mut seen)).await {
            seen.findings.push(finding);
        }
        seen.ok = seen.findings.is_empty();
        all.push(seen);
        bar.inc(1);
    }
    bar.finish_and_clear();
    app.out.answer(&all, |_| all.iter().map(&words).collect::<Vec<_>>().join("\n"));
    Ok(Exit::of_findings(all.iter().any(|one| !one.ok)))
}

async fn open<T>(
    runtime: &Runtime,
    stored: &Stored,
    one: &Selected,
    (aws, who): (&Aws, &Who),
    look: &impl AsyncFn(&Opening<'_>, &Session<'_>, &mut T, &mut Vec<Finding>) -> Result<(), Finding>,
    seen: &mut Seen<T>,
) -> Result<(), Finding> {
    let opening = Opening::new(runtime, stored, one)?.by(aws, who);
    let (auth, gate) = (opening.auth()?, opening.gate()?);
    let session = opening.session(&auth, &gate);
    look(&opening, &session, &mut seen.found, &mut seen.findings).await
}
