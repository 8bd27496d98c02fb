//! The secret of a connection that a person has just consented to.

use super::parse::object;
use super::{Refreshed, write_back};
use secrecy::SecretString;
use serde_json::{Map, Value};

/// The `oauth2` secret with new tokens. Of what stood there before, the client (unless an app brings it), the token URL and
/// what webhooks are signed with stay; old tokens do not.
///
/// # Errors
/// When the secret cannot be made.
pub fn connected(
    existing: Option<&SecretString>,
    app: Option<&str>,
    refreshed: &Refreshed,
) -> Result<SecretString, String> {
    // One that cannot be read has nothing to keep.
    let old = existing.and_then(|text| object(text).ok()).unwrap_or_default();
    let client: &[&str] = if app.is_some() { &[] } else { &["client_id", "client_secret", "client_secrets"] };
    let kept = client.iter().chain(&["token_url", "webhook"]);
    let mut new: Map<String, Value> =
        kept.filter_map(|name| Some(((*name).to_owned(), old.get(*name)?.clone()))).collect();
    new.insert("type".to_owned(), "oauth2".into());
    if let Some(app) = app {
        new.insert("app".to_owned(), app.into());
    }
    write_back(&Value::Object(new).to_string().into(), refreshed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;
    use serde_json::json;

    #[test]
    fn given_what_stood_there_when_connected_then_client_and_webhook_stay_and_old_tokens_go() {
        let refreshed = Refreshed {
            access_token: "a2".into(),
            refresh_token: Some("r2".into()),
            expires_at: None,
            account: None,
            instance_url: Some("https://x.example".to_owned()),
        };
        let old = json!({"type": "oauth2", "client_id": "id", "client_secret": "s", "refresh_token": "r1", "access_token":
            "a1", "expires_at": "2026-11-18T11:36:40Z", "webhook": {"secrets": ["w"]}, "instance_url": "https://old.example"});
        let made = |existing: Option<&Value>, app| {
            let existing = existing.map(|value| SecretString::from(value.to_string()));
            let made = connected(existing.as_ref(), app, &refreshed).unwrap();
            serde_json::from_str::<Value>(made.expose_secret()).unwrap()
        };
        let tokens = json!({"type": "oauth2", "access_token": "a2", "refresh_token": "r2", "instance_url": "https://x.example"});
        let with = |more: Value| {
            let mut all = tokens.clone();
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all
        };
        let hook = json!({"secrets": ["w"]});
        assert_eq!(
            made(Some(&old), None),
            with(json!({"client_id": "id", "client_secret": "s", "webhook": hook}))
        );
        assert_eq!(made(Some(&old), Some("main")), with(json!({"app": "main", "webhook": hook})));
        assert_eq!(made(None, Some("main")), with(json!({"app": "main"})));
        assert_eq!(made(Some(&json!("broken")), Some("main")), with(json!({"app": "main"})));
    }
}
