//! The orgs of the story, and where each keeps its records.

use super::story::Cast;
use crate::stack::{Account, Org, Plan, Stack};

/// Both CRMs, an OAuth app at HubSpot.
pub(super) const BOTH: usize = 0;
/// HubSpot, with deals that have no unique key.
pub(super) const KEYLESS: usize = 1;
/// Salesforce.
pub(super) const SALES: usize = 2;
/// HubSpot, where nothing goes wrong: nobody's trouble may be this one's.
pub(super) const CALM: usize = 3;

/// The CRM property that holds our id where it cannot be a unique key.
const MARKER: &str = "hs_next_step";

const CONTACT: &str = "object: contacts\nwhen: draft != true\nfields:\n  email: email\n  firstname: first_name\n  lastname: last_name\n  company: {reference: company, id: company_id, association: primary}\n";
const COMPANY: &str = "object: companies\nfields:\n  name: name\n";
const SF_CONTACT: &str = "object: Contact\nwhen: draft != true\nfields:\n  Email: email\n  LastName: last_name\n  FirstName: first_name\n  AccountId: {reference: company, id: company_id}\n";
const ACCOUNT: &str = "object: Account\nfields:\n  Name: name\n";

/// How records of a kind are kept at a CRM.
pub(super) struct Kept {
    pub(super) object: &'static str,
    /// The property that holds our id.
    pub(super) key: &'static str,
    /// The property that holds the content.
    pub(super) content: &'static str,
}

/// Who has how many of what.
pub(super) fn casts() -> Vec<Cast> {
    let cast = |contacts, companies, deals| Cast { contacts, companies, deals };
    vec![cast(18, 5, 0), cast(18, 5, 10), cast(18, 5, 0), cast(8, 5, 0)]
}

/// The orgs, ready; the CRMs are reached by way of `crms`.
pub(super) fn ready<'a>(stack: &'a Stack, crms: &str) -> Vec<Org<'a>> {
    let deal = format!("object: deals\nkey: none\nmarker: {MARKER}\nfields:\n  dealname: name\n");
    let plan = |name: &str| Plan::new(&format!("chaos-{name}")).by_way_of(crms);
    let hubspot = |name| plan(name).mapping("contact", CONTACT).mapping("company", COMPANY);
    let salesforce = |plan: Plan| plan.salesforce("contact", SF_CONTACT).salesforce("company", ACCOUNT);
    [
        salesforce(hubspot("both").oauth()),
        hubspot("keyless").oauth().mapping("deal", &deal),
        // A connection has to have some mapping: no record of that type ever comes.
        salesforce(plan("sales").mapping("other", COMPANY)),
        hubspot("calm"),
    ]
    .into_iter()
    .map(|plan| plan.ready(stack))
    .collect()
}

/// The connections that an org's records go to.
pub(super) fn connections(org: usize) -> &'static [&'static str] {
    match org {
        BOTH => &["hubspot", "salesforce"],
        SALES => &["salesforce"],
        _ => &["hubspot"],
    }
}

/// The account behind a connection.
pub(super) fn account<'a>(org: &'a Org<'_>, connection: &str) -> Account<'a> {
    if connection == "hubspot" { org.crm() } else { org.salesforce() }
}

/// How `kind` is kept at a connection.
pub(super) fn kept(connection: &str, kind: &str) -> Kept {
    let kept = |object, key, content| Kept { object, key, content };
    match (connection, kind) {
        ("hubspot", "contact") => kept("contacts", "rtr_record_id", "firstname"),
        ("hubspot", "company") => kept("companies", "rtr_record_id", "name"),
        ("hubspot", _) => kept("deals", MARKER, "dealname"),
        (_, "contact") => kept("Contact", "Rtr_Record_Id__c", "FirstName"),
        _ => kept("Account", "Rtr_Record_Id__c", "Name"),
    }
}

/// Kinds that an org has.
pub(super) fn kinds(org: usize) -> &'static [&'static str] {
    if org == KEYLESS { &["contact", "company", "deal"] } else { &["contact", "company"] }
}
