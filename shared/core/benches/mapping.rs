//! What one record costs: the reference mapping of 14 paths, 3 value maps and 3 expressions with filters, compiled once.
#![allow(clippy::unwrap_used)]

use criterion::{Criterion, criterion_group, criterion_main};
use rtr_core::mapping::{Mapping, ProviderFacts, RawMapping, Subject};
use serde_json::{Value, json};
use std::hint::black_box;

const FACTS: ProviderFacts = ProviderFacts {
    name: "hubspot",
    title: "HubSpot",
    default_key: Some("rtr_record_id"),
    default_limits: &[],
    lookups: &[],
};

/// `more` further paths, that the record does not have.
fn mapping(more: usize) -> Mapping {
    let paths = [
        "first_name",
        "last_name",
        "job_title",
        "company_name",
        "website",
        "fax",
        "mobile",
        "language",
        "notes",
        "rating",
        "address.street",
        "address.city",
        "address.zip",
        "address.country",
    ];
    let mut fields = serde_json::Map::new();
    for (n, path) in paths.iter().enumerate() {
        fields.insert(format!("path_{n}"), json!(path));
    }
    for n in 0..more {
        fields.insert(format!("absent_{n}"), json!(format!("nowhere_{n}")));
    }
    let map = json!({"lead": "lead", "trial": "opportunity", "won": "customer", "lost": "other"});
    for name in ["stage", "previous_stage", "source"] {
        fields.insert(format!("map_{name}"), json!({"from": name, "map": map, "default": "other"}));
    }
    fields.insert("email".to_owned(), json!("email | trim | lower"));
    fields.insert("phone".to_owned(), json!("phone | phone(\"GB\")"));
    fields.insert(
        "full_name".to_owned(),
        json!("[first_name, last_name] | compact | join(\" \") | truncate(80)"),
    );
    let raw: RawMapping = serde_json::from_value(json!({"object": "contacts", "fields": fields})).unwrap();
    Mapping::compile(&FACTS, "contact", &raw).unwrap()
}

fn record() -> Value {
    json!({
        "email": " Ada@Example.COM ", "first_name": "Ada", "last_name": "Lovelace", "phone": "+44 20 7946 0018",
        "job_title": "Analyst", "company_name": "Engines Ltd", "website": "https://example.com", "fax": null,
        "mobile": "+44 7700 900123", "language": "en", "notes": "Met at the fair.", "rating": 5,
        "address": {"street": "12 St James's Sq", "city": "London", "zip": "SW1Y 4JH", "country": "GB"},
        "stage": "won", "previous_stage": "trial", "source": "lead",
    })
}

fn apply(criterion: &mut Criterion) {
    let subject = Subject { org_id: "acme", record_type: "contact", record_id: "c-1001" };
    let record = record();
    for more in [0, 200] {
        let mapping = mapping(more);
        let name = format!("reference mapping and {more} paths that the record lacks");
        criterion.bench_function(&name, |bencher| {
            bencher.iter(|| mapping.apply(black_box(&subject), black_box(&record)).unwrap());
        });
    }
}

criterion_group!(mappings, apply);
criterion_main!(mappings);
