//! `rtr connection connect`: from the consent page to an event that goes through with the new token.

use crate::CONTACT;
use crate::stack::{CANARY, Org, Plan, ScratchQueue, Stack, Worker, unique, variable};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

/// `rtr connection connect`, waiting for a person.
struct Connecting {
    child: std::process::Child,
    url: String,
}

impl Connecting {
    fn start(stack: &Stack, org: &Org<'_>, app: &str) -> Self {
        let mut command = Command::new(stack.binaries.join("rtr"));
        command.args([
            "connection",
            "connect",
            &org.id,
            "hubspot",
            "--app",
            app,
            "--json",
            "--timeout",
            "60s",
        ]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = Vec::new();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let url = lines.find(|line| {
            said.push(line.clone());
            line.trim().starts_with("http")
        });
        let Some(url) = url else {
            let status = child.wait().unwrap();
            panic!("no address, {status}: {said:?}");
        };
        Self { child, url: url.trim().to_owned() }
    }

    fn ended(mut self) -> (Option<i32>, Value) {
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        assert!(!out.contains(CANARY), "{out}");
        (self.child.wait().unwrap().code(), serde_json::from_str(&out).unwrap())
    }
}

/// An app of this test's own, known to the CRM.
fn app(stack: &Stack, org: &Org<'_>) -> String {
    let name = format!("app-{}", unique());
    let client = format!("{CANARY}client-{name}");
    org.crm().tokens(json!({"client_id": "main", "client_secret": client}));
    let text = json!({"client_id": "main", "client_secrets": [client]}).to_string();
    let secret = format!("rtr/{}/apps/{name}", variable("RTR_STAGE"));
    stack.wait(stack.secrets.create_secret().name(secret).secret_string(text).send()).unwrap();
    name
}

#[test]
fn given_a_person_who_consents_when_they_come_back_then_the_connection_works_and_the_state_served_once() {
    let stack = Stack::here();
    let org = Plan::new("connect").mapping("contact", CONTACT).ready(&stack);
    let app = app(&stack, &org);
    // What stood there is no use any more: the consent's tokens alone can write.
    org.crm().tokens(json!({"action": "revoke"}));
    let before = org.secret_value();
    let connecting = Connecting::start(&stack, &org, &app);
    let page = stack.browse(&connecting.url);
    assert!(page.text.contains("crm.objects.contacts.write") && page.text.contains("Allow"), "{}", page.text);
    let back = stack.decide(&connecting.url, "allow");
    assert!(back.starts_with(&variable("AUTHORIZE_URL")), "{back}");
    let page = stack.browse(&back);
    assert!(page.status == 200 && page.text.contains("<h1>Connected</h1>"), "{}", page.text);
    assert!(!page.text.contains(CANARY));
    let (code, said) = connecting.ended();
    assert_eq!((code, &said["connected"]), (Some(0), &json!(true)), "{said}");
    assert!(said["account"].is_string(), "{said}");
    let after = org.secret_value();
    assert_eq!((&after["type"], &after["app"]), (&json!("oauth2"), &json!(app)));
    assert_ne!(after, before);
    let again = stack.browse(&back);
    assert!(again.status == 400 && again.text.contains("no longer counts"), "{}", again.text);
    let queue = ScratchQueue::new(&stack, 30);
    queue.send(&[org.contact("c1", 1, &json!({"email": "c1@x.example"}))]);
    queue.drain(&Worker::sync(&stack, &queue), 1);
    assert_eq!(org.crm().values("contacts", "rtr_record_id"), ["c1"]);
    let tested = stack.rtr(&["connection", "test", &org.id, "--json"]).json();
    assert_eq!(tested[0]["account"], said["account"]);
}

#[test]
fn given_a_person_who_says_no_when_they_come_back_then_the_command_says_so_and_the_secret_stays() {
    let stack = Stack::here();
    let org = Plan::new("denied").mapping("contact", CONTACT).ready(&stack);
    let app = app(&stack, &org);
    let before = org.secret_value();
    let connecting = Connecting::start(&stack, &org, &app);
    let page = stack.browse(&stack.decide(&connecting.url, "deny"));
    assert!(page.status == 400 && page.text.contains("<h1>Not connected</h1>"), "{}", page.text);
    let (code, said) = connecting.ended();
    assert_eq!((code, &said["connected"]), (Some(1), &json!(false)), "{said}");
    assert_eq!(org.secret_value(), before);
}

#[test]
fn given_an_org_without_that_connection_when_connected_then_the_lines_to_add_are_told() {
    let stack = Stack::here();
    let org = Plan::new("missing").mapping("contact", CONTACT).ready(&stack);
    let said =
        stack.rtr(&["connection", "connect", &org.id, "hubspot", "--connection", "hubspot-eu"]).ended(4);
    assert!(said.err.contains("hubspot-eu: {provider: hubspot}"), "{}", said.err);
}
