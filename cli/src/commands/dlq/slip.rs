//! A slip in a name finds nothing, which would pass for good news: an org that is nowhere is an error, as for `rtr parked`; of a
//! connection, which may be gone while its letters were still there, it is said beside the answer.

use super::filter::Filter;
use super::index::{Extent, read_some};
use crate::app::App;
use crate::aws::Aws;
use crate::commands::config::absent;
use crate::commands::connection::select::stored;
use crate::problem::Problem;
use rtr_core::config::Stored;
use rtr_core::mapping::nearest;
use rtr_core::time::Instant;
use rtr_engine::seams::Limits as _;
use std::collections::BTreeSet;

/// Says so where nothing was found by a name that no stored configuration knows.
///
/// # Errors
/// When the org that is named is nowhere: neither configured, nor gone with work or letters of it left.
pub(super) async fn tell(app: &App, aws: &Aws, filter: &Filter) -> Result<(), Problem> {
    if filter.org.is_none() && filter.connection.is_none() {
        return Ok(());
    }
    // Whoever may look at dead letters need not be allowed to read the configuration.
    let Ok(stored) = Box::pin(stored(aws)).await else { return Ok(()) };
    if let Some(org) = filter.org.as_ref().filter(|org| !is_configured(org, &stored)) {
        // Where lanes cannot be read nobody knows that there is none.
        let lanes = aws.runtime("")?.limits().lanes_due(Instant(i64::MAX), usize::MAX).await;
        let has_no_lane = lanes.is_ok_and(|lanes| lanes.iter().all(|baton| baton.connection.org_id != *org));
        if has_no_lane && !has_letters(aws, filter, org).await? {
            return Err(absent(org, &stored));
        }
    }
    if let Some(words) = words(filter, &stored) {
        app.out.note(&words);
    }
    Ok(())
}

/// Whether letters of the org lie there that the rest of the filter has left out: it may have been refused for its name, or be gone.
async fn has_letters(aws: &Aws, filter: &Filter, org: &str) -> Result<bool, Problem> {
    let alone = Filter { org: Some(org.to_owned()), ..Filter::default() };
    if alone.words() == filter.words() {
        return Ok(false);
    }
    Ok(!read_some(aws, &alone, Extent::Pages(1)).await?.letters.is_empty())
}

fn is_configured(org: &str, stored: &Stored) -> bool {
    stored.orgs.get(org).is_some_and(|stored| !stored.doc.removed)
}

fn words(filter: &Filter, stored: &Stored) -> Option<String> {
    let orgs = || stored.orgs.iter().filter(|(_, stored)| !stored.doc.removed);
    if let Some(org) = filter.org.as_ref().filter(|org| !is_configured(org, stored)) {
        let near = near(org, orgs().map(|(name, _)| name.as_str()));
        return Some(format!("no org `{org}` is configured{near}"));
    }
    let connection = filter.connection.as_ref()?;
    let meant = orgs().filter(|(name, _)| filter.org.as_ref().is_none_or(|org| org == *name));
    let known: BTreeSet<&str> =
        meant.flat_map(|(_, stored)| stored.doc.connections.keys().map(String::as_str)).collect();
    if known.contains(connection.as_str()) {
        return None;
    }
    let of = filter.org.as_ref().map_or_else(String::new, |org| format!(" of org `{org}`"));
    Some(format!("no connection `{connection}`{of} is configured{}", near(connection, known.into_iter())))
}

fn near<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> String {
    nearest(name, known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::config::{ConnectionDoc, OrgDoc, StoredDoc};
    use std::collections::BTreeMap;

    fn table() -> Stored {
        let org = |names: &[&str], removed| {
            let connections =
                names.iter().map(|name| ((*name).to_owned(), ConnectionDoc::default())).collect();
            let doc = OrgDoc { connections, removed, ..OrgDoc::default() };
            StoredDoc { revision: 1, author: String::new(), at: String::new(), reason: None, doc }
        };
        let orgs = BTreeMap::from([
            ("acme".to_owned(), org(&["hubspot"], false)),
            ("gone".to_owned(), org(&["salesforce"], true)),
        ]);
        Stored { revision: 1, orgs, ..Stored::default() }
    }

    #[test]
    fn given_names_that_nothing_is_configured_by_when_nothing_is_found_then_what_was_probably_meant_is_said()
    {
        let said = |org: Option<&str>, connection: Option<&str>| {
            let (org, connection) = (org.map(str::to_owned), connection.map(str::to_owned));
            words(&Filter { org, connection, ..Filter::default() }, &table())
        };
        let told = [
            said(Some("acne"), None),
            said(Some("gone"), Some("salesforce")),
            said(Some("acme"), Some("hubspott")),
            said(None, Some("salesforce")),
        ];
        insta::assert_snapshot!(told.map(Option::unwrap).join("\n"), @r"
        no org `acne` is configured; did you mean `acme`?
        no org `gone` is configured
        no connection `hubspott` of org `acme` is configured; did you mean `hubspot`?
        no connection `salesforce` is configured
        ");
        assert_eq!(
            [said(Some("acme"), Some("hubspot")), said(None, Some("hubspot")), said(None, None)],
            [None, None, None]
        );
    }
}
