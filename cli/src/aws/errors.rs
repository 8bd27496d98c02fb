//! AWS's errors in a person's words: what was tried, where, and what to do. Never the SDK's `Debug`, which prints
//! requests.

use crate::problem::Problem;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sqs::config::http::HttpResponse;
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

/// Whether the answer is: the part is not there.
pub(crate) fn is_absent(code: &str) -> bool {
    ABSENT.contains(&code)
}

/// Whether the words of a seam's error say: you may not.
pub(crate) fn says_denied(why: &str) -> bool {
    why.split([' ', ':']).any(is_denied)
}

/// What stands behind an error, as far as what is to be done depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// These credentials may not.
    Denied,
    /// The stack's part is not there.
    Absent,
    /// It lies in another region than is asked.
    Elsewhere,
    /// Who answers is not AWS.
    Foreign,
    /// There is nothing to sign with.
    NoCredentials,
    /// Nobody answers.
    Unreached,
    /// Anything else: the words say it.
    Other,
}

/// What `operation` at `place` failed of.
pub(crate) fn problem<E>(operation: &str, place: &str, error: &SdkError<E, HttpResponse>) -> Problem
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(service) => match service.err().code() {
            Some(code) => answered(operation, place, code, service.err().message().unwrap_or_default()),
            None => wordless(operation, place, &Wordless::of(service.raw())),
        },
        SdkError::ResponseError(_) => foreign(operation, place, "an answer that cannot be read"),
        SdkError::TimeoutError(_) => unreached(operation, place, "no answer in time"),
        SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
            Some(error) if is_of_credentials(error) => unsigned(operation, &innermost(error)),
            Some(error) => unreached(operation, place, &innermost(error)),
            None => unreached(operation, place, ""),
        },
        other => unreached(operation, place, &innermost(other)),
    }
}

/// A seam's error. It has been put into words already, by the same causes; the place and the advice are still missing.
pub(crate) fn unavailable(doing: &str, place: &str, error: &Unavailable) -> Problem {
    told(format!("{doing} failed at {place}: {error}"), Cause::of_words(&error.0))
}

/// The same where only the part is known that did not do as asked.
pub(crate) fn unavailable_part(part: &str, error: &Unavailable) -> Problem {
    told(format!("{part}: {error}"), Cause::of_words(&error.0))
}

impl Cause {
    fn of_code(code: &str) -> Self {
        match code {
            code if is_absent(code) => Self::Absent,
            "PermanentRedirect" => Self::Elsewhere,
            code if DENIED.contains(&code) || is_denied(code) => Self::Denied,
            _ => Self::Other,
        }
    }

    /// By words as the adapters put them: the operation, a colon, and the code or what happened on the way.
    fn of_words(words: &str) -> Self {
        let says = |what: &str| words.contains(&format!(": {what}"));
        if says("not reachable") && words.contains("credential") {
            return Self::NoCredentials;
        }
        if says("not reachable") || says("no answer in time") {
            return Self::Unreached;
        }
        if says("an error without a code") || says("an answer that cannot be read") {
            return Self::Foreign;
        }
        let mut codes = words.split([' ', ':']).map(Self::of_code);
        codes.find(|cause| *cause != Self::Other).unwrap_or(Self::Other)
    }

    fn hint(self) -> Option<&'static str> {
        match self {
            Self::Denied => Some("check the credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID) and their policy"),
            Self::Absent => Some(
                "it is gone, or the environment names another stack's parts: check --stack; rtr doctor says what is missing",
            ),
            Self::Elsewhere => Some("set AWS_REGION to the region in which it lies"),
            Self::Foreign => Some(
                "what answers there does not look like AWS: check AWS_ENDPOINT_URL, and any proxy on the way",
            ),
            Self::NoCredentials => Some(
                "set AWS_PROFILE (and log in), or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; for the local stack: source \
                 target/local/env.sh",
            ),
            Self::Unreached => {
                Some("check AWS_ENDPOINT_URL, AWS_REGION and the network; for the local stack: make local")
            }
            Self::Other => None,
        }
    }
}

/// What there is of an error without a code, as a HEAD is answered: S3 puts no body there, and so no code.
#[derive(Debug, Clone, Copy, Default)]
struct Wordless<'a> {
    status: u16,
    /// Whether it came with something all the same: a page, and not AWS's.
    has_body: bool,
    /// Whether it names its request, as AWS does.
    is_numbered: bool,
    /// The region in which the bucket lies.
    region: Option<&'a str>,
}

impl<'a> Wordless<'a> {
    fn of(raw: &'a HttpResponse) -> Self {
        let headers = raw.headers();
        Self {
            status: raw.status().as_u16(),
            has_body: raw.body().bytes().is_some_and(|body| !body.is_empty()),
            is_numbered: headers.get("x-amz-request-id").is_some(),
            region: headers.get("x-amz-bucket-region"),
        }
    }

    fn cause(&self, place: &str) -> Cause {
        let is_elsewhere = self.region.is_some_and(|region| !place.ends_with(region));
        match self.status {
            _ if self.has_body => Cause::Foreign,
            301 | 307 => Cause::Elsewhere,
            400 if is_elsewhere => Cause::Elsewhere,
            401 | 403 => Cause::Denied,
            // Credentials that have expired, most of all.
            400 if self.is_numbered => Cause::Denied,
            _ if self.is_numbered => Cause::Other,
            _ => Cause::Foreign,
        }
    }
}

fn wordless(operation: &str, place: &str, answer: &Wordless<'_>) -> Problem {
    let (status, cause) = (answer.status, answer.cause(place));
    match (cause, answer.region) {
        (Cause::Foreign, _) => foreign(operation, place, "an error without a code"),
        (Cause::Elsewhere, Some(region)) => {
            told(format!("{operation} failed at {place}: it lies in {region} ({status})"), cause)
        }
        _ => told(format!("{operation} failed at {place}: {status}, and it does not say why"), cause),
    }
}

fn told(what: String, cause: Cause) -> Problem {
    let problem = match cause {
        Cause::Absent => Problem::not_found(what),
        _ => Problem::unreachable(what),
    };
    match cause.hint() {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

fn answered(operation: &str, place: &str, code: &str, message: &str) -> Problem {
    let what = format!("{operation} failed at {place}: {code} {message}").trim_end().to_owned();
    told(what, Cause::of_code(code))
}

fn foreign(operation: &str, place: &str, what: &str) -> Problem {
    told(format!("{place} does not answer as AWS does ({operation}): {what}"), Cause::Foreign)
}

fn unsigned(operation: &str, cause: &str) -> Problem {
    told(format!("there are no AWS credentials to ask with ({operation}): {cause}"), Cause::NoCredentials)
}

fn unreached(operation: &str, place: &str, cause: &str) -> Problem {
    let what = format!("{place} cannot be reached ({operation}): {cause}");
    told(what.trim_end_matches([':', ' ']).to_owned(), Cause::Unreached)
}

/// Whether it failed before anything was sent: nobody had credentials, or whoever has them did not give them.
fn is_of_credentials(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(one) = cause {
        if one.is::<CredentialsError>() {
            return true;
        }
        cause = one.source();
    }
    innermost(error).contains("credential")
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
    use super::super::stand_in::{config, who_says};
    use super::*;
    use std::time::Duration;

    /// What the SDK puts around a cause.
    #[derive(Debug)]
    struct Sending(CredentialsError);

    impl std::fmt::Display for Sending {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("dispatch failure")
        }
    }

    impl Error for Sending {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    fn lines(all: &[Problem]) -> String {
        all.iter().map(|one| format!("{} {one}", one.exit.code())).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn given_aws_errors_when_told_then_place_and_advice_stand_in_them() {
        let all = [
            answered("Scan", "AWS in eu-west-1", "AccessDeniedException", "not authorized"),
            answered("Scan", "AWS in eu-west-1", "ResourceNotFoundException", "no such table"),
            answered("Scan", "AWS in eu-west-1", "InternalServerError", ""),
            foreign("Scan", "http://127.0.0.1:4600", "an error without a code"),
            unsigned("Scan", "no providers in chain provided credentials"),
            unreached("Scan", "http://127.0.0.1:4566", "Connection refused (os error 111)"),
            unreached("Scan", "http://127.0.0.1:4566", ""),
        ];
        insta::assert_snapshot!(lines(&all), @r"
        3 rtr: Scan failed at AWS in eu-west-1: AccessDeniedException not authorized
          check the credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID) and their policy
        4 rtr: Scan failed at AWS in eu-west-1: ResourceNotFoundException no such table
          it is gone, or the environment names another stack's parts: check --stack; rtr doctor says what is missing
        3 rtr: Scan failed at AWS in eu-west-1: InternalServerError
        3 rtr: http://127.0.0.1:4600 does not answer as AWS does (Scan): an error without a code
          what answers there does not look like AWS: check AWS_ENDPOINT_URL, and any proxy on the way
        3 rtr: there are no AWS credentials to ask with (Scan): no providers in chain provided credentials
          set AWS_PROFILE (and log in), or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; for the local stack: source target/local/env.sh
        3 rtr: http://127.0.0.1:4566 cannot be reached (Scan): Connection refused (os error 111)
          check AWS_ENDPOINT_URL, AWS_REGION and the network; for the local stack: make local
        3 rtr: http://127.0.0.1:4566 cannot be reached (Scan)
          check AWS_ENDPOINT_URL, AWS_REGION and the network; for the local stack: make local
        ");
    }

    #[test]
    fn given_an_error_without_a_body_when_told_then_its_status_says_what_it_is_and_a_page_is_nobody_we_know()
    {
        let of = |status| Wordless { status, ..Wordless::default() };
        let of_aws = |status| Wordless { is_numbered: true, ..of(status) };
        let all = [
            of(403),
            of(401),
            Wordless { region: Some("us-east-2"), ..of_aws(301) },
            of_aws(301),
            Wordless { region: Some("us-east-2"), ..of_aws(400) },
            Wordless { region: Some("eu-west-1"), ..of_aws(400) },
            of_aws(503),
            of(400),
            Wordless { has_body: true, ..of(403) },
        ];
        let told = all.map(|answer| {
            let told = wordless("HeadObject", "AWS in eu-west-1", &answer);
            let hint = told.hint.unwrap_or_default();
            format!(
                "{} {} | {}",
                told.exit.code(),
                told.what,
                hint.split([':', ',']).next().unwrap_or_default()
            )
        });
        insta::assert_snapshot!(told.join("\n"), @r"
        3 HeadObject failed at AWS in eu-west-1: 403, and it does not say why | check the credentials (AWS_PROFILE
        3 HeadObject failed at AWS in eu-west-1: 401, and it does not say why | check the credentials (AWS_PROFILE
        3 HeadObject failed at AWS in eu-west-1: it lies in us-east-2 (301) | set AWS_REGION to the region in which it lies
        3 HeadObject failed at AWS in eu-west-1: 301, and it does not say why | set AWS_REGION to the region in which it lies
        3 HeadObject failed at AWS in eu-west-1: it lies in us-east-2 (400) | set AWS_REGION to the region in which it lies
        3 HeadObject failed at AWS in eu-west-1: 400, and it does not say why | check the credentials (AWS_PROFILE
        3 HeadObject failed at AWS in eu-west-1: 503, and it does not say why | 
        3 AWS in eu-west-1 does not answer as AWS does (HeadObject): an error without a code | what answers there does not look like AWS
        3 AWS in eu-west-1 does not answer as AWS does (HeadObject): an error without a code | what answers there does not look like AWS
        ");
    }

    #[tokio::test]
    async fn given_a_head_that_is_refused_when_asked_then_it_is_told_that_one_may_not() {
        let denied = "HTTP/1.1 403 Forbidden\r\nx-amz-request-id: 1\r\nconnection: close\r\n\r\n";
        let config = config(&who_says(Some(denied)), Duration::from_secs(60));
        let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
        let asked = aws_sdk_s3::Client::from_conf(s3).head_object().bucket("b").key("k").send();
        let told = problem("HeadObject", "AWS in eu-west-1", &Box::pin(asked).await.unwrap_err());
        insta::assert_snapshot!(told, @r"
        rtr: HeadObject failed at AWS in eu-west-1: 403, and it does not say why
          check the credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID) and their policy
        ");
    }

    #[test]
    fn given_a_seams_error_when_told_then_exit_code_and_advice_are_those_of_the_same_cause() {
        let all = [
            "Scan: not reachable Connection refused (os error 111)",
            "BatchGetItem: no answer in time",
            "Query: not reachable no providers in chain provided credentials",
            "Query: an error without a code",
            "Query: ResourceNotFoundException Requested resource not found",
            "SendMessageBatch: AWS.SimpleQueueService.NonExistentQueue The queue does not exist",
            "GetSecretValue rtr/prod/acme/hubspot: AccessDeniedException",
            "Query: ThrottlingException slower",
            "the stored configuration of `acme` cannot be used: it is no JSON",
        ];
        let of = |words: &&str| {
            let told = unavailable("reading", "AWS in eu-west-1", &Unavailable((*words).to_owned()));
            let hint = told.hint.unwrap_or_default();
            format!(
                "{} {} | {}",
                told.exit.code(),
                words,
                hint.split([':', ',', ';']).next().unwrap_or_default()
            )
        };
        insta::assert_snapshot!(all.iter().map(of).collect::<Vec<_>>().join("\n"), @r"
        3 Scan: not reachable Connection refused (os error 111) | check AWS_ENDPOINT_URL
        3 BatchGetItem: no answer in time | check AWS_ENDPOINT_URL
        3 Query: not reachable no providers in chain provided credentials | set AWS_PROFILE (and log in)
        3 Query: an error without a code | what answers there does not look like AWS
        4 Query: ResourceNotFoundException Requested resource not found | it is gone
        4 SendMessageBatch: AWS.SimpleQueueService.NonExistentQueue The queue does not exist | it is gone
        3 GetSecretValue rtr/prod/acme/hubspot: AccessDeniedException | check the credentials (AWS_PROFILE
        3 Query: ThrottlingException slower | 
        3 the stored configuration of `acme` cannot be used: it is no JSON | 
        ");
    }

    #[test]
    fn given_a_failure_before_anything_was_sent_when_looked_at_then_missing_credentials_are_told_from_a_dead_network()
     {
        let io = std::io::Error::other("connection refused");
        assert!(!is_of_credentials(&io));
        let none = || CredentialsError::not_loaded("no providers in chain provided them");
        assert!(is_of_credentials(&none()) && is_of_credentials(&Sending(none())));
    }
}
