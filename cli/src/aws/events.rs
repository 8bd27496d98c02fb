//! What is asked of EventBridge: the rules that start a function.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListRuleNamesByTarget.html>
//! <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeRule.html>

use super::signed::{Body, Question, ask};
use crate::problem::Problem;
use aws_config::SdkConfig;
use serde::Deserialize;
use serde_json::{Value, json};

/// A rule that starts a function.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rule {
    /// Its name.
    pub(crate) name: String,
    /// `ENABLED`, or `DISABLED`.
    pub(crate) state: String,
    /// When, if it goes by the time.
    pub(crate) schedule: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Names {
    rule_names: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    state: Option<String>,
    schedule_expression: Option<String>,
}

/// The rules that start the function of this full name.
pub(super) async fn rules(config: &SdkConfig, place: &str, arn: &str) -> Result<Vec<Rule>, Problem> {
    let about = format!("rule that starts {arn}");
    let listing = question(
        "ListRuleNamesByTarget",
        "AWSEvents.ListRuleNamesByTarget",
        about,
        &json!({"TargetArn": arn}),
    );
    let names: Names = ask(config, place, listing).await?;
    let mut rules = Vec::new();
    for name in names.rule_names.unwrap_or_default() {
        let describing = question(
            "DescribeRule",
            "AWSEvents.DescribeRule",
            format!("rule {name}"),
            &json!({"Name": name}),
        );
        let Described { state, schedule_expression: schedule } = ask(config, place, describing).await?;
        rules.push(Rule { name, state: state.unwrap_or_default(), schedule });
    }
    Ok(rules)
}

fn question(asked: &'static str, target: &'static str, about: String, body: &Value) -> Question {
    Question {
        asked,
        about,
        service: "events",
        variable: "AWS_ENDPOINT_URL_EVENTBRIDGE",
        path: "/".to_owned(),
        body: Some(Body {
            content_type: "application/x-amz-json-1.1",
            target: Some(target),
            text: body.to_string(),
        }),
    }
}
