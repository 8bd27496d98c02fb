//! What the tests stand on: the stack that runs, and an org of one's own in it.

mod aws_calls;
mod browser;
mod bus;
mod cli;
mod event;
mod field;
mod gate;
mod hold;
mod house;
mod http;
mod ingest;
mod items;
mod lambda;
mod logs;
mod org;
mod sandbox;
mod schemas;
mod scratch;
mod tally;
mod terminal;
mod wait;
mod worker;

pub(crate) use cli::Said;
pub(crate) use event::Event;
pub(crate) use field::{Field, Row};
pub(crate) use gate::{Gate, Side, Sky, Trap};
pub(crate) use hold::{Door, Hold};
pub(crate) use house::House;
pub(crate) use ingest::Answered;
pub(crate) use items::size_of;
pub(crate) use lambda::batch_of;
pub(crate) use org::{Org, Plan, shipped};
pub(crate) use sandbox::{Account, CrmRequest};
pub(crate) use scratch::{ScratchQueue, ScratchTable, group, receive_count};
pub(crate) use tally::Tally;
pub(crate) use wait::{LONG, eventually, eventually_within, same};
pub(crate) use worker::Worker;

use aws_config::BehaviorVersion;
use std::future::Future;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// What every secret of the tests begins with: no output may ever hold it.
pub(crate) const CANARY: &str = "canary-";

/// The stack that runs, by the variables of its `env.sh`.
pub(crate) struct Stack {
    runtime: tokio::runtime::Runtime,
    http: reqwest::Client,
    /// The queues.
    pub(crate) sqs: aws_sdk_sqs::Client,
    /// The tables.
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    /// The credentials.
    pub(crate) secrets: aws_sdk_secretsmanager::Client,
    /// Where the built binaries lie.
    pub(crate) binaries: PathBuf,
    /// Variables by which `rtr` works with tables and queues of the test's own.
    pub(crate) own: OnceLock<Vec<(&'static str, String)>>,
}

impl Stack {
    /// The stack of the environment.
    pub(crate) fn here() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // What must be there is asked for first, so that its lack is the only thing one reads.
        let _ = variable("AWS_ENDPOINT_URL");
        let config = runtime.block_on(Box::pin(aws_config::load_defaults(BehaviorVersion::latest())));
        Self {
            http: reqwest::Client::new(),
            sqs: aws_sdk_sqs::Client::new(&config),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            secrets: aws_sdk_secretsmanager::Client::new(&config),
            binaries: binaries(),
            own: OnceLock::new(),
            runtime,
        }
    }

    /// Waits for `work`.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }
}

/// A variable that `make test` sets.
pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!(
            "{name} is not set: these tests need the local stack. Run `make test`, or `make local` and then \
                `source target/local/env.sh`."
        )
    })
}

/// The folder on the PATH that holds our binaries; `sync` alone would be coreutils' as well.
fn binaries() -> PathBuf {
    let path = variable("PATH");
    let ours =
        |folder: &PathBuf| ["rtr", "sync", "rtr-sandbox"].iter().all(|name| folder.join(name).is_file());
    std::env::split_paths(&path)
        .find(ours)
        .expect("no folder on the PATH holds rtr, sync and rtr-sandbox: run `make test`")
}

/// Text that no other test, run or process has.
pub(crate) fn unique() -> String {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    format!("{:x}-{:x}-{count}", now_ms(), std::process::id())
}

/// Milliseconds since the epoch.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}
