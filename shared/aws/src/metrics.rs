//! CloudWatch metrics as log lines (embedded metric format): one line per invocation, no API call, no agent.
//!
//! Dimensions are the function and the stage. Ids are never dimensions: each value of one is a metric that costs money.

use rtr_core::time::Instant;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The namespace of every metric.
const NAMESPACE: &str = "rtr";
/// Metrics of one line. CloudWatch's limit.
const MAX_METRICS: usize = 100;

/// The line for `counts`, or several when there are more than a line takes; empty for no counts.
#[must_use]
pub fn emf_line(now: Instant, function: &str, stage: &str, counts: &BTreeMap<&'static str, u64>) -> String {
    let pairs: Vec<(&str, u64)> = counts.iter().map(|(name, count)| (*name, *count)).collect();
    let lines = pairs.chunks(MAX_METRICS).map(|pairs| line(now, function, stage, pairs).to_string());
    lines.collect::<Vec<_>>().join("\n")
}

fn line(now: Instant, function: &str, stage: &str, pairs: &[(&str, u64)]) -> Value {
    let metrics: Vec<Value> =
        pairs.iter().map(|(name, _)| json!({"Name": name, "Unit": unit(name)})).collect();
    let directive =
        json!({"Namespace": NAMESPACE, "Dimensions": [["function", "stage"]], "Metrics": metrics});
    let mut line = Map::new();
    for (name, count) in pairs {
        line.insert((*name).to_owned(), json!(count));
    }
    line.insert("_aws".to_owned(), json!({"Timestamp": now.0, "CloudWatchMetrics": [directive]}));
    line.insert("function".to_owned(), json!(function));
    line.insert("stage".to_owned(), json!(stage));
    Value::Object(line)
}

/// The unit that a metric's name ends in.
fn unit(name: &str) -> &'static str {
    match name.rsplit('_').next() {
        Some("ms") => "Milliseconds",
        Some("bytes") => "Bytes",
        _ => "Count",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_counts_when_written_then_it_is_one_line_of_embedded_metrics() {
        let counts = BTreeMap::from([("applied", 3), ("took_ms", 41)]);
        let line = emf_line(Instant(1_795_000_000_123), "sync", "prod", &counts);
        let expected = json!({
            "_aws": {
                "Timestamp": 1_795_000_000_123_i64,
                "CloudWatchMetrics": [{
                    "Namespace": "rtr",
                    "Dimensions": [["function", "stage"]],
                    "Metrics": [
                        {"Name": "applied", "Unit": "Count"},
                        {"Name": "took_ms", "Unit": "Milliseconds"}
                    ]
                }]
            },
            "function": "sync", "stage": "prod", "applied": 3, "took_ms": 41
        });
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), expected);
    }

    #[test]
    fn given_more_counts_than_a_line_takes_when_written_then_there_are_more_lines_and_for_none_no_line() {
        let names: Vec<&'static str> = (0..101).map(|n| &*format!("n{n}").leak()).collect();
        let counts = names.into_iter().map(|name| (name, 1)).collect();
        assert_eq!(emf_line(Instant(0), "sync", "prod", &counts).lines().count(), 2);
        assert_eq!(emf_line(Instant(0), "sync", "prod", &BTreeMap::new()), "");
    }
}
