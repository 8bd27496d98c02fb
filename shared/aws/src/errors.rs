//! SDK errors as one short line: which operation, and AWS's code and message or what happened on the way there.
//!
//! Never the SDK's `Debug`, which prints requests and raw answers.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use rtr_engine::seams::Unavailable;
use std::error::Error;

/// What went wrong, for a log or an [`Unavailable`].
pub(crate) fn describe<E, R>(operation: &str, error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
    R: std::fmt::Debug,
{
    match error {
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or("an error without a code");
            let message = service.err().message().unwrap_or_default();
            format!("{operation}: {code} {message}").trim_end().to_owned()
        }
        SdkError::TimeoutError(_) => format!("{operation}: no answer in time"),
        SdkError::DispatchFailure(failure) => {
            let cause = failure.as_connector_error().map_or_else(String::new, |error| innermost(error));
            format!("{operation}: not reachable {cause}").trim_end().to_owned()
        }
        SdkError::ResponseError(_) => format!("{operation}: an answer that cannot be read"),
        other => format!("{operation}: {}", innermost(other)),
    }
}

/// The same, as the seams' error.
pub(crate) fn unavailable<E, R>(operation: &str, error: &SdkError<E, R>) -> Unavailable
where
    E: ProvideErrorMetadata + Error + 'static,
    R: std::fmt::Debug,
{
    Unavailable(describe(operation, error))
}

/// The last cause of `error`, which says most in fewest words.
pub(crate) fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
