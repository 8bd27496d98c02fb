//! What stands before a history begins: the CRMs' accounts with their tokens and schemas, and the configuration in the
//! states that it can be in. Made once; a history takes a copy.

use crate::kernel::BEGIN;
use crate::scenario::{CROWDED, Kind, ORGS, Record};
use rtr_core::config::OrgConfig;
use rtr_core::limit::Rule;
use rtr_engine::seams::Configs;
use rtr_sandbox::{Request, Sandbox};
use rtr_testkit::configs::MemoryConfigs;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The only host that may be called.
pub const HOST: &str = "http://sandbox";

/// The name of `org`'s connection `provider`'s secret.
#[must_use]
pub fn secret_name(org: &str, provider: &str) -> String {
    format!("rtr/test/{org}/{provider}")
}

/// The CRMs of an org. The connection is named after the provider, the account after the org.
#[must_use]
pub fn providers(org: &str) -> &'static [&'static str] {
    match org {
        "initech" | "hooli" | "umbra" => &["hubspot"],
        "vandelay" | "wonka" => &["salesforce"],
        _ => &["hubspot", "salesforce"],
    }
}

/// Whether `record` is routed to `provider`.
#[must_use]
pub fn goes_to(record: &Record, provider: &str) -> bool {
    providers(record.org()).contains(&provider) && (record.kind != Kind::Deal || provider == "hubspot")
}

/// The CRM's name of the object, of the property with the stamp, and of the one with our key.
#[must_use]
pub fn names(kind: Kind, provider: &str) -> (&'static str, &'static str, &'static str) {
    match (provider, kind) {
        ("hubspot", Kind::Contact) => ("contacts", "firstname", "rtr_record_id"),
        ("hubspot", Kind::Company) => ("companies", "name", "rtr_record_id"),
        ("hubspot", Kind::Deal) => ("deals", "dealname", "rtr_marker"),
        (_, Kind::Contact) => ("Contact", "FirstName", "Rtr_Record_Id__c"),
        (_, _) => ("Account", "Name", "Rtr_Record_Id__c"),
    }
}

/// A limit of a connection: the part of the API that it is for, and the rule.
pub type Limit = (&'static str, Rule);

/// So many requests a second, and as many at once after a rest.
const fn a_second(requests: u64) -> Rule {
    Rule { requests, per_ms: 1_000, burst: requests }
}

/// The part of HubSpot's API that may have a limit of its own.
pub const SEARCH: &str = "search";

/// What most connections may do.
const ORDINARY: &[Limit] = &[("*", a_second(20))];
/// Enough for leases of several tokens, which are left over and expire.
const WIDE: &[Limit] = &[("*", a_second(100))];
/// So little that it is felt.
const SMALL: &[Limit] = &[("*", a_second(4))];
/// The same with another for searches: a call of those needs a token of either.
const TWOFOLD: &[Limit] = &[("*", a_second(4)), (SEARCH, a_second(2))];

/// Next to nothing.
const TINY: &[Limit] = &[("*", a_second(1))];

/// The limits of `org`'s connection to `provider`.
#[must_use]
pub fn limits(org: &str, provider: &str) -> &'static [Limit] {
    match (org, provider) {
        ("acme", "hubspot") => WIDE,
        ("globex", "hubspot") => SMALL,
        ("initech", "hubspot") => TWOFOLD,
        ("umbra", "hubspot") | ("wonka", "salesforce") => TINY,
        _ => ORDINARY,
    }
}

/// The limit that holds calls of a part of the API: its own, where the connection has one.
#[must_use]
pub fn part(org: &str, provider: &str, searches: bool) -> &'static str {
    let own = limits(org, provider).iter().any(|(api, _)| *api == SEARCH);
    if searches && own { SEARCH } else { "*" }
}

/// The state of an org's configuration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct State {
    /// Whether the newer mapping is applied.
    pub remapped: bool,
    /// Whether its HubSpot connection is paused.
    pub paused: bool,
    /// Whether its Salesforce connection is.
    pub paused_there: bool,
}

/// What stands before a history begins.
pub struct Place {
    /// The CRMs.
    pub crm: Sandbox,
    /// The text of each secret.
    pub secrets: BTreeMap<String, String>,
    /// The orgs, [`ORGS`] first.
    pub orgs: Vec<&'static str>,
    /// Whether changes flow both ways.
    pub both: bool,
    configs: BTreeMap<(&'static str, State), Arc<OrgConfig>>,
    gone: BTreeMap<&'static str, Arc<OrgConfig>>,
}

impl Place {
    /// Makes it.
    ///
    /// # Errors
    /// What the configuration's own check or the sandbox says against it.
    pub fn new() -> Result<Self, String> {
        Self::of(ORGS.to_vec(), false)
    }

    /// The same with the orgs that only crowds have.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn crowded() -> Result<Self, String> {
        Self::of(ORGS.into_iter().chain(CROWDED).collect(), false)
    }

    /// The same where changes flow both ways.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn both() -> Result<Self, String> {
        Self::of(ORGS.to_vec(), true)
    }

    fn of(orgs: Vec<&'static str>, both: bool) -> Result<Self, String> {
        let mut crm = Sandbox::new();
        let mut secrets = BTreeMap::new();
        for org in &orgs {
            for provider in providers(org) {
                schema(&mut crm, org, provider)?;
                secrets.insert(secret_name(org, provider), issue(&mut crm, BEGIN.0, org, provider));
            }
        }
        crm.watch();
        let _ = crm.changes();
        let mut configs = BTreeMap::new();
        let mut gone = BTreeMap::new();
        for org in orgs.iter().copied() {
            for number in 0..8 {
                let is = |bit: u8| number & bit != 0;
                let state = State { remapped: is(1), paused: is(2), paused_there: is(4) };
                configs.insert((org, state), compiled(org, state, both)?);
            }
            gone.insert(org, resolved(&MemoryConfigs::default(), org)?);
        }
        Ok(Self { crm, secrets, orgs, both, configs, gone })
    }

    /// The configuration of `org` in `state`.
    #[must_use]
    pub fn config(&self, org: &'static str, state: State) -> Option<Arc<OrgConfig>> {
        self.configs.get(&(org, state)).cloned()
    }

    /// The configuration of `org` that nobody has configured.
    #[must_use]
    pub fn nothing(&self, org: &str) -> Option<Arc<OrgConfig>> {
        self.gone.get(org).cloned()
    }
}

/// Asks the sandbox's control interface.
pub fn control(crm: &mut Sandbox, now_ms: i64, method: &str, path: &str, body: &Value) -> Value {
    crm.handle(now_ms, &Request::new(method, path).json(body)).value()
}

/// Sets something by the sandbox's control interface.
///
/// # Errors
/// What the sandbox has against it: then it does nothing of what was wanted.
pub fn set(crm: &mut Sandbox, now_ms: i64, path: &str, body: &Value) -> Result<(), String> {
    let reply = crm.handle(now_ms, &Request::new("PUT", path).json(body));
    made(reply.status, &format!("PUT {path} {body}: {}", reply.value()))
}

/// New tokens for `org`'s account, as the text of its secret.
pub fn issue(crm: &mut Sandbox, now_ms: i64, org: &str, provider: &str) -> String {
    // A private app's token for one, OAuth for the others; Salesforce's refresh tokens rotate.
    let fixed = (org, provider) == ("acme", "hubspot");
    let expires_in = if fixed { Value::Null } else { json!(1_800) };
    let wanted = json!({"provider": provider, "account": org, "action": "issue", "expires_in": expires_in,
        "rotate": provider == "salesforce"});
    let issued = control(crm, now_ms, "POST", "/_sandbox/tokens", &wanted);
    let place = format!("{HOST}/{provider}/{org}");
    let secret = match fixed {
        true => json!({"type": "bearer", "token": issued["access_token"], "instance_url": place}),
        false => {
            json!({"type": "oauth2", "client_id": issued["client_id"], "client_secret": issued["client_secret"],
            "refresh_token": issued["refresh_token"], "access_token": issued["access_token"],
            "expires_at": issued["expires_at"], "instance_url": place})
        }
    };
    secret.to_string()
}

/// The properties that hold our key.
fn schema(crm: &mut Sandbox, org: &str, provider: &str) -> Result<(), String> {
    let now = BEGIN.0;
    if provider == "hubspot" {
        let token = json!({"provider": provider, "account": org, "action": "issue", "expires_in": null});
        let token = control(crm, now, "POST", "/_sandbox/tokens", &token)["access_token"].clone();
        let token = token.as_str().unwrap_or_default();
        let properties = [
            ("contacts", "contactinformation", "rtr_record_id", true),
            ("companies", "companyinformation", "rtr_record_id", true),
            ("deals", "dealinformation", "rtr_marker", false),
        ];
        for (object, group, name, unique) in properties {
            let body = json!({"name": name, "label": name, "type": "string", "fieldType": "text", "groupName": group,
                "hasUniqueValue": unique});
            let path = format!("/hubspot/{org}/crm/v3/properties/{object}");
            let request = Request::new("POST", &path).header("authorization", &format!("Bearer {token}"));
            made(crm.handle(now, &request.json(&body)).status, &path)?;
        }
        return Ok(());
    }
    for object in ["Contact", "Account"] {
        let body = json!({"provider": provider, "account": org, "object": object, "name": "Rtr_Record_Id__c",
            "field": {"label": "id", "type": "Text", "length": 255, "externalId": true, "unique": true, "caseSensitive": true}});
        let reply = crm.handle(now, &Request::new("PUT", "/_sandbox/properties").json(&body));
        made(reply.status, &format!("{object}: {}", reply.value()))?;
    }
    Ok(())
}

fn made(status: u16, what: &str) -> Result<(), String> {
    if (200..300).contains(&status) { Ok(()) } else { Err(format!("{what}: {status}")) }
}

fn compiled(org: &str, state: State, both: bool) -> Result<Arc<OrgConfig>, String> {
    let configs = MemoryConfigs::default();
    for remapped in [false, true] {
        let text = org_file(org, State { remapped, ..state }, both);
        let mut files = vec![(format!("orgs/{org}.yaml"), text)];
        files.extend(if both { crate::both::mappings(remapped) } else { mappings(remapped) });
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        configs.apply(&files)?;
        if !state.remapped {
            break;
        }
    }
    resolved(&configs, org)
}

fn resolved(configs: &MemoryConfigs, org: &str) -> Result<Arc<OrgConfig>, String> {
    futures::executor::block_on(configs.org(org)).map_err(|error| error.0)
}

fn org_file(org: &str, state: State, both: bool) -> String {
    let way = if both { crate::both::INBOUND } else { "" };
    let mut text = format!("org: {org}\n{way}connections:\n");
    for provider in providers(org) {
        text += &format!("  {provider}:\n    base_url: {HOST}/{provider}/{org}\n    limits:\n");
        for (api, Rule { requests, per_ms, burst }) in limits(org, provider) {
            text += &format!(
                "      - {{api: \"{api}\", requests: {requests}, per: {per_ms}ms, burst: {burst}}}\n"
            );
        }
        if state.paused && *provider == "hubspot" || state.paused_there && *provider == "salesforce" {
            text += "    mode: paused\n";
        }
    }
    let to = providers(org).join(", ");
    text += &format!("routes:\n  contact: [{to}]\n");
    if !both {
        text += &format!("  company: [{to}]\n");
    }
    if providers(org).contains(&"hubspot") {
        text += "  deal: [hubspot]\n";
    }
    text
}

fn mappings(remapped: bool) -> Vec<(String, String)> {
    let newer = if remapped { "  jobtitle: title\n" } else { "" };
    let newer_there = if remapped { "  Title: title\n" } else { "" };
    let files = [
        (
            "hubspot/contact",
            format!(
                "object: contacts\nreference_wait: 20m\nfields:\n  email: email\n  firstname: first_name\n{newer}  company: {{reference: company, id: company_id, association: primary}}\n"
            ),
        ),
        (
            "hubspot/company",
            "object: companies\nfields:\n  name: name\n  numberofemployees: size\n".to_owned(),
        ),
        (
            "hubspot/deal",
            "object: deals\nkey: none\nmarker: rtr_marker\nfields:\n  dealname: name\n  amount: size\n"
                .to_owned(),
        ),
        (
            "salesforce/contact",
            format!(
                "object: Contact\nreference_wait: 20m\nfields:\n  Email: email\n  LastName: last_name\n  FirstName: first_name\n{newer_there}  AccountId: {{reference: company, id: company_id}}\n"
            ),
        ),
        (
            "salesforce/company",
            "object: Account\nfields:\n  Name: name\n  NumberOfEmployees: size\n".to_owned(),
        ),
    ];
    files.into_iter().map(|(name, text)| (format!("mappings/{name}.yaml"), text)).collect()
}
