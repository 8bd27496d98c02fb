use crate::stack::{SetClock, drop_table, make_table, with_stack};
use aws_sdk_dynamodb::types::AttributeValue as Attribute;
use rtr_aws::admin::Admin;
use rtr_aws::clients::Clients;
use rtr_aws::config::{ApplyError, ConfigStore, DynamoConfigs, EarlierMappings};
use rtr_core::config::{AUDIT, DocBody, DocChange, GLOBAL_ORG, GlobalDoc, OrgDoc, Signature};
use rtr_core::limit::LIMITER_BUDGET_MS;
use rtr_engine::batch::{Settings, TOKENS_WITHIN_MS};
use rtr_engine::letters::{Earlier, Of};
use rtr_engine::seams::Configs;
use serde_json::{Value, json};
use std::sync::Arc;

const CACHE_MS: i64 = 5_000;
const GRACE_MS: i64 = 600_000;
const AT: &str = "2026-11-23T10:00:00Z";

async fn cache(clients: &Clients, name: &str) -> (Arc<SetClock>, ConfigStore, DynamoConfigs) {
    make_table(clients, name, &["pk", "sk"]).await;
    let clock = Arc::new(SetClock::at(1_795_000_000_000));
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
    let configs = DynamoConfigs::new(clients, name, &settings, clock.clone());
    (clock, ConfigStore::new(clients, name), configs)
}

fn by(author: &str) -> Signature {
    Signature { author: author.to_owned(), at: AT.to_owned(), reason: Some("asked for".to_owned()) }
}

fn org_doc(connections: Value) -> DocBody {
    DocBody::Org(serde_json::from_value::<OrgDoc>(json!({"connections": connections})).unwrap())
}

fn change(org: &str, revision: u64, replaces: Option<u64>, doc: DocBody) -> DocChange {
    DocChange { org: org.to_owned(), revision, replaces, doc, changes: Vec::new() }
}

fn global(record_types: &[&str]) -> DocBody {
    let mappings: serde_json::Map<String, Value> = record_types
        .iter()
        .map(|name| ((*name).to_owned(), json!({"object": "contacts", "fields": {"email": "email"}})))
        .collect();
    let doc = json!({"mappings": {"hubspot": mappings}, "routes": {"contact": ["hubspot"]}});
    DocBody::Global(serde_json::from_value::<GlobalDoc>(doc).unwrap())
}

#[test]
fn given_documents_when_applied_then_they_are_numbered_kept_and_loaded() {
    with_stack(async |clients, name| {
        let (_, store, _) = cache(&clients, &name).await;
        assert_eq!(store.load().await.unwrap().revision, 0);
        store.apply(&change(GLOBAL_ORG, 1, None, global(&["contact"])), &by("ada")).await.unwrap();
        store.apply(&change("acme", 2, None, org_doc(json!({"hubspot": {}}))), &by("ada")).await.unwrap();
        store.apply(&change("acme", 3, Some(2), org_doc(json!({}))), &by("bob")).await.unwrap();

        let stored = store.load().await.unwrap();
        assert_eq!((stored.revision, stored.orgs["acme"].revision), (3, 3));
        assert_eq!(stored.global.map(|global| global.revision), Some(1));
        let history = store.history::<OrgDoc>("acme", 10).await.unwrap();
        let who: Vec<_> = history.iter().map(|stored| (stored.revision, stored.author.as_str())).collect();
        assert_eq!(who, [(3, "bob"), (2, "ada")]);
        assert_eq!(store.history::<OrgDoc>("acme", 1).await.unwrap().len(), 1);
        let old = store.revision::<OrgDoc>("acme", 2).await.unwrap().unwrap();
        assert!(old.doc.connections.contains_key("hubspot"));
        assert!(store.revision::<OrgDoc>("acme", 1).await.unwrap().is_none());
        assert!(store.current::<OrgDoc>("nobody").await.unwrap().is_none());
        drop_table(&clients, &name).await;
    });
}

#[test]
fn given_an_earlier_revision_that_cannot_be_read_when_its_mapping_is_asked_for_then_there_is_none_and_no_fault()
 {
    with_stack(async |clients, name| {
        let (_, store, _) = cache(&clients, &name).await;
        let doc = |revision: u64, field: &str| {
            let mapping = json!({"object": "contacts", "fields": {"email": field}});
            let doc = json!({"connections": {"hubspot": {}}, "mappings": {"hubspot": {"contact": mapping}},
                "mapping_revisions": {"hubspot/contact": revision}});
            DocBody::Org(serde_json::from_value::<OrgDoc>(doc).unwrap())
        };
        for (revision, replaces, field) in [(1, None, "a"), (2, Some(1), "b"), (3, Some(2), "c")] {
            store.apply(&change("acme", revision, replaces, doc(revision, field)), &by("ada")).await.unwrap();
        }
        // As another version of this program may have written it.
        let update = clients.dynamodb.update_item().table_name(&name);
        let update = update.key("pk", Attribute::S("acme".to_owned()));
        let update = update.key("sk", Attribute::S("revision#000000000001".to_owned()));
        let update = update.update_expression("SET doc = :doc");
        let unknown = Attribute::S(r#"{"routes": "of tomorrow"}"#.to_owned());
        update.expression_attribute_values(":doc", unknown).send().await.unwrap();

        let stored = store.load().await.unwrap();
        let earlier = EarlierMappings::new(store.clone(), &stored, "local");
        let of = |revision| Of {
            org: "acme".to_owned(),
            connection: "hubspot".to_owned(),
            record_type: "contact".to_owned(),
            revision,
        };
        assert!(earlier.config(&of(1)).await.unwrap().is_none());
        let readable = earlier.config(&of(2)).await.unwrap().unwrap();
        assert_eq!(readable.mapping("hubspot", "contact").unwrap().revision, 2);
        assert!(store.at::<OrgDoc>("acme", 1).await.is_err(), "for others it is a fault");
        // What is known is not asked for again.
        drop_table(&clients, &name).await;
        assert!(
            earlier.config(&of(2)).await.unwrap().is_some()
                && earlier.config(&of(1)).await.unwrap().is_none()
        );
        assert!(earlier.config(&of(0)).await.is_err(), "a table that does not answer is a fault");
    });
}

#[test]
fn given_two_who_apply_at_once_when_the_second_comes_then_nothing_of_it_is_stored() {
    with_stack(async |clients, name| {
        let (_, store, _) = cache(&clients, &name).await;
        store.apply(&change("acme", 1, None, org_doc(json!({"hubspot": {}}))), &by("ada")).await.unwrap();
        let stale = [
            change("acme", 2, None, org_doc(json!({}))), // thinks the org is new
            change("acme", 2, Some(7), org_doc(json!({}))), // read another revision
            change("other", 1, None, org_doc(json!({}))), // the number is taken
            change("other", 3, None, org_doc(json!({}))), // a number was left out
        ];
        for change in stale {
            assert_eq!(store.apply(&change, &by("bob")).await, Err(ApplyError::Changed), "{change:?}");
        }
        let stored = store.load().await.unwrap();
        assert_eq!((stored.revision, stored.orgs.len(), stored.orgs["acme"].revision), (1, 1, 1));
        assert_eq!(store.history::<Value>("acme", 10).await.unwrap().len(), 1);
        drop_table(&clients, &name).await;
    });
}

#[test]
fn given_what_is_no_org_when_its_document_is_put_then_it_is_refused_and_nothing_is_stored() {
    with_stack(async |clients, name| {
        let (_, store, _) = cache(&clients, &name).await;
        let admin = Admin::new(store.clone());
        for org in [GLOBAL_ORG, AUDIT] {
            let request = json!({
                "pathParameters": {"org": org}, "body": format!("org: \"{org}\"\n"),
                "requestContext": {"http": {"method": "PUT"}, "authorizer": {"iam": {"userArn": "arn:aws:iam::1:role/app"}}},
            });
            let answer = admin.answer(&serde_json::from_value(request).unwrap()).await;
            assert_eq!(answer.status, 400, "{:?}", answer.body);
            assert!(answer.body["message"].as_str().unwrap().starts_with(&format!("`{org}` is no org")));
            assert_eq!(store.current::<Value>(org).await.unwrap(), None);
        }
        drop_table(&clients, &name).await;
    });
}

#[test]
fn given_a_change_when_the_cache_expires_then_it_is_seen_and_until_then_nothing_is_read() {
    with_stack(async |clients, name| {
        let (clock, store, configs) = cache(&clients, &name).await;
        assert!(!configs.org("acme").await.unwrap().known);
        store.apply(&change(GLOBAL_ORG, 1, None, global(&["contact"])), &by("ada")).await.unwrap();
        store.apply(&change("acme", 2, None, org_doc(json!({"hubspot": {}}))), &by("ada")).await.unwrap();
        assert!(!configs.org("acme").await.unwrap().known);
        // Whatever an event calls itself, what stands there is no org's.
        store.apply(&change(AUDIT, 3, None, org_doc(json!({"hubspot": {}}))), &by("eve")).await.unwrap();
        for org in [GLOBAL_ORG, AUDIT] {
            assert!(!configs.org(org).await.unwrap().known, "{org}");
        }
        clock.advance(CACHE_MS);
        let config = configs.org("acme").await.unwrap();
        assert!(config.known && config.mapping("hubspot", "contact").is_some());
        assert_eq!(config.connections["hubspot"].secret, "rtr/local/acme/hubspot");

        // Unchanged documents are not compiled again; a changed global one is, for every org.
        clock.advance(CACHE_MS);
        assert!(Arc::ptr_eq(&config, &configs.org("acme").await.unwrap()));
        store.apply(&change(GLOBAL_ORG, 4, Some(1), global(&["contact", "lead"])), &by("ada")).await.unwrap();
        clock.advance(CACHE_MS);
        assert!(configs.org("acme").await.unwrap().mapping("hubspot", "lead").is_some());
        assert!(!configs.org(GLOBAL_ORG).await.unwrap().known);
        drop_table(&clients, &name).await;
    });
}

#[test]
fn given_a_mapping_and_an_org_that_were_applied_together_when_the_org_is_seen_first_then_its_mapping_is_known_too()
 {
    with_stack(async |clients, name| {
        let (clock, store, configs) = cache(&clients, &name).await;
        store.apply(&change(GLOBAL_ORG, 1, None, global(&["contact"])), &by("ada")).await.unwrap();
        store.apply(&change("acme", 2, None, org_doc(json!({"hubspot": {}}))), &by("ada")).await.unwrap();
        assert!(configs.org("acme").await.unwrap().mapping("hubspot", "lead").is_none());
        clock.advance(1);
        store.apply(&change(GLOBAL_ORG, 3, Some(1), global(&["contact", "lead"])), &by("ada")).await.unwrap();
        store.apply(&change("other", 4, None, org_doc(json!({"hubspot": {}}))), &by("ada")).await.unwrap();
        assert!(configs.org("other").await.unwrap().mapping("hubspot", "lead").is_some());
        drop_table(&clients, &name).await;
    });
}

#[test]
fn given_no_answer_when_the_cache_has_expired_then_the_old_one_serves_for_ten_minutes() {
    with_stack(async |clients, name| {
        let (clock, store, configs) = cache(&clients, &name).await;
        store.apply(&change("acme", 1, None, org_doc(json!({"hubspot": {}}))), &by("ada")).await.unwrap();
        assert!(configs.org("acme").await.unwrap().known);
        drop_table(&clients, &name).await;
        clock.advance(CACHE_MS + GRACE_MS - 1);
        assert!(configs.org("acme").await.unwrap().known);
        assert!(configs.org("never seen").await.is_err());
        clock.advance(CACHE_MS);
        assert!(configs.org("acme").await.is_err());
    });
}
