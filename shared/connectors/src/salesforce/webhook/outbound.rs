//! Outbound messages: a SOAP envelope with up to a hundred notifications, each with a record's fields.
//!
//! Which record and which object is all that is taken: a message may be a day late, and its fields are of the time it was made.
//! <https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_om_outboundmessaging_understanding.htm>

use super::super::body::id18;
use crate::webhook::{Event, Heard, Part, Unreadable};
use rtr_core::inbound::Operation;
use rtr_core::time::Instant;
use xmlparser::{ElementEnd, Token, Tokenizer};

/// Deeper than that no notification is.
const MAX_DEPTH: usize = 16;
/// The way to a notification.
const NOTIFICATION: [&str; 4] = ["Envelope", "Body", "notifications", "Notification"];

/// Reads a message.
pub(super) fn read(body: &[u8]) -> Result<Heard, Unreadable> {
    let text = std::str::from_utf8(body).map_err(|_| unreadable("it is not UTF-8"))?;
    // A byte order mark is none of the message.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader::default();
    for token in Tokenizer::from(text) {
        reader.take(&token.map_err(|error| {
            let at = error.pos();
            unreadable(&format!("it is not XML: line {}, column {}", at.row, at.col))
        })?)?;
    }
    reader.done()
}

/// What was read so far.
#[derive(Default)]
struct Reader<'a> {
    /// The elements that are open, by their local names.
    open: Vec<&'a str>,
    /// Whether the one element around all was read.
    ended: bool,
    organization: Option<String>,
    /// The notification that is open.
    one: Notification,
    all: Vec<Notification>,
    saw_notifications: bool,
}

#[derive(Default)]
struct Notification {
    id: Option<String>,
    object: Option<String>,
    record: Option<String>,
    at: Option<Instant>,
}

impl<'a> Reader<'a> {
    fn take(&mut self, token: &Token<'a>) -> Result<(), Unreadable> {
        match token {
            // Entities of one's own are for attacks alone.
            Token::DtdStart { .. }
            | Token::EmptyDtd { .. }
            | Token::EntityDeclaration { .. }
            | Token::DtdEnd { .. } => Err(unreadable("it has a document type, which SOAP forbids")),
            Token::ElementStart { local, .. } => self.begin(local.as_str()),
            Token::Attribute { prefix, local, value, .. } => {
                // xsi:type of the sObject, such as sf:Contact.
                if self.is_at(&["sObject"]) && local.as_str() == "type" && !prefix.as_str().is_empty() {
                    let name = value.as_str().rsplit(':').next().unwrap_or_default();
                    self.one.object = is_object(name).then(|| name.to_owned());
                }
                Ok(())
            }
            Token::ElementEnd { end: ElementEnd::Empty, .. } => self.end(None),
            Token::ElementEnd { end: ElementEnd::Close(_, local), .. } => self.end(Some(local.as_str())),
            Token::Text { text } => self.text(text.as_str()),
            Token::Cdata { text, .. } => self.text(text.as_str()),
            Token::ElementEnd { end: ElementEnd::Open, .. }
            | Token::Declaration { .. }
            | Token::ProcessingInstruction { .. }
            | Token::Comment { .. } => Ok(()),
        }
    }

    fn begin(&mut self, name: &'a str) -> Result<(), Unreadable> {
        if self.ended || self.open.len() >= MAX_DEPTH {
            return Err(unreadable("it is not one element, or too deep"));
        }
        self.open.push(name);
        self.saw_notifications |= self.open == NOTIFICATION[..3];
        if self.is_at(&[]) {
            self.one = Notification::default();
        }
        Ok(())
    }

    fn end(&mut self, name: Option<&str>) -> Result<(), Unreadable> {
        if self.is_at(&[]) {
            self.all.push(std::mem::take(&mut self.one));
        }
        let open = self.open.pop();
        if open.is_none() || name.is_some_and(|name| open != Some(name)) {
            return Err(unreadable("an element ends that is not open"));
        }
        self.ended = self.open.is_empty();
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Unreadable> {
        let text = text.trim();
        if self.open.is_empty() && !text.is_empty() {
            return Err(unreadable("there is text outside of its element"));
        }
        let Some(name) = self.open.last().copied().filter(|_| !text.is_empty()) else { return Ok(()) };
        if self.open.len() == 4 && self.open[..3] == NOTIFICATION[..3] && name == "OrganizationId" {
            self.organization = Some(id18(text).ok_or_else(|| unreadable("its OrganizationId is no id"))?);
        } else if self.is_at(&["Id"]) {
            self.one.id = id18(text);
        } else if self.is_at(&["sObject", "Id"]) {
            self.one.record = id18(text);
        } else if self.is_at(&["sObject", "SystemModstamp"])
            || (self.is_at(&["sObject", "LastModifiedDate"]) && self.one.at.is_none())
        {
            self.one.at = Instant::from_rfc3339(text).ok().or(self.one.at);
        }
        Ok(())
    }

    /// Whether what is open is a notification, and then these.
    fn is_at(&self, rest: &[&str]) -> bool {
        let (way, open) = (NOTIFICATION.len(), &self.open);
        open.len() == way + rest.len() && open[..way] == NOTIFICATION && open[way..] == *rest
    }

    fn done(self) -> Result<Heard, Unreadable> {
        if !self.ended {
            return Err(unreadable("it ends too early"));
        }
        if !self.saw_notifications {
            return Err(unreadable("it holds no `notifications`"));
        }
        // Whose records these are must be told: without that, they might be anybody's.
        let account = self.organization.ok_or_else(|| unreadable("it has no OrganizationId"))?;
        let mut heard = Heard::default();
        for one in self.all {
            heard.add(one.event(&account));
        }
        Ok(heard)
    }
}

impl Notification {
    fn event(self, account: &str) -> Option<Part> {
        let Self { id, object, record, at } = self;
        let (object, external_id, identity) = (object?, record?, id?);
        let (operation, account) = (Operation::Upsert, Some(account.to_owned()));
        Some(Part::Of(vec![Event { object, external_id, operation, at, origin: None, account, identity }]))
    }
}

/// API names are letters, digits and underscores.
fn is_object(name: &str) -> bool {
    (1..=80).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn unreadable(why: &str) -> Unreadable {
    Unreadable(format!("the outbound message cannot be read: {why}"))
}
