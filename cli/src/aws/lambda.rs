//! What is asked of Lambda: how a function is configured, and where its events come from.
//!
//! <https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html>
//! <https://docs.aws.amazon.com/lambda/latest/api/API_ListEventSourceMappings.html>

use super::signed::{Question, ask};
use crate::problem::Problem;
use aws_config::SdkConfig;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;

/// What is deployed of a function.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Function {
    /// Its full name.
    pub(crate) arn: String,
    /// Seconds an invocation may take.
    pub(crate) timeout_s: u64,
    /// Its environment.
    pub(crate) variables: BTreeMap<String, String>,
    /// Whether a deployment of it is under way.
    pub(crate) changing: bool,
}

/// A queue that a function's events come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mapping {
    /// What it is called where it is changed.
    pub(crate) id: String,
    /// The full name of the queue.
    pub(crate) queue: String,
    /// `Enabled`, `Disabled`, or on the way.
    pub(crate) state: String,
    /// Messages for one invocation, at most.
    pub(crate) batch: u64,
    /// Whether the function says which messages of a batch come back.
    pub(crate) reports_items: bool,
    /// Invocations at once, if there is such a limit.
    pub(crate) at_once: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    function_arn: Option<String>,
    timeout: Option<u64>,
    environment: Option<Environment>,
    last_update_status: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Environment {
    variables: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Mappings {
    event_source_mappings: Option<Vec<MappingAnswer>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MappingAnswer {
    #[serde(rename = "UUID")]
    id: Option<String>,
    event_source_arn: Option<String>,
    state: Option<String>,
    batch_size: Option<u64>,
    function_response_types: Option<Vec<String>>,
    scaling_config: Option<Scaling>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Scaling {
    #[serde(default, deserialize_with = "number")]
    maximum_concurrency: Option<u64>,
}

/// A number; whoever stands in for AWS may give it as text.
fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    let value = Value::deserialize(from)?;
    Ok(value.as_u64().or_else(|| value.as_str()?.parse().ok()))
}

/// The function `name`.
pub(super) async fn function(config: &SdkConfig, place: &str, name: &str) -> Result<Function, Problem> {
    let path = format!("/2015-03-31/functions/{name}/configuration");
    let question = question("GetFunctionConfiguration", format!("function {name}"), path);
    let answer: Answer = ask(config, place, question).await?;
    Ok(Function {
        arn: answer.function_arn.unwrap_or_default(),
        timeout_s: answer.timeout.unwrap_or(0),
        variables: answer.environment.and_then(|all| all.variables).unwrap_or_default(),
        changing: answer.last_update_status.as_deref() == Some("InProgress"),
    })
}

/// Where the events of the function `name` come from: fewer than a page of them.
pub(super) async fn mappings(config: &SdkConfig, place: &str, name: &str) -> Result<Vec<Mapping>, Problem> {
    let path = format!("/2015-03-31/event-source-mappings?FunctionName={name}");
    let about = format!("event source of function {name}");
    let answer: Mappings = ask(config, place, question("ListEventSourceMappings", about, path)).await?;
    Ok(answer.event_source_mappings.unwrap_or_default().into_iter().map(read).collect())
}

fn question(asked: &'static str, about: String, path: String) -> Question {
    Question { asked, about, service: "lambda", variable: "AWS_ENDPOINT_URL_LAMBDA", path, body: None }
}

fn read(answer: MappingAnswer) -> Mapping {
    let types = answer.function_response_types.unwrap_or_default();
    Mapping {
        id: answer.id.unwrap_or_default(),
        queue: answer.event_source_arn.unwrap_or_default(),
        state: answer.state.unwrap_or_default(),
        batch: answer.batch_size.unwrap_or(0),
        reports_items: types.iter().any(|one| one == "ReportBatchItemFailures"),
        at_once: answer.scaling_config.and_then(|scaling| scaling.maximum_concurrency),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_lambdas_answer_when_read_then_what_it_leaves_out_is_not_made_up() {
        let read = |text: &str| {
            let answer: Mappings = serde_json::from_str(text).unwrap();
            answer.event_source_mappings.unwrap_or_default().into_iter().map(read).collect::<Vec<_>>()
        };
        let whole = r#"{"EventSourceMappings": [{"UUID": "u", "EventSourceArn": "arn:q", "State": "Enabled", "BatchSize": 10,
            "FunctionResponseTypes": ["ReportBatchItemFailures"], "ScalingConfig": {"MaximumConcurrency": 100}}]}"#;
        let of = |text: &str| text.to_owned();
        let wanted = Mapping {
            id: of("u"),
            queue: of("arn:q"),
            state: of("Enabled"),
            batch: 10,
            reports_items: true,
            at_once: Some(100),
        };
        assert_eq!(read(whole), [wanted]);
        let text = r#"{"EventSourceMappings": [{"ScalingConfig": {"MaximumConcurrency": "50"}}]}"#;
        assert_eq!(read(text)[0].at_once, Some(50));
        let bare =
            r#"{"EventSourceMappings": [{"UUID": "u", "FunctionResponseTypes": null, "ScalingConfig": {}}]}"#;
        assert_eq!(read(bare), [Mapping { id: of("u"), ..Mapping::default() }]);
        assert_eq!(read("{}"), []);
    }
}
