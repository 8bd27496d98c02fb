//! Outbound messages.

use super::Org;
use rtr_sandbox::Push;
use serde_json::{Value, json};

const URL: &str = "http://127.0.0.1:4566/webhooks/acme/salesforce";
const WORD: &str = "k3v9Q2xZ7mB4nR8sT1wY6pL5dF0gHjCa";
const ACK: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope \
    xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body><notificationsResponse \
    xmlns=\"http://soap.sforce.com/2005/09/outbound\"><Ack>true</Ack></notificationsResponse></soapenv:Body>\
    </soapenv:Envelope>";

fn pushing(extra: Value) -> Org {
    let mut org = Org::new();
    let mut address = json!({"url": URL, "secret": WORD});
    address.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    org.own("PUT", "/webhooks", address);
    org
}

fn due(org: &mut Org) -> Vec<Push> {
    org.sandbox.pushes(org.now)
}

fn text(push: &Push) -> String {
    String::from_utf8(push.body.clone()).unwrap()
}

/// Every text between these tags.
fn all(text: &str, tag: &str) -> Vec<String> {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    text.split(&open).skip(1).map(|rest| rest.split(&close).next().unwrap().to_owned()).collect()
}

#[test]
fn given_a_saved_record_when_pushed_then_the_message_is_the_vendors_and_the_word_stands_in_the_url() {
    let mut org = pushing(json!({}));
    let id = org.create("Contact", json!({"LastName": "O'Neil & <Sons>", "Email": "ann@x.io"}));
    let pushes = due(&mut org);
    let body = text(&pushes[0]);
    assert_eq!((pushes.len(), pushes[0].url.as_str()), (1, format!("{URL}/{WORD}").as_str()));
    assert!(pushes[0].headers.contains(&("content-type".to_owned(), "text/xml; charset=utf-8".to_owned())));
    let organization = org.found("SELECT Id FROM Organization", "Id").pop().unwrap();
    assert_eq!(all(&body, "OrganizationId"), [organization]);
    assert_eq!((all(&body, "sf:Id"), all(&body, "sf:Email")), (vec![id], vec!["ann@x.io".to_owned()]));
    assert_eq!(all(&body, "sf:LastName"), ["O'Neil &amp; &lt;Sons&gt;"]);
    assert_eq!(all(&body, "sf:SystemModstamp"), ["2026-09-21T14:13:20.000Z"]);
    assert!(all(&body, "Id")[0].starts_with("04l"), "{body}");
    assert!(
        body.contains(r#"<sObject xsi:type="sf:Contact" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">"#)
    );
    assert!(!body.contains(WORD));
}

#[test]
fn given_answers_when_they_lack_the_acknowledgement_then_the_message_is_sent_again_until_there_is_one() {
    let mut org = pushing(json!({}));
    org.create("Account", json!({"Name": "Acme"}));
    let mut bodies = Vec::new();
    let not_yet = String::from_utf8(ACK.to_vec()).unwrap().replace("true", "false");
    for answer in
        [Some((200, &b""[..])), Some((200, not_yet.as_bytes())), Some((500, ACK)), None, Some((200, ACK))]
    {
        org.now = org.sandbox.next_push().unwrap();
        let push = due(&mut org).pop().unwrap();
        org.sandbox.pushed(org.now, push.id, answer);
        bodies.push(push.body);
    }
    assert!(bodies.windows(2).all(|two| two[0] == two[1]), "the same notification every time");
    assert_eq!(org.sandbox.next_push(), None);
    let log = org.control("GET", "/pushes", Value::Null);
    let outcomes: Vec<&str> =
        log.as_array().unwrap().iter().map(|one| one["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["refused", "refused", "refused", "unanswered", "acknowledged"]);
}

#[test]
fn given_a_day_without_an_acknowledgement_when_it_is_over_then_the_message_is_given_up() {
    let mut org = pushing(json!({}));
    org.create("Account", json!({"Name": "Acme"}));
    let begin = org.now;
    while let Some(at) = org.sandbox.next_push() {
        org.now = at;
        let push = due(&mut org).pop().unwrap();
        org.sandbox.pushed(org.now, push.id, None);
    }
    assert!((500_000..=600_000).contains(&(org.now - begin)), "{}", org.now - begin);
}

#[test]
fn given_records_of_several_types_when_saved_then_each_message_is_of_one_type_and_deletions_are_not_told() {
    let mut org = pushing(json!({}));
    org.items("POST", "", json!([
        {"attributes": {"type": "Account"}, "Name": "A"}, {"attributes": {"type": "Account"}, "Name": "B"},
        {"attributes": {"type": "Contact"}, "LastName": "C"}
    ]));
    let pushes = due(&mut org);
    let counts: Vec<usize> = pushes.iter().map(|push| all(&text(push), "sf:Id").len()).collect();
    assert_eq!(counts, [2, 1]);
    let id = all(&text(&pushes[1]), "sf:Id").pop().unwrap();
    org.delete(&format!("/sobjects/Contact/{id}"));
    org.own("POST", "/actions", json!({"action": "undelete", "id": id}));
    assert!(due(&mut org).is_empty());
    org.patch(&format!("/sobjects/Contact/{id}"), json!({"LastName": "D"}));
    assert_eq!(all(&text(&due(&mut org)[0]), "sf:LastName"), ["D"]);
}

#[test]
fn given_one_object_and_a_merge_when_pushed_then_the_winner_and_what_led_to_the_loser_are_told() {
    let mut org = pushing(json!({"object": "Contact"}));
    let (kept, gone) =
        (org.create("Account", json!({"Name": "A"})), org.create("Account", json!({"Name": "B"})));
    let child = org.create("Contact", json!({"LastName": "C", "AccountId": gone}));
    due(&mut org);
    org.now += 1_000;
    org.own("POST", "/actions", json!({"action": "merge", "winner": kept, "loser": gone}));
    let told = text(&due(&mut org)[0]);
    assert_eq!((all(&told, "sf:Id"), all(&told, "sf:AccountId")), (vec![child], vec![kept]));
}

#[test]
fn given_an_outbound_message_when_listed_then_the_word_is_nowhere() {
    let mut org = pushing(json!({}));
    org.create("Account", json!({"Name": "Acme"}));
    due(&mut org);
    for path in ["/pushes?bodies=true", "/webhooks", "/state"] {
        let shown = org.control("GET", path, Value::Null).to_string();
        assert!(!shown.contains(WORD), "{shown}");
    }
    assert_eq!(org.control("GET", "/pushes", Value::Null)[0]["url"], URL);
}
