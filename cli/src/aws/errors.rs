//! AWS's errors in a person's words: what was tried, where, and what to do. Never the SDK's `Debug`, which prints
//! requests.

use crate::problem::Problem;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use rtr_engine::seams::Unavailable;
use std::error::Error;

/// Codes that mean: you may not.
const DENIED: [&str; 9] = [
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
];
/// Codes that mean: the stack's part is not there.
const ABSENT: [&str; 5] = [
    "AWS.SimpleQueueService.NonExistentQueue",
    "NoSuchBucket",
    "QueueDoesNotExist",
    "ResourceNotFoundException",
    "TableNotFoundException",
];

/// AWS's code of the error, if it answered at all.
pub(crate) fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<&str> {
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

/// Whether the answer is: you may not.
pub(crate) fn is_denied(code: &str) -> bool {
    code.contains("AccessDenied") || code == "UnauthorizedOperation"
}

/// Whether the words of a seam's error say: you may not.
pub(crate) fn says_denied(why: &str) -> bool {
    why.split([' ', ':']).any(is_denied)
}

/// What `operation` at `place` failed of.
pub(crate) fn problem<E, R>(operation: &str, place: &str, error: &SdkError<E, R>) -> Problem
where
    E: ProvideErrorMetadata + Error + 'static,
    R: std::fmt::Debug,
{
    match error {
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or("an error without a code");
            answered(operation, place, code, service.err().message().unwrap_or_default())
        }
        SdkError::TimeoutError(_) => unreached(operation, place, "no answer in time"),
        SdkError::DispatchFailure(failure) => {
            let cause = failure.as_connector_error().map_or_else(String::new, |error| innermost(error));
            unreached(operation, place, &cause)
        }
        other => unreached(operation, place, &innermost(other)),
    }
}

/// A seam's error. It has been put into words already; the place is still missing.
pub(crate) fn unavailable(doing: &str, place: &str, error: &Unavailable) -> Problem {
    Problem::unreachable(format!("{doing} failed at {place}: {error}"))
}

fn answered(operation: &str, place: &str, code: &str, message: &str) -> Problem {
    let what = format!("{operation} failed at {place}: {code} {message}").trim_end().to_owned();
    if ABSENT.contains(&code) {
        return Problem::not_found(what).hint("the environment names another stack's parts? check --stack");
    }
    let denied = DENIED.contains(&code);
    let problem = Problem::unreachable(what);
    if denied {
        problem.hint("check the credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID) and their policy")
    } else {
        problem
    }
}

fn unreached(operation: &str, place: &str, cause: &str) -> Problem {
    let problem = Problem::unreachable(format!("{place} cannot be reached ({operation}): {cause}"));
    if cause.contains("credential") {
        return problem
            .hint("no AWS credentials were found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret");
    }
    problem.hint("check AWS_ENDPOINT_URL, AWS_REGION and the network; for the local stack: make local")
}

/// The last cause of `error`, which says most in fewest words.
fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_aws_errors_when_told_then_place_and_advice_stand_in_them() {
        let all = [
            answered("Scan", "AWS in eu-west-1", "AccessDeniedException", "not authorized"),
            answered("Scan", "AWS in eu-west-1", "ResourceNotFoundException", "no such table"),
            answered("Scan", "AWS in eu-west-1", "InternalServerError", ""),
            unreached("Scan", "http://127.0.0.1:4566", "Connection refused (os error 111)"),
        ];
        let text = all.iter().map(|one| format!("{} {one}", one.exit.code())).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!(text, @r"
        3 rtr: Scan failed at AWS in eu-west-1: AccessDeniedException not authorized
          check the credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID) and their policy
        4 rtr: Scan failed at AWS in eu-west-1: ResourceNotFoundException no such table
          the environment names another stack's parts? check --stack
        3 rtr: Scan failed at AWS in eu-west-1: InternalServerError
        3 rtr: http://127.0.0.1:4566 cannot be reached (Scan): Connection refused (os error 111)
          check AWS_ENDPOINT_URL, AWS_REGION and the network; for the local stack: make local
        ");
    }
}
