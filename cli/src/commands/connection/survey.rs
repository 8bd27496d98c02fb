//! What a connection's CRM says now, asked and not changed: for `rtr doctor`.

use super::compare::Comparison;
use super::open::{Finding, Opening, runtime};
use super::select::Selected;
use crate::aws::Aws;
use crate::problem::Problem;
use rtr_aws::function::Runtime;
use rtr_core::config::{Description, Stored};
use rtr_engine::credentials::CredentialCache;
use std::collections::BTreeSet;

/// The way to the CRMs. What was refused before is tried: whether it works by now is what a person wants to know.
pub(crate) async fn way(aws: &Aws) -> Result<Runtime, Problem> {
    let mut runtime = runtime(aws).await?;
    runtime.caches.credentials = CredentialCache::trying_refused();
    Ok(runtime)
}

/// What a CRM describes of what is mapped, and what of it does not fit.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// Each object once.
    pub(crate) described: Vec<Description>,
    /// What would make records die.
    pub(crate) findings: Vec<Finding>,
}

/// Asks the CRM of `one`.
///
/// # Errors
/// Why it cannot be asked: its credentials, most of all.
pub(crate) async fn survey(runtime: &Runtime, stored: &Stored, one: &Selected) -> Result<Survey, Finding> {
    let opening = Opening::new(runtime, stored, one)?;
    let (auth, gate) = (opening.auth()?, opening.gate()?);
    let session = opening.session(&auth, &gate);
    let account = opening.connector.account(&session).await;
    account.map_err(|failure| Finding::failed("asking for the account", &failure))?;
    let (mut survey, mut asked) = (Survey::default(), BTreeSet::new());
    for mapping in opening.mappings() {
        let object = &mapping.object;
        let properties = match opening.connector.properties(&session, object).await {
            Ok(properties) => properties,
            Err(failure) => {
                survey.findings.push(Finding::failed("reading the properties", &failure).at(object));
                continue;
            }
        };
        if asked.insert(object.clone()) {
            survey.described.push(Description::new(&one.org, &one.connection, object, &properties));
        }
        let object_of = |record_type: &str| opening.object_of(record_type);
        let crm = opening.connector;
        let comparison = Comparison { mapping, crm, object_of: &object_of, properties: &properties };
        survey.findings.extend(comparison.findings());
    }
    Ok(survey)
}
