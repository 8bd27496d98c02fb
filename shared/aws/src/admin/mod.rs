//! One org's document over HTTP: read, stored, removed. What is asked is in `docs/openapi.json`; who may ask is IAM's affair.
//!
//! - `request.rs` what API Gateway hands over · `answer.rs` what it gets back

mod answer;
mod request;

pub use answer::Answer;
pub use request::AdminRequest;

use crate::clients::Clients;
use crate::clock::SystemClock;
use crate::config::{ApplyError, ConfigStore};
use crate::function::StartError;
use crate::settings::Environment;
use request::{Asked, Replaces};
use rtr_connectors::http::Clock as _;
use rtr_connectors::registry;
use rtr_core::config::{
    DocBody, DocChange, GLOBAL_ORG, MAX_DOC_BYTES, OrgDoc, Signature, Stored, is_no_org, plan_put,
    plan_removal, read_org, to_file,
};
use serde_json::json;

/// Times that a document is planned anew because somebody else stored something at the same time.
const ROUNDS: usize = 5;

/// The function's way to the configuration, for as long as its process lives.
pub struct Admin {
    store: ConfigStore,
}

impl Admin {
    /// Reads the environment.
    ///
    /// # Errors
    /// When it is wrong.
    pub async fn load() -> Result<Self, StartError> {
        let environment = Environment::load()
            .inspect_err(|error| tracing::error!(event = "start", %error, "the function cannot start"))?;
        Ok(Self::new(ConfigStore::new(&Clients::load().await, environment.config_table)))
    }

    /// The same over `store`.
    #[must_use]
    pub fn new(store: ConfigStore) -> Self {
        Self { store }
    }

    /// Does what is asked.
    pub async fn answer(&self, request: &AdminRequest) -> Answer {
        let answer = match request.asked() {
            Ok(asked) if asked.org == GLOBAL_ORG => {
                Answer::problem(400, "`*` is no org: what holds for all is applied from files")
            }
            Ok(asked) if is_no_org(asked.org) => {
                Answer::problem(400, format!("`{}` is no org: what people did is kept there", asked.org))
            }
            Ok(asked) => self.act(&asked).await,
            Err(why) => Answer::problem(400, why),
        };
        let (org, by) = (request.org(), request.caller());
        tracing::info!(event = "admin", org_id = org, by, method = request.method(), status = answer.status);
        answer
    }

    async fn act(&self, asked: &Asked<'_>) -> Answer {
        if asked.method == "GET" {
            return self.get(asked.org).await;
        }
        let by = Signature {
            author: asked.caller.to_owned(),
            at: SystemClock.now().to_rfc3339(),
            reason: asked.reason.map(str::to_owned),
        };
        for _ in 0..ROUNDS {
            let stored = match self.store.load_org(asked.org).await {
                Ok(stored) => stored,
                Err(error) => return Answer::unavailable(&error),
            };
            if !matches(asked, &stored) {
                return Answer::problem(412, "another revision holds than the one in If-Match: get it first");
            }
            let change = match plan(asked, &stored) {
                Ok(Some(change)) => change,
                Ok(None) => return unchanged(asked.org, &stored),
                Err(answer) => return answer,
            };
            match self.store.apply(&change, &by).await {
                Ok(()) => return done(&change, &stored),
                Err(ApplyError::Changed) => {}
                Err(ApplyError::Unavailable(error)) => return Answer::unavailable(&error),
            }
        }
        Answer::problem(503, "others keep changing configuration at the same time: try again")
    }

    async fn get(&self, org: &str) -> Answer {
        match self.store.current::<OrgDoc>(org).await {
            Ok(Some(stored)) if !stored.doc.removed => {
                let document = json!(to_file(org, &stored.doc));
                let (revision, author) = (stored.revision, stored.author);
                let body = json!({
                    "org": org, "revision": revision, "author": author, "at": stored.at, "reason": stored.reason,
                    "document": document,
                });
                Answer::of(200, body).tagged(revision)
            }
            Ok(_) => absent(org),
            Err(error) => Answer::unavailable(&error),
        }
    }
}

/// Whether what is stored is what the request means to replace.
fn matches(asked: &Asked<'_>, stored: &Stored) -> bool {
    let revision = stored.orgs.get(asked.org).filter(|old| !old.doc.removed).map(|old| old.revision);
    match asked.replaces {
        None => true,
        Some(Replaces::Any) => revision.is_some(),
        Some(Replaces::Revision(wanted)) => revision == Some(wanted),
    }
}

/// What is to be stored; none where it is so already.
fn plan(asked: &Asked<'_>, stored: &Stored) -> Result<Option<DocChange>, Answer> {
    if asked.method == "DELETE" {
        let there = stored.orgs.get(asked.org).is_some_and(|old| !old.doc.removed);
        return if there { Ok(plan_removal(stored, asked.org)) } else { Err(absent(asked.org)) };
    }
    let read = read_org(asked.org, &asked.body, &stored.global_doc(), &registry::facts());
    let change = plan_put(stored, asked.org, read.map_err(|faults| Answer::faults(&faults))?);
    if let Some(bytes) = change.as_ref().and_then(DocChange::too_large) {
        let why = format!("the org's document has {bytes} bytes, and at most {MAX_DOC_BYTES} can be stored");
        return Err(Answer::problem(400, why));
    }
    if let Some(change) = &change {
        let after = stored.after(std::slice::from_ref(change));
        let known = stored.dead_ends();
        if let Some((_, connection, record_type)) =
            after.dead_ends().into_iter().find(|end| !known.contains(end))
        {
            let why = format!(
                "nothing was stored: records of type `{record_type}` would die at `{connection}`, for which there is no mapping of them"
            );
            return Err(Answer::problem(422, why));
        }
    }
    // What the org tries beside it must go with it too.
    let unusable = change.iter().find_map(|change| {
        let after = stored.after(std::slice::from_ref(change));
        after.unusable(&registry::facts()).into_iter().find(|error| error.org == asked.org)
    });
    if let Some(error) = unusable {
        return Err(Answer::problem(422, format!("nothing was stored: {}", error.message)));
    }
    Ok(change)
}

fn unchanged(org: &str, stored: &Stored) -> Answer {
    let revision = stored.orgs.get(org).map_or(0, |old| old.revision);
    Answer::of(200, json!({"org": org, "revision": revision, "changes": []})).tagged(revision)
}

fn done(change: &DocChange, stored: &Stored) -> Answer {
    let DocChange { org, revision, changes, doc, .. } = change;
    let is_new = stored.orgs.get(org).is_none_or(|old| old.doc.removed);
    let body = json!({"org": org, "revision": revision, "changes": changes});
    match doc {
        DocBody::Org(doc) if doc.removed => Answer::of(200, body),
        _ => Answer::of(if is_new { 201 } else { 200 }, body).tagged(*revision),
    }
}

fn absent(org: &str) -> Answer {
    Answer::problem(404, format!("there is no org `{org}`"))
}
