//! The internal system's own list of an org's records, fetched into a file page by page, and backfilled from there.
//!
//! A file, since a list cannot be gone on with once it has changed: what was fetched whole is sent as any file is, and whoever is
//! stopped while it is fetched begins to fetch again.

use crate::app::App;
use crate::aws::{Aws, unavailable};
use crate::output::{count, progress_bar, rate};
use crate::problem::Problem;
use rtr_aws::clock::SystemClock;
use rtr_aws::hosts::AllowedHosts;
use rtr_aws::http::ReqwestHttp;
use rtr_aws::secrets::ManagedSecrets;
use rtr_connectors::credentials::Credential;
use rtr_connectors::http::{Clock as _, Http, Method, NoAnswer, Outgoing, Response};
use rtr_core::config::Source;
use rtr_core::digest;
use rtr_engine::seams::Secrets as _;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// For the answer to one page.
const PAGE_TIMEOUT: Duration = Duration::from_secs(60);
/// Times that a page is asked for before it is given up.
const TRIES: u32 = 6;
/// Between two tries, in milliseconds, if the list does not say; twice as long each time.
const FIRST_PAUSE_MS: i64 = 500;

/// What is listed.
pub(super) struct Wanted<'a> {
    pub(super) org: &'a str,
    pub(super) record_type: &'a str,
    pub(super) source: &'a Source,
}

/// A page as the list answers it.
#[derive(Debug, PartialEq, Deserialize)]
struct Page {
    /// Change events, each with the record as it is.
    events: Vec<Value>,
    /// What to ask for next; none: that was all.
    #[serde(default)]
    next: Option<String>,
}

impl Wanted<'_> {
    /// The file that the list is fetched into.
    pub(super) fn file(&self) -> PathBuf {
        let Source::Http { url, .. } = self.source;
        let tag = digest::hex(format!("{}#{}#{url}", self.org, self.record_type).as_bytes());
        let plain: String = self.record_type.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
        PathBuf::from(format!("rtr-source-{plain}-{}.jsonl", &tag[..12]))
    }

    /// The address of the page that `cursor` names.
    fn page(&self, cursor: Option<&str>) -> String {
        let Source::Http { url, .. } = self.source;
        let encoded = |text: &str| url_encoded(text);
        let url =
            url.replace("{org_id}", &encoded(self.org)).replace("{record_type}", &encoded(self.record_type));
        let Some(cursor) = cursor else { return url };
        let mark = if url.contains('?') { '&' } else { '?' };
        format!("{url}{mark}cursor={}", encoded(cursor))
    }
}

/// Fetches the list into `path`, for whoever reads it once; how many records there are.
///
/// # Errors
/// When the list does not answer, or in another form; when the file cannot be written.
pub(in crate::commands) async fn fetch_into(
    aws: &Aws,
    org: &str,
    record_type: &str,
    source: &Source,
    path: &Path,
) -> Result<usize, Problem> {
    let wanted = Wanted { org, record_type, source };
    let http = client(source, &aws.stack.stage)?;
    let headers = headers(aws, source).await?;
    Box::pin(pages(&wanted, &http, &headers, path)).await
}

/// Fetches the list into its file, unless it lies there whole; the file.
///
/// # Errors
/// When the list does not answer, or in another form; when the file cannot be written.
pub(super) async fn fetch(app: &App, aws: &Aws, wanted: &Wanted<'_>, anew: bool) -> Result<PathBuf, Problem> {
    let path = wanted.file();
    if !anew && path.is_file() && is_begun(&path) {
        app.out.note(&format!(
            "{}: the list as it was fetched before; --restart fetches it anew",
            path.display()
        ));
        return Ok(path);
    }
    let http = client(wanted.source, &aws.stack.stage)?;
    let headers = headers(aws, wanted.source).await?;
    let part = path.with_extension("part");
    let fetched = Box::pin(pages(wanted, &http, &headers, &part)).await;
    let lines = fetched.inspect_err(|_| drop(std::fs::remove_file(&part)))?;
    std::fs::rename(&part, &path).map_err(|error| unwritable(&path, &error))?;
    app.out.note(&format!("{} listed into {}", count(lines, "record"), path.display()));
    Ok(path)
}

/// Whether a backfill has begun to send what lies at `path`: its state lies beside it. What nobody has begun is fetched anew.
fn is_begun(path: &Path) -> bool {
    let stem = format!("{}.backfill-", path.display());
    let beside = std::fs::read_dir(".").into_iter().flatten().flatten();
    beside.into_iter().any(|one| one.file_name().to_string_lossy().starts_with(&stem))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::usage(format!("{} cannot be written: {error}", path.display()))
}

/// Writes every page to `part`; how many records there are.
async fn pages(
    wanted: &Wanted<'_>,
    http: &dyn Http,
    headers: &[(String, SecretString)],
    part: &Path,
) -> Result<usize, Problem> {
    let failed = |error: std::io::Error| unwritable(part, &error);
    let mut file = BufWriter::new(private(part).map_err(failed)?);
    let bar = progress_bar(None);
    let (mut cursor, mut lines, mut seen) = (None, 0, BTreeSet::new());
    loop {
        let url = wanted.page(cursor.as_deref());
        let page = read(&ask(http, &url, headers).await?, &url)?;
        for event in &page.events {
            writeln!(file, "{event}").map_err(failed)?;
        }
        lines += page.events.len();
        bar.set_message(format!("{lines} records listed, {}", rate(lines as u64, &bar)));
        bar.tick();
        let Some(next) = page.next else { break };
        if !seen.insert(digest::short_hex(next.as_bytes())) {
            return Err(Problem::unreachable(format!("{url}: the next page was there before"))
                .hint("`next` must name another page each time, and be null on the last one"));
        }
        cursor = Some(next);
    }
    file.into_inner().map_err(|error| failed(error.into_error()))?.sync_all().map_err(failed)?;
    bar.finish_and_clear();
    Ok(lines)
}

/// A file that nobody else may read: it holds people's data.
pub(in crate::commands) fn private(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A client for the one host of the list.
fn client(source: &Source, stage: &str) -> Result<ReqwestHttp, Problem> {
    let Source::Http { url, .. } = source;
    let wrong = |why: String| Problem::usage(format!("the source's address: {why}"));
    let authority =
        url.split("://").nth(1).and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    let hosts = AllowedHosts::parse(authority, stage).map_err(|error| wrong(error.to_string()))?;
    ReqwestHttp::new(hosts).map_err(wrong)
}

/// The headers that let us in.
async fn headers(aws: &Aws, source: &Source) -> Result<Vec<(String, SecretString)>, Problem> {
    let Source::Http { secret: Some(name), .. } = source else { return Ok(Vec::new()) };
    let read = ManagedSecrets::new(&aws.clients).read(name).await;
    let read = read.map_err(|error| unavailable("reading the source's secret", &aws.place, &error))?;
    let missing = || Problem::not_found(format!("there is no secret `{name}`, which the source names"));
    let text = read.ok_or_else(missing)?.text;
    lets_in(&text).map_err(|why| Problem::usage(format!("the secret `{name}`: {why}")))
}

/// The headers that a source's secret of this `text` lets us in by, or why it cannot be one.
pub(in crate::commands) fn lets_in(text: &SecretString) -> Result<Vec<(String, SecretString)>, String> {
    let credential = Credential::parse(text)?;
    let lasting = || {
        format!(
            "a secret of type {} is renewed; a source takes bearer, basic or header",
            credential.kind_name()
        )
    };
    if credential.can_refresh() {
        return Err(lasting());
    }
    credential.headers().ok_or_else(lasting)
}

/// The answer for `url`, which is only read: so it may be asked for again.
async fn ask(http: &dyn Http, url: &str, headers: &[(String, SecretString)]) -> Result<Response, Problem> {
    let clock = SystemClock;
    let mut pause_ms = FIRST_PAUSE_MS;
    for tried in 1.. {
        let request = Outgoing {
            method: Method::Get,
            url: url.to_owned(),
            headers: [&[("accept".to_owned(), SecretString::from("application/json"))], headers].concat(),
            body: Vec::new(),
            timeout: PAGE_TIMEOUT,
            question: None,
        };
        let (why, wait_ms) = match http.send(request).await {
            Ok(answer) if answer.status == 429 || answer.status >= 500 => {
                (format!("it answers {}", answer.status), answer.retry_after_ms(clock.now()))
            }
            Ok(answer) => return Ok(answer),
            Err(NoAnswer::HostRefused(why)) => return Err(Problem::usage(format!("{url}: {why}"))),
            Err(error) => (error.to_string(), None),
        };
        if tried >= TRIES {
            return Err(Problem::unreachable(format!("{url}: {why}, {TRIES} times")));
        }
        clock.sleep_ms(wait_ms.unwrap_or(pause_ms)).await;
        pause_ms *= 2;
    }
    Err(Problem::unreachable(format!("{url}: it was never asked")))
}

/// The page that `answer` is.
fn read(answer: &Response, url: &str) -> Result<Page, Problem> {
    if answer.status != 200 {
        let problem = Problem::unreachable(format!("{url}: it answers {}", answer.status));
        return Err(match answer.status {
            401 | 403 => problem.hint("the secret that `source` names does not let us in"),
            _ => problem,
        });
    }
    serde_json::from_slice(&answer.body).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        Problem::usage(format!("{url}: {place}: this is no page"))
            .hint("a page is {\"events\": [change events …], \"next\": \"…\" or null}")
    })
}

fn url_encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Response {
        Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    #[test]
    fn given_a_source_when_pages_are_asked_for_then_names_and_cursor_stand_in_the_address() {
        let source =
            Source::Http { url: "https://api.x.io/{org_id}/{record_type}?limit=9".to_owned(), secret: None };
        let wanted = Wanted { org: "a/b", record_type: "contact", source: &source };
        assert_eq!(wanted.page(None), "https://api.x.io/a%2Fb/contact?limit=9");
        assert_eq!(wanted.page(Some("x y&")), "https://api.x.io/a%2Fb/contact?limit=9&cursor=x%20y%26");
        let other = Wanted { org: "other", ..wanted };
        assert!(
            wanted.file() != other.file()
                && wanted.file().display().to_string().starts_with("rtr-source-contact-")
        );
    }

    #[test]
    fn given_answers_when_read_then_only_pages_pass_and_the_rest_is_told() {
        let page = read(&answer(200, r#"{"events": [{"a": 1}], "next": "c"}"#), "u").unwrap();
        assert_eq!((page.events.len(), page.next.as_deref()), (1, Some("c")));
        assert_eq!(read(&answer(200, r#"{"events": []}"#), "u").unwrap().next, None);
        let told = [answer(200, "[1,"), answer(403, ""), answer(404, "")]
            .map(|answer| read(&answer, "https://x/y").unwrap_err().to_string());
        insta::assert_snapshot!(told.join("\n"), @r#"
        rtr: https://x/y: line 1, column 2: this is no page
          a page is {"events": [change events …], "next": "…" or null}
        rtr: https://x/y: it answers 403
          the secret that `source` names does not let us in
        rtr: https://x/y: it answers 404
        "#);
    }
}
