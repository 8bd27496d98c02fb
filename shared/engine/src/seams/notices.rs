//! What is to be told of connections, from whoever finds it out to the one function that tells it: noted first, so that nothing is
//! told twice by two who found it out, nor lost with one who died.

use super::Unavailable;
use async_trait::async_trait;
use rtr_core::notice::Notice;
use rtr_core::time::Instant;

/// What waits to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    /// What; its count is of all that was raised since the last time.
    pub notice: Notice,
    /// When it is to be told.
    pub due_at: Instant,
    /// When one of its kind was told of the connection last.
    pub told_at: Option<Instant>,
}

/// The notes, shared by all environments.
#[async_trait]
pub trait Notices: Send + Sync {
    /// Notes `notice`. What happens once is noted once; what lasts as it is now, unless it was told a moment
    /// ago ([`rtr_core::notice::NoticeKind::lasts`]); of other kinds the counts are added up until they are told.
    ///
    /// # Errors
    /// When the store does not answer: it may have been noted.
    async fn raise(&self, notice: &Notice) -> Result<(), Unavailable>;
    /// What is to be told by `now`, about `limit` at most.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn raised(&self, now: Instant, limit: usize) -> Result<Vec<Raised>, Unavailable>;
    /// Puts it off until then; false when somebody else has been there since it was read.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn put_off(&self, raised: &Raised, until: Instant) -> Result<bool, Unavailable>;
    /// Notes that `raised`, as it was put off last, was told at `at`. What was raised meanwhile is told when its time has come.
    ///
    /// # Errors
    /// When the store does not answer: it is told once more then.
    async fn told(&self, raised: &Raised, at: Instant) -> Result<(), Unavailable>;
}

/// Where notices go.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Puts them there, each with its own answer.
    async fn tell(&self, notices: &[Notice]) -> Vec<Result<(), Unavailable>>;
}
