//! Every law of the service seams, for the adapter on the local stack.

use crate::stack::{drop_table, make_indexed_table, make_lanes_table, make_table, with_stack};
use async_trait::async_trait;
use rtr_aws::config::{ConfigStore, DynamoConfigs};
use rtr_aws::limits::DynamoLimits;
use rtr_aws::records::DynamoRecords;
use rtr_aws::secrets::ManagedSecrets;
use rtr_connectors::registry;
use rtr_core::config::{Pause, Scope, Signature, SourceFile, Wish, load, plan_apply};
use rtr_core::limit::LIMITER_BUDGET_MS;
use rtr_engine::batch::{Settings, TOKENS_WITHIN_MS};
use rtr_engine::seams::{Configs, Records};
use rtr_testkit::clock::TestClock;
use rtr_testkit::services::configs::{CACHE_MS, Stack};
use rtr_testkit::services::limits::{BEGIN, Environments};
use rtr_testkit::services::on_stack;
use rtr_testkit::services::secrets::Store;
use std::sync::Arc;

mod queue;

mod records {
    use super::*;

    fn on_adapter(name: &str, law: impl AsyncFnOnce(&dyn Records)) {
        with_stack(async |clients, table| {
            make_indexed_table(&clients, &table, &["pk", "sk"], &["due", "waiting", "parked"]).await;
            clients.s3.create_bucket().bucket(&table).send().await.unwrap();
            let records = DynamoRecords::new(&clients, &table, &table);
            on_stack(name, law(&records)).await;
            drop_table(&clients, &table).await;
            clients.s3.delete_bucket().bucket(&table).send().await.unwrap();
        });
    }

    rtr_testkit::service_laws!(records, on_adapter);
}

mod limits {
    use super::*;

    fn on_adapter(name: &str, law: impl AsyncFnOnce(Environments<'_>)) {
        with_stack(async |clients, table| {
            make_lanes_table(&clients, &table).await;
            let clock = Arc::new(TestClock::at(BEGIN.0));
            let environment = || DynamoLimits::new(&clients, &table, clock.clone());
            let (one, two) = (environment(), environment());
            on_stack(name, law(Environments { one: &one, two: &two, clock: &clock })).await;
            drop_table(&clients, &table).await;
        });
    }

    rtr_testkit::service_laws!(limits, on_adapter);
}

mod secrets {
    use super::*;

    fn on_adapter(name: &str, law: impl AsyncFnOnce(Store<'_>)) {
        with_stack(async |clients, stem| {
            let secrets = ManagedSecrets::new(&clients);
            on_stack(name, law(Store { secrets: &secrets, stem: &format!("{stem}/") })).await;
        });
    }

    rtr_testkit::service_laws!(secrets, on_adapter);
}

mod configs {
    use super::*;

    struct Environment {
        clock: Arc<TestClock>,
        store: ConfigStore,
        configs: DynamoConfigs,
    }

    #[async_trait]
    impl Stack for Environment {
        fn configs(&self) -> &dyn Configs {
            &self.configs
        }

        async fn apply(&self, files: &[(&str, &str)]) {
            let file = |(path, text): &(&str, &str)| SourceFile {
                path: (*path).to_owned(),
                text: (*text).to_owned(),
            };
            let files: Vec<SourceFile> = files.iter().map(file).collect();
            let wanted = load(&files, &registry::facts()).unwrap();
            let by =
                Signature { author: "test".to_owned(), at: "2026-11-23T10:00:00Z".to_owned(), reason: None };
            for change in plan_apply(&self.store.load().await.unwrap(), &wanted, Wish::default()) {
                self.store.apply(&change, &by).await.unwrap();
            }
        }

        async fn pause(&self, scope: &Scope, pause: &Pause) -> bool {
            self.store.pause(scope, pause).await.unwrap().is_none()
        }

        async fn resume(&self, scope: &Scope) -> Option<Pause> {
            self.store.resume(scope).await.unwrap()
        }

        fn pass_ms(&self, ms: i64) {
            self.clock.advance_ms(ms);
        }
    }

    fn on_adapter(name: &str, law: impl AsyncFnOnce(&dyn Stack)) {
        with_stack(async |clients, table| {
            make_table(&clients, &table, &["pk", "sk"]).await;
            let clock = Arc::new(TestClock::at(BEGIN.0));
            let settings = Settings {
                stage: "local".to_owned(),
                group_buckets: 0,
                strict_orgs: false,
                timeout_ms: 1_000,
                visibility_ms: 2_000,
                cache_ms: CACHE_MS,
                connection_share: 2,
                tokens_within_ms: TOKENS_WITHIN_MS,
                limiter_budget_ms: LIMITER_BUDGET_MS,
                job_from: 0,
            };
            let environment = Environment {
                configs: DynamoConfigs::new(&clients, &table, &settings, clock.clone()),
                store: ConfigStore::new(&clients, &table),
                clock,
            };
            on_stack(name, law(&environment)).await;
            drop_table(&clients, &table).await;
        });
    }

    rtr_testkit::service_laws!(configs, on_adapter);
}
