//! Both directions, by the real functions: people edit in the CRMs' sandbox, and a small real service plays the internal system.

use crate::stack::{House, Org, Plan, ScratchQueue, Stack, eventually, same, unique, variable};
use serde_json::{Value, json};

/// Contacts at HubSpot whose values flow both ways.
pub(crate) const AT_HUBSPOT: &str = "object: contacts
match: email
fields:
  email: {from: email, direction: both}
  firstname: {from: name.first, direction: both}
  lastname: {from: name.last, direction: both}
  phone: {from: phone, direction: both}
";
/// The same at Salesforce.
const AT_SALESFORCE: &str = "object: Contact
match: Email
fields:
  Email: {from: email, direction: both}
  FirstName: {from: name.first, direction: both}
  LastName: {from: name.last, direction: both}
  Phone: {from: phone, direction: both}
";
/// What CRMs sign with.
const SECRET: &str = "canary-webhook-secret";

/// The connection's secret with what its webhooks are signed with.
fn sign_webhooks(org: &Org<'_>, connection: &str) {
    let name = format!("rtr/{}/{}/{connection}", variable("RTR_STAGE"), org.id);
    let read = org.stack.secrets.get_secret_value().secret_id(&name);
    let held = org.stack.wait(read.send()).unwrap();
    let mut secret: Value = serde_json::from_str(held.secret_string().unwrap()).unwrap();
    secret["webhook"] = json!({"secrets": [SECRET]});
    let put = org.stack.secrets.put_secret_value().secret_id(name).secret_string(secret.to_string());
    org.stack.wait(put.send()).unwrap();
}

/// Where the connection's CRM pushes to.
fn address(org: &Org<'_>, connection: &str) -> String {
    let said = org.stack.rtr(&["connection", "list", &org.id, connection, "--json"]).json();
    said[0]["webhook_url"].as_str().unwrap().to_owned()
}

/// The id of the contact at the connection, once it is linked.
fn linked(org: &Org<'_>, connection: &str, id: &str) -> String {
    eventually("it is linked", || {
        let found = org.record_at(connection, "contact", id);
        found["external_id"].as_str().map(str::to_owned).ok_or_else(|| found.to_string())
    })
}

fn until(what: &str, mut found: impl FnMut() -> Value, wanted: &Value) {
    eventually(what, || same(found(), wanted.clone()));
}

#[test]
fn given_two_crms_that_push_when_people_edit_on_every_side_then_each_edit_is_one_change_and_one_write_elsewhere()
 {
    let stack = Stack::here();
    let house = House::start(&stack);
    let plan = Plan::new("both").mapping("contact", AT_HUBSPOT).salesforce("contact", AT_SALESFORCE);
    let id = plan.name().to_owned();
    let org = plan.inbound(&house.target(&id, ", poll: 1h")).ready(&stack);
    house.serve(&org);
    for (connection, account) in [("hubspot", org.crm()), ("salesforce", org.salesforce())] {
        sign_webhooks(&org, connection);
        account.push_to(&address(&org, connection), SECRET);
    }
    house.edit(
        "c-1",
        &json!({"email": "c-1@x.example", "name": {"first": "Ann", "last": "Lee"}, "phone": "1"}),
    );
    let (hub, force) = (linked(&org, "hubspot", "c-1"), linked(&org, "salesforce", "c-1"));
    assert_eq!(house.deliveries(), Vec::<Value>::new());

    let marks = (org.crm().mark(), org.salesforce().mark());
    org.crm().edit("contacts", Some(&hub), &json!({"phone": "+49 30 1"}));
    until("the house has it", || house.contact("c-1")["data"]["phone"].clone(), &json!("+49 30 1"));
    let phones = || org.salesforce().values("Contact", "Phone");
    eventually("the other CRM has it", || same(phones(), vec!["+49 30 1".to_owned()]));

    org.salesforce().edit("Contact", Some(&force), &json!({"FirstName": "Anna"}));
    until("the house has it", || house.contact("c-1")["data"]["name"]["first"].clone(), &json!("Anna"));
    eventually("the other CRM has it", || {
        same(org.crm().values("contacts", "firstname"), vec!["Anna".to_owned()])
    });

    // A new record of a person's, which becomes one of the house and of the other CRM.
    let made = org.crm().edit(
        "contacts",
        None,
        &json!({"email": "new@x.example", "firstname": "Bo", "lastname": "Ek"}),
    );
    eventually("it is one of the house", || {
        let found = house.contacts().iter().any(|one| one["data"]["email"] == "new@x.example");
        same(found, true)
    });
    eventually("and one at the other CRM", || same(org.salesforce().records("Contact").len(), 2));
    stack.rtr(&["wait", "--idle", "--timeout", "60s"]).ended(0);
    assert_eq!(org.crm().records("contacts").len(), 2, "no second one where it came from");
    let own = house.contacts().into_iter().find(|one| one["data"]["email"] == "new@x.example").unwrap();
    assert_eq!(linked(&org, "hubspot", own["id"].as_str().unwrap()), made);

    let told: Vec<Value> = house.deliveries();
    let changes: Vec<(&Value, &Value)> = told.iter().map(|one| (&one["changed"], &one["ended"])).collect();
    assert_eq!(changes.len(), 3, "{told:#?}");
    assert_eq!(changes[0], (&json!(["phone"]), &json!("changed")));
    assert_eq!(changes[1], (&json!(["name.first"]), &json!("changed")));
    assert_eq!(changes[2].1, &json!("created"));
    // HubSpot: the second edit, and our key on the record that came from there. Salesforce: the first edit, and the new record.
    assert_eq!((org.crm().writes("contacts", marks.0), org.salesforce().writes("Contact", marks.1)), (2, 2));
    assert!(org.dead_letters().is_empty(), "{:?}", org.dead_letters());
}

#[test]
fn given_crms_that_push_nothing_when_people_edit_and_delete_then_the_polls_find_it() {
    let stack = Stack::here();
    let house = House::start(&stack);
    let plan = Plan::new("polled").mapping("contact", AT_HUBSPOT).salesforce("contact", AT_SALESFORCE);
    let id = plan.name().to_owned();
    let org = plan.inbound(&house.target(&id, ", poll: 2s")).ready(&stack);
    house.serve(&org);
    for id in ["c-1", "c-2"] {
        house.edit(id, &json!({"email": format!("{id}@x.example"), "name": {"first": "Ann", "last": "Lee"}, "phone": "1"}));
    }
    let (hub, force) = (linked(&org, "hubspot", "c-1"), linked(&org, "salesforce", "c-2"));
    linked(&org, "salesforce", "c-1");
    linked(&org, "hubspot", "c-2");
    org.crm().edit("contacts", Some(&hub), &json!({"phone": "2"}));
    until("the house has HubSpot's", || house.contact("c-1")["data"]["phone"].clone(), &json!("2"));
    org.salesforce().edit("Contact", Some(&force), &Value::Null);
    until("the house has Salesforce's", || house.contact("c-2")["deleted"].clone(), &json!(true));
    eventually("and HubSpot follows", || same(org.crm().records("contacts").len(), 1));
    assert_eq!(house.deliveries().len(), 2, "{:#?}", house.deliveries());
}

#[test]
fn given_an_internal_system_behind_aws_when_people_edit_then_each_way_brings_it_and_a_refusal_can_be_redriven()
 {
    let stack = Stack::here();
    let queue = ScratchQueue::new(&stack, 30);
    let function = variable("AUTHORIZE_FUNCTION_NAME");
    let mut org = Plan::new("targets")
        .mapping("contact", AT_HUBSPOT)
        .inbound(&format!("{{target: {{lambda: {{function: {function}}}}}, poll: 2s}}"))
        .ready(&stack);
    let event =
        org.contact("c-1", 1, &json!({"email": "c-1@x.example", "name": {"first": "Ann"}, "phone": "1"}));
    stack.publish(&[event]);
    let hub = linked(&org, "hubspot", "c-1");
    // A function that answers as over HTTP, and does not take what is none of a browser's.
    org.crm().edit("contacts", Some(&hub), &json!({"phone": "2"}));
    let dead = org.until_dead(1);
    let of = |name: &str| dead[0][name].as_str().unwrap_or_default().to_owned();
    assert_eq!((of("code"), of("direction"), of("record_id")), ("RTR3010".into(), "in".into(), hub.clone()));
    let show = stack.rtr(&["dlq", "show", dead[0]["id"].as_str().unwrap()]);
    assert_eq!(show.code, 0, "{show:?}");

    org.come_back(&format!("{{target: {{sqs: {{url: '{}'}}}}, poll: 2s}}", queue.url));
    eventually("the functions know of the queue", || {
        org.redrive().ended(0);
        let found = queue.receive(10);
        same(
            found.first().map(|message| {
                serde_json::from_str::<Value>(message.body().unwrap()).unwrap()["data"].clone()
            }),
            Some(json!({"phone": "2"})),
        )
    });
    eventually("nothing is dead", || same(org.dead_letters(), vec![]));

    let heard = stack.listen(
        &format!("told-{}", unique()),
        &json!({"source": ["rtr.inbound"], "detail": {"org_id": [org.id]}}),
    );
    org.come_back(&format!("{{target: {{eventbridge: {{bus: {}}}}}, poll: 2s}}", variable("EVENT_BUS_NAME")));
    let mut phone = 2;
    eventually("the bus has it", || {
        phone += 1;
        org.crm().edit("contacts", Some(&hub), &json!({"phone": phone.to_string()}));
        let found = heard.take();
        same(found.first().map(|event| event["detail"]["changed"].clone()), Some(json!(["phone"])))
    });
}
