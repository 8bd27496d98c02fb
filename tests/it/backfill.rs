//! `rtr backfill`: through the queue and the bulk lane to the CRM, killed and gone on with, for one connection alone.

use crate::CONTACT;
use crate::stack::{Org, Plan, Stack, eventually_within, same};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const EVENTS: usize = 2_000;
const LONG: Duration = Duration::from_secs(240);
const SALESFORCE: &str = "object: Contact\nfields:\n  Email: email\n  LastName: last_name\n";

/// A file of one test, with the states beside it.
struct File(PathBuf);

impl File {
    fn of(org: &Org<'_>, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("rtr-backfill-{}.jsonl", org.id));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn name(&self) -> &str {
        self.0.to_str().unwrap()
    }

    fn states(&self) -> Vec<PathBuf> {
        let stem = format!("{}.backfill-", self.0.file_name().unwrap().to_str().unwrap());
        let all = std::fs::read_dir(self.0.parent().unwrap()).unwrap().filter_map(Result::ok);
        all.map(|one| one.path()).filter(|path| named(path).starts_with(&stem)).collect()
    }
}

fn named(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

impl Drop for File {
    fn drop(&mut self) {
        self.states().iter().for_each(|path| drop(std::fs::remove_file(path)));
        let _ = std::fs::remove_file(&self.0);
    }
}

fn lines(org: &Org<'_>, count: usize, version: u64) -> String {
    let line = |n: usize| {
        let data = json!({"email": format!("p{n:05}@x.example"), "first_name": format!("v{version}"), "last_name": "L"});
        let event = json!({"org_id": org.id, "record_type": "contact", "record_id": format!("r{n:05}"), "version": version, "data": data});
        format!("{event}\n")
    };
    (0..count).map(line).collect()
}

fn begin(org: &Org<'_>, args: &[&str]) -> Child {
    let mut command = Command::new(org.stack.binaries.join("rtr"));
    let quiet = command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.spawn().unwrap()
}

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("r{n:05}")).collect()
}

/// How many contacts the calls since `mark` have written.
fn written(org: &Org<'_>, mark: u64) -> (u64, usize) {
    let requests = org.crm().requests(mark);
    let writes = ["/contacts/batch/upsert", "/contacts/batch/update", "/contacts/batch/create"];
    let all: Vec<_> =
        requests.iter().filter(|it| writes.iter().any(|path| it.what.ends_with(path))).collect();
    (all.iter().map(|it| it.items).sum(), all.len())
}

#[test]
fn given_2000_events_when_the_command_is_killed_in_the_middle_and_run_again_then_each_is_written_once() {
    let stack = Stack::here();
    let org = Plan::new("backfill").mapping("contact", CONTACT).ready(&stack);
    let heard = stack
        .listen(&format!("{}-done", org.id), &json!({"source": ["rtr"], "detail": {"org_id": [org.id]}}));
    let file = File::of(&org, &lines(&org, EVENTS, 1));
    let mark = org.crm().mark();
    let args = ["backfill", &org.id, "contact", "--from", file.name(), "--yes", "--json"];
    let mut first = begin(&org, &args);
    // It is killed once its place says that it has come some way.
    let through = eventually_within(LONG, "some pages are sent", || {
        let state = file.states().pop().ok_or("no state yet")?;
        let text = std::fs::read_to_string(state).map_err(|error| error.to_string())?;
        let state: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let through = state["progress"]["through"].as_u64().unwrap_or(0);
        if through >= 200 { Ok(through) } else { Err(format!("{through} lines")) }
    });
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(through < EVENTS as u64, "it was over already");

    let said = stack.rtr(&args).json();
    let (after, sent) = (said["resumed_after"].as_u64().unwrap(), said["sent"].as_u64().unwrap());
    assert!(after >= through && after + sent == EVENTS as u64, "{said}");
    assert_eq!((&said["done"], &said["refused"]), (&json!(true), &json!([])), "{said}");
    assert!(file.states().is_empty(), "it is done");
    assert_eq!(org.crm().values("contacts", "rtr_record_id"), ids(EVENTS));
    let (items, calls) = written(&org, mark);
    assert_eq!(items, EVENTS as u64, "each once");
    assert!(calls <= 60, "{calls} calls");
    let told =
        eventually_within(LONG, "its end is told", || heard.take().pop().ok_or("nothing is told".to_owned()));
    assert_eq!(
        (&told["detail-type"], &told["detail"]["connection"], &told["detail"]["count"]),
        (&json!("backfill.done"), &json!("hubspot"), &json!(sent)),
        "{told}"
    );
    // Once more: nothing is newer than what the CRM has.
    let again = stack.rtr(&args).json();
    assert_eq!((&again["sent"], &again["done"]), (&json!(EVENTS), &json!(true)), "{again}");
    assert_eq!(written(&org, mark).0, EVENTS as u64);
}

#[test]
fn given_wrong_lines_and_a_newer_live_version_when_backfilled_then_the_rest_goes_and_the_newest_wins() {
    let stack = Stack::here();
    let org = Plan::new("backfill-wrong").mapping("contact", CONTACT).ready(&stack);
    let other = lines(&org, 1, 1).replace("\"contact\"", "\"company\"");
    let text = format!("{}{other}no event\n\n", lines(&org, 30, 2));
    let file = File::of(&org, &text);
    stack.publish(&[org.contact("r00007", 9, &json!({"email": "p00007@x.example", "first_name": "live"}))]);
    let dry = ["backfill", &org.id, "contact", "--from", file.name(), "--dry-run", "--json"];
    let said = stack.rtr(&dry).ended(1).parsed();
    assert_eq!((&said["sent"], &said["refused_lines"]), (&json!(30), &json!(2)), "{said}");
    let args = ["backfill", &org.id, "contact", "--from", file.name(), "--yes", "--json"];
    let said = stack.rtr(&args).ended(1).parsed();
    let refused: Vec<u64> =
        said["refused"].as_array().unwrap().iter().map(|it| it["line"].as_u64().unwrap()).collect();
    assert_eq!((refused, &said["done"]), (vec![31, 32], &json!(true)), "{said}");
    eventually_within(LONG, "the CRM has the newest of each", || {
        let names = org.crm().values("contacts", "firstname");
        same(names.iter().filter(|name| *name == "v2").count(), 29)?;
        same(names.iter().filter(|name| *name == "live").count(), 1)
    });
    // What does not exist is told apart from what is wrong.
    stack.rtr(&["backfill", &org.id, "deal", "--from", file.name(), "--yes"]).ended(4);
    // Before anybody is asked whether to go on.
    let said = stack.rtr(&["backfill", &org.id, "contact", "--from", "/none"]).ended(4);
    assert!(said.err.starts_with("rtr: /none cannot be read"), "{said:?}");
    stack.rtr(&["backfill", &org.id, "contact", "--from", file.name()]).ended(2);
    // Before anything is read: fetching a list takes long.
    let nowhere = [("AWS_ENDPOINT_URL", "http://127.0.0.1:1")];
    stack.rtr_with(&["backfill", &org.id, "contact", "--from", file.name()], "", &nowhere).ended(2);
    // Where there is nothing to send, that is what is told, and not that nobody can be asked.
    let said = stack.rtr(&["backfill", &org.id, "contact"]).ended(2);
    assert!(said.err.contains("source") && !said.err.contains("--yes"), "{said:?}");
}

#[test]
fn given_a_last_line_that_is_being_written_when_it_is_whole_and_more_follows_then_the_next_run_sends_both() {
    let stack = Stack::here();
    let org = Plan::new("backfill-cut").mapping("contact", CONTACT).ready(&stack);
    let whole = lines(&org, 3, 1);
    let second = whole.find('\n').unwrap() + 20;
    let file = File::of(&org, &whole[..second]);
    let args = ["backfill", &org.id, "contact", "--from", file.name(), "--yes", "--json"];
    // Killed while it waits for what cannot go.
    stack.rtr(&["connection", "pause", &org.id, "hubspot"]).ended(0);
    let mut first = begin(&org, &args);
    eventually_within(LONG, "the first line is sent", || {
        let state = file.states().pop().ok_or("no state yet")?;
        let text = std::fs::read_to_string(state).map_err(|error| error.to_string())?;
        let state: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        same(state["sent"].as_u64(), Some(1))
    });
    first.kill().unwrap();
    first.wait().unwrap();
    std::fs::write(&file.0, &whole).unwrap();
    stack.rtr(&["connection", "resume", &org.id, "hubspot"]).ended(0);
    let said = stack.rtr(&args).json();
    assert_eq!((&said["resumed_after"], &said["sent"], &said["done"]), (&json!(1), &json!(2), &json!(true)));
    assert_eq!(org.crm().values("contacts", "rtr_record_id"), ids(3));
}

#[test]
fn given_a_paused_connection_when_a_backfill_to_it_is_told_to_end_then_it_says_what_waits_why_and_how_to_go_on()
 {
    let stack = Stack::here();
    let org = Plan::new("backfill-paused").mapping("contact", CONTACT).ready(&stack);
    let file = File::of(&org, &lines(&org, 3, 1));
    let args = ["backfill", &org.id, "contact", "--from", file.name(), "--yes", "--json"];
    let pause = ["connection", "pause", &org.id, "hubspot", "--reason", "they asked", "--author", "ada"];
    stack.rtr(&pause).ended(0);
    let mut command = Command::new(stack.binaries.join("rtr"));
    let piped = command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let running = piped.spawn().unwrap();
    eventually_within(LONG, "all of it is parked", || {
        let listed = stack.rtr(&["connection", "list", &org.id, "--json"]).json();
        same(listed[0]["parked"].as_u64(), Some(3))
    });
    // As whoever runs it for a person ends it.
    let signal = Command::new("kill").args(["-TERM", &running.id().to_string()]).status().unwrap();
    assert!(signal.success());
    let ended = running.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8(ended.stdout).unwrap(), String::from_utf8(ended.stderr).unwrap());
    assert_eq!(ended.status.code(), Some(1), "{out}\n{err}");
    let resume = format!("rtr connection resume {} hubspot", org.id);
    let (begun, advice) = err.split_once("stopped before the end").unwrap_or_default();
    assert!(begun.contains("hubspot is stopped: paused by ada") && begun.contains(&resume), "{err}");
    assert!(begun.contains("they asked") && advice.contains("the same command goes on"), "{err}");
    let said: Value = serde_json::from_str(&out).unwrap();
    let waiting = &said["waiting"][0];
    assert_eq!(
        (&said["done"], &said["sent"], &waiting["parked"]),
        (&json!(false), &json!(3), &json!(3)),
        "{said}"
    );
    assert_eq!(waiting["stopped"]["action"], resume.as_str(), "{said}");
    stack.rtr(&["connection", "resume", &org.id, "hubspot"]).ended(0);
    let said = stack.rtr(&args).json();
    assert_eq!((&said["resumed_after"], &said["sent"], &said["done"]), (&json!(3), &json!(0), &json!(true)));
    assert_eq!(said["waiting"][0]["stopped"], Value::Null, "{said}");
    assert_eq!(org.crm().values("contacts", "rtr_record_id"), ids(3));
}

#[test]
fn given_two_connections_when_one_is_backfilled_then_the_other_is_not_touched() {
    let stack = Stack::here();
    let plan = Plan::new("backfill-one").mapping("contact", CONTACT).salesforce("contact", SALESFORCE);
    let org = plan.ready(&stack);
    let file = File::of(&org, &lines(&org, 50, 1));
    let args =
        ["backfill", &org.id, "contact", "--from", file.name(), "--connection", "hubspot", "--yes", "--json"];
    let said = stack.rtr(&args).json();
    assert_eq!((&said["done"], &said["connections"]), (&json!(true), &json!(["hubspot"])), "{said}");
    assert_eq!(org.crm().values("contacts", "rtr_record_id"), ids(50));
    assert_eq!(org.salesforce().records("Contact"), Vec::<Value>::new());
    assert_eq!(org.record_at("salesforce", "contact", "r00001"), Value::Null);
}

#[test]
fn given_a_state_that_would_take_the_sources_place_or_cannot_be_when_backfilled_then_nothing_is_sent_or_lost()
{
    let stack = Stack::here();
    let org = Plan::new("backfill-state").mapping("contact", CONTACT).ready(&stack);
    let text = lines(&org, 30, 1);
    let file = File::of(&org, &text);
    let args = ["backfill", &org.id, "contact", "--from", file.name(), "--yes", "--no-wait"];
    let with = |more: &[&str]| stack.rtr(&[&args[..], more].concat()).ended(2).err;
    let roundabout = format!("{}/./{}", file.0.parent().unwrap().display(), named(&file.0));
    for state in [file.name(), &roundabout] {
        let said = with(&["--state", state, "--restart"]);
        assert!(said.contains("which is the source itself"), "{said}");
    }
    let said = with(&["--state", "/proc/none/x"]);
    assert_eq!(said.matches("cannot be written").count(), 1, "{said}");
    assert!(!said.contains("goes on from here"), "{said}");
    assert_eq!(std::fs::read_to_string(&file.0).unwrap(), text);

    // One that breaks off before a line is read: there is nothing to go on from.
    std::fs::write(&file.0, [0x1f, 0x8b, 8, 0]).unwrap();
    let said = with(&[]);
    assert!(said.contains("cannot be read") && said.contains("nothing to go on from"), "{said}");
    assert!(!said.contains("goes on from here") && file.states().is_empty(), "{said}");
    assert_eq!(org.crm().values("contacts", "rtr_record_id"), Vec::<String>::new());
}
