//! `rtr connection test`, `setup` and `list`: what a person is told before records die.

use crate::CONTACT;
use crate::stack::{Org, Plan, Said, Stack};
use serde_json::{Value, json};

const SCOPES: [&str; 4] = [
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.schemas.contacts.read",
    "crm.schemas.contacts.write",
];

fn tested(org: &Org<'_>) -> Said {
    org.stack.rtr(&["connection", "test", &org.id, "hubspot", "--json"])
}

/// The findings as `code object.property`, and the whole for what a person reads.
fn findings(said: &Said) -> Vec<String> {
    let all = said.parsed();
    let findings = all[0]["findings"].as_array().unwrap();
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or("-").to_owned();
    let line = |finding: &Value| {
        format!("{} {}.{}", text(finding, "code"), text(finding, "object"), text(finding, "property"))
    };
    findings.iter().map(line).collect()
}

#[test]
fn given_a_connection_in_order_when_tested_then_credentials_account_and_objects_are_told() {
    let stack = Stack::here();
    let org = Plan::new("fit").mapping("contact", CONTACT).oauth().ready(&stack);
    let said = tested(&org).ended(0);
    let one = &said.parsed()[0];
    assert_eq!((&one["ok"], &one["credentials"]), (&json!(true), &json!("oauth2")), "{said:?}");
    assert!(one["expires_at"].is_string() && one["account"].is_string(), "{said:?}");
    assert_eq!(one["objects"], json!(["contacts"]));
    let before = org.crm().records("contacts").len();
    assert_eq!(before, 0, "a test writes nothing");
}

#[test]
fn given_mappings_that_the_crm_does_not_take_when_tested_then_each_fault_is_found() {
    let stack = Stack::here();
    let mut org = Plan::new("unfit").mapping("contact", CONTACT).ready(&stack);
    org.remap(
        "contact",
        "object: contacts\nmatch: email\nkey: city\nfields:\n  email: email\n  fristname: first_name\n  createdate: at\n  \
         lifecyclestage: {from: stage, map: {a: lead, b: custmer}}\n",
    );
    let said = tested(&org).ended(1);
    assert_eq!(
        findings(&said),
        [
            "RTR2004 contacts.createdate",
            "RTR2002 contacts.fristname",
            "RTR3001 contacts.lifecyclestage",
            "RTR2004 contacts.city"
        ],
        "{said:?}"
    );
    assert!(said.out.contains("did you mean `customer`?"), "{said:?}");
    // A property that is there and not unique cannot be made into one.
    let said = stack.rtr(&["connection", "setup", &org.id, "hubspot", "--json"]).ended(1);
    assert_eq!(findings(&said), ["RTR2004 contacts.city"]);
}

#[test]
fn given_a_token_without_scopes_when_tested_then_the_missing_ones_are_named() {
    let stack = Stack::here();
    let org = Plan::new("scopes").mapping("contact", CONTACT).ready(&stack);
    org.narrow(
        &SCOPES[..3]
            .iter()
            .copied()
            .filter(|scope| !scope.ends_with("objects.contacts.write"))
            .collect::<Vec<_>>(),
    );
    let said = tested(&org).ended(1);
    assert_eq!(findings(&said), ["RTR3002 contacts.-"], "{said:?}");
    assert!(said.out.contains("crm.objects.contacts.write"), "{said:?}");
}

#[test]
fn given_no_leave_to_make_the_key_when_set_up_then_a_person_is_told_what_to_click() {
    let stack = Stack::here();
    let mut org = Plan::new("clicks").mapping("contact", CONTACT).ready(&stack);
    org.remap("contact", &format!("{CONTACT}key: other_key\n"));
    org.narrow(&SCOPES[..3]);
    let said = stack.rtr(&["connection", "setup", &org.id, "hubspot"]).ended(1);
    let words = &said.out;
    assert!(
        words.contains("crm.schemas.contacts.write") && words.contains("Settings > Properties"),
        "{said:?}"
    );
    assert!(words.contains("`other_key`") && words.contains("rtr connection test"), "{said:?}");
    org.narrow(&SCOPES);
    stack.rtr(&["connection", "setup", &org.id, "hubspot"]).ended(0);
    tested(&org).ended(0);
}

#[test]
fn given_a_connection_without_its_secret_when_listed_then_it_is_not_called_ok() {
    let stack = Stack::here();
    let org = Plan::new("secretless").mapping("contact", CONTACT).ready(&stack);
    let state = || {
        let listed = stack.rtr(&["connection", "list", &org.id, "--json"]).json();
        (listed[0]["state"].clone(), listed[0]["message"].clone())
    };
    assert_eq!(state().0, json!("ok"));
    org.drop_secret();
    let (state, message) = state();
    assert_eq!(state, json!("no_secret"));
    assert!(message.as_str().unwrap().contains(&org.secret()), "{message}");
    let said = stack.rtr(&["connection", "test", &org.id, "hubspot", "--json"]).ended(1);
    assert_eq!(findings(&said), ["RTR4007 -.-"], "{said:?}");
}

#[test]
fn given_what_the_crms_describe_when_saved_then_a_folder_that_does_not_fit_is_refused_without_asking_again() {
    let stack = Stack::here();
    let person = "object: Contact\nfields:\n  LastName: last_name\n";
    let org = Plan::new("described").mapping("contact", CONTACT).salesforce("contact", person).ready(&stack);
    let dir = std::env::temp_dir().join(format!("rtr-described-{}", org.id));
    std::fs::create_dir_all(dir.join("orgs")).unwrap();
    let folder = dir.to_str().unwrap();
    let save = || stack.rtr(&["connection", "test", &org.id, &format!("--save={folder}"), "--json"]).ended(0);
    let said = save();
    let kept = [("hubspot", "contacts"), ("salesforce", "Contact")]
        .map(|(connection, object)| format!("crm/{}/{connection}/{object}.json", org.id));
    let read = || kept.each_ref().map(|path| std::fs::read_to_string(dir.join(path)).unwrap());
    let texts = read();
    assert!(said.out.contains(&kept[0]) && said.out.contains(&kept[1]), "{said:?}");
    assert!(texts[0].contains("\"lifecyclestage\"") && texts[1].contains("\"LastName\""), "{texts:?}");
    let with = |hubspot: &str, salesforce: &str| {
        let file = format!(
            "org: {}\nconnections: {{hubspot: {{}}, salesforce: {{}}}}\nroutes: {{contact: [hubspot, salesforce]}}\nmappings:\n  \
             hubspot: {{contact: {{object: contacts, fields: {{email: email, {hubspot}: city}}}}}}\n  \
             salesforce: {{contact: {{object: Contact, fields: {{LastName: last_name, {salesforce}: city}}}}}}\n",
            org.id
        );
        std::fs::write(dir.join("orgs/one.yaml"), file).unwrap();
    };
    with("city", "MailingCity");
    stack.rtr(&["config", "check", folder]).ended(0);
    with("ctiy", "MailngCity");
    for command in ["check", "apply"] {
        let said = stack.rtr(&["config", command, folder]).ended(2);
        let told = format!("{}{}", said.out, said.err);
        for right in
            ["did you mean `city`?", "did you mean `MailingCity`?", "^", kept[0].as_str(), kept[1].as_str()]
        {
            assert!(told.contains(right), "{right}: {told}");
        }
    }
    // Saved again they are the same, to the byte.
    save();
    assert_eq!(read(), texts);
    std::fs::remove_dir_all(&dir).unwrap();
}
