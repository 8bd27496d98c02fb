//! An org of one's own with a CRM account of its own, set up as a person would: secret, `rtr config apply`,
//! `rtr connection setup`.

use super::sandbox::Account;
use super::{CANARY, Event, Said, Stack, eventually, unique, variable};
use rtr_core::key::RecordKey;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A mapping that the repository ships.
pub(crate) fn shipped(record_type: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/mappings/hubspot");
    std::fs::read_to_string(root.join(format!("{record_type}.yaml"))).unwrap()
}

/// What an org shall have.
pub(crate) struct Plan {
    id: String,
    mappings: BTreeMap<String, String>,
    /// Mappings of a second connection, to Salesforce.
    second: BTreeMap<String, String>,
    limits: Value,
    oauth: bool,
    /// Where the functions find the CRMs.
    crms: String,
    /// How changes in the CRMs come back.
    inbound: String,
}

/// An org with one connection, `hubspot`, to the sandbox account of the same name.
pub(crate) struct Org<'a> {
    /// The stack.
    pub(crate) stack: &'a Stack,
    /// The org's id, and the account's.
    pub(crate) id: String,
    plan: Plan,
    folder: PathBuf,
}

impl Plan {
    /// An org named after its test.
    pub(crate) fn new(test: &str) -> Self {
        // Far above what a test needs: who tests limits sets his own.
        let limits = json!([{"api": "*", "requests": 1000, "per": "1s"}, {"api": "search", "requests": 1000, "per": "1s"}]);
        Self {
            id: format!("{test}-{}", unique()),
            mappings: BTreeMap::new(),
            second: BTreeMap::new(),
            limits,
            oauth: false,
            crms: variable("SANDBOX_URL"),
            inbound: String::new(),
        }
    }

    /// The org's id.
    pub(crate) fn name(&self) -> &str {
        &self.id
    }

    /// The org's id at this length in bytes.
    pub(crate) fn id_of(mut self, bytes: usize) -> Self {
        self.id = format!("{:x<bytes$}", self.id);
        assert_eq!(self.id.len(), bytes);
        self
    }

    /// A mapping, as in a file of `config/mappings/hubspot`; the type is routed.
    pub(crate) fn mapping(mut self, record_type: &str, text: &str) -> Self {
        self.mappings.insert(record_type.to_owned(), text.to_owned());
        self
    }

    /// The same for a second connection, to Salesforce.
    pub(crate) fn salesforce(mut self, record_type: &str, text: &str) -> Self {
        self.second.insert(record_type.to_owned(), text.to_owned());
        self
    }

    /// How changes in the CRMs come back, as in the org's file.
    pub(crate) fn inbound(mut self, text: &str) -> Self {
        self.inbound = format!("inbound: {text}\n");
        self
    }

    /// The limits of the connection.
    pub(crate) fn limits(mut self, limits: Value) -> Self {
        self.limits = limits;
        self
    }

    /// An OAuth token with a refresh token, rather than a private app's.
    pub(crate) fn oauth(mut self) -> Self {
        self.oauth = true;
        self
    }

    /// The functions reach the CRMs at this address.
    pub(crate) fn by_way_of(mut self, url: &str) -> Self {
        self.crms = url.to_owned();
        self
    }

    /// The file of the org.
    pub(crate) fn file(&self) -> String {
        let (id, limits) = (&self.id, &self.limits);
        let base_url = format!("{}/hubspot/{id}", self.crms);
        let mut text =
            format!("org: {id}\nconnections:\n  hubspot:\n    base_url: {base_url}\n    limits: {limits}\n");
        if !self.second.is_empty() {
            // Where a Salesforce account is, its secret says.
            text += &format!("  salesforce:\n    limits: {limits}\n");
        }
        text += &self.inbound;
        text += "routes:\n";
        let types: BTreeSet<&String> = self.mappings.keys().chain(self.second.keys()).collect();
        for record_type in types {
            let to = [("hubspot", &self.mappings), ("salesforce", &self.second)];
            let to = to.into_iter().filter(|(_, mappings)| mappings.contains_key(record_type));
            let to: Vec<&str> = to.map(|(connection, _)| connection).collect();
            text += &format!("  {record_type}: [{}]\n", to.join(", "));
        }
        text += "mappings:\n";
        for (provider, mappings) in [("hubspot", &self.mappings), ("salesforce", &self.second)] {
            if mappings.is_empty() {
                continue;
            }
            text += &format!("  {provider}:\n");
            for (record_type, mapping) in mappings {
                text += &format!("    {record_type}:\n");
                text.extend(mapping.lines().map(|line| format!("      {line}\n")));
            }
        }
        text
    }

    /// The org, ready for events.
    pub(crate) fn ready(self, stack: &Stack) -> Org<'_> {
        let id = self.id.clone();
        let folder = std::env::temp_dir().join(format!("rtr-{id}"));
        let org = Org { stack, id, plan: self, folder };
        org.put_secret();
        org.apply();
        if !org.plan.second.is_empty() {
            org.put_salesforce_secret();
        }
        stack.rtr(&["connection", "setup", &org.id]).ended(0);
        org
    }
}

impl Org<'_> {
    /// The file of the org.
    pub(crate) fn file(&self) -> String {
        self.plan.file()
    }

    /// The CRM account.
    pub(crate) fn crm(&self) -> Account<'_> {
        Account { stack: self.stack, provider: "hubspot", name: &self.id }
    }

    /// The Salesforce account.
    pub(crate) fn salesforce(&self) -> Account<'_> {
        Account { stack: self.stack, provider: "salesforce", name: &self.id }
    }

    fn put_salesforce_secret(&self) {
        let issued = self.salesforce().tokens(json!({"token": format!("{CANARY}sf-{}", unique())}));
        let text = json!({"type": "bearer", "token": issued["access_token"], "instance_url": issued["instance_url"]});
        let name = format!("rtr/{}/{}/salesforce", variable("RTR_STAGE"), self.id);
        let put = self.stack.secrets.create_secret().name(name).secret_string(self.by_way(&text));
        self.stack.wait(put.send()).unwrap();
    }

    /// A secret's text with the addresses at which the functions reach the CRMs.
    fn by_way(&self, secret: &Value) -> String {
        secret.to_string().replace(&variable("SANDBOX_URL"), &self.plan.crms)
    }

    /// The name of the connection's secret.
    pub(crate) fn secret(&self) -> String {
        format!("rtr/{}/{}/hubspot", variable("RTR_STAGE"), self.id)
    }

    /// What the connection's secret holds.
    pub(crate) fn secret_value(&self) -> Value {
        let read = self.stack.secrets.get_secret_value().secret_id(self.secret());
        serde_json::from_str(self.stack.wait(read.send()).unwrap().secret_string().unwrap()).unwrap()
    }

    /// New tokens, as if a person had consented again.
    pub(crate) fn connect_anew(&self) {
        let put = self.stack.secrets.put_secret_value().secret_id(self.secret());
        self.stack.wait(put.secret_string(self.new_secret()).send()).unwrap();
    }

    /// Replaces a mapping and applies the org's file again.
    pub(crate) fn remap(&mut self, record_type: &str, text: &str) {
        self.plan.mappings.insert(record_type.to_owned(), text.to_owned());
        self.apply();
    }

    /// Has changes in the CRMs come back otherwise, and applies the org's file again.
    pub(crate) fn come_back(&mut self, text: &str) {
        self.plan.inbound = format!("inbound: {text}\n");
        self.apply();
    }

    /// Replaces a mapping of the file that [`Org::file`] gives, and applies nothing.
    pub(crate) fn replan(&mut self, record_type: &str, text: &str) {
        self.plan.mappings.insert(record_type.to_owned(), text.to_owned());
    }

    fn apply(&self) {
        std::fs::create_dir_all(self.folder.join("orgs")).unwrap();
        std::fs::write(self.folder.join("orgs").join(format!("{}.yaml", self.id)), self.plan.file()).unwrap();
        self.stack.apply(&self.folder).ended(0);
    }

    fn put_secret(&self) {
        let put = self.stack.secrets.create_secret().name(self.secret()).secret_string(self.new_secret());
        self.stack.wait(put.send()).unwrap();
    }

    fn new_secret(&self) -> String {
        let secret = |what: &str| format!("{CANARY}{what}-{}", unique());
        let wanted = if self.plan.oauth {
            json!({"expires_in": 1800, "token": secret("access"), "refresh_token": secret("refresh"),
                "client_secret": secret("client"), "client_id": "app"})
        } else {
            json!({"expires_in": null, "token": secret("token")})
        };
        let issued = self.crm().tokens(wanted);
        let text = if self.plan.oauth {
            json!({"type": "oauth2", "client_id": issued["client_id"], "client_secret": issued["client_secret"],
                "refresh_token": issued["refresh_token"], "access_token": issued["access_token"],
                "expires_at": issued["expires_at"], "token_url": issued["token_url"]})
        } else {
            json!({"type": "bearer", "token": issued["access_token"]})
        };
        self.by_way(&text)
    }

    /// Replaces the connection's token by one with these scopes alone.
    pub(crate) fn narrow(&self, scopes: &[&str]) {
        let token = format!("{CANARY}narrow-{}", unique());
        let issued = self.crm().tokens(json!({"expires_in": null, "token": token, "scopes": scopes}));
        let text = json!({"type": "bearer", "token": issued["access_token"]}).to_string();
        let put = self.stack.secrets.put_secret_value().secret_id(self.secret()).secret_string(text);
        self.stack.wait(put.send()).unwrap();
    }

    /// Deletes the connection's secret.
    pub(crate) fn drop_secret(&self) {
        let gone = self.stack.secrets.delete_secret().secret_id(self.secret());
        self.stack.wait(gone.force_delete_without_recovery(true).send()).unwrap();
    }

    /// A record's key.
    pub(crate) fn key(&self, record_type: &str, record_id: &str) -> RecordKey {
        RecordKey::new(&self.id, record_type, record_id)
    }

    /// A contact's event.
    pub(crate) fn contact(&self, id: &str, version: u64, data: &Value) -> Event {
        Event::upsert(&self.key("contact", id), version, data)
    }

    /// A company's event.
    pub(crate) fn company(&self, id: &str, version: u64, data: &Value) -> Event {
        Event::upsert(&self.key("company", id), version, data)
    }

    /// `rtr record`'s answer for HubSpot; null when nothing is known of the record.
    pub(crate) fn record(&self, record_type: &str, id: &str) -> Value {
        self.record_at("hubspot", record_type, id)
    }

    /// The same for `connection`.
    pub(crate) fn record_at(&self, connection: &str, record_type: &str, id: &str) -> Value {
        let said = self.stack.rtr(&["record", &self.id, record_type, id, "--json"]);
        if said.code == 4 { Value::Null } else { said.json()["connections"][connection].clone() }
    }

    /// The org's dead letters.
    pub(crate) fn dead_letters(&self) -> Vec<Value> {
        let found = self.stack.rtr(&["dlq", "list", "--org", &self.id, "--json"]).json();
        found.as_array().unwrap().clone()
    }

    /// Waits until there are so many.
    pub(crate) fn until_dead(&self, count: usize) -> Vec<Value> {
        eventually("dead letters", || {
            let dead = self.dead_letters();
            if dead.len() == count { Ok(dead) } else { Err(format!("{count} wanted: {dead:#?}")) }
        })
    }

    /// `rtr dlq redrive` of all the org has; what becomes of it is for the test to see.
    pub(crate) fn redrive(&self) -> Said {
        self.redrive_waiting("0s")
    }

    /// The same, and it waits so long for what becomes of it.
    pub(crate) fn redrive_waiting(&self, wait: &str) -> Said {
        self.stack.rtr(&["dlq", "redrive", "--org", &self.id, "--yes", "--json", "--wait", wait])
    }
}

impl Drop for Org<'_> {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
