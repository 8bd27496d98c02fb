//! The consent page that vendors share: authorization code with PKCE and state (RFC 6749 4.1, RFC 7636).
//!
//! `GET` shows a page with two buttons; its form posts the question back with the decision, and the answer is a redirect
//! to the app. A code serves once, for ten minutes, to the client and the address it was made for.

use crate::http::pairs;
use crate::provider::{Answer, Call, Env};
use crate::tokens::{Grant, Issued, Scopes};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64_URL;
use sha2::{Digest, Sha256};

/// How long a code can be traded, in milliseconds.
const CODE_LIFE: i64 = 10 * 60 * 1000;

/// What a code stands for.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub(crate) grant: Grant,
    redirect_uri: String,
    /// `S256` of a verifier; a code without one is traded without.
    challenge: Option<String>,
    until: i64,
}

/// Why a code is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Unknown, used, too old, or another client's.
    Code,
    /// Made for another address.
    RedirectUri,
    /// The verifier is missing or not the one that was challenged.
    Verifier,
}

type Pairs = Vec<(String, String)>;

fn find<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
        .filter(|value| !value.is_empty())
}

/// The consent page of `title`, and what its buttons do.
pub(crate) fn serve(call: &Call<'_>, env: &mut Env<'_>, title: &str) -> Answer {
    let asked = if call.method() == "POST" {
        pairs(&String::from_utf8_lossy(&call.request.body))
    } else {
        call.query.clone()
    };
    if let Err(wrong) = check(&asked, env) {
        // Whoever asks wrongly is not sent anywhere: the address may be the wrong thing.
        return Answer::page(400, format!("<h1>{title}</h1><p>This link is not valid: {wrong}.</p>"));
    }
    match (call.method(), find(&asked, "decision")) {
        ("GET", _) => Answer::page(200, form(&asked, title)),
        ("POST", Some("allow")) => {
            let code = env.tokens.new_code(code_of(&asked, env.now));
            sent_back(&asked, "code", &code)
        }
        ("POST", _) => sent_back(&asked, "error", "access_denied"),
        _ => Answer::empty(405),
    }
}

fn check(asked: &Pairs, env: &Env<'_>) -> Result<(), &'static str> {
    let client = find(asked, "client_id").ok_or("client_id is missing")?;
    if !env.tokens.knows_client(client) {
        return Err("client_id is unknown");
    }
    let address = find(asked, "redirect_uri").ok_or("redirect_uri is missing")?;
    if !address.starts_with("https://") && !address.starts_with("http://") {
        return Err("redirect_uri is not absolute");
    }
    match (find(asked, "response_type"), find(asked, "code_challenge"), find(asked, "code_challenge_method"))
    {
        (Some(kind), ..) if kind != "code" => Err("response_type is not code"),
        (_, Some(_), method) if method != Some("S256") => Err("code_challenge_method is not S256"),
        _ => Ok(()),
    }
}

fn code_of(asked: &Pairs, now: i64) -> Code {
    let text = |name: &str| find(asked, name).map(str::to_owned);
    let scopes: Scopes = text("scope").map(|scope| scope.split_whitespace().map(str::to_owned).collect());
    Code {
        grant: Grant { client_id: text("client_id").unwrap_or_default(), scopes },
        redirect_uri: text("redirect_uri").unwrap_or_default(),
        challenge: text("code_challenge"),
        until: now + CODE_LIFE,
    }
}

fn form(asked: &Pairs, title: &str) -> String {
    let client = escape(find(asked, "client_id").unwrap_or_default());
    let scopes = find(asked, "scope").unwrap_or_default().split_whitespace();
    let scopes: String = scopes.map(|scope| format!("<li>{}</li>", escape(scope))).collect();
    let hidden = |(name, value): &(String, String)| {
        format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value))
    };
    let hidden: String = asked.iter().filter(|(name, _)| name != "decision").map(hidden).collect();
    format!(
        "<h1>{title}</h1><p>The app <b>{client}</b> wants to:</p><ul>{scopes}</ul><form method=\"post\">{hidden}\
         <button name=\"decision\" value=\"allow\">Allow</button> <button name=\"decision\" value=\"deny\">Deny</button>\
         </form>"
    )
}

fn sent_back(asked: &Pairs, name: &str, value: &str) -> Answer {
    let address = find(asked, "redirect_uri").unwrap_or_default();
    let joint = if address.contains('?') { '&' } else { '?' };
    let state = find(asked, "state").map_or_else(String::new, |state| format!("&state={}", encode(state)));
    Answer::empty(302).header("location", format!("{address}{joint}{name}={}{state}", encode(value)))
}

/// Trades a code, given the token request's form. The client is checked already.
pub(crate) fn trade(form: &[(String, String)], env: &mut Env<'_>) -> Result<Issued, Refused> {
    let form = form.to_vec();
    let text = |name: &str| find(&form, name).unwrap_or_default();
    // Used by asking for it, rightly or not.
    let code = env.tokens.take_code(text("code")).ok_or(Refused::Code)?;
    if code.until <= env.now || code.grant.client_id != text("client_id") {
        return Err(Refused::Code);
    }
    if code.redirect_uri != text("redirect_uri") {
        return Err(Refused::RedirectUri);
    }
    let proven = code.challenge.as_ref().is_none_or(|wanted| challenge(text("code_verifier")) == *wanted);
    if proven { Ok(env.tokens.grant_anew(env.now, &code.grant)) } else { Err(Refused::Verifier) }
}

fn challenge(verifier: &str) -> String {
    BASE64_URL.encode(Sha256::digest(verifier))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_the_example_of_rfc_7636_when_hashed_then_it_is_the_rfcs_challenge() {
        let challenged = challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenged, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
