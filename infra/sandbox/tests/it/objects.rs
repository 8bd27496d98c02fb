use crate::world::{CONTACTS, World};
use serde_json::{Value, json};

#[test]
fn given_a_contact_when_created_then_written_and_system_properties_come_back_as_text() {
    let mut world = World::new();
    let (status, body) =
        world.post(CONTACTS, json!({"properties": {"email": "Ada@Example.com", "firstname": "Ada"}}));
    assert_eq!(status, 201);
    assert_eq!(body["properties"]["email"], "ada@example.com");
    assert_eq!(body["properties"]["hs_object_id"], body["id"]);
    assert_eq!(body["properties"]["createdate"], body["createdAt"]);
    assert_eq!(body["properties"]["lastmodifieddate"], body["updatedAt"]);
    assert_eq!(body["archived"], false);
    assert!(body["properties"].get("lastname").is_none());
    assert!(body["id"].as_str().unwrap().parse::<u64>().unwrap() > u64::from(u32::MAX));
}

#[test]
fn given_a_company_when_created_then_its_modification_time_has_the_other_name_and_domains_may_repeat() {
    let mut world = World::new();
    for _ in 0..2 {
        let (status, body) = world.post(
            "/crm/objects/2026-03/0-2",
            json!({"properties": {"domain": "acme.io", "numberofemployees": 5}}),
        );
        assert_eq!(status, 201);
        assert_eq!(body["properties"]["hs_lastmodifieddate"], body["updatedAt"]);
        assert_eq!(body["properties"]["numberofemployees"], "5");
    }
}

#[test]
fn given_an_address_in_use_when_created_again_then_the_conflict_names_the_record() {
    let mut world = World::new();
    let id = world.create("contacts", json!({"email": "ada@example.com"}));
    let (status, body) = world.post(CONTACTS, json!({"properties": {"email": "ADA@example.com"}}));
    assert_eq!((status, &body["category"]), (409, &json!("CONFLICT")));
    assert_eq!(body["message"], format!("Contact already exists. Existing ID: {id}"));
    assert!(body["correlationId"].is_string());
}

#[test]
fn given_an_archived_holder_when_created_again_then_the_address_is_free() {
    let mut world = World::new();
    let id = world.create("contacts", json!({"email": "ada@example.com"}));
    assert_eq!(world.call("DELETE", &format!("{CONTACTS}/{id}"), Value::Null).0, 204);
    assert_ne!(world.create("contacts", json!({"email": "ada@example.com"})), id);
}

#[test]
fn given_bad_values_when_created_then_every_one_is_named_with_its_code() {
    let mut world = World::new();
    let bad = json!({"email": "nope", "shoesize": "44", "lifecyclestage": "stranger", "hs_object_id": "1"});
    let (status, body) = world.post(CONTACTS, json!({"properties": bad}));
    assert_eq!((status, &body["category"]), (400, &json!("VALIDATION_ERROR")));
    let codes: Vec<&str> =
        body["errors"].as_array().unwrap().iter().map(|e| e["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["INVALID_EMAIL", "READ_ONLY_VALUE", "INVALID_OPTION", "PROPERTY_DOESNT_EXIST"]);
    assert_eq!(body["errors"][3]["context"]["propertyName"], json!(["shoesize"]));
    let listed = body["message"].as_str().unwrap().strip_prefix("Property values were not valid: ").unwrap();
    let listed: Value = serde_json::from_str(listed).unwrap();
    assert_eq!(listed[3]["message"], "Property \"shoesize\" does not exist");
    assert!(world.records("contacts").is_empty());
}

#[test]
fn given_an_unknown_type_when_called_then_the_refusal_has_no_category() {
    let mut world = World::new();
    let (status, body) = world.get("/crm/v3/objects/unicorns");
    assert_eq!(status, 400);
    assert_eq!(body["message"], "Unable to infer object type from: unicorns");
    assert!(body.get("category").is_none());
}

#[test]
fn given_a_record_when_read_then_what_is_asked_for_comes_even_if_empty() {
    let mut world = World::new();
    let id = world.create("contacts", json!({"email": "ada@example.com", "city": "Turin"}));
    let (status, body) = world.get(&format!("{CONTACTS}/{id}"));
    assert_eq!((status, &body["properties"]["lastname"]), (200, &Value::Null));
    assert!(body["properties"].get("city").is_none());
    let (_, body) =
        world.get(&format!("{CONTACTS}/ada%40example.com?idProperty=email&properties=city,phone,what"));
    assert_eq!(body["properties"]["city"], "Turin");
    assert_eq!(body["properties"]["phone"], Value::Null);
    assert!(body["properties"].get("what").is_none());
    assert_eq!(world.get(&format!("{CONTACTS}/1")).0, 404);
    assert_eq!(world.get(&format!("{CONTACTS}/x?idProperty=city")).0, 400);
}

#[test]
fn given_a_record_when_patched_then_values_change_empty_ones_are_unset_and_the_time_moves() {
    let mut world = World::new();
    let id = world.create("contacts", json!({"email": "ada@example.com", "city": "Turin"}));
    world.now += 1500;
    let (status, body) =
        world.patch(&format!("{CONTACTS}/{id}"), json!({"properties": {"city": "", "zip": "10100"}}));
    assert_eq!(status, 200);
    assert_eq!(body["properties"]["city"], Value::Null);
    assert_ne!(body["updatedAt"], body["createdAt"]);
    let path = format!("{CONTACTS}/ada@example.com?idProperty=email");
    assert_eq!(world.patch(&path, json!({"properties": {"zip": "1"}})).0, 200);
    assert_eq!(world.records("contacts")[0]["properties"]["zip"], "1");
    assert!(world.records("contacts")[0]["properties"].get("city").is_none());
}

#[test]
fn given_an_empty_patch_when_sent_then_it_is_refused() {
    let mut world = World::new();
    let id = world.create("contacts", json!({"email": "ada@example.com"}));
    let (status, body) = world.patch(&format!("{CONTACTS}/{id}"), json!({"properties": {}}));
    assert_eq!(status, 400);
    assert_eq!(body["message"], "No properties found to update, please provide at least one.");
    assert_eq!(body["context"]["properties"], json!(["{}"]));
}

#[test]
fn given_any_id_when_deleted_then_204_and_only_an_archived_read_finds_it() {
    let mut world = World::new();
    let id = world.create("contacts", json!({"email": "ada@example.com"}));
    for path in [&id, &id, "1", "nonsense"] {
        assert_eq!(world.call("DELETE", &format!("{CONTACTS}/{path}"), Value::Null).0, 204);
    }
    assert_eq!(world.get(&format!("{CONTACTS}/{id}")).0, 404);
    let (status, body) = world.get(&format!("{CONTACTS}/{id}?archived=true"));
    assert_eq!((status, &body["archived"]), (200, &json!(true)));
    assert_eq!(world.patch(&format!("{CONTACTS}/{id}"), json!({"properties": {"zip": "1"}})).0, 404);
    assert_eq!(world.get(&format!("{CONTACTS}?archived=true")).1["results"][0]["id"], json!(id));
}

#[test]
fn given_more_records_than_a_page_when_listed_then_the_cursor_leads_through_all() {
    let mut world = World::new();
    for n in 0..25 {
        world.create("contacts", json!({"email": format!("c{n}@example.com")}));
    }
    let (mut seen, mut path) = (0, format!("{CONTACTS}?limit=10"));
    loop {
        let (_, body) = world.get(&path);
        seen += body["results"].as_array().unwrap().len();
        let Some(after) = body["paging"]["next"]["after"].as_str() else { break };
        path = format!("{CONTACTS}?limit=10&after={after}");
    }
    assert_eq!(seen, 25);
    assert_eq!(world.get(&format!("{CONTACTS}?limit=101")).0, 400);
}

#[test]
fn given_two_records_when_merged_then_the_losing_id_names_the_survivor() {
    let mut world = World::new();
    let winner = world.create("contacts", json!({"email": "ada@example.com", "city": "Turin"}));
    let loser =
        world.create("contacts", json!({"email": "ada@old.example.com", "zip": "10100", "city": "Rome"}));
    let merge = json!({"primaryObjectId": winner, "objectIdToMerge": loser});
    let (status, body) = world.post(&format!("{CONTACTS}/merge"), merge);
    assert_eq!((status, &body["id"]), (200, &json!(winner)));
    let (status, body) = world.get(&format!("{CONTACTS}/{loser}?properties=city,zip,hs_merged_object_ids"));
    assert_eq!((status, &body["id"]), (200, &json!(winner)));
    assert_eq!((&body["properties"]["city"], &body["properties"]["zip"]), (&json!("Turin"), &json!("10100")));
    assert_eq!(body["properties"]["hs_merged_object_ids"], json!(loser));
    let (_, body) = world.patch(&format!("{CONTACTS}/{loser}"), json!({"properties": {"city": "Milan"}}));
    assert_eq!(body["id"], json!(winner));
    assert_eq!(world.records("contacts").len(), 1);
}

#[test]
fn given_a_contact_when_erased_then_its_address_may_not_come_back() {
    let mut world = World::new();
    world.create("contacts", json!({"email": "ada@example.com"}));
    let erase = json!({"objectId": "ada@example.com", "idProperty": "email"});
    assert_eq!(world.post(&format!("{CONTACTS}/gdpr-delete"), erase).0, 204);
    assert!(world.records("contacts").is_empty());
    assert_eq!(world.post(CONTACTS, json!({"properties": {"email": "ada@example.com"}})).0, 400);
}

#[test]
fn given_a_lifecycle_stage_when_moved_back_then_it_silently_stays_unless_it_was_cleared() {
    let mut world = World::new();
    let id = world.create("contacts", json!({"email": "ada@example.com", "lifecyclestage": "customer"}));
    let path = format!("{CONTACTS}/{id}");
    let stage = |world: &mut World, stage: &str| {
        let (status, body) = world.patch(&path, json!({"properties": {"lifecyclestage": stage}}));
        assert_eq!(status, 200);
        body["properties"]["lifecyclestage"].clone()
    };
    assert_eq!(stage(&mut world, "lead"), "customer");
    assert_eq!(stage(&mut world, ""), Value::Null);
    assert_eq!(stage(&mut world, "lead"), "lead");
}

#[test]
fn given_a_broken_body_when_sent_then_400_and_not_a_crash() {
    let mut world = World::new();
    for body in [&b"{"[..], b"[]", b"", b"\xff", b"{\"properties\": 3}", b"{\"properties\":{\"city\":null}}"]
    {
        let mut request = world.request("POST", CONTACTS);
        request.body = body.to_vec();
        assert_eq!(world.send(&request).status, 400, "{body:?}");
    }
}

#[test]
fn given_the_same_requests_when_replayed_then_every_byte_is_the_same() {
    let history = || {
        let mut world = World::new();
        let mut bytes = Vec::new();
        for n in 0..30 {
            world.now += 7;
            let inputs: Vec<Value> = (0..5)
                .map(|m| {
                    let email = format!("c{}@example.com", (n * m) % 11);
                    json!({"id": email, "idProperty": "email", "properties": {"zip": n.to_string()},
                           "objectWriteTraceId": m.to_string()})
                })
                .collect();
            let request = world.request("POST", &format!("{CONTACTS}/batch/upsert"));
            let reply = world.send(&request.json(&json!({"inputs": inputs})));
            bytes.extend(format!("{:?}", reply.headers).into_bytes());
            bytes.extend(reply.body);
        }
        bytes
    };
    assert_eq!(history(), history());
}

#[test]
fn given_records_merged_into_merged_ones_when_read_then_the_last_one_names_them_all() {
    let mut world = World::new();
    let ids: Vec<String> =
        (0..4).map(|n| world.create("contacts", json!({"email": format!("{n}@x.io")}))).collect();
    for (winner, loser) in [(0, 1), (2, 3), (0, 2)] {
        let merge = json!({"primaryObjectId": ids[winner], "objectIdToMerge": ids[loser]});
        assert_eq!(world.post(&format!("{CONTACTS}/merge"), merge).0, 200);
    }
    let inputs: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
    let read = json!({"inputs": inputs, "properties": ["hs_merged_object_ids"]});
    let (status, body) = world.post(&format!("{CONTACTS}/batch/read"), read);
    assert_eq!((status, body["results"].as_array().unwrap().len()), (200, 4));
    let all = [&ids[1], &ids[3], &ids[2]].map(String::as_str).join(";");
    for one in body["results"].as_array().unwrap() {
        assert_eq!((&one["id"], &one["properties"]["hs_merged_object_ids"]), (&json!(ids[0]), &json!(all)));
    }
}

#[test]
fn given_archived_records_when_listed_then_each_says_since_when() {
    let mut world = World::new();
    let id = world.create("contacts", json!({"email": "ada@x.io"}));
    world.now += 5_000;
    assert_eq!(world.call("DELETE", &format!("{CONTACTS}/{id}"), Value::Null).0, 204);
    world.now += 5_000;
    let (_, body) = world.get(&format!("{CONTACTS}?archived=true&limit=100&properties=hs_object_id"));
    let one = &body["results"][0];
    assert_eq!((&one["id"], &one["archivedAt"]), (&json!(id), &json!("2026-09-21T14:13:25.000Z")));
}
