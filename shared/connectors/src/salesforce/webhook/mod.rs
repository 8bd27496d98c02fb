//! What Salesforce pushes: outbound messages, to an address with a secret in it, and change events, through an event bus.
//!
//! Neither is signed. Whose outbound message it is, is known by a word that only the CRM and we know, which stands behind the
//! connection's address; and by the id of the Salesforce org, since a sandbox that was copied from it has the same word. Who may
//! put an event on the bus is IAM's affair.
//!
//! - `outbound` the SOAP message · `change_event` Change Data Capture

mod change_event;
mod outbound;
#[cfg(test)]
mod tests;

use crate::webhook::signature::is_any;
use crate::webhook::{Acknowledgement, Delivery, Heard, Keys, Refusal, Unreadable, Webhook};
use secrecy::ExposeSecret;
use serde_json::Value;

/// Anything else is a failure to Salesforce, whatever the status: it sends again for a day.
const ACKNOWLEDGED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
    <soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body>\
    <notificationsResponse xmlns=\"http://soap.sforce.com/2005/09/outbound\"><Ack>true</Ack></notificationsResponse>\
    </soapenv:Body></soapenv:Envelope>";

/// Salesforce's scheme.
#[derive(Debug, Clone, Copy)]
pub struct SalesforceWebhook;

impl Webhook for SalesforceWebhook {
    fn verify(&self, delivery: &Delivery<'_>, keys: Keys<'_>) -> Result<(), Refusal> {
        if keys.webhook.is_empty() {
            return Err(Refusal::NoKey);
        }
        let word = delivery.word.ok_or(Refusal::Unsigned)?;
        let secrets = keys.webhook.iter().map(|secret| secret.expose_secret().as_bytes());
        if is_any(secrets, word.as_bytes()) { Ok(()) } else { Err(Refusal::Forged) }
    }

    fn read(&self, delivery: &Delivery<'_>) -> Result<Heard, Unreadable> {
        outbound::read(delivery.body)
    }

    fn acknowledgement(&self) -> Acknowledgement {
        Acknowledgement::Words { content_type: "text/xml; charset=utf-8", body: ACKNOWLEDGED }
    }

    fn relayed(&self, event: &Value) -> Result<Heard, Unreadable> {
        change_event::read(event)
    }
}
