//! A new mapping brought to the records already there: who is behind, the internal system's own list, and only what differs written.

use crate::CONTACT;
use crate::stack::{CANARY, Org, Plan, Stack, eventually, unique, variable};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Records, of which every tenth has a city.
const RECORDS: usize = 60;
const PAGE: usize = 25;

fn event(org: &str, n: usize) -> Value {
    let mut data = json!({"email": format!("p{n:03}@x.example"), "first_name": "Ann"});
    if n.is_multiple_of(10) {
        data["city"] = "Bonn".into();
    }
    json!({"org_id": org, "record_type": "contact", "record_id": format!("r{n:03}"), "version": 1, "data": data})
}

/// The internal system's list, which is busy once and lets in only who has its key.
struct List {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl List {
    fn of(org: &str, key: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url =
            format!("http://{}/orgs/{{org_id}}/{{record_type}}?limit={PAGE}", listener.local_addr().unwrap());
        let (asked, org) = (Arc::new(Mutex::new(Vec::new())), org.to_owned());
        let journal = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
                let first = lines.next().unwrap_or_default();
                let let_in =
                    lines.take_while(|line| !line.is_empty()).any(|line| line == format!("x-api-key: {key}"));
                let times = {
                    let mut journal = journal.lock().unwrap();
                    journal.push(first.clone());
                    journal.len()
                };
                let (status, body) = match let_in {
                    false => ("403 Forbidden", Value::Null),
                    true if times == 2 => ("503 Service Unavailable", Value::Null),
                    true => ("200 OK", page(&org, &first)),
                };
                let body = body.to_string();
                let length = body.len();
                let _ = write!(
                    &stream,
                    "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                );
            }
        });
        Self { url, asked }
    }
}

fn page(org: &str, request: &str) -> Value {
    let from = request.split("cursor=").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or("0");
    let from: usize = from.parse().unwrap();
    let to = RECORDS.min(from + PAGE);
    let events: Vec<Value> = (from..to).map(|n| event(org, n)).collect();
    json!({"events": events, "next": (to < RECORDS).then(|| to.to_string())})
}

fn apply(org: &Org<'_>, folder: &Path, list: &List, secret: &str) {
    std::fs::create_dir_all(folder.join("orgs")).unwrap();
    let source = format!("source:\n  http:\n    url: {}\n    secret: {secret}\n", list.url);
    std::fs::write(folder.join("orgs/org.yaml"), format!("{}{source}", org.file())).unwrap();
    org.stack.apply(folder).ended(0);
}

fn behind(org: &Org<'_>) -> usize {
    let said =
        org.stack.rtr(&["links", "export", &org.id, "hubspot", "contact", "--stale", "--json"]).ended(0);
    said.out.lines().filter(|line| !line.is_empty()).count()
}

#[test]
fn given_a_new_mapping_when_the_source_is_backfilled_then_only_records_whose_payload_changes_are_written() {
    let stack = Stack::here();
    let mut org = Plan::new("remap").mapping("contact", CONTACT).ready(&stack);
    let key = format!("{CANARY}{}", unique());
    let list = List::of(&org.id, key.clone());
    let secret = format!("rtr/{}/{}/source", variable("RTR_STAGE"), org.id);
    let text = json!({"type": "header", "name": "x-api-key", "value": key}).to_string();
    stack.wait(stack.secrets.create_secret().name(&secret).secret_string(text).send()).unwrap();
    let folder = std::env::temp_dir().join(format!("rtr-remap-{}", org.id));
    apply(&org, &folder, &list, &secret);

    let id = org.id.clone();
    let backfill = ["backfill", &id, "contact", "--yes", "--json"];
    let first = stack.rtr(&backfill).ended(0);
    assert!(first.err.contains(&format!("{RECORDS} records listed")), "{first:?}");
    assert_eq!(org.crm().records("contacts").len(), RECORDS);
    let asked = list.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 4, "three pages, one of them twice: {asked:?}");
    assert!(asked[0].contains(&format!("/orgs/{}/contact?limit=", org.id)), "{asked:?}");
    assert_eq!(behind(&org), 0);

    org.replan("contact", &format!("{CONTACT}  city: city\n"));
    apply(&org, &folder, &list, &secret);
    assert_eq!(behind(&org), RECORDS, "all were written under the mapping before");
    let mark = org.crm().mark();
    // Functions hear of it within five seconds; who is behind is who has not heard.
    eventually("nobody is behind", || {
        stack.rtr(&backfill).ended(0);
        match behind(&org) {
            0 => Ok(()),
            n => Err(format!("{n} are behind")),
        }
    });
    let writes = org.crm().requests(mark).into_iter().filter(|it| it.what.contains("/contacts/batch/"));
    assert_eq!(writes.map(|it| it.items).sum::<u64>(), (RECORDS / 10) as u64);
    let cities = org.crm().values("contacts", "city").into_iter().filter(|city| city == "Bonn").count();
    assert_eq!(cities, RECORDS / 10);
    let _ = std::fs::remove_dir_all(&folder);
}

#[test]
fn given_no_source_or_one_that_lets_nobody_in_when_backfilled_then_it_is_told_what_to_do() {
    let stack = Stack::here();
    let org = Plan::new("nosource").mapping("contact", CONTACT).ready(&stack);
    for yes in [&["--yes"][..], &[]] {
        let said = stack.rtr(&[&["backfill", &org.id, "contact"], yes].concat()).ended(2);
        assert!(said.err.contains("has no `source`") && said.err.contains("--from FILE"), "{said:?}");
    }
    let list = List::of(&org.id, "another".to_owned());
    let folder = std::env::temp_dir().join(format!("rtr-remap-{}", org.id));
    let secret = format!("rtr/{}/{}/source", variable("RTR_STAGE"), org.id);
    apply(&org, &folder, &list, &secret);
    let said = stack.rtr(&["backfill", &org.id, "contact", "--yes"]).ended(4);
    assert!(said.err.contains(&secret), "{said:?}");
    let text = json!({"type": "header", "name": "x-api-key", "value": format!("{CANARY}wrong")}).to_string();
    stack.wait(stack.secrets.create_secret().name(&secret).secret_string(text).send()).unwrap();
    let said = stack.rtr(&["backfill", &org.id, "contact", "--yes"]).ended(3);
    assert!(said.err.contains("403") && said.err.contains("does not let us in"), "{said:?}");
    let _ = std::fs::remove_dir_all(&folder);
}
