//! The consent of a person: authorization code with PKCE and state (RFC 6749 4.1, RFC 7636), as pure functions.

use crate::credentials::moved;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64_URL;
use secrecy::{ExposeSecret, SecretString};
use url::{Url, form_urlencoded};

/// What a provider's consent page wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsentFacts {
    /// Where the page is.
    pub url: &'static str,
    /// What is asked for unless somebody says otherwise.
    pub scopes: &'static [&'static str],
    /// Further parameters.
    pub extra: &'static [(&'static str, &'static str)],
}

/// One consent to ask for.
#[derive(Debug, Clone, Copy)]
pub struct ConsentAsk<'a> {
    /// The OAuth app.
    pub client_id: &'a str,
    /// Where the person is sent back to, as registered with the app.
    pub redirect_uri: &'a str,
    /// What is asked for; none: the provider's default.
    pub scope: Option<&'a str>,
    /// Random, used once: ties the answer to the question.
    pub state: &'a str,
    /// Of a random verifier that only we know.
    pub verifier: &'a SecretString,
    /// The connection's own base URL: one that lives elsewhere asks there too.
    pub base_url: Option<&'a str>,
}

/// What the provider sent the person back with.
pub enum Callback {
    /// A code to trade for tokens.
    Code {
        /// As it was given.
        state: String,
        /// Serves once.
        code: SecretString,
    },
    /// No consent.
    Denied {
        /// As it was given.
        state: String,
        /// Whether the person said no, or the provider found something wrong with the question.
        by_person: bool,
    },
    /// Not an answer to any question of ours.
    Unreadable,
}

/// The longest state, code or error that is looked at, in bytes: providers stay far below.
const LONGEST: usize = 4_096;

/// The address of the consent page.
#[must_use]
pub fn consent_url(facts: ConsentFacts, ask: &ConsentAsk<'_>) -> String {
    let page = ask.base_url.map_or_else(|| facts.url.to_owned(), |base| moved(facts.url, base));
    let scopes = facts.scopes.join(" ");
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", ask.client_id)
        .append_pair("redirect_uri", ask.redirect_uri)
        .append_pair("scope", ask.scope.unwrap_or(&scopes))
        .append_pair("state", ask.state)
        .append_pair("code_challenge", &challenge(ask.verifier))
        .append_pair("code_challenge_method", "S256")
        .extend_pairs(facts.extra);
    format!("{page}?{}", query.finish())
}

/// The challenge of a verifier, `S256`.
#[must_use]
pub fn challenge(verifier: &SecretString) -> String {
    BASE64_URL.encode(digest(&SHA256, verifier.expose_secret().as_bytes()))
}

/// Reads the query that a person comes back with.
#[must_use]
pub fn callback(query: &str) -> Callback {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let get = |name: &str| {
        let mut values = pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        // One given twice could be read one way here and another way elsewhere.
        match (values.next(), values.next()) {
            (Some(value), None) if !value.is_empty() && value.len() <= LONGEST => Some(value),
            _ => None,
        }
    };
    match (get("state"), get("code"), get("error")) {
        (Some(state), None, Some(error)) => {
            Callback::Denied { state: state.to_owned(), by_person: error == "access_denied" }
        }
        (Some(state), Some(code), None) => {
            Callback::Code { state: state.to_owned(), code: code.to_owned().into() }
        }
        _ => Callback::Unreadable,
    }
}

/// Whether `uri` can be sent back to: absolute, over https unless it is this machine.
#[must_use]
pub fn is_redirect_uri(uri: &str) -> bool {
    let Ok(url) = Url::parse(uri) else { return false };
    let here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    (url.scheme() == "https" || (url.scheme() == "http" && here)) && url.fragment().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hubspot;

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    fn url(base_url: Option<&str>, scope: Option<&str>) -> String {
        let (redirect_uri, verifier) = ("https://x.example/oauth/callback", VERIFIER.into());
        let ask =
            ConsentAsk { client_id: "app", redirect_uri, scope, state: "s-1", verifier: &verifier, base_url };
        consent_url(hubspot::CONSENT, &ask)
    }

    #[test]
    fn given_the_example_of_rfc_7636_when_challenged_then_it_is_the_rfcs_challenge() {
        assert_eq!(challenge(&VERIFIER.into()), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn given_a_consent_when_asked_then_the_page_gets_state_and_challenge_and_never_the_verifier() {
        insta::assert_snapshot!(url(None, Some("crm.objects.contacts.read")), @"https://app.hubspot.com/oauth/authorize?response_type=code&client_id=app&redirect_uri=https%3A%2F%2Fx.example%2Foauth%2Fcallback&scope=crm.objects.contacts.read&state=s-1&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256");
        let elsewhere = url(Some("http://127.0.0.1:9/hubspot/acme/"), None);
        assert!(elsewhere.starts_with("http://127.0.0.1:9/hubspot/acme/oauth/authorize?response_type=code&"));
        assert!(elsewhere.contains("scope=oauth+crm.objects.contacts.read"), "{elsewhere}");
        assert!(!elsewhere.contains(VERIFIER));
    }

    #[test]
    fn given_callbacks_when_read_then_only_one_clear_answer_counts() {
        let read = |query: &str| match callback(query) {
            Callback::Code { state, code } => format!("{state}: {}", code.expose_secret()),
            Callback::Denied { state, by_person } => format!("{state}: denied, by the person: {by_person}"),
            Callback::Unreadable => "unreadable".to_owned(),
        };
        let long = format!("state=s&code={}", "x".repeat(LONGEST + 1));
        let queries = [
            "code=a%2Bb&state=s",
            "error=access_denied&error_description=%3Cscript%3E&state=s",
            "error=invalid_scope&state=s",
            "code=c",
            "state=s",
            "code=c&state=s&error=access_denied",
            "code=c&state=s&state=t",
            "code=&state=s",
            long.as_str(),
            "",
        ];
        insta::assert_snapshot!(queries.map(read).join("\n"), @r"
        s: a+b
        s: denied, by the person: true
        s: denied, by the person: false
        unreadable
        unreadable
        unreadable
        unreadable
        unreadable
        unreadable
        unreadable
        ");
    }

    #[test]
    fn given_addresses_to_come_back_to_when_checked_then_plain_http_is_for_this_machine_alone() {
        for uri in ["https://x.example/cb", "http://127.0.0.1:9/cb", "http://localhost/cb"] {
            assert!(is_redirect_uri(uri), "{uri}");
        }
        for uri in ["http://x.example/cb", "/cb", "javascript:alert(1)", "https://x.example/cb#f"] {
            assert!(!is_redirect_uri(uri), "{uri}");
        }
    }
}
