//! Outbound messages: a SOAP envelope with up to a hundred notifications of one type, not signed. What is not
//! acknowledged in the vendor's own words is sent again. Deletions are never told of.

use super::schema::{FieldType, TYPES};
use super::store::Record;
use super::{Salesforce, begun, ids};
use crate::push::address::Address;
use crate::push::vendor::{Author, Message, News, Patience, Pushing};
use serde_json::{Map, Value, json};
use xmlparser::{ElementEnd, Token, Tokenizer};

/// Salesforce tries for a day, up to two hours apart: ten minutes and fifty seconds here.
const TRIES: u32 = 17;
const FIRST_WAIT_MS: i64 = 500;
const LONGEST_WAIT_MS: i64 = 50_000;

/// The way to the word that counts.
const ACK: [&str; 4] = ["Envelope", "Body", "notificationsResponse", "Ack"];

impl Pushing for Salesforce {
    fn listen(&mut self) {
        self.store.heard.get_or_insert_default();
    }

    /// Who did it is in the record itself.
    fn news(&mut self, _author: Author, _now: i64) -> Vec<News> {
        let heard = self.store.heard.as_mut().map(std::mem::take).unwrap_or_default();
        heard.into_iter().filter_map(|(id, before)| self.saved(id, before.as_ref())).collect()
    }

    fn own_settings(&self) -> &'static [&'static str] {
        &[]
    }

    fn is_together(&self, one: &News, other: &News) -> bool {
        one.object == other.object
    }

    fn message(&self, address: &Address, news: &[News], _attempt: u32, _now: i64) -> Message {
        let place = news.first().and_then(|one| TYPES.iter().position(|kind| kind.name == one.object));
        let action = ids::encode("04k", begun(self.salt) + place.unwrap_or_default() as u64);
        let notifications: String = news.iter().map(notification).collect();
        let host = format!("https://{}.my.salesforce.com/services/Soap", escaped(&address.account));
        let org = &self.org;
        let body = format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Body>
  <notifications xmlns="http://soap.sforce.com/2005/09/outbound">
   <OrganizationId>{org}</OrganizationId>
   <ActionId>{action}</ActionId>
   <SessionId xsi:nil="true"/>
   <EnterpriseUrl>{host}/c/62.0/{short}</EnterpriseUrl>
   <PartnerUrl>{host}/u/62.0/{short}</PartnerUrl>
{notifications}  </notifications>
 </soapenv:Body>
</soapenv:Envelope>
"#,
            short = ids::short(org)
        );
        let headers = [("content-type", "text/xml; charset=utf-8"), ("soapaction", "\"\"")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let url = format!("{}/{}", address.url.trim_end_matches('/'), address.secret);
        Message { url, headers, body: body.into_bytes() }
    }

    fn is_acknowledged(&self, status: u16, body: &[u8]) -> bool {
        status == 200 && std::str::from_utf8(body).is_ok_and(says_ack)
    }

    fn patience(&self) -> Patience {
        let wait = |attempt: u32| (FIRST_WAIT_MS << attempt).min(LONGEST_WAIT_MS);
        Patience { timeout_ms: 10_000, at_once: 5, waits_ms: (0..TRIES).map(wait).collect() }
    }
}

impl Salesforce {
    /// What is told of a record that was saved.
    fn saved(&mut self, id: String, before: Option<&Record>) -> Option<News> {
        let record = self.store.live(&id)?.clone();
        let is_back = before.is_some_and(|before| before.deleted.is_some());
        let same = before.is_some_and(|before| {
            before.modified == record.modified
                && before.values == record.values
                && before.modified_by == record.modified_by
        });
        if !record.kind.business || is_back || same {
            return None;
        }
        let fields: Map<String, Value> = self
            .fields(record.kind)
            .filter(|field| field.name != "Id")
            .filter_map(|field| {
                let text = match self.value(&record, field) {
                    Value::Null => return None,
                    // `+0000` is JSON's way there; SOAP's is `Z`.
                    Value::String(text) if field.kind == FieldType::DateTime => text.replace("+0000", "Z"),
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                Some((field.name.clone(), json!(text)))
            })
            .collect();
        self.told += 1;
        let notification = ids::encode("04l", begun(self.salt) + self.told);
        let what = if before.is_some() { "update" } else { "creation" };
        let told = json!({"notification": notification, "fields": fields});
        Some(News { object: record.kind.name.to_owned(), id, what, told })
    }
}

fn notification(one: &News) -> String {
    let text = |value: &Value| escaped(value.as_str().unwrap_or_default());
    let mut fields = format!("     <sf:Id>{}</sf:Id>\n", escaped(&one.id));
    for (name, value) in one.told["fields"].as_object().into_iter().flatten() {
        fields.push_str(&format!("     <sf:{name}>{}</sf:{name}>\n", text(value)));
    }
    format!(
        "   <Notification>\n    <Id>{}</Id>\n    <sObject xsi:type=\"sf:{}\" \
         xmlns:sf=\"urn:sobject.enterprise.soap.sforce.com\">\n{fields}    </sObject>\n   </Notification>\n",
        text(&one.told["notification"]),
        one.object
    )
}

/// Text as XML holds it; what XML cannot hold at all is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A bare one would be read as a line feed.
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(letter),
            '\u{fffe}' | '\u{ffff}' => {}
            letter if letter < ' ' => {}
            letter => out.push(letter),
        }
    }
    out
}

/// Whether an answer holds `Ack` with `true` where it belongs.
fn says_ack(body: &str) -> bool {
    let (mut open, mut said) = (Vec::new(), false);
    for token in Tokenizer::from(body.trim_start_matches('\u{feff}')) {
        match token {
            Err(_) => return false,
            Ok(Token::ElementStart { local, .. }) => open.push(local.as_str()),
            Ok(Token::ElementEnd { end: ElementEnd::Empty | ElementEnd::Close(..), .. }) => {
                open.pop();
            }
            Ok(Token::Text { text }) if open == ACK => said = ["true", "1"].contains(&text.as_str().trim()),
            Ok(_) => {}
        }
    }
    said && open.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(ack: &str) -> String {
        format!(
            "<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>\
             <notificationsResponse xmlns=\"http://soap.sforce.com/2005/09/outbound\">{ack}</notificationsResponse>\
             </s:Body></s:Envelope>"
        )
    }

    #[test]
    fn given_answers_when_read_then_the_vendors_own_words_alone_are_a_yes() {
        assert!(says_ack(&answer("<Ack>true</Ack>")));
        assert!(says_ack(&answer("<o:Ack> 1 </o:Ack>")));
        for no in
            ["", "{}", "<Ack>true</Ack>", &answer("<Ack>false</Ack>"), &answer("<Ack/>"), &answer("true")]
        {
            assert!(!says_ack(no), "{no}");
        }
        assert!(!says_ack(answer("<Ack>true</Ack>").trim_end_matches("</s:Envelope>")));
    }

    #[test]
    fn given_text_that_means_something_in_xml_when_escaped_then_it_means_itself() {
        assert_eq!(escaped("a<b>&\"'\u{0}\u{b}\r\n😀"), "a&lt;b&gt;&amp;\"'&#13;\n😀");
    }
}
