//! A person connects an account at the sandbox's consent page, from the question to the first record.
#![allow(clippy::unwrap_used)]

use crate::CONTACT;
use rtr_connectors::http::Clock as _;
use rtr_engine::authorize::{Begin, BeginError, Begun, Page, begin, prepare, run};
use rtr_engine::seams::Consents as _;
use rtr_testkit::world::World;
use serde_json::{Value, json};

const CALLBACK: &str = "https://rtr.example/oauth/callback";
const SECRET: &str = "rtr/test/acme/hubspot";

/// A world whose connection has no secret yet, and an app whose client the CRM knows.
fn with_app() -> World {
    let world = World::with_contact(CONTACT);
    let client =
        json!({"provider": "hubspot", "account": "acme", "client_id": "main", "client_secret": "CANARY-old"});
    world.crm.control("POST", "/_sandbox/tokens", &client);
    // The secret is being replaced: the CRM knows the older one only.
    let app = json!({"client_id": "main", "client_secrets": ["CANARY-new", "CANARY-old"]});
    world.secrets.put("rtr/test/apps/main", &app.to_string());
    world.secrets.put(SECRET, "{}");
    world
}

fn asked(world: &World, app: Option<&str>) -> Result<Begun, BeginError> {
    let config = futures::executor::block_on(world.seams().configs.org("acme")).unwrap();
    let ask = Begin {
        org_id: "acme",
        connection: &config.connections["hubspot"],
        app,
        scope: None,
        redirect_uri: CALLBACK,
    };
    futures::executor::block_on(begin(&world.seams(), &world.limits, &ask))
}

/// What the person does; the query that the browser comes back with.
fn decided(world: &World, begun: &Begun, decision: &str) -> String {
    let path = begun.url.strip_prefix("http://sandbox").unwrap();
    let (page, query) = path.split_once('?').unwrap();
    let back = world.crm.browse("POST", page, &format!("{query}&decision={decision}"));
    back.strip_prefix(&format!("{CALLBACK}?")).unwrap().to_owned()
}

fn came_back(world: &World, query: &str) -> Page {
    let deadline = world.clock.now().plus_ms(30_000);
    futures::executor::block_on(run(&world.seams(), &world.limits, &world.settings, query, deadline))
}

fn secret(world: &World) -> Value {
    serde_json::from_str(&world.secrets.text(SECRET).unwrap()).unwrap()
}

#[test]
fn given_a_consent_when_the_person_comes_back_then_the_secret_is_stored_and_an_event_goes_through_with_it() {
    let world = with_app();
    let begun = asked(&world, Some("main")).unwrap();
    assert!(!begun.url.contains("CANARY"), "{}", begun.url);
    let page = came_back(&world, &decided(&world, &begun, "allow"));
    assert_eq!((page.status, page.title.as_str()), (200, "Connected"), "{}", page.text);
    let stored = secret(&world);
    assert_eq!((&stored["type"], &stored["app"]), (&json!("oauth2"), &json!("main")));
    assert!(stored["client_secret"].is_null() && stored["refresh_token"].is_string());
    let ending = futures::executor::block_on(world.limits.consent_ending(&begun.state)).unwrap().unwrap();
    let account = world.limits.state().known["acme#hubspot"].account.clone();
    assert!(ending.connected && ending.account.is_some() && ending.account == account, "{ending:?}");
    assert_eq!(world.sync(&[world.contact("c", 1, &json!({"email": "c@x.io"}))]).counts["applied"], 1);
    // The app's client renews it, by the secret that the CRM knows.
    world.clock.advance_ms(40 * 60_000);
    assert_eq!(world.sync(&[world.contact("c", 2, &json!({"email": "d@x.io"}))]).counts["applied"], 1);
    assert_ne!(secret(&world)["access_token"], stored["access_token"]);
}

#[test]
fn given_what_waits_for_credentials_when_a_person_connects_then_it_goes_at_once() {
    let world = with_app();
    assert!(world.sync(&[world.contact("c", 1, &json!({"email": "c@x.io"}))]).failed.is_empty());
    assert_eq!(crate::parked(&world, "c").reason.code.as_str(), "RTR4007");
    world.clock.advance_ms(5_000);
    assert!(world.sweep().is_empty(), "its lane rests");
    let page = came_back(&world, &decided(&world, &asked(&world, Some("main")).unwrap(), "allow"));
    assert_eq!(page.status, 200, "{}", page.text);
    world.sweep();
    assert_eq!((world.contacts("email"), world.item("contact", "c").slot), (vec!["c@x.io".to_owned()], None));
}

#[test]
fn given_a_state_that_served_or_ended_or_is_nobodys_when_it_comes_back_then_nothing_is_traded() {
    let world = with_app();
    let query = decided(&world, &asked(&world, Some("main")).unwrap(), "allow");
    assert_eq!(came_back(&world, &query).status, 200);
    let before = world.secrets.text(SECRET);
    assert_eq!(came_back(&world, &query).title, "This link no longer counts");
    let late = decided(&world, &asked(&world, Some("main")).unwrap(), "allow");
    world.clock.advance_ms(rtr_engine::authorize::CONSENT_MS);
    for query in [late.as_str(), "code=c&state=guessed", "code=c", "", "state=%3Cscript%3E&code=c"] {
        let page = came_back(&world, query);
        assert_eq!(page.status, 400, "{query}");
        assert!(!page.html().contains("script"), "{query}");
    }
    assert_eq!(world.secrets.text(SECRET), before);
}

#[test]
fn given_a_person_who_says_no_when_they_come_back_then_the_page_says_so_and_the_secret_stays() {
    let world = with_app();
    let begun = asked(&world, Some("main")).unwrap();
    let page = came_back(&world, &decided(&world, &begun, "deny"));
    assert_eq!((page.status, page.title.as_str()), (400, "Not connected"));
    assert!(page.text.contains("the consent was not given"), "{}", page.text);
    assert_eq!(world.secrets.text(SECRET).unwrap(), "{}");
    let ending = futures::executor::block_on(world.limits.consent_ending(&begun.state)).unwrap().unwrap();
    assert!(!ending.connected);
}

#[test]
fn given_another_account_than_the_links_are_at_when_consented_then_it_is_refused_and_not_stored() {
    let world = with_app();
    world.limits.state().known.entry("acme#hubspot".to_owned()).or_default().account = Some("1".to_owned());
    let page = came_back(&world, &decided(&world, &asked(&world, Some("main")).unwrap(), "allow"));
    assert!(page.status == 400 && page.text.contains("linked to account 1"), "{}", page.text);
    assert_eq!(world.secrets.text(SECRET).unwrap(), "{}");
}

#[test]
fn given_a_code_traded_with_another_verifier_when_it_comes_back_then_the_crm_refuses_it() {
    let world = with_app();
    let begun = asked(&world, Some("main")).unwrap();
    let query = decided(&world, &begun, "allow");
    world.limits.state().consents.get_mut(&begun.state).unwrap().verifier = "another".into();
    let page = came_back(&world, &query);
    assert!(page.status == 400 && page.text.contains("the code was not taken"), "{}", page.text);
}

#[test]
fn given_a_question_that_is_prepared_when_nobody_notes_it_then_no_answer_is_waited_for() {
    let world = with_app();
    let config = futures::executor::block_on(world.seams().configs.org("acme")).unwrap();
    let ask = Begin {
        org_id: "acme",
        connection: &config.connections["hubspot"],
        app: Some("main"),
        scope: None,
        redirect_uri: CALLBACK,
    };
    let waited_for = || world.limits.state().consents.len();
    let ready = futures::executor::block_on(prepare(&world.seams(), &ask)).unwrap();
    assert_eq!(waited_for(), 0);
    futures::executor::block_on(ready.note(&world.limits)).unwrap();
    assert_eq!(waited_for(), 1);
}

#[test]
fn given_no_client_when_asked_then_what_to_set_up_is_said() {
    let world = with_app();
    let told = [asked(&world, None), asked(&world, Some("other")), asked(&world, Some("../x"))];
    insta::assert_snapshot!(told.map(|error| error.unwrap_err().to_string()).join("\n"), @r"
    neither an app nor the secret rtr/test/acme/hubspot says which OAuth client asks: store the app's client_id and client_secrets as rtr/<stage>/apps/<name> and name it with --app
    there is no secret rtr/test/apps/other: it holds the app's client_id and client_secrets
    an app's name is of letters, digits, `-`, `_` and `.`, up to 64
    ");
}
