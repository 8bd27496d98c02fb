//! The reference of metrics, log lines, notifications and codes is made of the code's own tables, and the tables hold against what
//! the code really writes.

use crate::source::{Logged, counted, files, logged};
use rtr_core::code::Code;
use rtr_core::log::{FIELDS, LINES};
use rtr_core::metric::{Metric, Of, Unit};
use rtr_core::notice::NoticeKind;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

#[test]
fn given_the_reference_when_compared_then_it_lists_what_there_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference.md");
    let wanted = page();
    if std::env::var_os("RTR_WRITE_DOCS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, wanted, "docs/reference.md is not up to date: run the tests with RTR_WRITE_DOCS=1");
}

#[test]
fn given_the_lines_that_the_code_writes_when_listed_then_the_tables_have_each_with_its_fields_and_no_other() {
    let written = logged(&files());
    assert!(written.len() > 60, "only {} places were found: the code is read wrongly", written.len());
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for Logged { place, event, fields } in &written {
        let event = event.as_deref().unwrap_or_else(|| panic!("{place}: a line without an event"));
        let distinct: BTreeSet<&String> = fields.iter().collect();
        assert_eq!(distinct.len(), fields.len(), "{place}: a field stands twice: {fields:?}");
        found.entry(event).or_default().extend(fields.iter().map(String::as_str));
    }
    let told: BTreeMap<&str, BTreeSet<&str>> =
        LINES.iter().map(|line| (line.event, line.fields.iter().copied().collect())).collect();
    assert_eq!(found, told);
    let used: BTreeSet<&str> = told.into_values().flatten().collect();
    assert_eq!(used, FIELDS.iter().map(|(name, _)| *name).collect(), "each field has one meaning");
}

#[test]
fn given_the_metrics_when_looked_for_then_the_code_counts_each_of_them() {
    let used = counted(&files());
    let idle: Vec<&Metric> =
        Metric::ALL.iter().filter(|metric| !used.contains(&format!("{metric:?}"))).collect();
    assert!(idle.is_empty(), "nobody counts {idle:?}");
}

#[test]
fn given_the_codes_when_looked_for_then_each_is_used_and_explained() {
    let page = include_str!("../../../../docs/errors.md");
    let explained: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("## ")?.split([':', ' ']).next()).collect();
    let known: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let missing: Vec<&&str> = known.difference(&explained).collect();
    assert!(missing.is_empty(), "docs/errors.md does not explain {missing:?}");
    let strangers: Vec<&&str> = explained.difference(&known).filter(|name| name.starts_with("RTR")).collect();
    assert!(strangers.is_empty(), "docs/errors.md explains what nobody gives: {strangers:?}");
    let all: String = files().into_iter().map(|(_, text)| text).collect();
    let idle: Vec<&Code> =
        Code::ALL.iter().filter(|code| !all.contains(&format!("Code::{code:?}"))).collect();
    assert!(idle.is_empty(), "nobody gives {idle:?}");
}

fn page() -> String {
    let mut page = String::from(
        "# Reference: metrics, log lines, notifications, codes\n\nMade of the code's own tables. What to do with them: \
         [operations.md](operations.md); the alarms on them: [runbooks](runbooks/README.md).\n\n## Metrics\n\n\
         CloudWatch, namespace `rtr`, printed as lines in the embedded metric format. Dimensions: `function` and `stage`; of those \
         marked *CRM* also with `provider`. The org is a field of log lines; of those that \
         `MetricOrgs` lists the six endings have `org_id` and `stage` as dimensions too.\n\n\
         Of `sync`, over all batches: `messages` = `returned` + `sent_on` + `wakes` + `looks_done` + `events`, and `events` is the sum of \
         the six `event_…`. An event is counted when its message leaves the queue, so that the sums are the events that were sent.\n\n\
         | metric | | by | says |\n|---|---|---|---|\n",
    );
    for metric in Metric::ALL {
        let crm = if metric.of() == Of::Provider { "*CRM*" } else { "" };
        let unit =
            if metric.unit() == Unit::Milliseconds { " Values, so that percentiles are true." } else { "" };
        let by = metric.by().replace(' ', ", ");
        let _ = writeln!(page, "| `{}` | {crm} | {by} | {}{unit} |", metric.name(), metric.about());
    }
    page.push_str(
        "\n## Log lines\n\nJSON, one object a line, told apart by `event`; `timestamp` and `level` are in each. A field that has no value is \
         left out. No line holds a payload, a value of a record or a secret.\n\n| event | by | when | fields |\n|---|---|---|---|\n",
    );
    for line in LINES {
        let fields: Vec<String> = line.fields.iter().map(|name| format!("`{name}`")).collect();
        let by = line.by.replace(' ', ", ");
        let _ = writeln!(page, "| `{}` | {by} | {} | {} |", line.event, line.about, fields.join(" "));
    }
    page.push_str("\n| field | says |\n|---|---|\n");
    for (name, about) in FIELDS {
        let _ = writeln!(page, "| `{name}` | {about} |");
    }
    page.push_str(
        "\n## Notifications\n\nOn the stack's event bus, source `rtr`; `detail` is `{org_id, connection, provider, code, count, since, \
         action}`. Of a kind and connection no more often than said.\n\n| detail-type | says | at most every |\n|---|---|---|\n",
    );
    for kind in NoticeKind::ALL {
        let minutes = kind.spacing_ms() / 60_000;
        let _ = writeln!(page, "| `{}` | {} | {minutes} min |", kind.as_str(), kind.about());
    }
    page.push_str("\n## Codes\n\nEach with its causes and its mend: [errors.md](errors.md), or `rtr explain CODE`.\n\n| code | means |\n|---|---|\n");
    for code in Code::ALL {
        let _ = writeln!(page, "| [{code}](errors.md#{}) | {} |", anchor(*code), code.about());
    }
    page
}

/// The anchor of a code's section, as its heading has it.
fn anchor(code: Code) -> String {
    let page = include_str!("../../../../docs/errors.md");
    let heading =
        page.lines().find_map(|line| line.strip_prefix("## ").filter(|rest| rest.starts_with(code.as_str())));
    let kept = |c: char| c.is_alphanumeric() || c == '-' || c == ' ' || c == '_';
    heading.unwrap_or("").to_lowercase().chars().filter(|c| kept(*c)).collect::<String>().replace(' ', "-")
}
