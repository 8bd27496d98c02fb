//! Which stack is meant, and what its queues and tables are called.
//!
//! The names come from the environment when it describes the wanted stack (as `target/local/env.sh` does), else from
//! CloudFormation's outputs, under the same names in upper case.

use crate::problem::Problem;
use std::collections::BTreeMap;

/// What a stack's name begins with; the stage follows.
const PREFIX: &str = "rtr-";
/// The stack of `make local`.
const LOCAL: &str = "rtr-local";
/// The outputs that the commands use.
const NAMES: [&str; 11] = [
    "CHANGES_QUEUE_URL",
    "DEAD_LETTER_QUEUE_URL",
    "BULK_QUEUE_URL",
    "INBOUND_QUEUE_URL",
    "POLL_QUEUE_URL",
    "RECORDS_TABLE_NAME",
    "LIMITS_TABLE_NAME",
    "CONFIG_TABLE_NAME",
    "PAYLOAD_BUCKET_NAME",
    "AUTHORIZE_URL",
    "WEBHOOK_URL",
];

/// The stack that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Its name.
    pub(crate) name: String,
    /// What the environment says of it; empty when it speaks of another stack, or of none.
    pub(crate) environment: BTreeMap<String, String>,
    stage: Option<String>,
}

/// A stack, looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stack {
    /// Its name.
    pub(crate) name: String,
    /// Its stage: the first part of its secrets' names.
    pub(crate) stage: String,
    /// Its outputs, by upper-case names.
    pub(crate) outputs: BTreeMap<String, String>,
}

impl Choice {
    /// `flag`, else `RTR_STACK`, else `rtr-` and `RTR_STAGE`, else the local stack.
    pub(crate) fn from_lookup(flag: Option<String>, get: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| get(name).filter(|value| !value.is_empty());
        let described = get("RTR_STACK");
        let by_stage = get("RTR_STAGE").map(|stage| format!("{PREFIX}{stage}"));
        let name = flag
            .or_else(|| described.clone())
            .or_else(|| by_stage.clone())
            .unwrap_or_else(|| LOCAL.to_owned());
        let environment = if described.as_ref() == Some(&name) {
            NAMES.iter().filter_map(|key| Some(((*key).to_owned(), get(key)?))).collect()
        } else {
            BTreeMap::new()
        };
        // RTR_STAGE speaks of the stack that the environment describes, not of one named by --stack.
        let ours = described.as_ref() == Some(&name) || by_stage.as_ref() == Some(&name);
        let stage = get("RTR_STAGE").filter(|_| ours);
        Self { name, environment, stage }
    }

    /// The stage, given the stack's own parameter if that is known.
    pub(crate) fn stage(&self, parameter: Option<&str>) -> String {
        let in_name = || self.name.strip_prefix(PREFIX).unwrap_or(&self.name).to_owned();
        self.stage.clone().or_else(|| parameter.map(str::to_owned)).unwrap_or_else(in_name)
    }

    /// The stack, when the environment describes it; none when CloudFormation has to be asked.
    pub(crate) fn described(&self) -> Option<Stack> {
        let outputs = self.environment.clone();
        (!outputs.is_empty()).then(|| Stack { name: self.name.clone(), stage: self.stage(None), outputs })
    }
}

impl Stack {
    /// The output of this upper-case name.
    pub(crate) fn output(&self, name: &str) -> Result<&str, Problem> {
        let missing = || {
            Problem::usage(format!("the stack {} has no output for {name}", self.name))
                .hint("deploy template.yaml again, or source target/local/env.sh")
        };
        self.outputs.get(name).map(String::as_str).ok_or_else(missing)
    }
}

/// `ChangesQueueUrl` as `CHANGES_QUEUE_URL`.
pub(crate) fn upper_case(output: &str) -> String {
    let mut name = String::with_capacity(output.len() + 4);
    let mut before = '_';
    for c in output.chars() {
        if c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            name.push('_');
        }
        name.push(c.to_ascii_uppercase());
        before = c;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(flag: Option<&str>, environment: &[(&str, &str)]) -> Choice {
        Choice::from_lookup(flag.map(str::to_owned), |name| {
            environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn given_flag_and_environment_when_chosen_then_the_nearest_wins() {
        let stage = ("RTR_STAGE", "dev");
        let stack = ("RTR_STACK", "rtr-prod");
        let name = |flag, environment: &[(&str, &str)]| choice(flag, environment).name;
        assert_eq!(name(Some("rtr-x"), &[stack, stage]), "rtr-x");
        assert_eq!(name(None, &[stack, stage]), "rtr-prod");
        assert_eq!(name(None, &[("RTR_STACK", ""), stage]), "rtr-dev");
        assert_eq!(name(None, &[]), "rtr-local");
    }

    #[test]
    fn given_the_environment_of_another_stack_when_chosen_then_its_names_are_not_used() {
        let environment =
            [("RTR_STACK", "rtr-local"), ("RTR_STAGE", "local"), ("RECORDS_TABLE_NAME", "local-records")];
        let own = choice(None, &environment).described().unwrap();
        assert_eq!((own.stage.as_str(), own.output("RECORDS_TABLE_NAME")), ("local", Ok("local-records")));
        assert!(own.output("CONFIG_TABLE_NAME").unwrap_err().what.contains("CONFIG_TABLE_NAME"));
        let other = choice(Some("rtr-prod"), &environment);
        assert_eq!((other.described(), other.stage(None).as_str()), (None, "prod"));
        assert_eq!(choice(Some("crm"), &environment).stage(Some("prod")), "prod");
    }

    #[test]
    fn given_outputs_when_named_then_they_are_those_of_env_sh() {
        let names = ["ChangesQueueUrl", "PayloadBucketName", "AdminUrl"].map(upper_case);
        assert_eq!(names, ["CHANGES_QUEUE_URL", "PAYLOAD_BUCKET_NAME", "ADMIN_URL"]);
    }
}
