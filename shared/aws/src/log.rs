//! JSON lines on standard output, levels by `RUST_LOG`; what is traced goes to X-Ray beside.
//!
//! The libraries that carry bodies and headers stay at `warn` whatever `RUST_LOG` says: at finer levels they print
//! payloads and credentials.

use crate::xray::XRay;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// What the names of crates begin with whose finer levels print what they carry.
const QUIET: [&str; 6] = ["aws_", "h2", "hyper", "lambda_runtime", "reqwest", "rustls"];

/// Starts logging. A second start changes nothing.
pub fn init() {
    let directives = std::env::var("RUST_LOG").unwrap_or_default();
    let lines = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_env_filter(filter(&directives))
        .finish();
    drop(lines.with(XRay::load()).try_init());
}

fn filter(directives: &str) -> EnvFilter {
    // A directive for a part of such a crate would win over ours for the whole.
    let loud = |directive: &&str| !QUIET.iter().any(|name| directive.trim().starts_with(name));
    let kept = directives.split(',').filter(loud).collect::<Vec<_>>().join(",");
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).parse_lossy(kept);
    QUIET.iter().fold(filter, |filter, name| match format!("{name}=warn").parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_any_rust_log_when_filtered_then_the_carriers_stay_quiet() {
        for directives in ["trace", "info,hyper=trace,hyper::client=trace,aws_smithy_runtime=debug", ""] {
            let filter = filter(directives).to_string();
            for name in QUIET {
                assert!(filter.contains(&format!("{name}=warn")), "{filter}");
            }
            assert!(!filter.contains("=trace") && !filter.contains("=debug"), "{filter}");
        }
        assert!(filter("").to_string().contains("info"));
    }
}
