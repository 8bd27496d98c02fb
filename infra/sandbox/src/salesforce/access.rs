//! Which area of the API a path belongs to, and what credentials it takes. Nothing is done here.

use super::errors::Fail;
use crate::provider::{Answer, Call, Env, Kind};
use serde_json::{Value, json};

/// The versions of the API that are answered.
pub(super) const VERSIONS: std::ops::RangeInclusive<u32> = 50..=67;
const MAX_URL: usize = 16_384;

/// The area of a path, with what follows.
pub(super) enum Area<'a> {
    OAuth(&'a [&'a str]),
    Versions,
    /// `/services/data/v62.0/…`
    Data {
        version: &'a str,
        number: u32,
        rest: &'a [&'a str],
    },
    Unknown,
}

/// Sorts a path into its area.
pub(super) fn area<'a>(parts: &'a [&'a str]) -> Area<'a> {
    match parts {
        ["services", "oauth2", rest @ ..] => Area::OAuth(rest),
        ["services", "data"] => Area::Versions,
        ["services", "data", version, rest @ ..] => match number(version) {
            Some(number) => Area::Data { version, number, rest },
            None => Area::Unknown,
        },
        _ => Area::Unknown,
    }
}

/// 62 of `v62.0`.
fn number(version: &str) -> Option<u32> {
    let digits = version.strip_prefix('v')?.strip_suffix(".0")?;
    digits.parse().ok().filter(|number| VERSIONS.contains(number) && digits.len() == 2)
}

/// What a call says about how it wants to be done.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub(super) now: i64,
    pub(super) serial: u64,
    pub(super) version: String,
    pub(super) number: u32,
    /// Whether it insists on saving what a duplicate rule would refuse.
    pub(super) allow_save: bool,
    /// How many records a page of a query has.
    pub(super) page: usize,
    /// The person who does it in the CRM; none: the account's own user, by the API.
    pub(super) user: Option<String>,
}

impl Context {
    pub(super) fn new(call: &Call<'_>, env: &Env<'_>, version: &str, number: u32) -> Self {
        let option = |header: &str, name: &str| {
            let value = call.request.find_header(header)?;
            let pairs = value.split([',', ';']).filter_map(|pair| pair.split_once('='));
            pairs.into_iter().find_map(|(key, value)| {
                key.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_lowercase())
            })
        };
        let page = option("sforce-query-options", "batchSize").and_then(|size| size.parse().ok());
        Self {
            now: env.now,
            serial: env.serial,
            version: version.to_owned(),
            number,
            allow_save: option("sforce-duplicate-rule-header", "allowSave").as_deref() == Some("true"),
            page: page.unwrap_or(2000).clamp(200, 2000),
            user: None,
        }
    }
}

/// Whether a call of this shape changes anything.
fn writes(method: &str, rest: &[&str]) -> bool {
    method != "GET" && method != "HEAD" && !matches!((method, rest), ("POST", ["composite", "sobjects", _]))
}

pub(super) fn kind(call: &Call<'_>) -> Kind {
    let parts = call.parts();
    match area(&parts) {
        Area::OAuth(_) => Kind { api: "auth", items: 1, writes: false },
        Area::Data { rest, .. } => {
            Kind { api: "records", items: items(call, rest), writes: writes(call.method(), rest) }
        }
        Area::Versions | Area::Unknown => Kind { api: "records", items: 1, writes: false },
    }
}

/// The number of records, ids or calls within the call.
fn items(call: &Call<'_>, rest: &[&str]) -> usize {
    if rest.first() != Some(&"composite") {
        return 1;
    }
    if let Some(ids) = call.query("ids") {
        return ids.split(',').filter(|id| !id.is_empty()).count();
    }
    let body: Option<Value> = serde_json::from_slice(&call.request.body).ok();
    let lists = ["records", "ids", "compositeRequest", "batchRequests"];
    let list = body.as_ref().and_then(|body| lists.iter().find_map(|name| body.get(name)?.as_array()));
    list.map_or(1, Vec::len)
}

/// The token, under either of the scheme's names.
pub(super) fn token<'a>(call: &'a Call<'_>) -> Option<&'a str> {
    let (scheme, token) = call.request.find_header("authorization")?.split_once(' ')?;
    ["bearer", "oauth"].iter().any(|known| scheme.eq_ignore_ascii_case(known)).then(|| token.trim())
}

pub(super) fn expired() -> Fail {
    Fail::new(401, "INVALID_SESSION_ID", "Session expired or invalid")
}

/// Refuses a call without a token of this account that is valid now and good for the API.
pub(super) fn authorise(call: &Call<'_>, env: &Env<'_>) -> Result<(), Fail> {
    let parts = call.parts();
    if matches!(area(&parts), Area::OAuth(_) | Area::Versions) {
        return Ok(());
    }
    if call.request.path.len() > MAX_URL {
        return Err(Fail::new(
            414,
            "URI_TOO_LONG",
            "The URI of the request is longer than 16,384 characters",
        ));
    }
    let token = token(call).ok_or_else(expired)?;
    let access = env.tokens.check(token, env.now).map_err(|_| expired())?;
    match &access.scopes {
        Some(scopes) if !scopes.iter().any(|scope| scope == "api" || scope == "full") => {
            let message = "This session is not valid for use with the REST API";
            Err(Fail::new(401, "INVALID_SESSION_ID", message))
        }
        _ => Ok(()),
    }
}

/// The body as JSON; what is sent as something else is refused.
pub(super) fn body(call: &Call<'_>) -> Result<Value, Fail> {
    let kind = call.request.find_header("content-type").unwrap_or_default();
    if !kind.to_lowercase().starts_with("application/json") {
        let message = "Content type is not supported; the body has to be application/json";
        return Err(Fail::new(415, "UNSUPPORTED_MEDIA_TYPE", message));
    }
    let value: Value = serde_json::from_slice(&call.request.body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Fail::bad("JSON_PARSER_ERROR", format!("Unexpected input at [line:{line}, column:{column}]"))
    })?;
    if value.is_object() {
        return Ok(value);
    }
    Err(Fail::bad(
        "JSON_PARSER_ERROR",
        "The HTTP entity body is required to be a JSON object at [line:1, column:1]",
    ))
}

/// The versions of the API, which anyone may ask for.
pub(super) fn versions() -> Answer {
    let version = |number: u32| {
        let (season, year) = (["Spring", "Summer", "Winter"][number as usize % 3], 20 + (number - 50) / 3);
        json!({"label": format!("{season} '{year}"), "url": format!("/services/data/v{number}.0"),
               "version": format!("{number}.0")})
    };
    Answer::json(200, VERSIONS.map(version).collect())
}
