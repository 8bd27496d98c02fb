//! No secret and no value of a record in any log.

use crate::CONTACT;
use crate::stack::{CANARY, Plan, Stack, eventually, now_ms, same};
use serde_json::json;

#[test]
fn given_refreshes_refusals_and_failures_when_the_logs_are_read_then_no_secret_and_no_value_stands_in_them() {
    let stack = Stack::here();
    let began = now_ms() - 1_000;
    let org = Plan::new("secret").mapping("contact", CONTACT).oauth().ready(&stack);
    let crm = org.crm();
    let private = format!("private-{}", org.id);
    // A refreshed token.
    crm.tokens(json!({"action": "expire"}));
    stack.publish(&[org.contact("a", 1, &json!({"email": "a@x.example", "first_name": "Ann"}))]);
    eventually("the first contact", || same(crm.records("contacts").len(), 1));
    // A refused value, which the CRM repeats in its words.
    crm.property(json!({"object": "contacts", "name": "firstname", "options": ["Ann"]}));
    stack.publish(&[org.contact("b", 1, &json!({"email": "b@x.example", "first_name": private}))]);
    let dead = org.until_dead(1);
    assert!(!dead[0].to_string().contains(&private), "{}", dead[0]);
    // Tokens that are refused for good.
    crm.tokens(json!({"action": "revoke"}));
    stack.publish(&[org.contact("c", 1, &json!({"email": "c@x.example", "first_name": private}))]);
    let lines = eventually("the function says that the connection is suspended", || {
        let lines = stack.function_logs(began);
        let said = lines.iter().any(|line| line.contains(&org.id) && line.contains("RTR4004"));
        if said { Ok(lines) } else { Err(format!("{} lines", lines.len())) }
    });
    // Those of every other test's org too, as far as they ran by now.
    for line in &lines {
        assert!(!line.contains(CANARY), "{line}");
        assert!(!line.contains(&private), "{line}");
    }
    for args in [
        vec!["connection", "list", &org.id],
        vec!["connection", "list", &org.id, "--json"],
        vec!["connection", "test", &org.id, "hubspot"],
        vec!["record", &org.id, "contact", "b", "--show-data", "--json"],
        vec!["config", "show", &org.id],
    ] {
        // The helper looks for secrets in all that a command says.
        let said = stack.rtr(&args);
        assert!(said.out.len() + said.err.len() > 0, "{args:?} said nothing");
    }
}
