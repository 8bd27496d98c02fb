//! What `docs/dead-letters.md` shows is what works: its own commands, its own mappings, a hundred dead letters of one cause.

use crate::stack::{LONG, Plan, Stack, eventually_within, same};
use serde_json::json;

/// Letters of the one cause.
const LETTERS: usize = 100;
/// Commands from the trouble to its end, at most.
const COMMANDS: usize = 3;

fn page() -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/dead-letters.md");
    std::fs::read_to_string(path).unwrap()
}

/// The fenced blocks of the page in `language`.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let block = |part: &str| part.split("```").next().unwrap_or_default().to_owned();
    page.split(&fence).skip(1).map(block).collect()
}

#[test]
fn given_a_hundred_dead_letters_of_one_cause_when_the_pages_commands_are_run_then_the_crm_holds_all_and_nothing_is_dead()
 {
    let page = page();
    let mappings = blocks(&page, "yaml");
    let [before, after] = mappings.as_slice() else { panic!("the page shows the mapping before and after") };
    let shell = blocks(&page, "sh");
    let commands: Vec<&str> = shell[0].lines().filter(|line| line.starts_with("rtr ")).collect();
    assert!(shell.len() == 1 && commands.len() <= COMMANDS, "{commands:?}");

    let stack = Stack::here();
    let mut org = Plan::new("page").mapping("contact", before).ready(&stack);
    let events: Vec<_> = (0..LETTERS)
        .map(|n| {
            let data = json!({"email": format!("p{n:03}@x.example"), "first_name": "Ann", "role": "clerk"});
            org.contact(&format!("r{n:03}"), 1, &data)
        })
        .collect();
    stack.publish(&events);
    eventually_within(LONG, "they are dead", || match org.dead_letters().len() {
        LETTERS => Ok(()),
        n => Err(format!("{n} are dead")),
    });
    assert!(org.crm().records("contacts").is_empty());

    // The one thing that a person writes: the mapping of the page, in a folder `config`.
    org.replan("contact", after);
    let dir = std::env::temp_dir().join(format!("rtr-page-{}", org.id));
    std::fs::create_dir_all(dir.join("config/orgs")).unwrap();
    std::fs::write(dir.join("config/orgs/org.yaml"), org.file()).unwrap();
    let mut said = Vec::new();
    for command in commands {
        let words: Vec<&str> = command.split_whitespace().skip(1).collect();
        said.push(stack.rtr_in(&dir, &words, "", &[]).ended(0));
    }
    let _ = std::fs::remove_dir_all(&dir);

    let [listed, applied, redriven] = said.as_slice() else { panic!("{said:?}") };
    let counted = listed.out.lines().find(|line| line.contains("jobtitle")).unwrap_or_default();
    assert!(counted.starts_with(&format!("{LETTERS} ")) && counted.contains("RTR2005"), "{listed:?}");
    let foretold = format!("Of {}, {LETTERS} dead letters: {LETTERS} applied", org.id);
    assert!(applied.err.contains(&foretold), "{applied:?}");
    assert!(applied.err.contains("--code RTR2005 --field jobtitle"), "{applied:?}");
    assert!(redriven.out.contains(&format!("sent {LETTERS} dead letters again")), "{redriven:?}");
    assert!(redriven.out.contains(&format!("{LETTERS} applied")), "{redriven:?}");
    assert_eq!(org.crm().values("contacts", "jobtitle"), vec!["Clerk".to_owned(); LETTERS]);
    assert_eq!(org.dead_letters(), Vec::<serde_json::Value>::new());
    let audit = stack.rtr(&["audit", "--org", &org.id, "--json"]).json();
    let entries = audit.as_array().unwrap().iter().filter(|one| one["action"] == "dlq.redrive");
    let counts: Vec<_> = entries.map(|one| one["count"].clone()).collect();
    same(counts, vec![json!(LETTERS)]).unwrap();
}
