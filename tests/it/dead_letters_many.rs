//! Many dead letters: how long they take to be listed, previewed, sent again and worked on the local stack.
//!
//! `make bench-dlq N=10000` fails beyond a line; with a few only their counts are held.

use crate::CONTACT;
use crate::lifecycle::revision;
use crate::stack::{LONG, Org, Plan, Stack, eventually_within, variable};
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use rtr_core::code::Code;
use rtr_core::item::{Body, Item, Reason, Slot, SlotState};
use rtr_core::key::{ConnectionKey, PairKey};
use rtr_core::time::Instant as At;
use rtr_engine::seams::Names;
use serde_json::json;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Letters, unless `RTR_DEAD_LETTERS` says otherwise.
const LETTERS: usize = 60;
/// From so many on the times say something.
const MANY: usize = 5_000;
/// A list of ten thousand takes less.
const LISTED: Duration = Duration::from_secs(5);
/// At least so many a second are sent again.
const A_SECOND: f64 = 300.0;
/// Items of one request. DynamoDB's limit.
const ITEMS: usize = 25;

/// Files `count` dead letters of the org's, in the shape in which the functions write them.
pub(crate) fn seed(stack: &Stack, org: &Org<'_>, count: usize) {
    let table = variable("RECORDS_TABLE_NAME");
    // They died under the mapping that the org has now.
    let revision = revision(stack, org);
    let puts: Vec<WriteRequest> = (0..count).map(|n| put(org, n, revision)).collect();
    let writing = puts
        .chunks(ITEMS)
        .map(|chunk| stack.dynamodb.batch_write_item().request_items(&table, chunk.to_vec()).send());
    for writing in writing {
        let answer = stack.wait(writing).unwrap();
        assert!(answer.unprocessed_items.unwrap_or_default().is_empty(), "the local stack takes all");
    }
}

fn put(org: &Org<'_>, n: usize, revision: u64) -> WriteRequest {
    let record = org.key("contact", &format!("r{n:06}"));
    let key = PairKey::new(&record, &ConnectionKey::new(&record.org_id, "hubspot"));
    let names = Names {
        org_id: Some(record.org_id.clone()),
        connection: Some("hubspot".to_owned()),
        record_type: Some(record.record_type.clone()),
        record_id: Some(record.record_id.clone()),
    };
    let reason = Reason::new(Code::Invalid, "HubSpot refused the value of `firstname`: INVALID_OPTION");
    let slot = Slot {
        trace: None,
        wanted_version: 1,
        mapping_revision: revision,
        state: SlotState::Dead,
        deleted: false,
        body: Body::Inline(json!({"email": format!("p{n:06}@x.example"), "first_name": "Ann"})),
        reason: Reason { field: Some("firstname".to_owned()), ..reason },
        since: At(1_795_000_000_000 + i64::try_from(n).unwrap()),
        not_before: At(0),
        attempts: 1,
        waits: None,
        backfill: false,
        occurred_at: None,
    };
    let item = Item { rev: 1, slot: Some(slot), by: "seed".to_owned(), ..Item::default() };
    let attributes = rtr_aws::records::attributes(&key, &names, &item);
    let mut row: HashMap<String, AttributeValue> =
        attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    row.insert("pk".to_owned(), AttributeValue::S(key.pk));
    row.insert("sk".to_owned(), AttributeValue::S(key.sk));
    WriteRequest::builder().put_request(PutRequest::builder().set_item(Some(row)).build().unwrap()).build()
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let done = work();
    (done, begun.elapsed())
}

#[test]
fn given_many_dead_letters_when_listed_previewed_and_redriven_then_all_are_applied_within_the_lines() {
    let count = std::env::var("RTR_DEAD_LETTERS").map_or(LETTERS, |text| text.parse().unwrap());
    let stack = Stack::here();
    let mut org = Plan::new("many").mapping("contact", CONTACT).ready(&stack);
    seed(&stack, &org, count);
    org.remap("contact", &CONTACT.replace("first_name", "first_name | upper"));

    let (listed, listing) = timed(|| org.dead_letters());
    assert_eq!(listed.len(), count);
    let by_cause = ["dlq", "list", "--group-by", "org,code,field", "--json"];
    let (groups, grouping) = timed(|| stack.rtr(&by_cause).json());
    let ours = groups.as_array().unwrap().iter().find(|group| group["org_id"] == org.id.as_str()).unwrap();
    assert_eq!(
        (&ours["count"], &ours["code"], &ours["field"]),
        (&json!(count), &json!("RTR3001"), &json!("firstname"))
    );

    let preview = ["dlq", "preview", "--org", &org.id, "--stored", "--json"];
    let (previewed, previewing) = timed(|| stack.rtr(&preview).json());
    let looked = count.min(1_000);
    assert_eq!(
        (&previewed["looked_at"], &previewed["applied"], &previewed["not_looked_at"]),
        (&json!(looked), &json!(looked), &json!(count - looked)),
        "{previewed:#}"
    );

    // Not a second's wait for configuration that was applied a moment ago is part of a rate.
    std::thread::sleep(Duration::from_secs(7));
    let begun = Instant::now();
    let (redriven, redriving) = timed(|| org.redrive().json());
    assert_eq!(redriven["redriven"], json!(count), "{redriven}");
    let patience = LONG + Duration::from_millis(100 * count as u64);
    eventually_within(patience, "all are applied", || {
        // Each look reads all that is left: with many of them it would be what is measured.
        std::thread::sleep(Duration::from_millis(count as u64 / 2));
        match org.dead_letters().len() {
            0 => Ok(()),
            n => Err(format!("{n} are dead")),
        }
    });
    let all = begun.elapsed();
    assert_eq!(org.crm().records("contacts").len(), count);

    let rate = |took: Duration| count as f64 / took.as_secs_f64();
    println!("{count} dead letters on the local stack");
    println!(
        "  listed, one org's: {:.2} s; counted by cause, all orgs': {:.2} s",
        listing.as_secs_f64(),
        grouping.as_secs_f64()
    );
    println!("  {looked} previewed: {:.2} s", previewing.as_secs_f64());
    println!("  sent again: {:.2} s, {:.0} a second", redriving.as_secs_f64(), rate(redriving));
    println!(
        "  at the CRM by the one worker of the local stack: {:.0} s, {:.0} a second",
        all.as_secs_f64(),
        rate(all)
    );
    if count >= MANY {
        assert!(listing < LISTED && grouping < LISTED, "lists take too long");
        assert!(rate(redriving) >= A_SECOND, "too few are sent again: {:.0} a second", rate(redriving));
    }
}
