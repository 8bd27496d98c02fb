//! `rtr dlq show`: the items themselves, and what a redrive would send now. The record's data, the CRM's words and the values in
//! requests only when asked for.

use super::filter::Filter;
use super::index;
use super::letter::Letter;
use super::outlook::Outcome;
use super::redact::{Known, redacted};
use super::rehearse::orgs;
use super::slip;
use crate::app::App;
use crate::aws::{Aws, unavailable};
use crate::commands::connection::select::stored;
use crate::commands::preview::letterhead::letterhead;
use crate::commands::preview::{Request, request, request_words};
use crate::output::{count, one_line, or_dash, pretty, safe};
use crate::problem::{Ended, Exit, Problem};
use crate::schema::foreign;
use rtr_aws::config::EarlierMappings;
use rtr_aws::function::Runtime;
use rtr_core::item::{Item, Slot};
use rtr_engine::letters::{Fared, Fate, Trial, Under, body_of};
use rtr_engine::rehearsal::id_of;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Letters whose requests are shown, at most.
const IN_FULL: usize = 10;
/// Items read at once.
const STEP: usize = 1_000;

/// One dead letter in full.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Shown<'a> {
    #[serde(flatten)]
    #[schemars(with = "foreign::Letter")]
    letter: &'a Letter,
    operation: &'static str,
    mapping_revision: u64,
    applied_version: Option<u64>,
    external_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crm_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
    /// What a redrive would do now; of the first few only.
    #[serde(skip_serializing_if = "Option::is_none")]
    redrive: Option<Redrive>,
}

/// What a redrive would do now, under the stored configuration.
#[derive(Debug, Serialize, JsonSchema)]
struct Redrive {
    outcome: Outcome,
    code: Option<String>,
    field: Option<String>,
    message: Option<String>,
    requests: Vec<Request>,
}

/// What is to be seen of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Values {
    Masked,
    Shown,
}

/// Shows what is dead.
pub(super) async fn run(app: &App, filter: &Filter, show_data: bool) -> Ended {
    let values = if show_data { Values::Shown } else { Values::Masked };
    let aws = Box::pin(app.aws()).await?;
    let letters = Box::pin(index::find(&aws, filter)).await?;
    let runtime = aws.runtime("")?;
    let mut shown = Vec::new();
    for step in letters.chunks(STEP) {
        shown.extend(Box::pin(read(&aws, &runtime, step, values)).await?);
    }
    if shown.is_empty() {
        slip::tell(app, &aws, filter).await?;
        return Err(
            Problem::not_found("nothing is dead that matches").hint("rtr dlq list shows what is dead")
        );
    }
    let some = IN_FULL.min(shown.len());
    match Box::pin(redrives(&aws, &runtime, &shown[..some], values)).await {
        Ok(redrives) => {
            for (one, redrive) in shown.iter_mut().zip(redrives) {
                one.redrive = redrive;
            }
        }
        // What is kept of them is shown to whoever may not read the configuration.
        Err(problem) => {
            app.out.note(&format!("what a redrive would send was not looked at: {}", problem.what));
        }
    }
    app.out.answer(&shown, |_| shown.iter().map(words).collect::<Vec<_>>().join("\n\n"));
    if shown.len() > some && !app.out.is_json() {
        let others = count(shown.len() - some, "other");
        app.out.note(&format!("what a redrive would send of the {others}: rtr dlq show --id ID"));
    }
    Ok(Exit::Done)
}

async fn read<'l>(
    aws: &Aws,
    runtime: &Runtime,
    letters: &'l [Letter],
    values: Values,
) -> Result<Vec<Shown<'l>>, Problem> {
    let records = runtime.seams().records;
    let keys: Vec<_> = letters.iter().map(|letter| letter.key.clone()).collect();
    let items =
        records.read(&keys).await.map_err(|error| unavailable("reading items", &aws.place, &error))?;
    let mut shown = Vec::new();
    for letter in letters {
        // The index lags: what is gone by now is left out.
        let Some((item, slot)) = items.get(&letter.key).and_then(|item| Some((item, item.dead()?))) else {
            continue;
        };
        let data = match values {
            Values::Shown => body_of(records, slot)
                .await
                .map_err(|error| unavailable("reading a body", &aws.place, &error))?,
            Values::Masked => None,
        };
        shown.push(of(letter, item, slot, data, values));
    }
    Ok(shown)
}

fn of<'l>(letter: &'l Letter, item: &Item, slot: &Slot, data: Option<Value>, values: Values) -> Shown<'l> {
    Shown {
        letter,
        operation: slot.operation().as_str(),
        mapping_revision: slot.mapping_revision,
        applied_version: item.applied_version,
        external_id: item.external_id.clone(),
        crm_message: slot.reason.crm_message.clone().filter(|_| values == Values::Shown),
        data,
        redrive: None,
    }
}

/// What a redrive would do with each of `shown` now.
async fn redrives(
    aws: &Aws,
    runtime: &Runtime,
    shown: &[Shown<'_>],
    values: Values,
) -> Result<Vec<Option<Redrive>>, Problem> {
    let stored = stored(aws).await?;
    let letters: Vec<Letter> = shown.iter().map(|one| one.letter.clone()).collect();
    let mut orgs = orgs(&stored, &letters, &runtime.settings.stage);
    for letter in &letters {
        authorise(runtime, &mut orgs, letter).await;
    }
    let seams = runtime.seams();
    let earlier = EarlierMappings::new(aws.config_store()?, &stored, &runtime.settings.stage);
    let trial = Trial::over(seams.records, seams.clock).knowing(&earlier);
    let fared = Box::pin(trial.run(&letters, &orgs)).await;
    let fared = fared.map_err(|error| unavailable("reading items", &aws.place, &error))?;
    let mut redrives = Vec::with_capacity(fared.len());
    for (fared, shown) in fared.into_iter().zip(shown) {
        let data = match (&shown.data, values) {
            (Some(data), _) => data.clone(),
            (None, Values::Shown) => Value::Null,
            (None, Values::Masked) => data_of(aws, runtime, shown.letter).await?,
        };
        redrives.push(redrive(fared, shown, &orgs, &data, values));
    }
    Ok(redrives)
}

/// The record, whose values are to be recognised.
async fn data_of(aws: &Aws, runtime: &Runtime, letter: &Letter) -> Result<Value, Problem> {
    let records = runtime.seams().records;
    let keys = std::slice::from_ref(&letter.key);
    let items = records.read(keys).await.map_err(|error| unavailable("reading items", &aws.place, &error))?;
    let Some(slot) = items.get(&letter.key).and_then(Item::dead) else { return Ok(Value::Null) };
    let body = body_of(records, slot).await;
    Ok(body.map_err(|error| unavailable("reading a body", &aws.place, &error))?.unwrap_or_default())
}

/// Notes how the requests of the letter's connection are authorised: by its provider's rule where its secret cannot be read.
async fn authorise(runtime: &Runtime, orgs: &mut BTreeMap<String, Under>, letter: &Letter) {
    let (Some(org), Some(name)) = (&letter.org_id, &letter.connection) else { return };
    let Some(under) = orgs.get_mut(org) else { return };
    let Some(own) = under.config.connections.get(name).filter(|_| !under.letterheads.contains_key(name))
    else {
        return;
    };
    let found = match letterhead(Some(runtime), own).await {
        Ok(found) => Ok(found),
        Err(_) => letterhead(None, own).await,
    };
    if let Ok(found) = found {
        under.letterheads.insert(name.clone(), found);
    }
}

fn redrive(
    fared: Fared<'_>,
    shown: &Shown<'_>,
    orgs: &BTreeMap<String, Under>,
    data: &Value,
    values: Values,
) -> Option<Redrive> {
    let outcome = Outcome::of(fared.fate)?;
    let Fared { letter, fate, reason, payload, requests, .. } = fared;
    let message = match fate {
        Fate::Unrehearsed(why) => Some(why.to_owned()),
        _ => reason.as_ref().map(|reason| reason.message.clone()),
    };
    let mapping = letter.record().and_then(|record| {
        orgs.get(&record.org_id)?.config.mapping(letter.connection.as_deref()?, &record.record_type)
    });
    let requests = requests.into_iter().map(request);
    let requests = match (values, mapping) {
        (Values::Shown, _) => requests.collect(),
        (Values::Masked, Some(at)) => {
            let ids = letter.record().into_iter().flat_map(|record| [id_of(&record), record.record_id]);
            let ids = ids.chain(shown.external_id.clone()).collect();
            let known = Known { mapping: &at.mapping, data, payload: payload.as_ref(), ids };
            requests.map(|one| redacted(one, &known)).collect()
        }
        // Without a mapping nothing is sent, and nobody could say what of it are values.
        (Values::Masked, None) => Vec::new(),
    };
    Some(Redrive {
        outcome,
        code: reason.as_ref().map(|reason| reason.code.to_string()),
        field: reason.and_then(|reason| reason.field),
        message,
        requests,
    })
}

fn words(shown: &Shown<'_>) -> String {
    let letter = shown.letter;
    let mut lines = vec![
        format!("{}  {}", letter.id, letter.whose()),
        format!("  version    {} ({})", or_dash(letter.version), shown.operation),
        format!("  applied    {}", or_dash(shown.applied_version)),
        format!("  CRM id     {}", or_dash(shown.external_id.as_ref())),
        format!("  since      {} after {} receives", letter.at, letter.attempts),
        format!("  code       {} (rtr explain {0})", or_dash(letter.code.as_ref())),
        format!("  message    {}", letter.message),
    ];
    lines.extend(letter.field.as_ref().map(|field| format!("  field      {field}")));
    lines.extend(shown.crm_message.as_ref().map(|text| format!("  CRM says   {text}")));
    lines.extend(shown.redrive.as_ref().map(|redrive| format!("  redrive    {}", what(redrive))));
    let mut text = lines.iter().map(|line| one_line(line)).collect::<Vec<_>>().join("\n");
    if let Some(data) = &shown.data {
        text.push_str("\n  data\n");
        text.push_str(&indented(&safe(&pretty(data))));
    }
    let requests = shown.redrive.iter().flat_map(|redrive| &redrive.requests);
    for (place, one) in requests.enumerate() {
        text.push_str("\n\n");
        text.push_str(&indented(&request_words(place + 1, one)));
    }
    text
}

/// What a redrive would come to, in a line.
fn what(redrive: &Redrive) -> String {
    let field = redrive.field.as_ref().map_or_else(String::new, |field| format!(" `{field}`:"));
    let code = redrive.code.as_ref().map_or_else(String::new, |code| format!(" {code}{field}"));
    let why = redrive.message.as_ref().map_or_else(String::new, |message| format!(":{code} {message}"));
    format!("would be {}{why}", redrive.outcome.words())
}

fn indented(text: &str) -> String {
    let indent = |line: &str| if line.is_empty() { String::new() } else { format!("    {line}") };
    text.lines().map(indent).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::letter::tests::letter;
    use super::*;
    use serde_json::json;

    #[test]
    fn given_a_letter_when_shown_then_what_a_redrive_would_send_stands_below_what_it_died_of() {
        let summary = r#"{"org_id":"acme","connection":"hubspot","record_type":"contact","record_id":"c-1",
            "version":7,"reason":"rejected","code":"RTR3001","message":"HubSpot refused a value","field":"stage","attempts":2}"#;
        let letter = letter("c-1", "hubspot", 1_795_000_000_000, summary);
        let sent = Request {
            method: "POST",
            url: "https://api.hubapi.com/crm/v3/objects/contacts/batch/upsert".to_owned(),
            headers: BTreeMap::from([("authorization".to_owned(), "Bearer ***".to_owned())]),
            body: json!({"inputs": []}),
            is_question: false,
            was_asked: false,
        };
        let redrive = Redrive {
            outcome: Outcome::AsRefused,
            code: None,
            field: None,
            message: None,
            requests: vec![sent],
        };
        let shown = Shown {
            letter: &letter,
            operation: "upsert",
            mapping_revision: 3,
            applied_version: Some(6),
            external_id: Some("512".to_owned()),
            crm_message: None,
            data: None,
            redrive: Some(redrive),
        };
        crate::schema::tests::fits("dlq show", &[&shown]);
        insta::assert_snapshot!(words(&shown), @r#"
        7ba3413ad828a995  acme contact c-1 at hubspot
          version    7 (upsert)
          applied    6
          CRM id     512
          since      2026-11-18T11:06:40.000Z after 2 receives
          code       RTR3001 (rtr explain RTR3001)
          message    HubSpot refused a value
          field      stage
          redrive    would be sent as it was refused

            1. POST https://api.hubapi.com/crm/v3/objects/contacts/batch/upsert
               authorization: Bearer ***

               {
                 "inputs": []
               }
        "#);
        let dead = Redrive {
            outcome: Outcome::Dead,
            code: Some("RTR2005".to_owned()),
            field: Some("stage".to_owned()),
            message: Some("no value of the map".to_owned()),
            requests: Vec::new(),
        };
        let outside = json!({"name": "a\u{1b}[2Jb\u{9b}31m"});
        let told = words(&Shown { data: Some(outside), redrive: None, ..shown });
        assert!(
            told.ends_with(
                r#""name": "a\u001b[2Jb\u{9b}31m"
    }"#
            ),
            "{told}"
        );
        assert_eq!(what(&dead), "would be dead again: RTR2005 `stage`: no value of the map");
    }
}
