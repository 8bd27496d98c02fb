//! What a person sees at a terminal, and scripts do not: questions, how far something is, colours.

use crate::CONTACT;
use crate::dead_letters_many::seed;
use crate::stack::{Plan, Stack};

/// What begins a colour.
const ESCAPE: char = '\u{1b}';

#[test]
fn given_dead_letters_when_a_person_drops_them_then_their_causes_are_shown_and_only_a_yes_drops_them() {
    let stack = Stack::here();
    let org = Plan::new("asked").mapping("contact", CONTACT).ready(&stack);
    seed(&stack, &org, 3);
    let drop = ["dlq", "drop", "--org", &org.id];
    for no in ["n", "", "what?"] {
        let mut terminal = stack.rtr_at_a_terminal(&drop, &[]);
        let shown = terminal.sees("Drop 3 dead letters for good? [y/N] ");
        assert!(shown.contains("RTR3001") && shown.contains("firstname"), "{shown}");
        terminal.types(no);
        let (rest, code) = terminal.ends();
        assert!(rest.contains("nothing was done") && rest.contains("dropped 0 dead letters"), "{rest}");
        assert_eq!((code, org.dead_letters().len()), (0, 3), "{no:?}");
    }
    let mut terminal = stack.rtr_at_a_terminal(&drop, &[]);
    terminal.sees("[y/N] ");
    terminal.types("y");
    let (rest, code) = terminal.ends();
    assert!(rest.contains("dropped 3 dead letters"), "{rest}");
    assert_eq!((code, org.dead_letters().len()), (0, 0));
}

#[test]
fn given_a_redrive_under_way_when_it_is_interrupted_then_what_was_sent_is_told_and_the_same_command_goes_on()
{
    const ALL: usize = 40;
    let stack = Stack::here();
    let org = Plan::new("interrupted").mapping("contact", CONTACT).ready(&stack);
    seed(&stack, &org, ALL);

    let redrive = ["dlq", "redrive", "--org", &org.id, "--rate", "4", "--yes"];
    let mut terminal = stack.rtr_at_a_terminal(&redrive, &[]);
    // A bar, the count, how fast and how long still.
    terminal.finds(r"\d+/40  [0-9.]+/s, \d+ seconds? left");
    terminal.interrupts();
    let (told, code) = terminal.ends();
    assert_eq!(code, 1, "{told}");
    let number = |before: &str, after: &str| -> usize {
        let from = told.find(before).unwrap_or_else(|| panic!("no {before:?} in {told}")) + before.len();
        told[from..].split(after).next().unwrap().trim().parse().unwrap()
    };
    let sent = number("sent ", " dead letters again");
    let left = number("stopped before the end\r\n  ", " of 40 are as they were");
    assert!((1..ALL).contains(&sent) && sent + left == ALL, "{told}");

    let rest = org.redrive().json();
    assert!(rest["redriven"].as_u64().unwrap() >= left as u64, "{rest}");
    crate::stack::eventually("all are applied", || {
        crate::stack::same((org.dead_letters().len(), org.crm().records("contacts").len()), (0, ALL))
    });
}

#[test]
fn given_a_drop_of_named_letters_when_it_is_interrupted_then_those_that_are_left_are_to_be_named() {
    const ALL: usize = 20;
    let stack = Stack::here();
    let org = Plan::new("named").mapping("contact", CONTACT).ready(&stack);
    seed(&stack, &org, ALL);
    let ids: Vec<String> =
        org.dead_letters().iter().map(|letter| letter["id"].as_str().unwrap().to_owned()).collect();
    let mut drop = vec!["dlq", "drop", "--rate", "2", "--yes"];
    drop.extend(ids.iter().flat_map(|id| ["--id", id]));
    let mut terminal = stack.rtr_at_a_terminal(&drop, &[]);
    terminal.finds(r"\d+/20  [0-9.]+/s, \d+ seconds? left");
    terminal.interrupts();
    let (told, code) = terminal.ends();
    assert_eq!(code, 1, "{told}");
    let left = org.dead_letters().len();
    let words = format!("{left} of {ALL} are as they were: go on with those of the ids that rtr dlq list");
    assert!((1..ALL).contains(&left) && told.contains(&words), "{left} left: {told}");
}

#[test]
fn given_a_request_that_hangs_when_interrupted_twice_then_the_second_one_ends_it_at_once() {
    let stack = Stack::here();
    let org = Plan::new("hangs").mapping("contact", CONTACT).ready(&stack);
    // It takes connections, and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let file = std::env::temp_dir().join(format!("rtr-{}.jsonl", org.id));
    let event = org.contact("c", 1, &serde_json::json!({"email": "c@x.example"}));
    std::fs::write(&file, format!("{}\n", event.body)).unwrap();
    let publish = ["publish", file.to_str().unwrap()];
    let terminal = stack.rtr_at_a_terminal(&publish, &[("AWS_ENDPOINT_URL_SQS", &address)]);
    let _under_way = silent.accept().unwrap();
    // Two signals that come together are one.
    let (told, code) = terminal.ends_by_interrupts();
    std::fs::remove_file(&file).unwrap();
    assert!(code == 130 && told.contains("stopped at once"), "{code}: {told}");
}

#[test]
fn given_a_terminal_when_a_list_is_shown_then_it_is_coloured_and_fits_unless_no_colour_is_wanted() {
    let stack = Stack::here();
    let org = Plan::new("seen").mapping("contact", CONTACT).ready(&stack);
    seed(&stack, &org, 2);
    let list = ["dlq", "list", "--org", &org.id];
    let (coloured, _) = stack.rtr_at_a_terminal(&list, &[]).ends();
    assert!(coloured.contains(ESCAPE), "{coloured}");
    let (plain, _) = stack.rtr_at_a_terminal(&list, &[("NO_COLOR", "1")]).ends();
    assert!(!plain.contains(ESCAPE), "{plain}");
    let widest = plain.lines().map(|line| line.trim_end().chars().count()).max().unwrap();
    assert!((50..=100).contains(&widest), "{widest} columns: {plain}");
    assert!(!stack.rtr(&list).ended(0).out.contains(ESCAPE));
}
