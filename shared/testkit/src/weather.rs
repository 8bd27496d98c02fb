//! What happens to a remote call on its way to a service and back. Calm by default; a simulator brings its own.
//!
//! The twins ask it at every call. So there is one place that decides about faults, and none of them knows of any.

use async_trait::async_trait;

/// The service that is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Items, claims, bodies: DynamoDB and S3.
    Records,
    /// Buckets, locks, suspensions: DynamoDB.
    Limits,
    /// Configuration: DynamoDB.
    Configs,
    /// Secrets Manager.
    Secrets,
    /// SQS.
    Queue,
}

/// One call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Op {
    /// Who is asked.
    pub service: Service,
    /// For what.
    pub name: &'static str,
    /// How many things are asked for at once; each may fail alone where the service answers for each.
    pub parts: usize,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Done and answered.
    Done,
    /// It never gets there, or is throttled: not done.
    NotDone,
    /// Done, and the caller never hears of it.
    AnswerLost,
    /// Done, its answer lost, and sent again by the SDK: the copy finds the condition gone.
    SentTwice,
    /// Of several parts those whose bit is set are not done.
    Partly(u64),
}

impl Fate {
    /// Whether part number `at` is done.
    #[must_use]
    pub fn does(self, at: usize) -> bool {
        match self {
            Self::Done | Self::AnswerLost | Self::SentTwice => true,
            Self::NotDone => false,
            Self::Partly(not) => not & (1 << (at % 64)) == 0,
        }
    }

    /// Whether the caller hears that part number `at` is done.
    #[must_use]
    pub fn tells(self, at: usize) -> bool {
        self != Self::AnswerLost && self.does(at)
    }
}

/// Decides.
#[async_trait]
pub trait Weather: std::fmt::Debug + Send + Sync {
    /// The way there: the service acts when this ends.
    async fn there(&self, op: Op) -> Fate;
    /// The way back.
    async fn back(&self, op: Op);
    /// Whether an index shows what was written so many milliseconds ago.
    fn index_shows(&self, age_ms: i64) -> bool;
}

/// Nothing ever happens, and it takes no time.
#[derive(Debug, Clone, Copy)]
pub struct Calm;

#[async_trait]
impl Weather for Calm {
    async fn there(&self, _: Op) -> Fate {
        Fate::Done
    }

    async fn back(&self, _: Op) {}

    fn index_shows(&self, _: i64) -> bool {
        true
    }
}
