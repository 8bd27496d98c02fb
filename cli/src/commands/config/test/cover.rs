//! What the cases of one mapping look at, as it is told.

use crate::output::count;
use crate::schema::foreign;
use rtr_core::mapping::{Branch, Coverage};
use schemars::JsonSchema;
use serde::Serialize;

/// One mapping and what its cases look at.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Covered {
    provider: String,
    record_type: String,
    /// Whose own mapping it is; null: the one of all orgs.
    org: Option<String>,
    cases: usize,
    percent: usize,
    fields: Fields,
    branches: Branches,
}

#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Fields {
    total: usize,
    untouched: Vec<String>,
}

#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Branches {
    total: usize,
    #[schemars(with = "Vec<foreign::Branch>")]
    missed: Vec<Branch>,
}

impl Covered {
    pub(super) fn new(of: (Option<&str>, &str, &str), cases: usize, coverage: Coverage) -> Self {
        let (org, provider, record_type) = of;
        let percent = if cases == 0 { 0 } else { coverage.percent() };
        let Coverage { fields, untouched, branches, missed } = coverage;
        Self {
            provider: provider.to_owned(),
            record_type: record_type.to_owned(),
            org: org.map(str::to_owned),
            cases,
            percent,
            fields: Fields { total: fields, untouched },
            branches: Branches { total: branches, missed },
        }
    }

    /// Whether it is less than must be.
    pub(super) fn is_below(&self, least: Option<u8>) -> bool {
        least.is_some_and(|least| self.percent < usize::from(least))
    }

    /// The summary, and a line for what is left out.
    pub(super) fn lines(&self, least: Option<u8>) -> Vec<String> {
        let Self { provider, record_type, org, cases, percent, fields, branches } = self;
        let of = org.as_ref().map_or_else(String::new, |org| format!(" of {org}"));
        let below = match least.filter(|_| self.is_below(least)) {
            Some(least) => format!(", below {least} %"),
            None => String::new(),
        };
        if *cases == 0 {
            return vec![format!("{provider}/{record_type}{of}: no case{below}")];
        }
        let touched =
            format!("{} of {}", fields.total - fields.untouched.len(), count(fields.total, "field"));
        let taken = match branches.total {
            0 => String::new(),
            total => format!(", {} of {}", total - branches.missed.len(), branch_count(total)),
        };
        let mut lines = vec![format!("{provider}/{record_type}{of}: {touched}{taken}, {percent} %{below}")];
        if !fields.untouched.is_empty() {
            let names: Vec<String> = fields.untouched.iter().map(|name| format!("`{name}`")).collect();
            lines.push(format!("  no case says what is written to {}", names.join(", ")));
        }
        lines.extend(self.missed());
        lines
    }

    /// A line for each field that cases look at, and for `when`.
    fn missed(&self) -> Vec<String> {
        let mut fields: Vec<Option<&str>> = Vec::new();
        for branch in &self.branches.missed {
            let field = branch.field.as_deref();
            // All of a field that no case looks at is missed: that is said.
            let said = field.is_some_and(|field| self.fields.untouched.iter().any(|name| name == field));
            if !said && !fields.contains(&field) {
                fields.push(field);
            }
        }
        fields.into_iter().map(|field| self.of(field)).collect()
    }

    fn of(&self, field: Option<&str>) -> String {
        let messages = self.branches.missed.iter().filter(|branch| branch.field.as_deref() == field);
        let messages: Vec<&str> = messages.map(|branch| branch.message.as_str()).collect();
        let (keys, others): (Vec<&str>, Vec<&str>) =
            messages.into_iter().partition(|one| one.starts_with(NEVER));
        let keys: Vec<&str> = keys.iter().filter_map(|one| one.strip_prefix("never ")).collect();
        let keys = match keys.split_last() {
            None => None,
            Some((only, [])) => Some(format!("never {only}")),
            Some((last, others)) => Some(format!("never {} or {last}", others.join(", "))),
        };
        let said: Vec<String> = keys.into_iter().chain(others.into_iter().map(str::to_owned)).collect();
        let field = field.map_or_else(String::new, |field| format!("`{field}`: "));
        format!("  {field}{}", said.join("; "))
    }
}

const NEVER: &str = "never `";

fn branch_count(total: usize) -> String {
    if total == 1 { "1 branch".to_owned() } else { format!("{total} branches") }
}
