//! Owners and pipelines: what ids people's names stand for. Read-only by the API; the control API sets them.

use super::HubSpot;
use super::errors::Fail;
use super::types::{ObjectType, find};
use crate::clock::iso;
use crate::faults::known;
use crate::provider::{Answer, Call};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The most owners of one page: "limit <= 500".
const MOST: usize = 500;
const PAGE: usize = 100;

/// One owner.
#[derive(Debug, Clone)]
struct Owner {
    id: u64,
    email: String,
    archived: bool,
}

/// One stage, and whether a record in it is closed.
#[derive(Debug, Clone)]
struct Stage {
    id: String,
    label: String,
}

/// One pipeline with its stages, in their order.
#[derive(Debug, Clone)]
struct Pipeline {
    id: String,
    label: String,
    stages: Vec<Stage>,
}

/// Who and what an account has.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    salt: u64,
    owners: Vec<Owner>,
    /// By the object's type id.
    pipelines: BTreeMap<&'static str, Vec<Pipeline>>,
}

/// The stages of the pipelines that every account begins with.
const DEALS: &[(&str, &str)] = &[
    ("appointmentscheduled", "Appointment Scheduled"),
    ("qualifiedtobuy", "Qualified To Buy"),
    ("presentationscheduled", "Presentation Scheduled"),
    ("decisionmakerboughtin", "Decision Maker Bought-In"),
    ("contractsent", "Contract Sent"),
    ("closedwon", "Closed Won"),
    ("closedlost", "Closed Lost"),
];
const TICKETS: &[(&str, &str)] =
    &[("1", "New"), ("2", "Waiting on contact"), ("3", "Waiting on us"), ("4", "Closed")];

impl Directory {
    /// Two owners, one who has left, and HubSpot's own pipelines of deals and tickets.
    pub(super) fn standard(salt: u64) -> Self {
        let pipeline = |id: &str, label: &str, stages: &[(&str, &str)]| {
            let stage =
                |(id, label): &(&str, &str)| Stage { id: (*id).to_owned(), label: (*label).to_owned() };
            vec![Pipeline {
                id: id.to_owned(),
                label: label.to_owned(),
                stages: stages.iter().map(stage).collect(),
            }]
        };
        let mut directory = Self {
            salt,
            owners: Vec::new(),
            pipelines: BTreeMap::from([
                ("0-3", pipeline("default", "Sales Pipeline", DEALS)),
                ("0-5", pipeline("0", "Support Pipeline", TICKETS)),
            ]),
        };
        for (email, archived) in
            [("ada@example.org", false), ("grace@example.org", false), ("left@example.org", true)]
        {
            directory.add_owner(email, archived, None);
        }
        directory
    }

    /// Ids differ from account to account, so that mixing them up shows.
    fn add_owner(&mut self, email: &str, archived: bool, id: Option<u64>) {
        let next = (4_000 + self.salt % 5_000) * 10_000 + self.owners.len() as u64 + 1;
        self.owners.push(Owner { id: id.unwrap_or(next), email: email.to_owned(), archived });
    }

    /// `{owners?: [{email, id?, archived?}], pipelines?: {object: [{id, label, stages: [{id, label}]}]}}`: what is not named stays.
    pub(super) fn set(&mut self, setting: &Value) -> Result<(), String> {
        let mut new = self.clone();
        if let Some(owners) = setting.get("owners") {
            new.owners.clear();
            for (at, owner) in list(owners, "owners")?.iter().enumerate() {
                let place = format!("owners[{at}]");
                known(owner, &["email", "id", "archived"], &place)?;
                let id = text(owner, "id")
                    .map(|id| id.parse().map_err(|_| format!("{place}.id: expected digits")));
                let email = text(owner, "email").ok_or_else(|| format!("{place}.email: missing"))?;
                new.add_owner(email, owner.get("archived") == Some(&json!(true)), id.transpose()?);
            }
        }
        if let Some(pipelines) = setting.get("pipelines") {
            let objects = pipelines.as_object().ok_or("pipelines: expected an object by object type")?;
            for (object, pipelines) in objects {
                let kind = find(object).ok_or_else(|| format!("pipelines: no object type \"{object}\""))?;
                let parsed = list(pipelines, object)?.iter().map(|one| pipeline(one, object));
                new.pipelines.insert(kind.id, parsed.collect::<Result<_, _>>()?);
            }
        }
        *self = new;
        Ok(())
    }

    /// The ids of the pipelines of a type and those of all their stages.
    pub(super) fn ids(&self, kind: &ObjectType) -> [Vec<(String, String)>; 2] {
        let pipelines = self.pipelines.get(kind.id).into_iter().flatten();
        let stages = pipelines.clone().flat_map(|one| &one.stages);
        [
            pipelines.map(|one| (one.id.clone(), one.label.clone())).collect(),
            stages.map(|one| (one.id.clone(), one.label.clone())).collect(),
        ]
    }
}

fn list<'a>(value: &'a Value, what: &str) -> Result<&'a Vec<Value>, String> {
    value.as_array().ok_or_else(|| format!("{what}: expected a list"))
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn pipeline(value: &Value, object: &str) -> Result<Pipeline, String> {
    let named = |value: &Value| {
        let both = text(value, "id").zip(text(value, "label"));
        let (id, label) = both.ok_or_else(|| format!("pipelines.{object}: each needs `id` and `label`"))?;
        Ok::<_, String>((id.to_owned(), label.to_owned()))
    };
    let (id, label) = named(value)?;
    let stages = list(value.get("stages").unwrap_or(&json!([])), "stages")?
        .iter()
        .map(|stage| named(stage).map(|(id, label)| Stage { id, label }))
        .collect::<Result<_, _>>()?;
    Ok(Pipeline { id, label, stages })
}

/// `/crm/v3/owners` and one of them.
pub(super) fn owners(hub: &HubSpot, rest: &[&str], call: &Call<'_>) -> Result<Answer, Fail> {
    if call.method() != "GET" {
        return Err(Fail::bare(405, "HTTP 405 Method Not Allowed"));
    }
    let archived = call.query("archived") == Some("true");
    let mut found = hub.directory.owners.iter().filter(|owner| owner.archived == archived);
    match rest {
        [] => {}
        [id] => {
            let owner = found.find(|owner| owner.id.to_string() == *id).ok_or_else(Fail::not_found)?;
            return Ok(Answer::json(200, owner.view()));
        }
        _ => return Err(Fail::not_found()),
    }
    let number = |name: &str, default: usize| match call.query(name) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| Fail::invalid(format!("Invalid {name}"))),
    };
    let (limit, after) = (number("limit", PAGE)?, number("after", 0)?);
    if !(1..=MOST).contains(&limit) {
        return Err(Fail::invalid(format!("Invalid limit value. Must be less than or equal to {MOST}")));
    }
    let email = call.query("email").map(str::to_lowercase);
    let found: Vec<&Owner> = found
        .filter(|owner| email.as_ref().is_none_or(|email| owner.email.to_lowercase() == *email))
        .collect();
    let page: Vec<Value> = found.iter().skip(after).take(limit).map(|owner| owner.view()).collect();
    let mut answer = json!({"results": page});
    if after + limit < found.len() {
        answer["paging"] = json!({"next": {"after": (after + limit).to_string()}});
    }
    Ok(Answer::json(200, answer))
}

impl Owner {
    fn view(&self) -> Value {
        let user = self.id % 10_000_000 + 500;
        let mut view = json!({
            "id": self.id.to_string(), "email": self.email, "type": "PERSON", "firstName": "Some", "lastName": "Owner",
            "userId": user, "userIdIncludingInactive": user, "createdAt": iso(0), "updatedAt": iso(0),
            "archived": self.archived,
        });
        // "For archived users there is still an id value, but the userId value will be null".
        if self.archived {
            view["userId"] = Value::Null;
        }
        view
    }
}

/// `/crm/v3/pipelines/{type}` and one of them.
pub(super) fn pipelines(
    hub: &HubSpot,
    kind: &ObjectType,
    rest: &[&str],
    call: &Call<'_>,
) -> Result<Answer, Fail> {
    if call.method() != "GET" {
        return Err(Fail::bare(405, "HTTP 405 Method Not Allowed"));
    }
    let mut found = hub.directory.pipelines.get(kind.id).into_iter().flatten().enumerate().map(pipeline_view);
    match rest {
        [] => Ok(Answer::json(200, json!({"results": found.collect::<Vec<_>>()}))),
        [id] => {
            found.find(|one| one["id"] == **id).map(|one| Answer::json(200, one)).ok_or_else(Fail::not_found)
        }
        _ => Err(Fail::not_found()),
    }
}

fn pipeline_view((place, pipeline): (usize, &Pipeline)) -> Value {
    let stage = |(place, stage): (usize, &Stage)| {
        json!({
            "id": stage.id, "label": stage.label, "displayOrder": place, "metadata": {"isClosed": "false"},
            "createdAt": iso(0), "updatedAt": iso(0), "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
            "archived": false,
        })
    };
    let stages: Vec<Value> = pipeline.stages.iter().enumerate().map(stage).collect();
    json!({
        "id": pipeline.id, "label": pipeline.label, "displayOrder": place, "stages": stages, "createdAt": iso(0),
        "updatedAt": iso(0), "archived": false,
    })
}
