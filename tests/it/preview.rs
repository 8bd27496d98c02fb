//! `rtr preview`: what it shows is what the CRMs get when the same event is published, and until then they get nothing.

use crate::config_commands::Folder;
use crate::stack::{Account, CrmRequest, Event, Org, Plan, Stack, eventually, variable};
use rtr_core::change::{Message, parse};
use serde_json::{Value, json};

const HUBSPOT_CONTACT: &str = "object: contacts\nmatch: email\nfields:\n  email: email | lower\n  firstname: first_name\n  company: {reference: company, id: company_id, association: primary}\n";
const HUBSPOT_COMPANY: &str = "object: companies\nfields:\n  name: name\n  numberofemployees: employees\n";
const CONTACT: &str = "object: Contact\nmatch: Email\nfields:\n  Email: email | lower\n  LastName: last_name\n  FirstName: first_name\n  AccountId: {reference: company, id: company_id}\n";
const ACCOUNT: &str = "object: Account\nfields:\n  Name: name\n  NumberOfEmployees: employees\n";

fn plan(test: &str) -> Plan {
    Plan::new(test)
        .mapping("contact", HUBSPOT_CONTACT)
        .mapping("company", HUBSPOT_COMPANY)
        .salesforce("contact", CONTACT)
        .salesforce("company", ACCOUNT)
}

fn at<'a>(org: &'a Org<'_>, connection: &str) -> Account<'a> {
    if connection == "hubspot" { org.crm() } else { org.salesforce() }
}

/// A preview of `event`, as JSON.
fn preview(stack: &Stack, event: &Event, args: &[&str], code: i32) -> Value {
    let args: Vec<&str> = ["preview", "-", "--json"].iter().chain(args).copied().collect();
    stack.rtr_with(&args, &event.body, &[]).ended(code).parsed()[0].clone()
}

fn connection<'v>(previewed: &'v Value, name: &str) -> &'v Value {
    let all = previewed["connections"].as_array().unwrap();
    all.iter().find(|one| one["connection"] == name).unwrap_or_else(|| panic!("{previewed:#}"))
}

/// Method, path and body, as previewed; at the address where the sandbox has the account.
fn previewed(org: &Org<'_>, at: &Value) -> Vec<Value> {
    let base = format!("{}/{}/{}", variable("SANDBOX_URL"), at["provider"].as_str().unwrap(), org.id);
    let line = |one: &Value| {
        let path = one["url"].as_str().unwrap().strip_prefix(&base).unwrap();
        // The journal keeps no queries.
        let path = path.split('?').next().unwrap_or_default();
        json!([format!("{} {path}", one["method"].as_str().unwrap()), one["body"]])
    };
    at["requests"].as_array().unwrap().iter().map(line).collect()
}

/// The same as the CRM got them.
fn got(requests: &[CrmRequest]) -> Vec<Value> {
    let line = |one: &CrmRequest| json!([one.what, one.body]);
    requests.iter().map(line).collect()
}

/// What nobody knows before: the id of the message, in HubSpot's trace, and the ids that the CRM gives.
fn filled(lines: &[Value], event: &Event, external_id: &str, sent: &[Value]) -> Vec<Value> {
    let Ok(Message::Change(change)) = parse(&event.body) else { panic!("{}", event.body) };
    let unknown = format!("id-of:{}:{}", change.key.record_type, change.key.record_id);
    let text = json!(lines).to_string().replace(&unknown, external_id);
    let trace = json!(sent).to_string();
    let id = trace.split("\"objectWriteTraceId\":\"").nth(1).and_then(|rest| rest.split('/').next());
    serde_json::from_str(&text.replace("message-id", id.unwrap_or("message-id"))).unwrap()
}

#[test]
fn given_the_life_of_a_record_when_previewed_and_then_published_then_both_crms_get_exactly_what_was_shown() {
    let stack = Stack::here();
    let org = plan("preview").ready(&stack);
    let person = |first: &str, company: Value| json!({"email": "Ann@x.example", "last_name": "Lee", "first_name": first, "company_id": company});
    let steps = [
        ("company", "k", org.company("k", 1, &json!({"name": "K", "employees": 12})), "created"),
        ("contact", "c", org.contact("c", 1, &person("Ann", json!("k"))), "created"),
        ("contact", "c", org.contact("c", 2, &person("Anna", json!("k"))), "updated"),
        ("contact", "c", Event::deleted(&org.key("contact", "c"), 3), "deleted"),
    ];
    for (record_type, id, event, effect) in steps {
        let marks = ["hubspot", "salesforce"].map(|name| (name, at(&org, name).mark()));
        let shown = preview(&stack, &event, &["--stored"], 0);
        for (name, mark) in marks {
            assert!(at(&org, name).requests(mark).is_empty(), "{name} heard of a preview");
        }
        let before = marks.map(|(name, _)| org.record_at(name, record_type, id)["external_id"].clone());
        stack.publish(std::slice::from_ref(&event));
        for ((name, mark), before) in marks.into_iter().zip(before) {
            let shown = connection(&shown, name);
            assert_eq!((&shown["outcome"], &shown["effect"]), (&json!("applied"), &json!(effect)), "{name}");
            let record = eventually("it is applied", || {
                let record = org.record_at(name, record_type, id);
                let version = parse(&event.body).unwrap().version();
                if record["applied_version"] == version { Ok(record) } else { Err(record.to_string()) }
            });
            let external_id = record["external_id"].as_str().or(before.as_str()).unwrap().to_owned();
            let sent = got(&at(&org, name).requests_with_bodies(mark));
            let shown = filled(&previewed(&org, shown), &event, &external_id, &sent);
            assert!(!sent.is_empty());
            assert_eq!(json!(shown), json!(sent), "{name}, {effect} {record_type}");
        }
    }
    // What was done is not done again.
    let again = org.company("k", 1, &json!({"name": "K", "employees": 12}));
    let shown = preview(&stack, &again, &["--stored", "--connection", "hubspot"], 0);
    assert_eq!(connection(&shown, "hubspot")["outcome"], "superseded");
    assert_eq!(connection(&shown, "hubspot")["requests"], json!([]));
}

#[test]
fn given_a_folder_and_no_aws_when_previewed_then_the_requests_are_those_of_the_first_event() {
    let stack = Stack::here();
    let plan = plan("offline");
    let folder = Folder::with(&[("orgs/one.yaml", &plan.file())]);
    let org = plan.ready(&stack);
    let event =
        org.contact("c", 1, &json!({"email": "ann@x.example", "last_name": "Lee", "company_id": "k"}));
    let nowhere = [("AWS_ENDPOINT_URL", "http://127.0.0.1:9"), ("RTR_STACK", "")];
    let args = ["preview", "-", "--json", "--config", folder.path()];
    let shown = stack.rtr_with(&args, &event.body, &nowhere).ended(0).parsed();
    let hubspot = connection(&shown[0], "hubspot");
    assert_eq!(hubspot["assumed"], json!(["company k"]));
    let headers = &hubspot["requests"][0]["headers"];
    assert_eq!(headers["authorization"], "Bearer ***");
    assert_eq!(previewed(&org, hubspot).len(), 3, "a look-up, an upsert and an association: {hubspot:#}");
    // With the company there, the CRM gets the same but for its id.
    stack.publish(&[org.company("k", 1, &json!({"name": "K"}))]);
    let company = eventually("the company", || {
        let record = org.record("company", "k");
        record["external_id"].as_str().map(str::to_owned).ok_or_else(|| record.to_string())
    });
    let mark = org.crm().mark();
    stack.publish(std::slice::from_ref(&event));
    let id = eventually("the contact", || {
        let record = org.record("contact", "c");
        record["external_id"].as_str().map(str::to_owned).ok_or_else(|| record.to_string())
    });
    let sent = got(&org.crm().requests_with_bodies(mark));
    let company_before = json!(previewed(&org, hubspot)).to_string().replace("id-of:company:k", &company);
    let shown: Vec<Value> = serde_json::from_str(&company_before).unwrap();
    assert_eq!(filled(&shown, &event, &id, &sent), sent);
}

#[test]
fn given_a_live_preview_when_the_crm_holds_other_values_then_each_field_is_told_and_the_crm_is_only_asked() {
    let stack = Stack::here();
    let org = plan("live").ready(&stack);
    let k =
        |version, employees: Value| org.company("k", version, &json!({"name": "K", "employees": employees}));
    let live = ["--stored", "--live"];
    stack.publish(&[k(1, json!(12))]);
    let connections = ["hubspot", "salesforce"];
    for name in connections {
        eventually("it is applied", || {
            let record = org.record_at(name, "company", "k");
            if record["applied_version"] == 1 { Ok(()) } else { Err(record.to_string()) }
        });
    }
    let marks = connections.map(|name| at(&org, name).mark());
    let held = connections
        .map(|name| at(&org, name).records(if name == "hubspot" { "companies" } else { "Account" }));
    // HubSpot gives numbers back as text: that is no difference.
    let same = preview(&stack, &k(1, json!(12.0)), &live, 0);
    let changed = preview(&stack, &k(2, json!(13)), &live, 1);
    let cleared = preview(&stack, &k(2, Value::Null), &live, 1);
    let new = preview(&stack, &org.company("n", 1, &json!({"name": "N"})), &live, 1);
    let gone = preview(&stack, &Event::deleted(&org.key("company", "k"), 2), &live, 1);
    for (name, employees) in [("hubspot", "numberofemployees"), ("salesforce", "NumberOfEmployees")] {
        let is = |previewed: &Value, field: &str| {
            let fields = connection(previewed, name)["live"]["fields"].as_array().unwrap().clone();
            let found = fields.iter().find(|one| one["field"] == field);
            found.map_or(Value::Null, |one| one["is"].clone())
        };
        assert_eq!(
            (is(&same, employees), is(&changed, employees)),
            (json!("same"), json!("changed")),
            "{name}"
        );
        assert_eq!(is(&cleared, employees), "cleared", "{name}");
        assert_eq!(connection(&new, name)["live"]["external_id"], Value::Null);
        let title = if name == "hubspot" { "name" } else { "Name" };
        assert_eq!((is(&new, title), is(&changed, title)), (json!("set"), json!("same")), "{name}");
        assert_eq!(connection(&gone, name)["live"]["is_removed"], true);
    }
    for ((name, mark), held) in connections.iter().zip(marks).zip(held) {
        let asked = at(&org, name).requests(mark);
        assert!(!asked.is_empty());
        let only_asks = |what: &str| {
            what.starts_with("GET ")
                || ["/search", "/batch/read", "/composite/batch"].iter().any(|end| what.ends_with(end))
        };
        assert!(asked.iter().all(|one| only_asks(&one.what)), "{asked:#?}");
        let object = if *name == "hubspot" { "companies" } else { "Account" };
        assert_eq!(at(&org, name).records(object), held);
    }
    let args = ["preview", "-", "--stored", "--live", "--connection", "hubspot"];
    let said = stack.rtr_with(&args, &k(2, json!(13)).body, &[]).ended(1);
    assert!(said.out.contains("~ numberofemployees  12 → 13"), "{}", said.out);
}

#[test]
fn given_events_of_which_one_is_of_nobody_when_previewed_then_it_is_a_finding_and_the_others_are_shown() {
    let stack = Stack::here();
    let org = plan("odd").ready(&stack);
    let event = |id: &str| org.contact(id, 1, &json!({"email": format!("{id}@x.io"), "last_name": "L"})).body;
    let nobody = event("b").replace(&org.id, "nobody-at-all");
    let lines = [event("a"), nobody.clone(), event("c")].join("\n");
    let said = stack.rtr_with(&["preview", "-", "--stored", "--json"], &lines, &[]).ended(1).parsed();
    let ids: Vec<&str> =
        said.as_array().unwrap().iter().map(|one| one["record_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    assert_eq!(said[1]["problem"]["event"], 2, "{said}");
    assert!(said[0].get("problem").is_none() && !said[2]["connections"].as_array().unwrap().is_empty());
    let words = stack.rtr_with(&["preview", "-", "--stored"], &lines, &[]).ended(1).out;
    assert!(words.contains("not previewed: event 2: org `nobody-at-all` has no configuration"), "{words}");
    // Where nothing can be previewed there is nothing to show.
    assert!(stack.rtr_with(&["preview", "-", "--stored"], &nobody, &[]).ended(4).out.is_empty());
}
