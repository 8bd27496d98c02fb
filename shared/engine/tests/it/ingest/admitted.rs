//! Who comes in by an org's secret, and for which org.

use super::{Hall, contact, statuses};
use rtr_core::ingest::http::Kind;
use rtr_core::ingest::secret::{Presented, sign};
use rtr_engine::ingest::http::{Request, Way};
use serde_json::json;

const NEW: &str = "a-new-secret-of-32-characters-ab";
const OLD: &str = "an-old-secret-of-32-characters-a";
const TOKEN: &str = r#"{"type": "bearer", "token": "a-token-of-some-length"}"#;

impl Hall {
    /// The status of `body` for `org`, signed with `key` so many seconds ago.
    fn by_signature(&self, org: &str, key: &str, body: &str, seconds_ago: i64) -> u16 {
        let at = self.world.now().0 / 1_000 - seconds_ago;
        let (timestamp, signature) = (at.to_string(), sign(key.as_bytes(), "m-1", at, body.as_bytes()));
        let presented = Presented {
            authorization: None,
            id: Some("m-1"),
            timestamp: Some(&timestamp),
            signature: Some(&signature),
        };
        self.ask(&Request {
            way: Way::Org(org),
            kind: Kind::default(),
            presented,
            trace: None,
            body: body.as_bytes(),
        })
        .status
    }

    fn by_token(&self, org: &str, token: &str, body: &str) -> rtr_core::ingest::Answer {
        let authorization = format!("Bearer {token}");
        let presented = Presented { authorization: Some(&authorization), ..Presented::default() };
        self.ask(&Request {
            way: Way::Org(org),
            kind: Kind::default(),
            presented,
            trace: None,
            body: body.as_bytes(),
        })
    }

    fn put_hmac(&self, secrets: &[&str]) {
        self.world
            .secrets
            .put("rtr/test/acme/ingest", &json!({"type": "hmac", "secrets": secrets}).to_string());
    }
}

#[test]
fn given_a_signature_when_it_is_forged_stale_or_of_another_org_then_it_changes_nothing() {
    let hall = Hall::new();
    hall.put_hmac(&[NEW]);
    hall.world.secrets.put("rtr/test/globex/ingest", TOKEN);
    let body = contact("acme", "a", 1).to_string();
    for (org, key, seconds_ago) in [
        ("acme", OLD, 0),
        ("acme", NEW, 301),
        ("acme", NEW, -301),
        ("globex", NEW, 0),
        ("nobody", NEW, 0),
        ("acme/x", NEW, 0),
        ("", NEW, 0),
    ] {
        assert_eq!(hall.by_signature(org, key, &body, seconds_ago), 401, "{org} {seconds_ago}");
    }
    assert!(hall.sent().is_empty());
    assert_eq!(hall.by_signature("acme", NEW, &body, 300), 200);
    assert_eq!(hall.sent(), ["acme/a@1"]);
}

#[test]
fn given_a_secret_that_is_replaced_when_both_are_listed_then_no_request_is_lost_and_then_the_old_one_is_out()
{
    let hall = Hall::new();
    let body = contact("acme", "a", 1).to_string();
    hall.put_hmac(&[OLD]);
    assert_eq!(hall.by_signature("acme", OLD, &body, 0), 200);
    hall.put_hmac(&[NEW, OLD]);
    // A producer that has the new one already is told no once at most, for the seconds in which it is not looked again.
    assert_eq!(hall.by_signature("acme", NEW, &body, 0), 401);
    hall.world.clock.advance_ms(5_000);
    assert_eq!(hall.by_signature("acme", NEW, &body, 0), 200);
    assert_eq!(hall.by_signature("acme", OLD, &body, 0), 200);
    hall.put_hmac(&[NEW]);
    hall.world.clock.advance_ms(60_000);
    assert_eq!(hall.by_signature("acme", OLD, &body, 0), 401);
}

#[test]
fn given_a_token_when_named_then_that_orgs_events_are_taken_and_others_are_refused_one_by_one() {
    let hall = Hall::new();
    hall.world.secrets.put("rtr/test/acme/ingest", TOKEN);
    let body =
        json!([contact("acme", "a", 1), contact("globex", "b", 1), contact("acme", "c", 1)]).to_string();
    let answer = hall.by_token("acme", "a-token-of-some-length", &body);
    assert_eq!((answer.status, statuses(&answer)), (200, vec![200, 403, 200]));
    assert_eq!(answer.body["results"][1]["code"], "RTR1009");
    assert_eq!(hall.sent(), ["acme/a@1", "acme/c@1"]);
    let foreign = hall.by_token("acme", "a-token-of-some-length", &contact("globex", "b", 1).to_string());
    assert_eq!(foreign.status, 403);
    assert_eq!(hall.by_token("acme", "another-token-of-len", &body).status, 401);
    assert!(hall.sent().is_empty());
}

#[test]
fn given_a_secret_that_is_none_when_asked_for_then_nobody_comes_in() {
    let hall = Hall::new();
    let body = contact("acme", "a", 1).to_string();
    for text in ["", "{}", r#"{"type": "bearer", "token": ""}"#, r#"{"type": "hmac", "secrets": []}"#] {
        hall.world.secrets.put("rtr/test/acme/ingest", text);
        hall.world.clock.advance_ms(60_000);
        assert_eq!(hall.by_token("acme", "", &body).status, 401, "{text}");
        assert_eq!(hall.by_signature("acme", "", &body, 0), 401, "{text}");
    }
}
