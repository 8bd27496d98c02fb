//! Every law of the service seams, for the twin.

use async_trait::async_trait;
use futures::executor::block_on;
use rtr_core::config::{Pause, Scope};
use rtr_engine::batch::Received;
use rtr_engine::seams::{Clock, Configs, Queue, QueueName, Records};
use rtr_testkit::clock::TestClock;
use rtr_testkit::configs::{ConfigCache, MemoryConfigs};
use rtr_testkit::fifo::Setup;
use rtr_testkit::limits::MemoryLimits;
use rtr_testkit::queue::MemoryQueue;
use rtr_testkit::records::MemoryRecords;
use rtr_testkit::secrets::MemorySecrets;
use rtr_testkit::services::DIFFERENCES;
use rtr_testkit::services::configs::{CACHE_MS, Stack};
use rtr_testkit::services::limits::{BEGIN, Environments};
use rtr_testkit::services::queue::{Ends, MAX_RECEIVES, VISIBILITY_MS};
use rtr_testkit::services::secrets::Store;
use rtr_testkit::weather::Calm;
use std::sync::Arc;

mod records {
    use super::*;

    fn on_twin(_: &str, law: impl AsyncFnOnce(&dyn Records)) {
        block_on(law(&MemoryRecords::default()));
    }

    rtr_testkit::service_laws!(records, on_twin);
}

mod limits {
    use super::*;

    /// Both environments see one table; the twin has no memory of its own in between.
    fn on_twin(_: &str, law: impl AsyncFnOnce(Environments<'_>)) {
        let clock = Arc::new(TestClock::at(BEGIN.0));
        let table = MemoryLimits::new(clock.clone());
        block_on(law(Environments { one: &table, two: &table, clock: &clock }));
    }

    rtr_testkit::service_laws!(limits, on_twin);
}

mod queue {
    use super::*;

    struct Twin {
        clock: Arc<TestClock>,
        queue: MemoryQueue,
    }

    #[async_trait]
    impl Ends for Twin {
        fn queue(&self) -> &dyn Queue {
            &self.queue
        }

        async fn receive(&self, from: QueueName, most: usize) -> Vec<Received> {
            self.queue.receive(from, most)
        }

        async fn pass_ms(&self, ms: i64) {
            self.clock.sleep_ms(ms).await;
        }
    }

    fn on_twin(_: &str, law: impl AsyncFnOnce(&dyn Ends)) {
        let clock = Arc::new(TestClock::at(BEGIN.0));
        let changes = Setup {
            visibility_ms: VISIBILITY_MS,
            max_receives: Some(MAX_RECEIVES),
            retention_ms: 14 * 86_400_000,
        };
        let queue = MemoryQueue::under(clock.clone(), Arc::new(Calm), changes);
        block_on(law(&Twin { clock, queue }));
    }

    rtr_testkit::service_laws!(queue, on_twin);
}

mod secrets {
    use super::*;

    fn on_twin(_: &str, law: impl AsyncFnOnce(Store<'_>)) {
        block_on(law(Store { secrets: &MemorySecrets::default(), stem: "rtr/test/" }));
    }

    rtr_testkit::service_laws!(secrets, on_twin);
}

mod configs {
    use super::*;

    struct Twin {
        clock: Arc<TestClock>,
        table: Arc<MemoryConfigs>,
        cache: ConfigCache,
    }

    #[async_trait]
    impl Stack for Twin {
        fn configs(&self) -> &dyn Configs {
            &self.cache
        }

        async fn apply(&self, files: &[(&str, &str)]) {
            self.table.apply(files).unwrap();
        }

        async fn pause(&self, scope: &Scope, pause: &Pause) -> bool {
            self.table.pause(scope.clone(), pause.clone())
        }

        async fn resume(&self, scope: &Scope) -> Option<Pause> {
            self.table.resume(scope)
        }

        fn pass_ms(&self, ms: i64) {
            self.clock.advance_ms(ms);
        }
    }

    fn on_twin(_: &str, law: impl AsyncFnOnce(&dyn Stack)) {
        let clock = Arc::new(TestClock::at(BEGIN.0));
        let table = Arc::new(MemoryConfigs::default());
        let cache = ConfigCache::new(table.clone(), clock.clone(), CACHE_MS);
        block_on(law(&Twin { clock, table, cache }));
    }

    rtr_testkit::service_laws!(configs, on_twin);
}

/// The list that people read is the one that tests go by.
#[test]
fn given_the_page_about_testing_when_read_then_it_lists_every_difference_and_no_other() {
    let page = include_str!("../../../../docs/testing.md");
    let section = page.split("## Where the local stack differs").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let words = section.split_whitespace().collect::<Vec<_>>().join(" ");
    for difference in DIFFERENCES {
        let line = format!("- `{}`: {}", difference.law, difference.why);
        assert!(words.contains(&line), "docs/testing.md lacks: {line}");
    }
    assert_eq!(section.matches("- `given_").count(), DIFFERENCES.len());
}
