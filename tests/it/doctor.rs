//! `rtr doctor` on a stack as it is deployed.

use crate::stack::Stack;
use serde_json::json;

#[test]
fn given_the_stack_as_it_is_deployed_when_looked_at_then_the_doctor_finds_nothing() {
    let said = Stack::here().rtr(&["doctor", "--json"]).parsed();
    assert_eq!((&said["findings"], &said["group_buckets"]), (&json!([]), &json!(0)), "{said}");
    assert_eq!(said["looked_at"].as_array().map(Vec::len), Some(25), "{said}");
}
