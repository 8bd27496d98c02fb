//! What the person sees in the browser. Nothing the browser brought is repeated, and everything is escaped.

use crate::seams::{Consent, ConsentEnding};

/// A small page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// In a few words.
    pub title: String,
    /// What happened, and what to do.
    pub text: String,
}

impl Page {
    /// How a consent ended.
    pub(super) fn of(consent: &Consent, ending: &ConsentEnding) -> Self {
        let Consent { org_id, connection, provider, .. } = consent;
        let account =
            ending.account.as_ref().map_or_else(String::new, |account| format!(", account {account}"));
        if ending.connected {
            let text = format!(
                "{connection} of {org_id} ({provider}{account}) is connected and tested. You may close this page."
            );
            return Self { status: 200, title: "Connected".to_owned(), text };
        }
        let text = format!(
            "{connection} of {org_id} ({provider}) is not connected: {}. To try again, run: rtr connection connect \
             {org_id} {provider} --connection {connection}",
            ending.message
        );
        Self { status: 400, title: "Not connected".to_owned(), text }
    }

    pub(super) fn unreadable() -> Self {
        let text = "This address is where a CRM sends people back after they let rtr-sync in. It was opened without an \
                    answer of a CRM. To connect an account, run: rtr connection connect";
        Self { status: 400, title: "Nothing to do here".to_owned(), text: text.to_owned() }
    }

    pub(super) fn unknown_state() -> Self {
        let text = "This link was used already, or more than ten minutes have passed. Nothing was changed. To connect \
                    the account, run rtr connection connect again.";
        Self { status: 400, title: "This link no longer counts".to_owned(), text: text.to_owned() }
    }

    pub(super) fn unavailable() -> Self {
        let text = "The store did not answer. Reload this page in a moment.";
        Self { status: 503, title: "Try again".to_owned(), text: text.to_owned() }
    }

    /// The page as HTML.
    #[must_use]
    pub fn html(&self) -> String {
        let (title, text) = (escape(&self.title), escape(&self.text));
        format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
             content=\"width=device-width\"><title>{title}</title></head>\n<body><main><h1>{title}</h1><p>{text}</p>\
             </main></body></html>\n"
        )
    }
}

fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_an_org_named_like_a_script_when_shown_then_it_is_text() {
        let page = Page { status: 200, title: "<b>".to_owned(), text: "<script>'\"&".to_owned() };
        let html = page.html();
        assert!(html.contains("<h1>&lt;b&gt;</h1><p>&lt;script&gt;&#39;&quot;&amp;</p>"), "{html}");
    }
}
