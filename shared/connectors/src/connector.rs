//! What every CRM can be asked, in our words: the values of the questions and answers, and [`Crm`], which a connector is.

use crate::changes::{FeedFacts, GonePage, Page, Position, Snapshot};
use crate::credentials::TokenEndpoint;
use crate::http::{Request, Response};
use crate::ingest::Ingest;
use crate::oauth::ConsentFacts;
use crate::session::{Classify, ReadQuota, Session};
use crate::shape::Shape;
use crate::webhook::Webhook;
use crate::webhook::standard::StandardWebhooks;
use async_trait::async_trait;
use rtr_core::failure::{Class, Failure};
pub use rtr_core::mapping::Property;
use rtr_core::mapping::{Patch, ProviderFacts};
use serde_json::Value;
use std::collections::BTreeMap;

/// Fields to write: absent ones are left alone.
pub type Fields = BTreeMap<String, Patch<Value>>;

/// How the records of one call are addressed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// By our unique key; created when nobody has it.
    Upsert {
        /// The CRM's unique property.
        property: String,
    },
    /// By the CRM's own id.
    Update,
    /// New, whatever is there: the intent path.
    Create,
    /// Removed, by the CRM's own id. Succeeds when it is gone already.
    Archive,
    /// Removed beyond recovery, by the CRM's own id.
    Erase,
}

/// One record of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteItem {
    /// Key value or external id by [`Kind`]; empty for a create.
    pub id: String,
    /// What to write; empty for archive and erase.
    pub fields: Fields,
    /// Unique in its batch: comes back with the record's outcome where the CRM carries it.
    pub trace: String,
}

/// One call's worth of work: one object, one kind, no id twice, at most the CRM's batch size.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteCall {
    /// The CRM's object, such as `contacts`.
    pub object: String,
    /// How the items are addressed.
    pub kind: Kind,
    /// The items.
    pub items: Vec<WriteItem>,
}

/// What became of one item: where it is, or why not.
pub type Outcome = Result<Written, Failure>;

/// A write that the CRM confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The record's id at the CRM. After a merge it differs from the id asked.
    pub external_id: String,
    /// True when the CRM said it is new.
    pub created: bool,
    /// What it holds now of the properties that were written, as the CRM's answer says; nothing where that does not tell.
    /// It may be another value than the one written.
    pub held: BTreeMap<String, Value>,
}

/// How a property finds records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupBy {
    /// Its values are unique at the CRM, as those of our key: read by key, which sees the latest writes.
    Unique,
    /// Any other: searched, which may lag behind writes and find several.
    Any,
}

/// A question for records by the value of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The CRM's object.
    pub object: String,
    /// The property compared.
    pub property: String,
    /// Whether the CRM keeps its values unique: decides between the CRM's key read and its search.
    pub by: LookupBy,
    /// The values sought, each once, at most the CRM's batch size.
    pub values: Vec<String>,
    /// A further property to read of what is found (our unique key), if any.
    pub also: Option<String>,
}

/// One record found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its id at the CRM.
    pub external_id: String,
    /// The value it was found by, as the CRM holds it.
    pub value: String,
    /// The further property's value.
    pub also: Option<String>,
}

/// A question for what ids stand for the names that people use: owners by e-mail, stages by label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The look-up, one of the facts'.
    pub lookup: &'static str,
    /// The CRM's object.
    pub object: String,
    /// The names, each once; where the look-up is read as a whole they do not matter.
    pub names: Vec<String>,
}

/// What one name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The look-up that it belongs to: an answer may tell of another beside the one asked for.
    pub lookup: &'static str,
    /// The name, as it was asked for or as the CRM has it.
    pub name: String,
    /// The id of what it lies within, as a stage within a pipeline.
    pub within: Option<String>,
    /// What is written for it.
    pub id: String,
}

/// One association to make; making it again changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Association {
    /// The object of the record that refers.
    pub from_object: String,
    /// Its id.
    pub from_id: String,
    /// The object of the record referred to.
    pub to_object: String,
    /// Its id.
    pub to_id: String,
    /// The label: `default`, or one the CRM has a name for, such as `primary`.
    pub label: String,
}

/// Numbers the engine needs of a CRM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Inputs of one write call.
    pub write_batch: usize,
    /// Values of one look-up.
    pub lookup_batch: usize,
    /// The longest life of a request, in milliseconds: after it, a request whose answer was lost has landed or died.
    pub request_life_ms: i64,
    /// After so many milliseconds a record written is surely found by a look-up.
    pub search_lag_ms: i64,
    /// The timeout of one call, in milliseconds.
    pub call_timeout_ms: i64,
    /// The property by which [`Crm::lookup`] finds records by the CRM's own id.
    pub id_property: &'static str,
}

/// What `rtr config init` begins with: a mapping of one record type, its cases, and a record that it takes. A test checks
/// that each is right and that the cases look at all of the mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Starter {
    /// The internal record type.
    pub record_type: &'static str,
    /// The text of `mappings/<provider>/<record_type>.yaml`.
    pub mapping: &'static str,
    /// The text of the file of its cases.
    pub cases: &'static str,
    /// A record, as an event's `data` carries it, in JSON.
    pub record: &'static str,
}

/// A request together with the bucket it draws from.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The limit's name: `*`, or one that the CRM counts apart, such as `search`.
    pub api: &'static str,
    /// The request.
    pub request: Request,
}

/// A CRM. A connector's folder has one value of this, which the registry lists; what it says is facts, what it does goes
/// through a [`Session`].
#[async_trait]
pub trait Crm: std::fmt::Debug + Send + Sync {
    /// Name, default key and default limits.
    fn facts(&self) -> ProviderFacts;

    /// Batch sizes and times.
    fn capabilities(&self) -> Capabilities;

    /// The mapping that a new user begins with.
    fn starter(&self) -> Starter;

    /// Where the API is, unless the connection or its secret says otherwise; none where each account has its own.
    fn base_url(&self) -> Option<&'static str>;

    /// Hosts that may be called without further leave: `host` or `*.suffix`.
    fn hosts(&self) -> &'static [&'static str];

    /// How this CRM's answers are read.
    fn classify(&self) -> Classify;

    /// How it is read from an answer how much of the account's limits is used, where this CRM tells. Answers of APIs with
    /// limits of their own have nothing to tell of the others'.
    fn quota(&self) -> ReadQuota {
        |_| Vec::new()
    }

    /// Where and how access tokens are had.
    fn token_endpoint(&self) -> TokenEndpoint;

    /// Where a person consents to let us in; none where the provider has no such page.
    fn consent(&self) -> Option<ConsentFacts> {
        None
    }

    /// How what it pushes is verified and read.
    fn webhook(&self) -> &'static dyn Webhook {
        &StandardWebhooks
    }

    /// What a person clicks to make the unique property `name` on `object`, where [`Crm::create_key`] may not.
    fn key_by_hand(&self, object: &str, name: &str) -> String;

    /// What a person clicks to make the plain text property `name` on `object`.
    fn property_by_hand(&self, object: &str, name: &str) -> String {
        format!("{}: make a text property `{name}` on {object}", self.facts().title)
    }

    /// Whether records of one object can be tied to those of another under this label; the ids are of no matter.
    ///
    /// # Errors
    /// Why not.
    fn knows_association(&self, _: &Association) -> Result<(), Failure> {
        Err(no_associations(self.facts().title))
    }

    /// What the credentials may not do with records of `object`, asked without changing anything; nothing where there is
    /// no way to ask.
    async fn lacks(&self, _: &Session<'_>, _object: &str) -> Vec<Failure> {
        Vec::new()
    }

    /// The answer of an account in which nothing is there yet and all goes well: questions find nothing, writes succeed, and
    /// what is new has the id `new_id`. A preview plays the CRM with it.
    fn rehearse(&self, request: &Request, new_id: &str) -> Response;

    /// Writes a batch; the outcomes stand in the order of the items, one each, whatever happens.
    async fn write(&self, session: &Session<'_>, call: &WriteCall) -> Vec<Outcome>;

    /// Finds records by the values of a property.
    ///
    /// # Errors
    /// The failure of the call as a whole; a value that nobody has is simply not among the answers.
    async fn lookup(&self, session: &Session<'_>, lookup: &Lookup) -> Result<Vec<Found>, Failure>;

    /// What `asked` stands for: of a look-up that is read as a whole all there is, else at least every entry of the names.
    ///
    /// # Errors
    /// The failure of the call as a whole; a name that nothing has is simply not among the answers.
    async fn directory(&self, _: &Session<'_>, asked: &Asked) -> Result<Vec<Entry>, Failure> {
        Err(no_directory(self.facts().title, asked))
    }

    /// What the record `external_id` of `object` holds in these properties, as the CRM gives it; none when there is no such
    /// record. All of them must be properties of the object.
    ///
    /// # Errors
    /// The failure of the call.
    async fn held(
        &self,
        session: &Session<'_>,
        object: &str,
        external_id: &str,
        properties: &[String],
    ) -> Result<Option<BTreeMap<String, Value>>, Failure>;

    /// How it tells of changes.
    fn feed(&self) -> FeedFacts;

    /// What the records `ids` of `object` hold in these properties now, one snapshot each in their order, read so that the
    /// latest writes are seen; at most [`FeedFacts::read_batch`] at once. One that is not there is [`Fate::Gone`].
    ///
    /// [`Fate::Gone`]: crate::changes::Fate::Gone
    ///
    /// # Errors
    /// The failure of the call as a whole.
    async fn snapshots(
        &self,
        session: &Session<'_>,
        object: &str,
        ids: &[String],
        properties: &[String],
    ) -> Result<Vec<Snapshot>, Failure>;

    /// The next records of `object` that have changed since `from`, with what they hold in these properties.
    ///
    /// # Errors
    /// The failure of the call.
    async fn changed(
        &self,
        session: &Session<'_>,
        object: &str,
        from: &Position,
        properties: &[String],
    ) -> Result<Page, Failure>;

    /// A page of the records of `object` that are gone, where [`FeedFacts::lists_gone`] says that they are listed apart.
    ///
    /// # Errors
    /// The failure of the call.
    async fn gone(&self, _: &Session<'_>, _object: &str, _after: Option<&str>) -> Result<GonePage, Failure> {
        Ok(GonePage::default())
    }

    /// How values of `property` are compared.
    fn shape(&self, property: &Property) -> Shape;

    /// The jobs by which it takes thousands of records at once; none where it has none.
    fn ingest(&self) -> Option<&dyn Ingest> {
        None
    }

    /// Makes associations; the outcomes stand in the order given, one each. A CRM that links by fields has none.
    async fn associate(&self, _: &Session<'_>, wanted: &[Association]) -> Vec<Result<(), Failure>> {
        wanted.iter().map(|_| Err(no_associations(self.facts().title))).collect()
    }

    /// The properties of `object`.
    ///
    /// # Errors
    /// The failure of the call.
    async fn properties(&self, session: &Session<'_>, object: &str) -> Result<Vec<Property>, Failure>;

    /// Makes the unique property that holds our key.
    ///
    /// # Errors
    /// The failure of the call; a property that is there already is none.
    async fn create_key(&self, session: &Session<'_>, object: &str, name: &str) -> Result<(), Failure>;

    /// The account behind the credentials, as an id.
    ///
    /// # Errors
    /// The failure of the call.
    async fn account(&self, session: &Session<'_>) -> Result<String, Failure>;
}

/// A look-up that the facts do not list.
pub(crate) fn no_directory(title: &str, asked: &Asked) -> Failure {
    Failure::new(Class::Refused, format!("{title} has no look-up `{}` for `{}`", asked.lookup, asked.object))
}

fn no_associations(title: &str) -> Failure {
    let message = format!("{title} has no associations: map the reference to a field");
    Failure::new(Class::Invalid { field: None }, message)
}
