//! CloudWatch metrics as log lines (embedded metric format): no API call, no agent.
//!
//! Dimensions are the function and the stage, and the provider where a metric concerns a CRM: then CloudWatch has it both ways. Ids
//! are no dimensions, since each value of one is a metric that costs money, but those of the few orgs that the stack lists. An invocation prints one line, and one more for each
//! further provider that it had to do with.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use rtr_core::metric::{Metric, Unit};
use rtr_core::time::Instant;
use rtr_engine::report::BatchReport;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The namespace of every metric.
const NAMESPACE: &str = "rtr";
/// Metrics of one directive. CloudWatch's limit.
const MAX_METRICS: usize = 100;
/// Values of one metric in a line. CloudWatch's limit.
const MAX_VALUES: usize = 100;

/// The metrics of one line, by whether they are told by provider too.
#[derive(Debug, Default)]
struct Part {
    provider: Option<&'static str>,
    plain: BTreeMap<&'static str, Value>,
    of_provider: BTreeMap<&'static str, Value>,
}

/// The lines of `report`, those of `orgs` among them; empty where there is nothing to tell.
#[must_use]
pub fn emf_lines(
    now: Instant,
    function: &str,
    stage: &str,
    orgs: &[String],
    report: &BatchReport,
) -> Vec<String> {
    let parts = parts(report);
    let all = parts.iter().map(|part| line(now, function, stage, part).to_string());
    let own = orgs.iter().filter_map(|org| line_of(now, function, stage, org, report));
    all.chain(own.map(|line| line.to_string())).collect()
}

/// The endings of one org, whose name is a dimension of theirs.
fn line_of(now: Instant, function: &str, stage: &str, org: &str, report: &BatchReport) -> Option<Value> {
    let mut line = Map::new();
    let mut listed = Vec::new();
    for ((_, metric), n) in report.of_org.iter().filter(|((of, _), _)| of == org) {
        line.insert(metric.name().to_owned(), json!(n));
        listed.push(json!({"Name": metric.name(), "Unit": unit(metric.name())}));
    }
    if listed.is_empty() {
        return None;
    }
    let directive = json!({"Namespace": NAMESPACE, "Dimensions": [["org_id", "stage"]], "Metrics": listed});
    line.insert("_aws".to_owned(), json!({"Timestamp": now.0, "CloudWatchMetrics": [directive]}));
    line.extend(
        [("function", function), ("stage", stage), ("org_id", org)].map(|(k, v)| (k.to_owned(), json!(v))),
    );
    Some(Value::Object(line))
}

fn parts(report: &BatchReport) -> Vec<Part> {
    let providers: BTreeSet<&'static str> = report
        .of_provider
        .keys()
        .chain(report.measured.keys())
        .map(|(provider, _)| *provider)
        .filter(|provider| !provider.is_empty())
        .collect();
    let mut plain: BTreeMap<&'static str, Value> = BTreeMap::new();
    for (name, count) in &report.counts {
        let told = report.of_provider.iter().filter(|((_, metric), _)| metric.name() == *name);
        let rest = count - told.map(|(_, n)| n).sum::<u64>().min(*count);
        if rest > 0 {
            plain.insert(name, json!(rest));
        }
    }
    for ((_, metric), values) in report.measured.iter().filter(|((provider, _), _)| provider.is_empty()) {
        plain.insert(metric.name(), json!(spread(values)));
    }
    let mut parts: Vec<Part> = Vec::new();
    for provider in providers {
        let mut part = Part { provider: Some(provider), ..Part::default() };
        for ((_, metric), n) in report.of_provider.iter().filter(|((of, _), _)| *of == provider) {
            part.of_provider.insert(metric.name(), json!(n));
        }
        for ((_, metric), values) in report.measured.iter().filter(|((of, _), _)| *of == provider) {
            part.of_provider.insert(metric.name(), json!(spread(values)));
        }
        parts.push(part);
    }
    // A name stands for one value in a line: what is told of a provider and of none goes in two.
    let host = parts.iter().position(|part| plain.keys().all(|name| !part.of_provider.contains_key(name)));
    match host {
        _ if plain.is_empty() => {}
        Some(at) => parts[at].plain = plain,
        None => parts.insert(0, Part { plain, ..Part::default() }),
    }
    parts
}

fn line(now: Instant, function: &str, stage: &str, part: &Part) -> Value {
    let mut directives = Vec::new();
    let mut line = Map::new();
    let both = json!([["function", "stage"], ["function", "provider", "stage"]]);
    for (metrics, dimensions) in [(&part.plain, json!([["function", "stage"]])), (&part.of_provider, both)] {
        let names: Vec<&&str> = metrics.keys().collect();
        for names in names.chunks(MAX_METRICS) {
            let listed: Vec<Value> =
                names.iter().map(|name| json!({"Name": name, "Unit": unit(name)})).collect();
            directives.push(json!({"Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": listed}));
        }
        line.extend(metrics.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    }
    line.insert("_aws".to_owned(), json!({"Timestamp": now.0, "CloudWatchMetrics": directives}));
    line.insert("function".to_owned(), json!(function));
    line.insert("stage".to_owned(), json!(stage));
    line.extend(part.provider.map(|provider| ("provider".to_owned(), json!(provider))));
    Value::Object(line)
}

fn unit(name: &str) -> &'static str {
    match Metric::from_name(name).map(Metric::unit) {
        Some(Unit::Milliseconds) => "Milliseconds",
        _ => "Count",
    }
}

/// `values`, or of more than a line takes as many that are spread over all of them, the least and the greatest among these.
fn spread(values: &[u64]) -> Vec<u64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    if sorted.len() <= MAX_VALUES {
        return sorted;
    }
    (0..MAX_VALUES).map(|at| sorted[at * (sorted.len() - 1) / (MAX_VALUES - 1)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(report: &BatchReport) -> Vec<Value> {
        let lines = emf_lines(Instant(1_795_000_000_123), "sync", "prod", &["acme".to_owned()], report);
        assert!(lines.iter().all(|line| !line.contains('\n')));
        lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn given_one_crm_when_written_then_one_line_tells_it_with_and_without_its_provider() {
        let mut report = BatchReport::default();
        report.count(Metric::Messages, 10);
        report.count_of("hubspot", Metric::Applied, 3);
        report.measure("hubspot", Metric::LatencyMs, 41);
        report.measure("hubspot", Metric::LatencyMs, 7);
        let expected = json!({
            "_aws": {
                "Timestamp": 1_795_000_000_123_i64,
                "CloudWatchMetrics": [
                    {"Namespace": "rtr", "Dimensions": [["function", "stage"]],
                     "Metrics": [{"Name": "messages", "Unit": "Count"}]},
                    {"Namespace": "rtr", "Dimensions": [["function", "stage"], ["function", "provider", "stage"]],
                     "Metrics": [{"Name": "applied", "Unit": "Count"}, {"Name": "latency_ms", "Unit": "Milliseconds"}]}
                ]
            },
            "function": "sync", "stage": "prod", "provider": "hubspot",
            "messages": 10, "applied": 3, "latency_ms": [7, 41]
        });
        assert_eq!(lines(&report), [expected]);
    }

    #[test]
    fn given_several_crms_and_none_when_written_then_no_value_is_lost_or_told_twice() {
        let mut report = BatchReport::default();
        report.count(Metric::Dead, 1);
        report.count_of("hubspot", Metric::Dead, 2);
        report.count_of("salesforce", Metric::Dead, 4);
        report.count_of("salesforce", Metric::Applied, 8);
        let told: Vec<(Value, Value)> =
            lines(&report).iter().map(|line| (line["provider"].clone(), line["dead"].clone())).collect();
        assert_eq!(
            told,
            [(Value::Null, json!(1)), (json!("hubspot"), json!(2)), (json!("salesforce"), json!(4))]
        );
        assert_eq!(lines(&BatchReport::default()), Vec::<Value>::new());
    }

    #[test]
    fn given_an_org_that_is_listed_when_written_then_its_endings_have_a_line_of_its_own_and_no_others_have() {
        let mut report = BatchReport::default();
        for org in ["acme", "umbra"] {
            report.count_of("hubspot", Metric::Applied, 2);
            report.count_for(org, Metric::Applied, 2);
        }
        let lines = lines(&report);
        assert_eq!((lines.len(), &lines[0]["applied"]), (2, &json!(4)));
        assert_eq!((&lines[1]["org_id"], &lines[1]["applied"]), (&json!("acme"), &json!(2)));
        assert_eq!(lines[1]["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["org_id", "stage"]]));
    }

    #[test]
    fn given_more_values_than_a_line_takes_when_written_then_they_are_spread_over_all() {
        let few = spread(&(0..1_000).rev().collect::<Vec<_>>());
        assert_eq!((few.len(), few[0], few[99]), (100, 0, 999));
        assert!((480..=520).contains(&few[50]), "{}", few[50]);
    }
}
