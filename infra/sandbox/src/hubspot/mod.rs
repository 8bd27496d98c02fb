//! HubSpot: CRM objects, properties, associations v4, search, owners, pipelines, OAuth.
//!
//! Strict where the vendor is documented or was seen to be strict. Both path families are served alike:
//! `/crm/v3/objects/{type}` and `/crm/objects/{YYYY-MM}/{type}`.

mod access;
mod associations;
mod batch;
mod catalogue;
mod desk;
mod directory;
mod errors;
mod filter;
mod links;
mod oauth;
mod objects;
mod properties;
mod quota;
mod record;
mod schema;
mod search;
mod seed;
mod store;
mod types;
mod values;
mod webhook;

use crate::feed::Touched;
use crate::ids::{hash, uuid};
use crate::limits::Limit;
use crate::provider::{Answer, Call, Crm, Env, Kind};
use directory::Directory;
use errors::Fail;
use links::Links;
use schema::Schema;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use store::Store;
use types::{ObjectType, TYPES};

/// The records of one type with their definitions.
#[derive(Clone)]
struct Table {
    schema: Schema,
    store: Store,
}

/// One HubSpot account ("portal").
#[derive(Clone)]
struct HubSpot {
    salt: u64,
    portal: u64,
    last_id: u64,
    /// How many events were told of.
    told: u64,
    tables: BTreeMap<&'static str, Table>,
    links: Links,
    directory: Directory,
}

/// An empty account with HubSpot's standard properties.
pub(crate) fn open(name: &str) -> Box<dyn Crm> {
    let salt = hash(name);
    let table = |kind: &'static ObjectType| {
        (kind.id, Table { schema: Schema::standard(kind), store: Store::default() })
    };
    Box::new(HubSpot {
        salt,
        portal: 10_000_000 + salt % 89_999_999,
        // Ids need more than 32 bits, and differ from account to account, so that mixing them up shows.
        last_id: (20 + salt % 900) * 1_000_000_000_000,
        told: 0,
        tables: TYPES.iter().map(table).collect(),
        links: Links::default(),
        directory: Directory::standard(salt),
    })
}

impl HubSpot {
    fn table(&self, kind: &ObjectType) -> Result<&Table, Fail> {
        self.tables.get(kind.id).ok_or_else(Fail::not_found)
    }

    fn table_mut(&mut self, kind: &ObjectType) -> Result<&mut Table, Fail> {
        self.tables.get_mut(kind.id).ok_or_else(Fail::not_found)
    }

    /// An id that nobody had: the clock is in it, so that a sandbox that begins anew gives none of those it gave before.
    fn next_id(&mut self, now: i64) -> u64 {
        let begun = (20 + self.salt % 900) * 1_000_000_000_000;
        let seconds = u64::try_from(now / 1_000 - 1_750_000_000).unwrap_or(0);
        self.last_id = (self.last_id + 1).max(begun + seconds * 1_000);
        self.last_id
    }

    fn route(&mut self, call: &Call<'_>, env: &mut Env<'_>) -> Result<Answer, Fail> {
        let parts = call.parts();
        match access::area(&parts) {
            access::Area::OAuth(rest) => oauth::serve(self, rest, call, env),
            access::Area::Objects(kind, rest) => objects::serve(self, types::infer(kind)?, rest, call, env),
            access::Area::Properties(kind, rest) => {
                properties::serve(self, types::infer(kind)?, rest, call, env)
            }
            access::Area::Association { from, id, rest } => {
                associations::serve_one(self, types::infer(from)?, id, rest, call)
            }
            access::Area::Associations { from, to, rest } => {
                associations::serve_batch(self, types::infer(from)?, types::infer(to)?, rest, call, env)
            }
            access::Area::Owners(rest) => directory::owners(self, rest, call),
            access::Area::Pipelines(kind, rest) => {
                directory::pipelines(self, types::infer(kind)?, rest, call)
            }
            access::Area::Account => Ok(self.account()),
            access::Area::Unknown => Err(Fail::bare(404, "The requested resource was not found.")),
        }
    }

    fn account(&self) -> Answer {
        Answer::json(
            200,
            json!({"portalId": self.portal, "accountType": "STANDARD", "timeZone": "UTC", "companyCurrency": "EUR",
                   "additionalCurrencies": [], "utcOffset": "+00:00", "utcOffsetMilliseconds": 0,
                   "uiDomain": "app.hubspot.com", "dataHostingLocation": "eu1"}),
        )
    }

    /// Adds what every answer carries.
    fn finish(&self, mut answer: Answer, env: &Env<'_>) -> Answer {
        let correlation = uuid(self.salt, env.serial);
        if let Some(body) = answer.body.as_mut().and_then(Value::as_object_mut)
            && body.get("status") == Some(&json!("error"))
        {
            body.insert("correlationId".to_owned(), json!(correlation));
        }
        answer.header("x-hubspot-correlation-id", correlation)
    }
}

impl Crm for HubSpot {
    fn copy(&self) -> Box<dyn Crm> {
        Box::new(self.clone())
    }

    fn kind(&self, call: &Call<'_>) -> Kind {
        access::kind(call)
    }

    fn authorise(&self, call: &Call<'_>, env: &mut Env<'_>) -> Result<(), Answer> {
        access::authorise(call, env).map_err(|fail| self.finish(fail.answer(), env))
    }

    fn serve(&mut self, call: &Call<'_>, env: &mut Env<'_>) -> Answer {
        let answer = self.route(call, env).unwrap_or_else(Fail::answer);
        self.finish(answer, env)
    }

    fn failure(&self, status: u16, env: &mut Env<'_>) -> Answer {
        self.finish(quota::failure(status, env), env)
    }

    fn limited(&self, limit: &Limit, env: &mut Env<'_>) -> Answer {
        self.finish(quota::limited(limit, self.portal, env), env)
    }

    fn quota(&self, kind: Kind, limits: &[Limit], now: i64) -> Vec<(String, String)> {
        quota::headers(kind, limits, now)
    }

    fn token_path(&self) -> &'static str {
        "/oauth/v3/token"
    }

    fn records(&self, object: &str, archived: bool) -> Result<Vec<Value>, String> {
        self.dump(object, archived, usize::MAX)
    }

    fn watch(&mut self) {
        self.tables.values_mut().for_each(|table| table.store.touched = Some(BTreeSet::new()));
    }

    fn touched(&mut self) -> Vec<Touched> {
        let mut all = Vec::new();
        for kind in TYPES {
            let Some(table) = self.tables.get_mut(kind.id) else { continue };
            for id in table.store.touched.as_mut().map(std::mem::take).unwrap_or_default() {
                let live = table.store.live(id).filter(|record| record.id == id);
                all.push((kind.plural.to_owned(), id.to_string(), live.map(|one| one.properties.clone())));
            }
        }
        all
    }

    fn newest(&self, object: &str, count: usize) -> Result<Vec<Value>, String> {
        self.dump(object, false, count)
    }

    fn counts(&self) -> Vec<(String, usize)> {
        let count = |kind: &ObjectType| self.tables.get(kind.id).map_or(0, |table| table.store.len());
        TYPES.iter().map(|kind| (kind.plural.to_owned(), count(kind))).collect()
    }

    fn seed(&mut self, object: &str, records: &[Value], env: &mut Env<'_>) -> Result<Vec<String>, String> {
        self.plant(object, records, env)
    }

    fn rule(&mut self, rule: &Value) -> Result<(), String> {
        self.set_rule(rule)
    }

    fn setting(&mut self, setting: &Value) -> Result<(), String> {
        self.set(setting)
    }
}
