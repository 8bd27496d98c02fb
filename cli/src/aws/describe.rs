//! A stack as CloudFormation describes it.

use super::errors::{code, problem};
use crate::problem::Problem;
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::{Output, Parameter};
use std::collections::BTreeMap;

/// A stack as CloudFormation describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Described {
    /// Its status.
    pub(crate) status: String,
    /// Its parameters.
    pub(crate) parameters: BTreeMap<String, String>,
    /// Its outputs.
    pub(crate) outputs: BTreeMap<String, String>,
}

/// Which stack is asked for, and where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// The region.
    pub(super) region: Option<&'a str>,
    /// Where AWS is: an endpoint or the region.
    pub(super) place: &'a str,
}

/// Asks.
pub(super) async fn describe(client: &Client, asked: Asked<'_>) -> Result<Described, Problem> {
    let answer = match client.describe_stacks().stack_name(asked.name).send().await {
        Ok(answer) => answer,
        // CloudFormation's word for a stack that does not exist is that the request is not valid.
        Err(error) if code(&error) == Some("ValidationError") => return Err(missing(asked)),
        Err(error) => return Err(problem("DescribeStacks", asked.place, &error)),
    };
    let stack = answer.stacks().first().ok_or_else(|| missing(asked))?;
    let output = |one: &Output| Some((one.output_key()?.to_owned(), one.output_value()?.to_owned()));
    let parameter =
        |one: &Parameter| Some((one.parameter_key()?.to_owned(), one.parameter_value()?.to_owned()));
    Ok(Described {
        status: stack.stack_status().map_or_else(String::new, |status| status.as_str().to_owned()),
        parameters: stack.parameters().iter().filter_map(parameter).collect(),
        outputs: stack.outputs().iter().filter_map(output).collect(),
    })
}

fn missing(asked: Asked<'_>) -> Problem {
    let Asked { name, region, place } = asked;
    // A region is part of the place, unless an endpoint stands for it.
    let region = region.filter(|region| !place.ends_with(region));
    let region = region.map_or_else(String::new, |region| format!(", region {region}"));
    Problem::not_found(format!("there is no stack {name} at {place}{region}")).hint(
        "set --stack or RTR_STACK if it is called otherwise, AWS_REGION if it is in another region; for the local stack: make \
         local, then source target/local/env.sh",
    )
}

#[cfg(test)]
mod tests {
    use super::super::stand_in::{config, who_says};
    use super::*;
    use crate::problem::Exit;
    use aws_credential_types::credential_fn::provide_credentials_fn;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use aws_credential_types::provider::error::CredentialsError;
    use std::time::Duration;

    /// What asking at `endpoint` ends in, which has so long to answer.
    async fn ends(endpoint: &str, has_credentials: bool, patience: Duration) -> String {
        let none = provide_credentials_fn(|| async { Err(CredentialsError::not_loaded("nobody has any")) });
        let mut config = config(endpoint, patience).into_builder();
        if !has_credentials {
            config.set_credentials_provider(Some(SharedCredentialsProvider::new(none)));
        }
        let config = config.build();
        let asked = Asked { name: "rtr-prod", region: Some("eu-west-1"), place: "there" };
        let problem = Box::pin(describe(&Client::new(&config), asked)).await.unwrap_err();
        let hint = problem.hint.unwrap_or_default();
        let hint = hint.split([',', ';']).next().unwrap_or_default();
        format!("{} {} | {hint}", problem.exit.code(), problem.what)
    }

    #[tokio::test]
    async fn given_who_is_no_aws_or_silent_or_no_credentials_when_asked_then_each_is_told_as_what_it_is() {
        let page = "HTTP/1.1 404 Not Found\r\ncontent-type: text/html\r\ncontent-length: 13\r\nconnection: close\r\n\r\n\
                    <html></html>";
        let other = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 13\r\nconnection: close\r\n\r\n\
                     <html></html>";
        let none = "HTTP/1.1 400 Bad Request\r\ncontent-length: 150\r\nconnection: close\r\n\r\n\
                    <ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id rtr-prod does not \
                    exist</Message></Error></ErrorResponse>      ";
        let (long, short) = (Duration::from_secs(60), Duration::from_millis(300));
        let told = [
            ends(&who_says(Some(page)), true, long).await,
            ends(&who_says(Some(other)), true, long).await,
            ends(&who_says(None), true, short).await,
            ends(&who_says(None), false, long).await,
            ends(&who_says(Some(none)), true, long).await,
        ];
        insta::assert_snapshot!(told.join("\n"), @r"
        3 there does not answer as AWS does (DescribeStacks): an error without a code | what answers there does not look like AWS: check AWS_ENDPOINT_URL
        3 there does not answer as AWS does (DescribeStacks): an error without a code | what answers there does not look like AWS: check AWS_ENDPOINT_URL
        3 there cannot be reached (DescribeStacks): no answer in time | check AWS_ENDPOINT_URL
        3 there are no AWS credentials to ask with (DescribeStacks): nobody has any | set AWS_PROFILE (and log in)
        4 there is no stack rtr-prod at there, region eu-west-1 | set --stack or RTR_STACK if it is called otherwise
        ");
    }

    #[test]
    fn given_no_such_stack_when_told_then_the_region_that_was_asked_stands_in_it_and_what_sets_another() {
        let of = |place| missing(Asked { name: "rtr-prod", region: Some("eu-west-1"), place });
        let all = [of("AWS in eu-west-1"), of("http://127.0.0.1:4566")];
        assert!(all.iter().all(|problem| problem.exit == Exit::NotFound));
        insta::assert_snapshot!(all.map(|problem| problem.to_string()).join("\n"), @r"
        rtr: there is no stack rtr-prod at AWS in eu-west-1
          set --stack or RTR_STACK if it is called otherwise, AWS_REGION if it is in another region; for the local stack: make local, then source target/local/env.sh
        rtr: there is no stack rtr-prod at http://127.0.0.1:4566, region eu-west-1
          set --stack or RTR_STACK if it is called otherwise, AWS_REGION if it is in another region; for the local stack: make local, then source target/local/env.sh
        ");
    }
}
