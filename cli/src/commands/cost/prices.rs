//! What AWS takes for a unit. The list prices of us-east-1, without free tiers:
//! <https://aws.amazon.com/sqs/pricing/> · <https://aws.amazon.com/dynamodb/pricing/on-demand/> ·
//! <https://aws.amazon.com/lambda/pricing/> · <https://aws.amazon.com/cloudwatch/pricing/> ·
//! <https://aws.amazon.com/secrets-manager/pricing/>

use crate::commands::lines::unreadable;
use crate::problem::Problem;
use rtr_core::mapping::nearest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::Path;

/// Unit prices in US dollars.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Prices {
    /// A million requests to FIFO queues.
    pub(super) sqs_fifo_million: f64,
    /// A million read units of DynamoDB, on demand.
    pub(super) dynamodb_reads_million: f64,
    /// A million write units of DynamoDB, on demand.
    pub(super) dynamodb_writes_million: f64,
    /// A million invocations of Lambda.
    pub(super) lambda_million: f64,
    /// A gigabyte of memory for a second, on arm64.
    pub(super) lambda_gb_second: f64,
    /// A gigabyte of logs taken in.
    pub(super) logs_gb: f64,
    /// A metric for a month.
    pub(super) metric: f64,
    /// An alarm for a month.
    pub(super) alarm: f64,
    /// A composite alarm for a month.
    pub(super) composite_alarm: f64,
    /// A dashboard for a month.
    pub(super) dashboard: f64,
    /// A secret for a month.
    pub(super) secret: f64,
    /// Ten thousand requests to Secrets Manager.
    pub(super) secrets_ten_thousand: f64,
}

impl Default for Prices {
    fn default() -> Self {
        Self {
            sqs_fifo_million: 0.50,
            dynamodb_reads_million: 0.125,
            dynamodb_writes_million: 0.625,
            lambda_million: 0.20,
            lambda_gb_second: 0.000_013_333_4,
            logs_gb: 0.50,
            metric: 0.30,
            alarm: 0.10,
            composite_alarm: 0.50,
            dashboard: 3.00,
            secret: 0.40,
            secrets_ten_thousand: 0.05,
        }
    }
}

/// The prices, with those of `file` over them.
pub(super) fn read(file: Option<&Path>) -> Result<Prices, Problem> {
    let Some(path) = file else { return Ok(Prices::default()) };
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    over(&text)
        .map_err(|problem| Problem { what: format!("{}: {}", path.display(), problem.what), ..problem })
}

fn over(text: &str) -> Result<Prices, Problem> {
    let given: Map<String, Value> = serde_json::from_str(text)
        .map_err(|error| Problem::usage(format!("this is no JSON object: {error}")))?;
    let mut all = match serde_json::to_value(Prices::default()) {
        Ok(Value::Object(all)) => all,
        _ => Map::new(),
    };
    for (name, price) in given {
        if !all.contains_key(&name) {
            let problem = Problem::usage(format!("there is no price `{name}`"));
            return Err(match nearest(&name, all.keys().map(String::as_str)) {
                Some(near) => problem.hint(format!("did you mean `{near}`?")),
                None => problem.hint("rtr cost --json shows all names"),
            });
        }
        if !price.as_f64().is_some_and(|price| price >= 0.0) {
            return Err(Problem::usage(format!(
                "`{name}` is {price}: a number of dollars is expected, 0 or more"
            )));
        }
        all.insert(name, price);
    }
    serde_json::from_value(Value::Object(all)).map_err(|error| Problem::usage(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_some_prices_when_read_then_they_lie_over_ours_and_slips_are_told() {
        let found = over(r#"{"secret": 0.44}"#).unwrap();
        assert_eq!(found, Prices { secret: 0.44, ..Prices::default() });
        let told = ["{", r#"{"secrt": 1}"#, r#"{"metric": "1"}"#, r#"{"metric": -1}"#];
        let told = told.map(|text| over(text).unwrap_err().to_string());
        insta::assert_snapshot!(told.join("\n"), @r#"
        rtr: this is no JSON object: EOF while parsing an object at line 1 column 1
        rtr: there is no price `secrt`
          did you mean `secret`?
        rtr: `metric` is "1": a number of dollars is expected, 0 or more
        rtr: `metric` is -1: a number of dollars is expected, 0 or more
        "#);
    }
}
