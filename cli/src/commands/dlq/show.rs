//! `rtr dlq show`: the items themselves. The record's data and the CRM's words only when asked for.

use super::filter::Filter;
use super::index;
use super::letter::Letter;
use super::plan::body_of;
use crate::app::App;
use crate::aws::unavailable;
use crate::output::{one_line, or_dash, pretty};
use crate::problem::{Ended, Exit, Problem};
use rtr_core::item::Slot;
use serde::Serialize;
use serde_json::Value;

/// One dead letter in full.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    letter: &'a Letter,
    operation: &'static str,
    mapping_revision: u64,
    applied_version: Option<u64>,
    external_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crm_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
}

/// Shows what is dead.
pub(super) async fn run(app: &App, filter: &Filter, show_data: bool) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let letters = Box::pin(index::find(&aws, filter)).await?;
    let runtime = aws.runtime("")?;
    let records = runtime.seams().records;
    let keys: Vec<_> = letters.iter().map(|letter| letter.key.clone()).collect();
    let items =
        records.read(&keys).await.map_err(|error| unavailable("reading items", &aws.place, &error))?;
    let mut shown = Vec::new();
    for letter in &letters {
        // The index lags: what is gone by now is left out.
        let Some((item, slot)) = items.get(&letter.key).and_then(|item| Some((item, item.dead()?))) else {
            continue;
        };
        let data = if show_data {
            Some(
                body_of(records, slot)
                    .await
                    .map_err(|error| unavailable("reading a body", &aws.place, &error))?,
            )
        } else {
            None
        };
        shown.push(Shown {
            letter,
            operation: slot.operation().as_str(),
            mapping_revision: slot.mapping_revision,
            applied_version: item.applied_version,
            external_id: item.external_id.clone(),
            crm_message: crm_words(slot, show_data),
            data: data.flatten(),
        });
    }
    if shown.is_empty() {
        return Err(
            Problem::not_found("nothing is dead that matches").hint("rtr dlq list shows what is dead")
        );
    }
    app.out.answer(&shown, |_| shown.iter().map(words).collect::<Vec<_>>().join("\n\n"));
    Ok(Exit::Done)
}

fn crm_words(slot: &Slot, show_data: bool) -> Option<String> {
    slot.reason.crm_message.clone().filter(|_| show_data)
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
    let mut text = lines.iter().map(|line| one_line(line)).collect::<Vec<_>>().join("\n");
    if let Some(data) = &shown.data {
        text.push_str("\n  data\n");
        text.push_str(&pretty(data).lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n"));
    }
    text
}
