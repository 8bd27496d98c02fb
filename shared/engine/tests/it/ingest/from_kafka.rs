//! Records of a Kafka topic.

use super::{Hall, Scripted, TIME_MS, contact, throttled};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::executor::block_on;
use rtr_engine::ingest::kafka::run;
use rtr_engine::seams::{NotTaken, Outlet};
use serde_json::{Value, json};

fn batch(partitions: &[(&str, Vec<Vec<u8>>)]) -> Value {
    let list = |values: &Vec<Vec<u8>>| -> Vec<Value> {
        (10_i64..)
            .zip(values)
            .map(|(offset, value)| json!({"offset": offset, "value": STANDARD.encode(value)}))
            .collect()
    };
    let records: serde_json::Map<String, Value> =
        partitions.iter().map(|(name, values)| ((*name).to_owned(), list(values).into())).collect();
    json!({"eventSource": "aws:kafka", "records": records})
}

fn event(id: &str, version: u64) -> Vec<u8> {
    contact("acme", id, version).to_string().into_bytes()
}

impl Hall {
    /// The records that are to come again, as partition and offset.
    fn kafka(&self, outlet: &dyn Outlet, event: &Value) -> Vec<(String, i64)> {
        let deadline = self.world.now().plus_ms(TIME_MS);
        let (answer, _) = block_on(run(&self.ways_over(outlet), &self.settings, event, deadline)).unwrap();
        let failures = answer["batchItemFailures"].as_array().unwrap();
        let name = |failure: &Value| {
            let item = &failure["itemIdentifier"];
            (item["partition"].as_str().unwrap().to_owned(), item["offset"].as_i64().unwrap())
        };
        failures.iter().map(name).collect()
    }
}

#[test]
fn given_a_bad_record_among_good_ones_when_taken_then_it_is_buried_and_the_partition_goes_on() {
    let hall = Hall::new();
    let batch = batch(&[
        ("t-0", vec![event("a", 1), b"{".to_vec(), event("a", 2)]),
        ("t-1", vec![vec![0xff], event("b", 1)]),
    ]);
    assert_eq!(hall.kafka(&hall.world.queue, &batch), []);
    let mut sent = hall.sent();
    sent.sort();
    assert_eq!(sent, ["acme/a@1", "acme/a@2", "acme/b@1"]);
    let letters = hall.letters();
    let told: Vec<(&Value, &Value, &Value)> =
        letters.iter().map(|letter| (&letter["source"], &letter["raw_base64"], &letter["message"])).collect();
    assert_eq!(
        told[0],
        (
            &json!("ingest"),
            &json!("ew=="),
            &json!("t-0 offset 11: the body is not JSON: it ends too early at line 1 column 1")
        )
    );
    assert_eq!((told.len(), told[1].1), (2, &json!("/w==")));
    // It comes again when a neighbour failed: the queue drops the repeat.
    hall.kafka(&hall.world.queue, &batch);
    assert_eq!(hall.world.queue.state().dead_letter.len(), 2);
}

#[test]
fn given_a_queue_that_throttles_one_record_when_taken_then_exactly_that_records_come_again() {
    let hall = Hall::new();
    let queue = Scripted::new(|entry| (entry.key.record_id == "a" && entry.version >= 2).then(throttled));
    let batch =
        batch(&[("t-0", vec![event("a", 1), event("b", 1), event("a", 2), event("b", 2), event("a", 3)])]);
    assert_eq!(hall.kafka(&queue, &batch), [("t-0".to_owned(), 12), ("t-0".to_owned(), 14)]);
    let offered: Vec<String> = queue.calls().concat();
    assert!(!offered.contains(&"a@3".to_owned()), "not before a@2: {offered:?}");
}

#[test]
fn given_a_dead_letter_queue_that_is_down_when_a_bad_record_comes_then_it_comes_again() {
    let hall = Hall::new();
    hall.world.queue.state().down = true;
    let batch = batch(&[("t-0", vec![b"{".to_vec()])]);
    assert_eq!(hall.kafka(&hall.world.queue, &batch), [("t-0".to_owned(), 10)]);
}

#[test]
fn given_a_record_that_no_message_could_hold_when_taken_then_it_is_buried_with_its_body_in_the_bucket() {
    let hall = Hall::new();
    let mut large = contact("acme", "a", 1);
    large["data"]["notes"] = json!("x".repeat(1_100_000));
    let batch = batch(&[("t-0", vec![large.to_string().into_bytes(), event("a", 2)])]);
    assert_eq!(hall.kafka(&hall.world.queue, &batch), []);
    assert_eq!(hall.sent(), ["acme/a@2"]);
    let letter = hall.letters().remove(0);
    assert_eq!(
        (&letter["code"], &letter["record_id"], &letter["raw_base64"]),
        (&json!("RTR1008"), &json!("a"), &Value::Null)
    );
    assert!(letter["body_ref"].as_str().unwrap().starts_with("letters/"));
}

#[test]
fn given_a_record_that_the_queue_refuses_for_good_when_taken_then_it_is_buried_and_its_successor_goes() {
    let hall = Hall::new();
    let queue = Scripted::new(|entry| {
        (entry.version == 1).then(|| NotTaken::Refused("InvalidMessageContents".to_owned()))
    });
    assert_eq!(hall.kafka(&queue, &batch(&[("t-0", vec![event("a", 1), event("a", 2)])])), []);
    assert_eq!(queue.calls(), [["a@1"], ["a@2"]]);
    assert_eq!(hall.letters()[0]["code"], "RTR1010");
}

#[test]
fn given_a_letter_of_ours_when_redrive_gets_it_then_it_is_filed() {
    let hall = Hall::new();
    hall.kafka(&hall.world.queue, &batch(&[("t-0", vec![b"{\"org_id\":".to_vec()])]));
    let received = hall.world.queue.receive(rtr_engine::seams::QueueName::DeadLetter, 10);
    let report = hall.world.redrive(&received);
    assert_eq!((report.failed.len(), report.counts.get("filed")), (0, Some(&1)));
}
