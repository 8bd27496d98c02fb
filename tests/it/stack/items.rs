//! A record's item as DynamoDB holds it, and what DynamoDB counts it for.

use super::{Stack, variable};
use aws_sdk_dynamodb::types::AttributeValue;
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use std::collections::HashMap;

impl Stack {
    /// The raw item of `record` at its org's connection `hubspot`.
    pub(crate) fn item(&self, record: &RecordKey) -> HashMap<String, AttributeValue> {
        let key = PairKey::new(record, &ConnectionKey::new(&record.org_id, "hubspot"));
        let asked = self
            .dynamodb
            .get_item()
            .table_name(variable("RECORDS_TABLE_NAME"))
            .key("pk", AttributeValue::S(key.pk))
            .key("sk", AttributeValue::S(key.sk))
            .consistent_read(true);
        self.wait(asked.send()).unwrap().item.expect("there is an item")
    }
}

/// The bytes of an item by DynamoDB's published rules: names and values, numbers by their digits, three bytes for a list
/// or map and one for each of its elements.
pub(crate) fn size_of(item: &HashMap<String, AttributeValue>) -> usize {
    item.iter().map(|(name, value)| name.len() + value_size(value)).sum()
}

fn value_size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number_size(number),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::Bool(_) | AttributeValue::Null(_) => 1,
        AttributeValue::L(values) => 3 + values.iter().map(|value| 1 + value_size(value)).sum::<usize>(),
        AttributeValue::M(values) => {
            3 + values.iter().map(|(name, value)| 1 + name.len() + value_size(value)).sum::<usize>()
        }
        other => panic!("an item has no such value: {other:?}"),
    }
}

/// A byte for two significant digits, one more, and one for the sign.
fn number_size(number: &str) -> usize {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let significant = digits.trim_matches('0').len();
    significant.div_ceil(2) + 1 + usize::from(number.starts_with('-'))
}
