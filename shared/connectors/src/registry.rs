//! Which CRMs there are: adding one is its folder and its lines here.

use crate::connector::{Association, Capabilities, Found, Lookup, Outcome, Property, WriteCall};
use crate::credentials::TokenEndpoint;
use crate::hubspot;
use crate::session::{Classify, Session};
use rtr_core::failure::Failure;
use rtr_core::mapping::ProviderFacts;

/// A CRM that rtr-sync can talk to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connector {
    /// HubSpot CRM objects and associations.
    HubSpot,
}

/// Every connector.
pub const ALL: &[Connector] = &[Connector::HubSpot];

/// The facts of every provider, for the configuration's checks.
#[must_use]
pub fn facts() -> Vec<ProviderFacts> {
    ALL.iter().map(|connector| connector.facts()).collect()
}

/// The connector of this provider name.
#[must_use]
pub fn by_name(provider: &str) -> Option<Connector> {
    ALL.iter().copied().find(|connector| connector.facts().name == provider)
}

impl Connector {
    /// Name, default key and default limits.
    #[must_use]
    pub fn facts(self) -> ProviderFacts {
        match self {
            Self::HubSpot => hubspot::FACTS,
        }
    }

    /// Batch sizes and times.
    #[must_use]
    pub fn capabilities(self) -> Capabilities {
        match self {
            Self::HubSpot => hubspot::CAPABILITIES,
        }
    }

    /// Where the API is, unless the connection or its secret says otherwise.
    #[must_use]
    pub fn base_url(self) -> &'static str {
        match self {
            Self::HubSpot => hubspot::BASE_URL,
        }
    }

    /// Hosts that may be called without further leave: `host` or `*.suffix`.
    #[must_use]
    pub fn hosts(self) -> &'static [&'static str] {
        match self {
            Self::HubSpot => hubspot::HOSTS,
        }
    }

    /// How this CRM's answers are read.
    #[must_use]
    pub fn classify(self) -> Classify {
        match self {
            Self::HubSpot => hubspot::classify,
        }
    }

    /// Where and how access tokens are had.
    #[must_use]
    pub fn token_endpoint(self) -> TokenEndpoint {
        match self {
            Self::HubSpot => hubspot::TOKEN_ENDPOINT,
        }
    }

    /// Writes a batch; the outcomes stand in the order of the items, one each, whatever happens.
    pub async fn write(self, session: &Session<'_>, call: &WriteCall) -> Vec<Outcome> {
        match self {
            Self::HubSpot => hubspot::write(session, call).await,
        }
    }

    /// Finds records by the values of a property.
    ///
    /// # Errors
    /// The failure of the call as a whole; a value that nobody has is simply not among the answers.
    pub async fn lookup(self, session: &Session<'_>, lookup: &Lookup) -> Result<Vec<Found>, Failure> {
        match self {
            Self::HubSpot => hubspot::lookup(session, lookup).await,
        }
    }

    /// Makes associations; the outcomes stand in the order given, one each.
    pub async fn associate(self, session: &Session<'_>, wanted: &[Association]) -> Vec<Result<(), Failure>> {
        match self {
            Self::HubSpot => hubspot::associate(session, wanted).await,
        }
    }

    /// The properties of `object`.
    ///
    /// # Errors
    /// The failure of the call.
    pub async fn properties(self, session: &Session<'_>, object: &str) -> Result<Vec<Property>, Failure> {
        match self {
            Self::HubSpot => hubspot::properties(session, object).await,
        }
    }

    /// Makes the unique property that holds our key.
    ///
    /// # Errors
    /// The failure of the call; a property that is there already is none.
    pub async fn create_key(self, session: &Session<'_>, object: &str, name: &str) -> Result<(), Failure> {
        match self {
            Self::HubSpot => hubspot::create_key(session, object, name).await,
        }
    }

    /// The account behind the credentials, as an id.
    ///
    /// # Errors
    /// The failure of the call.
    pub async fn account(self, session: &Session<'_>) -> Result<String, Failure> {
        match self {
            Self::HubSpot => hubspot::account(session).await,
        }
    }
}
