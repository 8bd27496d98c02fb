use crate::world::{CONTACTS, World, texts};
use serde_json::{Value, json};

fn filter(property: &str, operator: &str, value: Value) -> Value {
    let name = if value.is_array() { "values" } else { "value" };
    json!({"filterGroups": [{"filters": [{"propertyName": property, "operator": operator, name: value}]}],
           "properties": ["email"]})
}

fn found(world: &mut World, body: Value) -> Vec<String> {
    let (status, body) = world.post(&format!("{CONTACTS}/search"), body);
    assert_eq!(status, 200, "{body}");
    texts(&body["results"], "/properties/email")
}

fn people() -> World {
    let mut world = World::new();
    for (name, city) in [("ada", "Turin"), ("bob", "Rome"), ("cyd", "")] {
        world.now += 1000;
        world.create("contacts", json!({"email": format!("{name}@x.io"), "city": city}));
    }
    world
}

#[test]
fn given_each_operator_when_searched_then_it_selects_what_it_says() {
    let mut world = people();
    let cases = [
        ("city", "EQ", json!("turin"), vec!["ada@x.io"]),
        ("city", "NEQ", json!("Turin"), vec!["bob@x.io"]),
        ("city", "IN", json!(["turin", "rome"]), vec!["ada@x.io", "bob@x.io"]),
        ("city", "IN", json!(["Turin"]), vec![]),
        ("city", "NOT_IN", json!(["turin"]), vec!["bob@x.io"]),
        ("city", "HAS_PROPERTY", json!(""), vec!["ada@x.io", "bob@x.io"]),
        ("city", "NOT_HAS_PROPERTY", json!(""), vec!["cyd@x.io"]),
        ("email", "CONTAINS_TOKEN", json!("bo*"), vec!["bob@x.io"]),
        ("email", "NOT_CONTAINS_TOKEN", json!("x"), vec![]),
    ];
    for (property, operator, value, expected) in cases {
        assert_eq!(
            found(&mut world, filter(property, operator, value.clone())),
            expected,
            "{operator} {value}"
        );
    }
    let newest = world.now;
    assert_eq!(found(&mut world, filter("lastmodifieddate", "GTE", json!(newest.to_string()))), ["cyd@x.io"]);
    assert_eq!(found(&mut world, filter("createdate", "LT", json!(newest - 1000))), ["ada@x.io"]);
    let between = json!({"filterGroups": [{"filters": [{"propertyName": "createdate", "operator": "BETWEEN",
        "value": newest - 1000, "highValue": newest}]}], "properties": ["email"]});
    assert_eq!(found(&mut world, between), ["bob@x.io", "cyd@x.io"]);
}

#[test]
fn given_a_sort_and_pages_when_searched_then_the_order_holds_across_pages() {
    let mut world = people();
    let page = |after: &str| json!({"sorts": [{"propertyName": "email", "direction": "DESCENDING"}], "limit": "2", "after": after});
    let (_, first) = world.post(&format!("{CONTACTS}/search"), page("0"));
    assert_eq!((&first["total"], &first["paging"]["next"]["after"]), (&json!(3), &json!("2")));
    assert_eq!(texts(&first["results"], "/properties/email"), ["cyd@x.io", "bob@x.io"]);
    let (_, second) = world.post(&format!("{CONTACTS}/search"), page("2"));
    assert_eq!(texts(&second["results"], "/properties/email"), ["ada@x.io"]);
    assert!(second.get("paging").is_none());
}

#[test]
fn given_more_than_is_allowed_when_searched_then_400() {
    let mut world = people();
    let one = json!({"propertyName": "city", "operator": "HAS_PROPERTY"});
    let groups = |groups: usize, filters: usize| {
        let group = json!({"filters": vec![one.clone(); filters]});
        json!({"filterGroups": vec![group; groups]})
    };
    let sort = json!({"propertyName": "city", "direction": "ASCENDING"});
    for bad in [
        groups(6, 1),
        groups(1, 7),
        groups(4, 5),
        json!({"limit": 201}),
        json!({"after": "10000"}),
        json!({"sorts": [sort, sort]}),
        json!({"query": "x".repeat(3000)}),
        filter("shoesize", "EQ", json!("44")),
        filter("city", "LIKE", json!("44")),
        filter("createdate", "GT", json!("yesterday")),
    ] {
        let (status, body) = world.post(&format!("{CONTACTS}/search"), bad.clone());
        assert_eq!((status, &body["category"]), (400, &json!("VALIDATION_ERROR")), "{bad}");
    }
    assert_eq!(world.post(&format!("{CONTACTS}/search"), groups(3, 6)).0, 200);
}

#[test]
fn given_a_lag_when_written_then_search_sees_it_later_and_a_read_at_once() {
    let mut world = people();
    world.fault(json!({"fault": "search_lag", "value": 5000}));
    let id = world.create("contacts", json!({"email": "dan@x.io"}));
    assert!(found(&mut world, filter("email", "EQ", json!("dan@x.io"))).is_empty());
    assert_eq!(world.get(&format!("{CONTACTS}/{id}")).0, 200);
    world.now += 5000;
    assert_eq!(found(&mut world, filter("email", "EQ", json!("dan@x.io"))), ["dan@x.io"]);
    world.patch(&format!("{CONTACTS}/{id}"), json!({"properties": {"city": "Bonn"}}));
    assert!(found(&mut world, filter("city", "EQ", json!("bonn"))).is_empty());
    world.now += 5000;
    assert_eq!(found(&mut world, filter("city", "EQ", json!("bonn"))), ["dan@x.io"]);
}

#[test]
fn given_an_archived_record_when_searched_then_it_is_not_there() {
    let mut world = people();
    let id = world.get(&format!("{CONTACTS}/ada@x.io?idProperty=email")).1["id"].as_str().unwrap().to_owned();
    world.call("DELETE", &format!("{CONTACTS}/{id}"), Value::Null);
    assert_eq!(found(&mut world, json!({"properties": ["email"]})), ["bob@x.io", "cyd@x.io"]);
}

#[test]
fn given_equal_values_when_sorted_then_ties_stand_in_an_order_that_holds_and_is_not_that_of_the_ids() {
    let mut world = World::new();
    let ids: Vec<String> =
        (0..20).map(|n| world.create("contacts", json!({"email": format!("{n}@x.io")}))).collect();
    let mut sorted = |filters: Value, name: &str| {
        let body = json!({"filterGroups": [{"filters": filters}], "limit": 200,
            "sorts": [{"propertyName": name, "direction": "ASCENDING"}]});
        let (status, body) = world.post(&format!("{CONTACTS}/search"), body);
        assert_eq!(status, 200, "{body}");
        texts(&body["results"], "/id")
    };
    let all = json!([]);
    let ties = sorted(all.clone(), "lastmodifieddate");
    assert_ne!(ties, ids);
    assert_eq!(sorted(all.clone(), "lastmodifieddate"), ties);
    assert_eq!(sorted(all, "hs_object_id"), ids);
    // Within one stamp, by ids: what a caller that pages without offsets asks.
    let behind = json!([{"propertyName": "lastmodifieddate", "operator": "EQ", "value": crate::world::START.to_string()},
        {"propertyName": "hs_object_id", "operator": "GT", "value": ids[14]}]);
    assert_eq!(sorted(behind, "hs_object_id"), ids[15..]);
}
