//! Credentials in Secrets Manager: text in `SecretString` all the way, and errors that hold AWS's code alone.

use crate::clients::Clients;
use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::operation::create_secret::CreateSecretError;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use rtr_engine::seams::{SecretText, Secrets, Unavailable};
use secrecy::{ExposeSecret, SecretString};

/// Secrets Manager.
#[derive(Debug, Clone)]
pub struct ManagedSecrets {
    client: Client,
}

impl ManagedSecrets {
    /// The account's secrets.
    #[must_use]
    pub fn new(clients: &Clients) -> Self {
        Self { client: clients.secrets.clone() }
    }
}

#[async_trait]
impl Secrets for ManagedSecrets {
    async fn read(&self, name: &str) -> Result<Option<SecretText>, Unavailable> {
        let answer = match self.client.get_secret_value().secret_id(name).send().await {
            Ok(answer) => answer,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(failed("GetSecretValue", name, &error)),
        };
        // A binary secret is none of ours.
        let Some(text) = answer.secret_string else { return Ok(None) };
        Ok(Some(SecretText { text: SecretString::from(text), version: version(answer.version_id)? }))
    }

    async fn write(&self, name: &str, text: &SecretString) -> Result<String, Unavailable> {
        let put = self.client.put_secret_value().secret_id(name).secret_string(text.expose_secret());
        match put.send().await {
            Ok(answer) => version(answer.version_id),
            Err(error) => Err(failed("PutSecretValue", name, &error)),
        }
    }

    async fn create_or_write(&self, name: &str, text: &SecretString) -> Result<String, Unavailable> {
        let create = self.client.create_secret().name(name).secret_string(text.expose_secret());
        match create.send().await {
            Ok(created) => version(created.version_id),
            Err(error)
                if error.as_service_error().is_some_and(CreateSecretError::is_resource_exists_exception) =>
            {
                self.write(name, text).await
            }
            Err(error) => Err(failed("CreateSecret", name, &error)),
        }
    }
}

/// Not there, without a value yet, about to be deleted, or of a name that no secret can have: Secrets Manager takes
/// letters, digits and `/_+=.@-!`, ids of orgs may hold any character. None of these passes by itself.
fn is_absent<R>(error: &SdkError<GetSecretValueError, R>) -> bool {
    error.as_service_error().is_some_and(|error| {
        error.is_resource_not_found_exception()
            || error.is_invalid_request_exception()
            || error.is_invalid_parameter_exception()
            || error.code() == Some("ValidationException")
    })
}

fn version(id: Option<String>) -> Result<String, Unavailable> {
    id.ok_or_else(|| Unavailable("Secrets Manager answered without a version".to_owned()))
}

/// Without AWS's message, which may repeat what was sent.
fn failed<E: ProvideErrorMetadata, R>(operation: &str, name: &str, error: &SdkError<E, R>) -> Unavailable {
    let why = match error {
        SdkError::ServiceError(service) => service.err().code().unwrap_or("an error without a code"),
        SdkError::TimeoutError(_) => "no answer in time",
        SdkError::DispatchFailure(_) => "not reachable",
        _ => "an answer that cannot be read",
    };
    Unavailable(format!("{operation} {name}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_secretsmanager::error::ErrorMetadata;

    #[test]
    fn given_a_name_that_no_secret_can_have_when_read_then_there_is_none_and_a_throttle_is_none_of_that() {
        let absent = |code: &str| {
            let error = GetSecretValueError::generic(ErrorMetadata::builder().code(code).build());
            is_absent(&SdkError::service_error(error, ()))
        };
        assert!(absent("ValidationException"));
        for code in ["ThrottlingException", "AccessDeniedException", "InternalServiceError"] {
            assert!(!absent(code), "{code}");
        }
    }
}
