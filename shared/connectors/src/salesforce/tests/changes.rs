//! What has changed: the queries, and what is read of their records.

use super::super::changes::{columns, groups, of_ids, page, since, snapshot};
use super::super::client::{changed, snapshots};
use super::super::request::encoded;
use super::fake::Fake;
use super::*;
use crate::changes::{Fate, Position, Snapshot};
use futures::executor::block_on;
use rtr_core::failure::Class;
use serde_json::json;

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn from(after: Option<&str>) -> Position {
    Position { at: NOW, after: after.map(str::to_owned) }
}

/// A record as a query gives it.
fn record(id: &str, deleted: bool, master: Value) -> Value {
    json!({"attributes": {"type": "Contact", "url": format!("/services/data/v62.0/sobjects/Contact/{id}")}, "Id": id,
           "IsDeleted": deleted, "SystemModstamp": "2026-11-18T11:06:40.000+0000", "LastModifiedById": "005KX000001AdA1YAK",
           "MasterRecordId": master, "LastName": "King", "Account": {"Erp__c": "E1"}})
}

fn told(one: &Snapshot) -> String {
    format!(
        "{}: {:?} at {:?} by {:?} {}",
        one.external_id,
        one.fate,
        one.at.map(|at| at.0),
        one.by,
        json!(one.values)
    )
}

#[test]
fn given_positions_when_asked_from_then_the_queries_are_these() {
    let fields = texts(&["LastName", "Account.Erp__c", "lastname", "ID"]);
    let contact = &columns("contact", &fields).unwrap()[0];
    insta::assert_snapshot!(since("Contact", &from(None), contact).unwrap(), @"SELECT Id, IsDeleted, SystemModstamp, LastModifiedById, MasterRecordId, LastName, Account.Erp__c FROM Contact WHERE SystemModstamp >= 2026-11-18T11:06:40Z ORDER BY SystemModstamp, Id LIMIT 2000");
    insta::assert_snapshot!(since("Contact", &from(Some(A)), contact).unwrap(), @"SELECT Id, IsDeleted, SystemModstamp, LastModifiedById, MasterRecordId, LastName, Account.Erp__c FROM Contact WHERE SystemModstamp >= 2026-11-18T11:06:40Z AND (SystemModstamp > 2026-11-18T11:06:40Z OR Id > '003KX00000AbCd1YAF') ORDER BY SystemModstamp, Id LIMIT 2000");
    // What cannot be merged has no field for where to.
    let own = &columns("Opportunity", &[]).unwrap()[0];
    insta::assert_snapshot!(of_ids("Opportunity", &texts(&[A, B]), own).unwrap(), @"SELECT Id, IsDeleted, SystemModstamp, LastModifiedById FROM Opportunity WHERE Id IN ('003KX00000AbCd1YAF','003KX00000AbCd2YAF')");
    for at in [i64::MIN, i64::MAX] {
        let query = since("Contact", &Position { at: Instant(at), after: None }, contact).unwrap();
        assert!(
            query.contains(">= 1700-01-01T00:00:00Z ") || query.contains(">= 4000-12-31T23:59:59Z "),
            "{query}"
        );
    }
    assert!(columns("Contact", &texts(&["Name FROM User"])).is_err());
    assert!(since("Contact WHERE", &from(None), contact).is_err() && of_ids("", &[], contact).is_err());
}

#[test]
fn given_many_long_names_and_a_whole_batch_of_ids_when_asked_then_every_address_has_room() {
    let fields: Vec<String> =
        (0..300).map(|n| format!("A_Relationship__r.A_Custom_Field_Of_Some_Length_{n}__c")).collect();
    let groups = columns("Contact", &fields).unwrap();
    let ids: Vec<String> = (0..200).map(|n| format!("003KX00000{n:05}YAF")).collect();
    for group in &groups {
        for query in
            [of_ids("Contact", &ids, group).unwrap(), since("Contact", &from(Some(A)), group).unwrap()]
        {
            assert!(
                encoded(&query).len() <= 12_000 && query.starts_with("SELECT Id, IsDeleted, "),
                "{}",
                query.len()
            );
        }
    }
    let asked: Vec<String> = groups.iter().map(|group| of_ids("Contact", &ids, group).unwrap()).collect();
    assert!(
        fields.iter().all(|name| asked.iter().filter(|query| query.contains(name.as_str())).count() == 1)
    );
    assert_eq!(columns("Contact", &[]).unwrap().len(), 1, "whether it is there is asked all the same");
}

#[test]
fn given_records_when_read_then_here_gone_and_merged_are_told_apart() {
    let fields = texts(&["LastName", "account.erp__c", "Title"]);
    let columns = &columns("Contact", &fields).unwrap()[0];
    let of = |record: &Value| told(&snapshot(record, columns).unwrap());
    insta::assert_snapshot!(of(&record(A, false, Value::Null)), @r#"003KX00000AbCd1YAF: Here at Some(1795000000000) by Some("005KX000001AdA1YAK") {"LastName":"King","Title":null,"account.erp__c":"E1"}"#);
    insta::assert_snapshot!(of(&record("003KX00000AbCd1", true, Value::Null)), @r#"003KX00000AbCd1YAF: Gone at Some(1795000000000) by Some("005KX000001AdA1YAK") {}"#);
    insta::assert_snapshot!(of(&record(A, true, json!("003KX00000AbCd2"))), @r#"003KX00000AbCd1YAF: Merged { into: "003KX00000AbCd2YAF" } at Some(1795000000000) by Some("005KX000001AdA1YAK") {}"#);
    assert_eq!(snapshot(&json!({"IsDeleted": false}), columns), None);
}

#[test]
fn given_pages_when_they_end_then_the_next_begins_behind_the_last_record() {
    let one = |id: &str| Snapshot::gone(id, Some(NOW));
    let short = page(&from(None), vec![one(A), one(B)]).unwrap();
    assert_eq!((short.next, short.more), (from(Some(B)), false));
    let full = page(&from(Some(A)), vec![one(B); 2_000]).unwrap();
    assert_eq!((full.next, full.more), (from(Some(B)), true));
    let none = page(&from(Some(A)), Vec::new()).unwrap();
    assert_eq!((none.next, none.more), (from(Some(A)), false));
    // What comes again and again leads nowhere; what has no stamp has no place.
    assert_eq!(page(&from(Some(B)), vec![one(B); 2_000]).unwrap_err().class, Class::Unavailable);
    assert_eq!(page(&from(None), vec![Snapshot::gone(A, None)]).unwrap_err().class, Class::Unavailable);
}

#[test]
fn given_ids_of_any_kind_when_asked_for_then_those_that_can_be_none_are_gone_and_15_characters_do() {
    let asked = texts(&["003KX00000AbCd1", "nobody", A, "'; --", B]);
    assert_eq!(groups(&asked), [[A, B]], "each once, and no nonsense");
    let fake = Fake::new(|path: &str, _: &Value| {
        assert!(path.starts_with("GET /services/data/v62.0/queryAll?q=SELECT%20Id"), "{path}");
        let records = [record(A, false, Value::Null)];
        Ok(answer(200, &json!({"totalSize": 1, "done": true, "records": records}).to_string()))
    });
    let told = block_on(snapshots(&fake.session(), "Contact", &asked, &texts(&["LastName"]))).unwrap();
    let ids: Vec<&String> = told.iter().map(|one| &one.external_id).collect();
    assert_eq!(ids, asked.iter().collect::<Vec<_>>(), "under the ids that were asked for");
    let fates: Vec<&Fate> = told.iter().map(|one| &one.fate).collect();
    assert_eq!(fates, [&Fate::Here, &Fate::Gone, &Fate::Here, &Fate::Gone, &Fate::Gone]);
    assert_eq!(fake.paths().len(), 1);
}

#[test]
fn given_more_fields_than_an_address_has_room_for_when_asked_then_further_queries_complete_them() {
    let fields: Vec<String> = (0..300).map(|n| format!("A_Custom_Field_Of_Some_Length_{n}__c")).collect();
    let fake = Fake::new(|path: &str, _: &Value| {
        let mut here = record(A, false, Value::Null);
        // Selected by this query and by no other.
        for n in (0..300).filter(|n| path.contains(&format!("A_Custom_Field_Of_Some_Length_{n}__c"))) {
            here[format!("A_Custom_Field_Of_Some_Length_{n}__c")] = json!(n);
        }
        let lost = record(B, path.contains("_Length_299__c"), Value::Null);
        Ok(answer(200, &json!({"totalSize": 2, "done": true, "records": [here, lost]}).to_string()))
    });
    let page = block_on(changed(&fake.session(), "Contact", &from(None), &fields)).unwrap();
    assert!(fake.paths().len() > 1);
    assert!(fake.paths()[1..].iter().all(|path| path.contains("WHERE%20Id%20IN")));
    let one = &page.changed[0];
    assert!((0..300).all(|n| one.values[&format!("A_Custom_Field_Of_Some_Length_{n}__c")] == n));
    // Deleted between two queries: what a part of it held is of no matter.
    assert_eq!((&page.changed[1].fate, page.changed[1].values.len()), (&Fate::Gone, 0));
    assert_eq!(page.next, Position { at: Instant(1_795_000_000_000), after: Some(B.to_owned()) });
}
