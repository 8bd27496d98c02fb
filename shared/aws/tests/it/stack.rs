//! Tables, buckets and queues of a test's own.

use aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType as Type,
};
use aws_sdk_sqs::types::QueueAttributeName;
use rtr_aws::clients::Clients;
use rtr_aws::clock::SystemClock;
use rtr_core::time::Instant;
use rtr_engine::seams::Clock;
use std::sync::atomic::{AtomicI64, Ordering};

/// What `make test` sets. Nothing else than a local stack is ever touched.
const ENDPOINT: &str = "AWS_ENDPOINT_URL";

/// Runs `test` with clients of the local stack and a name nobody else has.
pub(crate) fn with_stack<F: Future<Output = ()>>(test: impl FnOnce(Clients, String) -> F) {
    let endpoint = std::env::var(ENDPOINT).unwrap_or_default();
    let local = ["http://127.0.0.1:", "http://localhost:"].iter().any(|start| endpoint.starts_with(start));
    assert!(local, "{ENDPOINT} names no local stack (it is `{endpoint}`): these tests run under `make test`");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let name = format!("rtr-it-{}", SystemClock.nonce());
        test(Clients::load().await, name).await;
    });
}

/// Makes a table with these string keys.
pub(crate) async fn make_table(clients: &Clients, name: &str, keys: &[&str]) {
    make_indexed_table(clients, name, keys, &[]).await;
}

/// The same with sparse indexes as the template's: each a string `<name>_pk` and a number `<name>_at`.
pub(crate) async fn make_indexed_table(clients: &Clients, name: &str, keys: &[&str], indexes: &[&str]) {
    let keys_only = Projection::builder().projection_type(ProjectionType::KeysOnly).build();
    let create = create(clients, name, keys);
    let create = indexes.iter().fold(create, |create, index| indexed(create, index, &keys_only));
    create.send().await.unwrap();
}

/// Makes a table of limits, with the index of lanes as in the template.
pub(crate) async fn make_lanes_table(clients: &Clients, name: &str) {
    let baton = ["org_id", "connection", "n"].map(str::to_owned).to_vec();
    let projection = Projection::builder().projection_type(ProjectionType::Include);
    let projection = projection.set_non_key_attributes(Some(baton)).build();
    indexed(create(clients, name, &["pk"]), "lanes", &projection).send().await.unwrap();
}

fn create(clients: &Clients, name: &str, keys: &[&str]) -> CreateTableFluentBuilder {
    clients
        .dynamodb
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(schema(keys)))
        .set_attribute_definitions(Some(keys.iter().map(|key| attribute(key, &Type::S)).collect()))
}

fn indexed(
    create: CreateTableFluentBuilder,
    index: &str,
    projection: &Projection,
) -> CreateTableFluentBuilder {
    let (pk, at) = (format!("{index}_pk"), format!("{index}_at"));
    let made = GlobalSecondaryIndex::builder().index_name(index).projection(projection.clone());
    create
        .attribute_definitions(attribute(&pk, &Type::S))
        .attribute_definitions(attribute(&at, &Type::N))
        .global_secondary_indexes(made.set_key_schema(Some(schema(&[&pk, &at]))).build().unwrap())
}

fn schema(keys: &[&str]) -> Vec<KeySchemaElement> {
    let element = |(key, kind): (&&str, KeyType)| {
        KeySchemaElement::builder().attribute_name(*key).key_type(kind).build().unwrap()
    };
    keys.iter().zip([KeyType::Hash, KeyType::Range]).map(element).collect()
}

fn attribute(name: &str, of: &Type) -> AttributeDefinition {
    AttributeDefinition::builder().attribute_name(name).attribute_type(of.clone()).build().unwrap()
}

/// Removes it again.
pub(crate) async fn drop_table(clients: &Clients, name: &str) {
    clients.dynamodb.delete_table().table_name(name).send().await.unwrap();
}

/// Makes a FIFO queue; its address.
pub(crate) async fn make_queue(clients: &Clients, name: &str) -> String {
    let create = clients.sqs.create_queue().queue_name(name);
    let made = create.attributes(QueueAttributeName::FifoQueue, "true").send().await.unwrap();
    made.queue_url.unwrap()
}

/// A clock that a test sets.
#[derive(Debug)]
pub(crate) struct SetClock(pub(crate) AtomicI64);

impl SetClock {
    pub(crate) fn at(ms: i64) -> Self {
        Self(AtomicI64::new(ms))
    }

    pub(crate) fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

#[async_trait::async_trait]
impl Clock for SetClock {
    fn now(&self) -> Instant {
        Instant(self.0.load(Ordering::SeqCst))
    }

    async fn sleep_ms(&self, _ms: i64) {}

    fn random(&self) -> f64 {
        0.5
    }

    fn nonce(&self) -> String {
        SystemClock.nonce()
    }
}
