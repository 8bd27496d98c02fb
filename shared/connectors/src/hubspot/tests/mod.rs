//! What HubSpot sends, in its own shapes (`fixtures/`), and what we make of it.

mod attribution;
mod changes;
mod directory;
mod flow;
mod keyset;
mod questions;
mod refusals;
mod requests;
mod webhook;

use crate::connector::{Fields, Kind, Outcome, WriteCall, WriteItem};
use crate::http::Response;
use rtr_core::mapping::Patch;
use rtr_core::time::Instant;
use serde_json::Value;

/// 2026-11-18T11:06:40.123Z.
const NOW: Instant = Instant(1_795_000_000_123);

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../fixtures/", $name))
    };
}
use fixture;

fn answer(status: u16, body: &str) -> Response {
    Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
}

fn fields(pairs: &[(&str, Value)]) -> Fields {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), Patch::Set(value.clone()))).collect()
}

fn item(id: &str, trace: &str, fields: Fields) -> WriteItem {
    WriteItem { id: id.to_owned(), fields, trace: trace.to_owned() }
}

fn call(kind: Kind, items: Vec<WriteItem>) -> WriteCall {
    WriteCall { object: "contacts".to_owned(), kind, items }
}

fn upsert() -> Kind {
    Kind::Upsert { property: "rtr_record_id".to_owned() }
}

/// A batch of so many items, all writing a first name, with traces `t0`, `t1`, ….
fn named(kind: Kind, ids: &[&str]) -> WriteCall {
    let one = |(n, id): (usize, &&str)| item(id, &format!("t{n}"), fields(&[("firstname", "Ada".into())]));
    call(kind, ids.iter().enumerate().map(one).collect())
}

/// A line per outcome, as a person would want to read it.
fn lines<T: std::fmt::Debug>(outcomes: &[Result<T, rtr_core::failure::Failure>]) -> String {
    let line = |outcome: &Result<T, rtr_core::failure::Failure>| match outcome {
        Ok(done) => format!("{done:?}"),
        Err(failure) => format!("{:?}: {}", failure.class, failure.message),
    };
    outcomes.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn read(call: &WriteCall, status: u16, body: &str) -> Vec<Outcome> {
    let items: Vec<&WriteItem> = call.items.iter().collect();
    super::response::outcomes(call, &items, &answer(status, body), NOW)
}
