//! Rehearses dead letters: the configuration of each org is compiled once, and a hundred letters are read at once.

use super::letter::Letter;
use crate::aws::{Aws, unavailable};
use crate::problem::Problem;
use indicatif::ProgressBar;
use rtr_aws::config::EarlierMappings;
use rtr_aws::function::Runtime;
use rtr_connectors::registry;
use rtr_core::config::{Globals, OrgConfig, Stored, resolve_over};
use rtr_core::mapping::ProviderFacts;
use rtr_engine::letters::{Fared, Trial, Under};
use std::collections::{BTreeMap, BTreeSet};

/// Letters of one read of items.
const STEP: usize = 100;

/// Tells `each` how it would fare under what `stored` says.
pub(super) async fn rehearse(
    aws: &Aws,
    runtime: &Runtime,
    stored: &Stored,
    letters: &[Letter],
    bar: &ProgressBar,
    mut each: impl FnMut(&Fared<'_>),
) -> Result<(), Problem> {
    let stage = &runtime.settings.stage;
    let orgs = orgs(stored, letters, stage);
    let seams = runtime.seams();
    let earlier = EarlierMappings::new(aws.config_store()?, stored, stage);
    let trial = Trial::over(seams.records, seams.clock).knowing(&earlier);
    for step in letters.chunks(STEP) {
        let fared = Box::pin(trial.run(step, &orgs)).await;
        fared.map_err(|error| unavailable("reading items", &aws.place, &error))?.iter().for_each(&mut each);
        bar.inc(step.len() as u64);
    }
    bar.finish_and_clear();
    Ok(())
}

/// The orgs of `letters`; one whose configuration cannot be used is not among them.
pub(super) fn orgs(stored: &Stored, letters: &[Letter], stage: &str) -> BTreeMap<String, Under> {
    let facts = registry::facts();
    let compiled = Compiled::of(stored, &facts);
    let names: BTreeSet<&String> = letters.iter().filter_map(|letter| letter.org_id.as_ref()).collect();
    let under = |org: &String| {
        let config = compiled.org(org, &facts, stage)?;
        Some((org.clone(), Under { config, letterheads: BTreeMap::new() }))
    };
    names.into_iter().filter_map(under).collect()
}

/// What is stored, with the mappings of all orgs compiled.
struct Compiled<'a> {
    stored: &'a Stored,
    globals: Globals,
}

impl<'a> Compiled<'a> {
    fn of(stored: &'a Stored, facts: &[ProviderFacts]) -> Self {
        let globals = Globals::of(stored.global.as_ref().map(|global| &global.doc), facts);
        Self { stored, globals }
    }

    fn org(&self, org: &str, facts: &[ProviderFacts], stage: &str) -> Option<OrgConfig> {
        let Stored { global, orgs, pauses, .. } = self.stored;
        let config = resolve_over(&self.globals, org, orgs.get(org), global.as_ref(), facts, stage).ok()?;
        Some(config.under(pauses))
    }
}
