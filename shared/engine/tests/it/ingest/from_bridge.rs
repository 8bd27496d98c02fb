//! Events of EventBridge.

use super::{Hall, TIME_MS, contact};
use futures::executor::block_on;
use rtr_engine::ingest::bridge::run;
use serde_json::{Value, json};

impl Hall {
    fn bridge(&self, detail: &Value) -> Result<(), String> {
        let event = json!({"version": "0", "id": "e-1", "detail-type": "change", "source": "rtr.changes", "detail": detail});
        let deadline = self.world.now().plus_ms(TIME_MS);
        block_on(run(&self.ways(), &self.settings, &event, deadline)).map(|_| ())
    }
}

#[test]
fn given_an_event_when_taken_then_it_is_in_the_queue_once_however_often_it_comes() {
    let hall = Hall::new();
    for _ in 0..2 {
        hall.bridge(&contact("acme", "a", 1)).unwrap();
    }
    assert_eq!(hall.world.queue.state().changes.len(), 1);
    let cloud = json!({"specversion": "1.0", "id": "x", "source": "/a", "type": "t", "data": contact("acme", "a", 2)});
    hall.bridge(&cloud).unwrap();
    assert_eq!(hall.world.queue.state().changes.len(), 2);
}

#[test]
fn given_a_bad_event_when_taken_then_it_is_buried_and_does_not_come_again() {
    let hall = Hall::new();
    hall.bridge(&json!({"org_id": "acme"})).unwrap();
    let letter = hall.letters().remove(0);
    assert_eq!(
        (&letter["code"], &letter["org_id"], &letter["source"]),
        (&json!("RTR1002"), &json!("acme"), &json!("ingest"))
    );
    assert!(hall.sent().is_empty());
}

#[test]
fn given_queues_that_are_down_when_an_event_comes_then_the_invocation_fails_so_that_it_comes_again() {
    let hall = Hall::new();
    hall.world.queue.state().down = true;
    assert!(hall.bridge(&contact("acme", "a", 1)).is_err());
    assert!(hall.bridge(&json!({})).is_err());
}
