use crate::world::World;
use serde_json::{Value, json};

struct Pair {
    world: World,
    contact: String,
    company: String,
}

fn pair() -> Pair {
    let mut world = World::new();
    let contact = world.create("contacts", json!({"email": "ada@x.io"}));
    let company = world.create("companies", json!({"name": "Acme"}));
    Pair { world, contact, company }
}

fn number(id: &str) -> Value {
    json!(id.parse::<u64>().unwrap())
}

#[test]
fn given_a_default_association_when_made_then_both_ends_list_it() {
    let Pair { mut world, contact, company } = pair();
    let path = format!("/crm/v4/objects/contacts/{contact}/associations/default/companies/{company}");
    let (status, body) = world.call("PUT", &path, Value::Null);
    assert_eq!((status, body["results"].as_array().unwrap().len()), (200, 2));
    assert_eq!(body["results"][0]["associationSpec"]["associationTypeId"], 279);
    let (_, body) = world.get(&format!("/crm/v4/objects/company/{company}/associations/0-1"));
    assert_eq!(body["results"][0]["toObjectId"], number(&contact));
    assert_eq!(body["results"][0]["associationTypes"][0]["typeId"], 280);
    let (_, body) = world.get(&format!("/crm/v3/objects/contacts/{contact}?associations=companies"));
    assert_eq!(body["associations"]["companies"]["results"][0]["id"], json!(company));
}

#[test]
fn given_a_labelled_association_when_made_then_the_unlabelled_comes_with_it_and_ids_are_numbers() {
    let Pair { mut world, contact, company } = pair();
    let path = format!("/crm/v4/objects/contacts/{contact}/associations/companies/{company}");
    let types = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]);
    let (status, body) = world.call("PUT", &path, types);
    assert_eq!(status, 201);
    assert_eq!((&body["fromObjectId"], &body["fromObjectTypeId"]), (&number(&contact), &json!("0-1")));
    assert_eq!(body["labels"], json!(["Primary"]));
    let (_, body) = world.get(&format!("/crm/v4/objects/contacts/{contact}/associations/companies"));
    let types = body["results"][0]["associationTypes"].as_array().unwrap();
    let mut ids: Vec<&Value> = types.iter().map(|one| &one["typeId"]).collect();
    ids.sort_by_key(|id| id.as_u64());
    assert_eq!(ids, [&json!(1), &json!(279)]);
}

#[test]
fn given_a_new_primary_company_when_set_then_the_old_one_is_no_longer_primary() {
    let Pair { mut world, contact, company } = pair();
    let other = world.create("companies", json!({"name": "Beta"}));
    let primary = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]);
    for id in [&company, &other] {
        world.call(
            "PUT",
            &format!("/crm/v4/objects/contacts/{contact}/associations/companies/{id}"),
            primary.clone(),
        );
    }
    let (_, body) = world.get(&format!("/crm/v4/objects/contacts/{contact}/associations/companies"));
    let primaries = |id: &str| {
        let list =
            body["results"].as_array().unwrap().iter().find(|one| one["toObjectId"] == number(id)).unwrap();
        list["associationTypes"].as_array().unwrap().iter().filter(|one| one["typeId"] == 1).count()
    };
    assert_eq!((primaries(&company), primaries(&other)), (0, 1));
}

#[test]
fn given_a_batch_with_bad_ids_when_created_then_207_lists_them() {
    let Pair { mut world, contact, company } = pair();
    let types = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]);
    let input = |from: &str, to: &str| json!({"from": {"id": from}, "to": {"id": to}, "types": types});
    let inputs =
        json!({"inputs": [input(&contact, &company), input("ghost", &company), input("77", &company)]});
    let (status, body) = world.post("/crm/v4/associations/contacts/companies/batch/create", inputs);
    assert_eq!((status, &body["numErrors"]), (207, &json!(2)));
    assert_eq!(body["results"][0]["toObjectId"], number(&company));
    assert_eq!(body["errors"][0]["subCategory"], "crm.associations.INVALID_IDENTIFIER");
    assert_eq!(body["errors"][0]["message"], "ghost is not a valid ID");
    assert_eq!(body["errors"][0]["context"]["id"], json!(["ghost"]));
    let own = json!({"inputs": [{"from": {"id": contact}, "to": {"id": contact}}]});
    let (_, body) = world.post("/crm/v4/associations/contacts/contacts/batch/associate/default", own);
    let message = format!("Object {contact} cannot be associated to itself ({contact})");
    assert_eq!(body["errors"][0]["message"], json!(message));
}

#[test]
fn given_a_batch_when_read_then_those_without_any_are_errors_of_a_success() {
    let Pair { mut world, contact, company } = pair();
    let lonely = world.create("contacts", json!({"email": "bob@x.io"}));
    let inputs = json!({"inputs": [{"from": {"id": contact}, "to": {"id": company}}]});
    let path = "/crm/v4/associations/contact/company/batch";
    assert_eq!(world.post(&format!("{path}/associate/default"), inputs).0, 200);
    let inputs = json!({"inputs": [{"id": contact}, {"id": lonely}]});
    let (status, body) = world.post(&format!("{path}/read"), inputs);
    assert_eq!(status, 207);
    assert_eq!(body["results"][0]["from"]["id"], json!(contact));
    assert_eq!(body["results"][0]["to"][0]["toObjectId"], number(&company));
    let error = &body["errors"][0];
    assert_eq!(error["subCategory"], "crm.associations.NO_ASSOCIATIONS_FOUND");
    assert_eq!(error["message"], format!("No company is associated with contact {lonely}."));
    assert_eq!(error["context"]["fromObjectId"], json!([lonely]));
    let inputs = json!({"inputs": [{"from": {"id": contact}, "to": [{"id": company}]}]});
    assert_eq!(world.post(&format!("{path}/archive"), inputs).0, 204);
    let (_, body) = world.get(&format!("/crm/v4/objects/companies/{company}/associations/contacts"));
    assert_eq!(body["results"], json!([]));
}

#[test]
fn given_associations_with_a_new_record_when_created_then_they_exist() {
    let Pair { mut world, company, .. } = pair();
    let types = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]);
    let body = json!({"properties": {"email": "bob@x.io"}, "associations": [{"to": {"id": company}, "types": types}]});
    let (status, body) = world.post("/crm/v3/objects/contacts", body);
    assert_eq!(status, 201);
    let (_, found) = world.get(&format!("/crm/v4/objects/companies/{company}/associations/contacts"));
    assert_eq!(found["results"][0]["toObjectId"], number(body["id"].as_str().unwrap()));
    let path = format!("/crm/v3/objects/companies/{company}");
    world.call("DELETE", &path, Value::Null);
    let records = world.records("contacts");
    assert!(records.iter().all(|record| record["associations"] == json!({})));
}

#[test]
fn given_too_many_or_unknown_types_when_batched_then_they_are_refused() {
    let Pair { mut world, contact, company } = pair();
    let many = json!({"inputs": vec![json!({"id": contact}); 1001]});
    assert_eq!(world.post("/crm/v4/associations/contacts/companies/batch/read", many).0, 400);
    let many = json!({"inputs": vec![json!({"from": {"id": contact}, "to": {"id": company}}); 2001]});
    assert_eq!(world.post("/crm/v4/associations/contacts/companies/batch/create", many).0, 400);
    let types = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 3}]);
    let path = format!("/crm/v4/objects/contacts/{contact}/associations/companies/{company}");
    assert_eq!(world.call("PUT", &path, types).0, 400);
}
