//! Calls that are signed, and then changed; and calls whose signatures are guessed.

use super::cases::{change, changed};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fastrand::Rng;
use rtr_connectors::hubspot::webhook::{self as hubspot, HubSpotWebhook};
use rtr_connectors::salesforce::webhook::SalesforceWebhook;
use rtr_connectors::webhook::pipedrive::Pipedrive;
use rtr_connectors::webhook::standard::{self, StandardWebhooks};
use rtr_connectors::webhook::{Delivery, Keys, Refusal, Webhook};
use rtr_core::time::Instant;
use secrecy::{ExposeSecret as _, SecretString};

const NOW_MS: i64 = 1_795_000_000_000;
const ADDRESS: &str = "https://rtr.example/webhooks/acme/crm";

/// Who signs how.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    HubSpot,
    Standard,
    Salesforce,
    Pipedrive,
}

/// Every scheme, by the folder of its bodies.
pub(super) const ALL: [(&str, Scheme); 4] = [
    ("hubspot", Scheme::HubSpot),
    ("standard", Scheme::Standard),
    ("outbound", Scheme::Salesforce),
    ("pipedrive", Scheme::Pipedrive),
];

/// All that a call is verified by.
#[derive(Clone, PartialEq, Eq)]
struct Call {
    method: String,
    address: String,
    word: Option<String>,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    now: Instant,
}

fn secrets() -> [SecretString; 2] {
    ["bmV3LXNlY3JldA==".into(), SecretString::from("b2xkLXNlY3JldA==")]
}

impl Scheme {
    fn webhook(self) -> &'static dyn Webhook {
        match self {
            Self::HubSpot => &HubSpotWebhook,
            Self::Standard => &StandardWebhooks,
            Self::Salesforce => &SalesforceWebhook,
            Self::Pipedrive => &Pipedrive,
        }
    }

    /// Whether what is signed depends on this part at all.
    fn covers(self, part: Part) -> bool {
        match self {
            Self::HubSpot => true,
            Self::Standard => matches!(part, Part::Headers | Part::Body | Part::Time | Part::Word),
            // Nothing but the word or the password is a proof.
            Self::Salesforce => part == Part::Word,
            Self::Pipedrive => part == Part::Headers,
        }
    }

    /// A call as the CRM makes it, by the new secret or the one that is being replaced.
    fn signed(self, rng: &mut Rng, bodies: &[Vec<u8>]) -> Call {
        let secrets = secrets();
        let secret = &secrets[rng.usize(..2)];
        let body = if rng.bool() { bodies[rng.usize(..bodies.len())].clone() } else { changed(rng, bodies) };
        let at_ms = NOW_MS + rng.i64(-299_000..=299_000);
        let query = if self == Self::HubSpot && rng.bool() { "a=%3A%20b" } else { "" };
        let owned = |pairs: &[(&str, String)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<Vec<_>>()
        };
        let mut word = None;
        let headers = match self {
            Self::HubSpot => {
                let url = if query.is_empty() { ADDRESS.to_owned() } else { format!("{ADDRESS}?{query}") };
                let signature = hubspot::sign(secret, "POST", &url, &body, at_ms);
                owned(&[(hubspot::SIGNATURE, signature), (hubspot::TIMESTAMP, at_ms.to_string())])
            }
            Self::Standard => {
                let (id, at_s) = (format!("msg_{}", rng.u32(..)), at_ms.div_euclid(1_000));
                let signature = standard::sign(secret, &id, at_s, &body);
                owned(&[
                    (standard::ID, id),
                    (standard::TIMESTAMP, at_s.to_string()),
                    (standard::SIGNATURE, signature),
                ])
            }
            Self::Salesforce => {
                word = Some(secret.expose_secret().to_owned());
                Vec::new()
            }
            Self::Pipedrive => {
                owned(&[("authorization", format!("Basic {}", BASE64.encode(secret.expose_secret())))])
            }
        };
        let (method, address, query) = ("POST".to_owned(), ADDRESS.to_owned(), query.to_owned());
        Call { method, address, word, query, headers, body, now: Instant(NOW_MS) }
    }
}

impl Call {
    fn verify(&self, scheme: Scheme) -> Result<(), Refusal> {
        let Self { method, address, word, query, headers, body, now } = self;
        let secrets = secrets();
        let keys = Keys { webhook: &secrets, client: &[] };
        let delivery = Delivery { method, address, word: word.as_deref(), query, headers, body, now: *now };
        scheme.webhook().verify(&delivery, keys)
    }

    /// The same with `part` changed.
    fn with(&self, part: Part, rng: &mut Rng, bodies: &[Vec<u8>]) -> Self {
        let mut call = self.clone();
        let mut text = |text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            change(rng, &mut bytes, bodies);
            String::from_utf8_lossy(&bytes).into_owned()
        };
        match part {
            Part::Method => call.method = text(&call.method),
            Part::Address => call.address = text(&call.address),
            Part::Word => call.word = Some(text(&call.word.unwrap_or_default())),
            Part::Query => call.query = text(&call.query),
            Part::Headers if !call.headers.is_empty() => {
                let which = rng.usize(..call.headers.len());
                let mut bytes = call.headers[which].1.clone().into_bytes();
                change(rng, &mut bytes, bodies);
                call.headers[which].1 = String::from_utf8_lossy(&bytes).into_owned();
            }
            Part::Headers => {}
            Part::Body => change(rng, &mut call.body, bodies),
            Part::Time => {
                let away = rng.i64(601_000..1_000_000_000_000);
                call.now = Instant(if rng.bool() { NOW_MS + away } else { NOW_MS - away });
            }
        }
        call
    }
}

/// What may be changed of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Method,
    Address,
    Word,
    Query,
    Headers,
    Body,
    Time,
}

const PARTS: [Part; 7] =
    [Part::Method, Part::Address, Part::Word, Part::Query, Part::Headers, Part::Body, Part::Time];

/// One signed call: it is believed as it is, and in no other way.
pub(super) fn check(scheme: Scheme, rng: &mut Rng, bodies: &[Vec<u8>]) {
    let call = scheme.signed(rng, bodies);
    assert_eq!(call.verify(scheme), Ok(()), "as it was signed");
    let part = PARTS[rng.usize(..PARTS.len())];
    let other = call.with(part, rng, bodies);
    if other != call && scheme.covers(part) && !means_the_same(scheme, &call, &other) {
        assert!(other.verify(scheme).is_err(), "a changed call is believed");
    }
}

/// Headers of random bytes, or a signature of something else.
pub(super) fn guessed(scheme: Scheme, rng: &mut Rng, bodies: &[Vec<u8>]) {
    let mut call = scheme.signed(rng, bodies);
    let mut random = |most: usize| (0..rng.usize(..=most)).map(|_| rng.u8(..)).collect::<Vec<_>>();
    let guess = random(64);
    // One of them at least.
    let which = random(1).first().copied().unwrap_or(1).max(1);
    for (_, (_, value)) in
        call.headers.iter_mut().enumerate().filter(|(at, _)| *at == 0 || which >> at & 1 == 1)
    {
        *value = match guess.first() {
            Some(byte) if byte % 3 == 0 => BASE64.encode(&guess),
            Some(byte) if byte % 3 == 1 => format!("Basic {}", BASE64.encode(&guess)),
            _ => String::from_utf8_lossy(&guess).into_owned(),
        };
    }
    call.word = call.word.map(|_| String::from_utf8_lossy(&guess).into_owned());
    assert!(call.verify(scheme).is_err(), "a guess is believed");
}

/// Changes that leave what is said as it was: HubSpot has some characters of an address decoded before it is signed, an empty
/// query is none, Standard Webhooks may add signatures, and the name of a way to authorise has no case.
fn means_the_same(scheme: Scheme, call: &Call, other: &Call) -> bool {
    match scheme {
        Scheme::HubSpot => signed_url(call) == signed_url(other) && same_but_url(call, other),
        Scheme::Standard => {
            let given = |call: &Call| call.headers[2].1.split(' ').map(str::to_owned).collect::<Vec<_>>();
            let all_but =
                |call: &Call| (call.headers[..2].to_vec(), call.body.clone(), call.now, call.word.clone());
            all_but(call) == all_but(other) && given(other).contains(&given(call)[0])
        }
        Scheme::Salesforce => false,
        Scheme::Pipedrive => {
            let header = |call: &Call| {
                call.headers[0]
                    .1
                    .split_once(' ')
                    .map(|(way, rest)| (way.to_ascii_lowercase(), rest.to_owned()))
            };
            header(call) == header(other)
        }
    }
}

fn same_but_url(call: &Call, other: &Call) -> bool {
    let rest = |call: &Call| {
        (call.method.clone(), call.word.clone(), call.headers.clone(), call.body.clone(), call.now)
    };
    rest(call) == rest(other)
}

/// The address as HubSpot has it signed, by another way than the code's own.
fn signed_url(call: &Call) -> String {
    let url =
        if call.query.is_empty() { call.address.clone() } else { format!("{}?{}", call.address, call.query) };
    let pairs = [
        ("%3A", ":"),
        ("%2F", "/"),
        ("%3F", "?"),
        ("%40", "@"),
        ("%21", "!"),
        ("%24", "$"),
        ("%27", "'"),
        ("%28", "("),
        ("%29", ")"),
        ("%2A", "*"),
        ("%2C", ","),
        ("%3B", ";"),
    ];
    pairs.iter().fold(url, |url, (hex, plain)| url.replace(hex, plain).replace(&hex.to_lowercase(), plain))
}
