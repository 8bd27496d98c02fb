//! What these credentials may read: each kind of read that a command needs, tried at what is not there.

use super::checks::{AGAIN, Finding, LEAVE, finding};
use super::unseen::Gone;
use crate::aws::{Aws, code, is_absent, is_denied};
use crate::problem::Problem;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};

/// What nothing is called.
const NOTHING: &str = "rtr-doctor-looks-for-nothing";

/// The policies of the template that people are given, each beside the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    /// Who looks.
    Viewer,
    /// Who helps.
    Support,
    /// Who runs it.
    Operator,
}

impl Policy {
    /// Its name in the account.
    pub(super) fn name(self, stage: &str) -> String {
        let who = match self {
            Self::Viewer => "viewer",
            Self::Support => "support",
            Self::Operator => "operator",
        };
        format!("rtr-{stage}-{who}")
    }
}

/// Something that a command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Right {
    /// The action, as IAM has it.
    pub(super) action: &'static str,
    /// What it is done to.
    pub(super) of: &'static str,
    /// The table that it is done to, where it is one.
    pub(super) table: Option<&'static str>,
    /// What cannot be done without.
    pub(super) needed_by: &'static str,
    /// Who has it.
    pub(super) policy: Policy,
}

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tried {
    /// It may be done.
    Allowed,
    /// It may not.
    Denied,
    /// What it is done to is not there.
    Missing,
    /// Nobody knows: something else was in the way.
    Failed(String),
}

const CONFIG: Right = Right {
    action: "dynamodb:Query",
    of: "the configuration table",
    table: Some("Config"),
    needed_by: "every command that knows an org",
    policy: Policy::Viewer,
};
const STATE: Right = Right {
    action: "dynamodb:GetItem",
    of: "the limits table",
    table: Some("Limits"),
    needed_by: "rtr connection list, pause, resume, test",
    policy: Policy::Viewer,
};
const LANES: Right = Right {
    action: "dynamodb:Query",
    of: "the index `lanes` of the limits table",
    table: Some("Limits"),
    needed_by: "rtr wait, rtr parked",
    policy: Policy::Viewer,
};
const DEAD: Right = Right {
    action: "dynamodb:Scan",
    of: "the indexes of the records table",
    table: Some("Records"),
    needed_by: "rtr dlq list, rtr parked list",
    policy: Policy::Viewer,
};
const ITEMS: Right = Right {
    action: "dynamodb:BatchGetItem",
    of: "whole items of the records table",
    table: Some("Records"),
    needed_by: "rtr record, rtr dlq show and redrive, rtr parked drain",
    policy: Policy::Support,
};
const BODIES: Right = Right {
    action: "s3:GetObject",
    of: "the payload bucket",
    table: None,
    needed_by: "--show-data and rtr dlq redrive, where bodies are large",
    policy: Policy::Support,
};
const RECORDS: Right = Right {
    action: "dynamodb:Scan",
    of: "the records table",
    table: Some("Records"),
    needed_by: "rtr links export, rtr reconcile",
    policy: Policy::Operator,
};
/// Tried at each connection's own secret.
pub(super) const SECRETS: Right = Right {
    action: "secretsmanager:GetSecretValue",
    of: "the connections' secrets",
    table: None,
    needed_by: "rtr connection test and setup, rtr preview --live, rtr reconcile",
    policy: Policy::Operator,
};

/// Tries each.
pub(super) async fn look(aws: &Aws) -> Result<Vec<(Right, Tried)>, Problem> {
    let (records, limits) = (aws.stack.output("RECORDS_TABLE_NAME")?, aws.stack.output("LIMITS_TABLE_NAME")?);
    let (config, bucket) = (aws.stack.output("CONFIG_TABLE_NAME")?, aws.stack.output("PAYLOAD_BUCKET_NAME")?);
    let (dynamodb, s3) = (&aws.clients.dynamodb, &aws.clients.s3);
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let query = |table: &str| dynamodb.query().table_name(table).limit(1);
    let of = |name: &str| format!("{name} = :pk");
    let configured =
        query(config).key_condition_expression(of("pk")).expression_attribute_values(":pk", text(NOTHING));
    let state = dynamodb.get_item().table_name(limits).key("pk", text(&format!("suspension#{NOTHING}")));
    let lanes = query(limits).index_name("lanes").key_condition_expression(of("lanes_pk"));
    let lanes = lanes.expression_attribute_values(":pk", text(NOTHING));
    let dead = dynamodb.scan().table_name(records).index_name("dead").limit(1);
    let key = [("pk", NOTHING), ("sk", NOTHING)].map(|(name, value)| (name.to_owned(), text(value)));
    let wanted = KeysAndAttributes::builder().keys(key.into()).build();
    let wanted = wanted.map_err(|error| Problem::usage(format!("the request cannot be built: {error}")))?;
    let items = dynamodb.batch_get_item().request_items(records, wanted);
    let all = dynamodb.scan().table_name(records).limit(1).projection_expression("pk");
    Ok(vec![
        (CONFIG, tried(configured.send().await)),
        (STATE, tried(state.send().await)),
        (LANES, tried(lanes.send().await)),
        (DEAD, tried(dead.send().await)),
        (ITEMS, tried(items.send().await)),
        (BODIES, tried(Box::pin(s3.head_object().bucket(bucket).key(NOTHING).send()).await)),
        (RECORDS, tried(all.send().await)),
    ])
}

fn tried<T, E: ProvideErrorMetadata>(answer: Result<T, SdkError<E>>) -> Tried {
    let Err(error) = answer else { return Tried::Allowed };
    // What is looked for is not there: S3 says so to whoever may list, in a status alone.
    let status = error.raw_response().map(|response| response.status().as_u16());
    judged(status, code(&error))
}

fn judged(status: Option<u16>, code: Option<&str>) -> Tried {
    match (status, code) {
        (_, Some(code)) if is_denied(code) => Tried::Denied,
        (_, Some(code)) if is_absent(code) => Tried::Missing,
        (Some(403), _) => Tried::Denied,
        (Some(404), None | Some("NotFound" | "NoSuchKey")) => Tried::Allowed,
        (None, _) => Tried::Failed("no answer".to_owned()),
        (Some(status), code) => {
            Tried::Failed(format!("{status} {}", code.unwrap_or_default()).trim_end().to_owned())
        }
    }
}

/// What is wrong, beside what has been told of tables that are `gone`.
pub(super) fn access(tried: &[(Right, Tried)], gone: &Gone, stage: &str) -> Vec<Finding> {
    tried.iter().filter_map(|(right, tried)| lacking(right, tried, gone, stage)).collect()
}

fn lacking(right: &Right, tried: &Tried, gone: &Gone, stage: &str) -> Option<Finding> {
    let about = format!("{} on {}", right.action, right.of);
    match tried {
        Tried::Allowed => None,
        Tried::Denied => {
            let message = format!("these credentials may not; needed by {}", right.needed_by);
            let action = format!("have the policy {} attached to them", right.policy.name(stage));
            Some(finding("permission", &about, message, &action))
        }
        Tried::Missing if right.table.is_some_and(|table| gone.contains_key(table)) => None,
        Tried::Missing => {
            let message = format!("not tried: {} is not there", right.of);
            Some(finding("missing", &about, message, AGAIN))
        }
        Tried::Failed(why) => Some(finding("unreadable", &about, why, LEAVE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_answers_when_judged_then_what_is_not_there_may_be_looked_for_and_a_refusal_is_one() {
        assert_eq!(judged(Some(404), None), Tried::Allowed);
        assert_eq!(judged(Some(404), Some("NotFound")), Tried::Allowed);
        assert_eq!(judged(Some(403), None), Tried::Denied);
        assert_eq!(judged(Some(400), Some("AccessDeniedException")), Tried::Denied);
        assert_eq!(
            judged(Some(400), Some("ThrottlingException")),
            Tried::Failed("400 ThrottlingException".to_owned())
        );
        assert_eq!(judged(None, None), Tried::Failed("no answer".to_owned()));
    }

    #[test]
    fn given_what_is_denied_when_told_then_action_need_and_policy_stand_there() {
        let all =
            [CONFIG, STATE, LANES, DEAD, ITEMS, BODIES, RECORDS, SECRETS].map(|right| (right, Tried::Denied));
        let found = access(&all, &Gone::new(), "prod");
        let lines = found.iter().map(|one| format!("{} | {} | {}", one.about, one.message, one.action));
        insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r"
        dynamodb:Query on the configuration table | these credentials may not; needed by every command that knows an org | have the policy rtr-prod-viewer attached to them
        dynamodb:GetItem on the limits table | these credentials may not; needed by rtr connection list, pause, resume, test | have the policy rtr-prod-viewer attached to them
        dynamodb:Query on the index `lanes` of the limits table | these credentials may not; needed by rtr wait, rtr parked | have the policy rtr-prod-viewer attached to them
        dynamodb:Scan on the indexes of the records table | these credentials may not; needed by rtr dlq list, rtr parked list | have the policy rtr-prod-viewer attached to them
        dynamodb:BatchGetItem on whole items of the records table | these credentials may not; needed by rtr record, rtr dlq show and redrive, rtr parked drain | have the policy rtr-prod-support attached to them
        s3:GetObject on the payload bucket | these credentials may not; needed by --show-data and rtr dlq redrive, where bodies are large | have the policy rtr-prod-support attached to them
        dynamodb:Scan on the records table | these credentials may not; needed by rtr links export, rtr reconcile | have the policy rtr-prod-operator attached to them
        secretsmanager:GetSecretValue on the connections' secrets | these credentials may not; needed by rtr connection test and setup, rtr preview --live, rtr reconcile | have the policy rtr-prod-operator attached to them
        ");
        assert_eq!(access(&all.map(|(right, _)| (right, Tried::Allowed)), &Gone::new(), "prod"), []);
        let failed = access(&[(DEAD, Tried::Failed("no answer".to_owned()))], &Gone::new(), "prod");
        assert_eq!((failed[0].check, failed[0].message.as_str()), ("unreadable", "no answer"));
    }

    #[test]
    fn given_a_table_that_is_missing_when_rights_are_tried_on_it_then_that_is_no_question_of_rights() {
        assert_eq!(judged(Some(400), Some("ResourceNotFoundException")), Tried::Missing);
        assert_eq!(judged(Some(400), Some("AccessDeniedException")), Tried::Denied);
        let all = [(STATE, Tried::Missing), (LANES, Tried::Missing), (DEAD, Tried::Missing)];
        let gone = Gone::from([("Limits", "table Limits is missing".to_owned())]);
        let found = access(&all, &gone, "prod");
        let lines = found.iter().map(|one| format!("{} | {} | {}", one.check, one.about, one.message));
        assert!(found.iter().all(|one| one.action == AGAIN), "{found:?}");
        insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @"missing | dynamodb:Scan on the indexes of the records table | not tried: the indexes of the records table is not there");
    }
}
