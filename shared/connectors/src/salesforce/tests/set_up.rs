//! What a person's commands ask and make.

use super::super::setup::{create_key, properties};
use super::super::{FACTS, HOSTS, Salesforce};
use super::fake::{Fake, Reply};
use super::*;
use crate::connector::Crm;
use futures::executor::block_on;
use rtr_core::failure::Class;
use serde_json::json;
use std::sync::atomic::{AtomicI64, Ordering};

#[test]
fn given_an_object_when_described_then_its_fields_and_its_parents_keys_are_told_in_two_calls() {
    let fake = Fake::new(|path: &str, _: &Value| match path.contains("/batch") {
        true => Ok(answer(200, fixture!("200-batch-describe.json"))),
        false => Ok(answer(200, fixture!("200-describe.json"))),
    });
    let found = block_on(properties(&fake.session(), "Contact")).unwrap();
    let line = |p: &crate::connector::Property| {
        let marks = [(p.unique, " unique"), (p.writable, " writable")];
        let marks: String = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
        format!("{} {}{marks}", p.name, p.kind)
    };
    insta::assert_snapshot!(found.iter().map(line).collect::<Vec<_>>().join("\n"), @"
    Id id unique
    LastName string writable
    Email email writable
    Rtr_Record_Id__c string unique writable
    Name string
    AccountId reference writable
    CreatedById reference
    Account.Erp_Number__c reference writable
    ");
    insta::assert_snapshot!(fake.paths().join("\n"), @"
    GET /services/data/v62.0/sobjects/Contact/describe
    POST /services/data/v62.0/composite/batch
    ");
    insta::assert_snapshot!(fake.asked.lock().unwrap()[1].1.to_string(), @r#"{"batchRequests":[{"method":"GET","url":"v62.0/sobjects/Account/describe"}],"haltOnError":false}"#);
}

#[test]
fn given_no_batch_of_descriptions_when_described_then_the_objects_own_fields_are_told() {
    let fake = Fake::new(|path: &str, _: &Value| match path.contains("/batch") {
        true => Ok(answer(404, fixture!("404-resource.json"))),
        false => Ok(answer(200, fixture!("200-describe.json"))),
    });
    assert_eq!(block_on(properties(&fake.session(), "Contact")).unwrap().len(), 7);
}

/// A field that is made and that nobody sees until a permission set says so.
fn unseen(made: u16, permission: Value) -> impl Fn(&str, &Value) -> Reply + Send + Sync {
    move |path, _| {
        if path.contains("/tooling/") {
            let body = if made == 201 {
                r#"{"id":"00N","success":true}"#
            } else {
                fixture!("400-field-exists.json")
            };
            return Ok(answer(made, body));
        }
        if path.contains("userinfo") {
            return Ok(answer(200, fixture!("200-userinfo.json")));
        }
        if path.contains("/query?") {
            return Ok(answer(200, r#"{"totalSize":0,"done":true,"records":[]}"#));
        }
        if path.ends_with("/composite") {
            let done = json!({"httpStatusCode": 201, "body": {"id": "x", "success": true}});
            return Ok(answer(200, &json!({"compositeResponse": [done, permission, done]}).to_string()));
        }
        Ok(answer(200, r#"{"fields":[{"name":"Id"}]}"#))
    }
}

#[test]
fn given_a_field_that_is_made_or_there_when_set_up_then_the_user_is_let_see_it() {
    let there =
        json!({"httpStatusCode": 400, "body": [{"errorCode": "DUPLICATE_VALUE", "message": "there"}]});
    let mut last = String::new();
    for (made, permission) in [(201, json!({"httpStatusCode": 201, "body": {"id": "x"}})), (400, there)] {
        let fake = Fake::new(unseen(made, permission));
        assert_eq!(block_on(create_key(&fake.session(), "Contact", "Rtr_Record_Id__c")), Ok(()));
        let asked = fake.asked.lock().unwrap();
        assert_eq!(asked[0].1["Metadata"]["externalId"], true);
        assert_eq!(asked[0].1["FullName"], "Contact.Rtr_Record_Id__c");
        drop(asked);
        last = fake.asked.lock().unwrap().last().unwrap().1.to_string();
    }
    insta::assert_snapshot!(last, @r#"{"allOrNone":false,"compositeRequest":[{"body":{"Label":"rtr-sync","Name":"rtr_sync"},"method":"POST","referenceId":"set","url":"/services/data/v62.0/sobjects/PermissionSet"},{"body":{"Field":"Contact.Rtr_Record_Id__c","ParentId":"@{set.id}","PermissionsEdit":true,"PermissionsRead":true,"SobjectType":"Contact"},"method":"POST","referenceId":"field","url":"/services/data/v62.0/sobjects/FieldPermissions"},{"body":{"AssigneeId":"005KX000000abcdYAA","PermissionSetId":"@{set.id}"},"method":"POST","referenceId":"assignment","url":"/services/data/v62.0/sobjects/PermissionSetAssignment"}]}"#);
}

#[test]
fn given_a_permission_that_is_refused_when_set_up_then_the_person_reads_why() {
    let refused =
        json!({"httpStatusCode": 403, "body": [{"errorCode": "INSUFFICIENT_ACCESS", "message": "no"}]});
    let fake = Fake::new(unseen(201, refused));
    let failure = block_on(create_key(&fake.session(), "Contact", "Rtr_Record_Id__c")).unwrap_err();
    assert_eq!(failure.class, Class::Forbidden);
    let nothing = Fake::new(|_: &str, _: &Value| Ok(answer(500, "")));
    let failure = block_on(create_key(&nothing.session(), "Contact", "Email")).unwrap_err();
    assert_eq!((failure.class, nothing.paths().len()), (Class::Refused, 0));
}

#[test]
fn given_a_field_that_is_seen_at_once_when_set_up_then_no_permission_is_made() {
    let calls = AtomicI64::new(0);
    let fake = Fake::new(|_: &str, _: &Value| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => Ok(answer(201, r#"{"id":"00N","success":true}"#)),
        _ => Ok(answer(200, fixture!("200-describe.json"))),
    });
    assert_eq!(block_on(create_key(&fake.session(), "Contact", "Rtr_Record_Id__c")), Ok(()));
    assert_eq!(fake.paths().len(), 2);
}

#[test]
fn given_the_facts_when_read_then_they_fit_together() {
    assert_eq!(
        (FACTS.name, FACTS.title, FACTS.default_key),
        ("salesforce", "Salesforce", Some("Rtr_Record_Id__c"))
    );
    assert_eq!(Salesforce.base_url(), None);
    assert!(HOSTS.contains(&"*.my.salesforce.com"));
    insta::assert_snapshot!(Salesforce.key_by_hand("Contact", "Rtr_Record_Id__c"), @r#"Salesforce: Setup > Object Manager > Contact > Fields & Relationships > New > Text: label `Rtr Record Id`, length 255, field name `Rtr_Record_Id`; tick "Do not allow duplicate values" with "Treat "ABC" and "abc" as different values (case sensitive)", and "External ID"; make it visible and not read-only for the integration user's profile or permission set"#);
}
