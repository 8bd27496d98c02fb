//! How much of each thing a load takes. Pure.
//!
//! What a batch asks of AWS is what `tests/it/cost.rs` measures of the real binary: one strong read and one conditional write
//! for each record, in one request each, a lease of tokens for the batch, and one call of the CRM.

use super::prices::Prices;
use super::standing::{COMPOSITE, DASHBOARD, TEMPLATE, alarms, standing};
use crate::output::count;
use schemars::JsonSchema;
use serde::Serialize;

/// Days of a month.
const DAYS: f64 = 30.0;
/// Minutes of a month: the sweep is started in each, and a secret is read again in each in which there is work.
const MINUTES: f64 = DAYS * 1_440.0;
/// Hours of a month: a metric is paid for in those in which something was published of it.
/// <https://aws.amazon.com/cloudwatch/pricing/>
const HOURS: f64 = DAYS * 24.0;
/// Memory of the function that works on events, in gigabytes, as the template has it.
const SYNC_GB: f64 = 0.5;
/// Memory of the sweep, in gigabytes, as the template has it, and how long it looks, in seconds: its timeout but for the time that it
/// keeps back.
const SWEEP_GB: f64 = 0.125;
const SWEEP_S: f64 = 90.0 - 8.0;
/// Between two of its looks, in seconds, and the reads of one: 16 partitions of what is due, 4 of lanes and 1 of notifications, each half
/// a unit where nothing is.
const LOOK_S: f64 = 2.0;
const LOOK_READS: f64 = (16.0 + 4.0 + 1.0) / 2.0;
/// What a batch takes beside the call of the CRM, in seconds: two requests to DynamoDB, and our own work.
const OWN_S: f64 = 0.03;
/// What a batch writes to the logs, Lambda's own lines included, in bytes.
const LOG_BYTES: f64 = 1_500.0;
/// Metrics that the functions of a stack count in a usual month, each by function and stage.
const METRICS: f64 = 40.0;

/// What is to be borne.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Load {
    /// Versions told to a CRM in a day.
    pub(super) syncs_per_day: u32,
    /// Records of a batch.
    pub(super) batch: u8,
    /// A call of the CRM, in milliseconds.
    pub(super) call_ms: u32,
    /// Connections, each with a secret.
    pub(super) connections: u32,
}

/// What it costs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Estimate {
    pub(super) load: Load,
    /// In a month of 30 days.
    pub(super) usd: f64,
    pub(super) parts: Vec<Part>,
    pub(super) assumptions: Vec<String>,
    pub(super) prices: Prices,
}

/// One service's share.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Part {
    pub(super) part: &'static str,
    pub(super) usd: f64,
    /// How much of what.
    pub(super) because: String,
}

/// What `load` costs by `prices`.
pub(super) fn estimate(load: &Load, prices: Prices) -> Estimate {
    let syncs = f64::from(load.syncs_per_day) * DAYS;
    let batches = syncs / f64::from(load.batch.max(1));
    let connections = f64::from(load.connections);
    let parts = vec![
        sqs(syncs, batches, &prices),
        dynamodb(syncs, batches, &prices),
        lambda(load, batches, &prices),
        watched(batches, &prices),
        Part {
            part: "Secrets Manager",
            usd: connections
                * (prices.secret + batches.min(MINUTES) / 10_000.0 * prices.secrets_ten_thousand),
            because: format!(
                "{}, read once in a minute with work",
                count(load.connections as usize, "secret")
            ),
        },
    ];
    let parts: Vec<Part> = parts.into_iter().map(|part| Part { usd: cents(part.usd), ..part }).collect();
    let usd = cents(parts.iter().map(|part| part.usd).sum());
    Estimate { load: *load, usd, parts, assumptions: assumptions(load), prices }
}

fn sqs(syncs: f64, batches: f64, prices: &Prices) -> Part {
    // Sent one by one; received and deleted a batch at a time.
    let requests = syncs + 2.0 * batches;
    Part {
        part: "SQS",
        usd: requests / 1e6 * prices.sqs_fifo_million,
        because: format!("{} requests: each event sent, each batch received and deleted", whole(requests)),
    }
}

fn dynamodb(syncs: f64, batches: f64, prices: &Prices) -> Part {
    let looks = MINUTES * SWEEP_S / LOOK_S;
    let (reads, writes) = (syncs + looks * LOOK_READS, syncs + batches);
    Part {
        part: "DynamoDB",
        usd: reads / 1e6 * prices.dynamodb_reads_million + writes / 1e6 * prices.dynamodb_writes_million,
        because: format!(
            "{} reads and {} writes: one each for a record, a lease of tokens for a batch, and the sweep's looks",
            whole(reads),
            whole(writes)
        ),
    }
}

fn lambda(load: &Load, batches: f64, prices: &Prices) -> Part {
    let seconds = f64::from(load.call_ms) / 1_000.0 + OWN_S;
    let gb_s = batches * seconds * SYNC_GB + MINUTES * SWEEP_S * SWEEP_GB;
    let invocations = batches + MINUTES;
    Part {
        part: "Lambda",
        usd: invocations / 1e6 * prices.lambda_million + gb_s * prices.lambda_gb_second,
        because: format!(
            "{} invocations and {} GB-seconds: a batch takes {seconds:.2} s, a sweep is always at work",
            whole(invocations),
            whole(gb_s)
        ),
    }
}

fn watched(batches: f64, prices: &Prices) -> Part {
    let gb = batches * LOG_BYTES / 1e9;
    let share = (batches / HOURS).min(1.0);
    let (alarms, metrics) = (alarms(TEMPLATE).len(), alarms(TEMPLATE).iter().sum::<usize>());
    let [composites, dashboards] = [COMPOSITE, DASHBOARD].map(|kind| TEMPLATE.matches(kind).count());
    Part {
        part: "CloudWatch",
        usd: gb * prices.logs_gb + METRICS * share * prices.metric + standing(prices),
        because: format!(
            "{gb:.1} GB of logs, {METRICS} metrics in {:.0} % of all hours, {} alarms over {metrics} metrics, {dashboards} dashboards",
            share * 100.0,
            alarms + composites
        ),
    }
}

fn assumptions(load: &Load) -> Vec<String> {
    vec![
        "list prices of us-east-1, arm64, without free tiers, taxes or discounts; --region-prices gives others"
            .to_owned(),
        format!("batches of {}: --batch says otherwise, and 10 is the most", load.batch),
        format!("a call of the CRM takes {} ms: --call-ms", load.call_ms),
        "events up to 64 KB, items up to 1 KB (records of 15 fields or so), and no error, retry or backfill".to_owned(),
        "events come by SQS: API Gateway, EventBridge and Kafka in front of it are their own; so is what the CRM takes"
            .to_owned(),
        "syncs come throughout the month; what Lambda asks empty queues, some $0.30 a month for each, is not counted"
            .to_owned(),
        "nothing comes back from the CRMs: a change told to the internal system costs about as much as one told to a CRM"
            .to_owned(),
    ]
}

/// To the cent.
fn cents(amount: f64) -> f64 {
    (amount * 100.0).round() / 100.0
}

/// A number as people read it.
fn whole(n: f64) -> String {
    if n >= 1e6 { format!("{:.1} million", n / 1e6) } else { format!("{n:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOAD: Load = Load { syncs_per_day: 100_000, batch: 1, call_ms: 400, connections: 1 };

    fn usd(load: &Load, part: &str) -> f64 {
        let found = estimate(load, Prices::default());
        found.parts.iter().find(|one| one.part == part).unwrap().usd
    }

    #[test]
    fn given_a_load_when_estimated_then_each_part_is_units_times_price() {
        // Three million syncs: 9 million requests, 3 million reads, 6 million writes; and 41 looks of a sweep at 10.5 reads.
        assert!((usd(&LOAD, "SQS") - 4.50).abs() < 0.01);
        let looks = 43_200.0 * 41.0 * 10.5 / 1e6 * 0.125;
        assert!((usd(&LOAD, "DynamoDB") - (0.375 + 3.75 + looks)).abs() < 0.01);
        let gb_s = 3e6 * 0.43 * 0.5 + 43_200.0 * 82.0 * 0.125;
        let lambda = 3.0432 * 0.20 + gb_s * 0.000_013_333_4;
        assert!((usd(&LOAD, "Lambda") - lambda).abs() < 0.01);
        let found = estimate(&LOAD, Prices::default());
        let sum: f64 = found.parts.iter().map(|part| part.usd).sum();
        assert!((found.usd - sum).abs() < 0.005, "{found:?}");
    }

    #[test]
    fn given_more_in_a_batch_or_less_to_do_when_estimated_then_it_costs_less() {
        let all = |load: &Load| estimate(load, Prices::default()).usd;
        assert!(all(&Load { batch: 10, ..LOAD }) < all(&LOAD));
        assert!(all(&Load { call_ms: 100, ..LOAD }) < all(&LOAD));
        let idle = Load { syncs_per_day: 0, ..LOAD };
        assert!(all(&idle) < all(&LOAD) && all(&idle) > 0.0);
        let dear = Prices { sqs_fifo_million: 1.0, ..Prices::default() };
        assert!(estimate(&LOAD, dear).usd > all(&LOAD));
    }

    #[test]
    fn given_nothing_to_do_when_estimated_then_only_what_stands_and_the_sweep_is_paid_for() {
        let idle = Load { syncs_per_day: 0, ..LOAD };
        assert!(
            (usd(&idle, "CloudWatch") - standing(&Prices::default())).abs() < 0.01,
            "no metric is published"
        );
        assert!(usd(&idle, "SQS") < 0.005);
        assert!((usd(&idle, "Secrets Manager") - 0.40).abs() < 0.005, "no secret is read");
        // Once a day: thirty of 720 hours.
        let seldom = Load { syncs_per_day: 1, ..LOAD };
        let metrics = usd(&seldom, "CloudWatch") - usd(&idle, "CloudWatch");
        assert!((metrics - 40.0 * 0.30 / 24.0).abs() < 0.02, "{metrics}");
        let hourly = Load { syncs_per_day: 24, ..LOAD };
        let metrics = usd(&hourly, "CloudWatch") - usd(&idle, "CloudWatch");
        assert!((metrics - 40.0 * 0.30).abs() < 0.02, "{metrics}");
    }

    #[test]
    fn given_what_the_pages_say_of_costs_when_held_against_the_estimate_then_it_is_so() {
        let standing = standing(&Prices::default());
        let idle = estimate(&Load { syncs_per_day: 0, ..LOAD }, Prices::default()).usd;
        let pages = [
            (include_str!("../../../../README.md"), vec![idle]),
            (include_str!("../../../../docs/faq.md"), vec![idle, standing]),
            (include_str!("../../../../docs/operations.md"), vec![standing]),
        ];
        for (page, usd) in pages {
            let said =
                page.split("some $").skip(1).filter_map(|rest| rest.split(' ').next()?.parse::<f64>().ok());
            let said: Vec<f64> = said.collect();
            assert_eq!(said.len(), usd.len(), "{said:?}");
            for (said, usd) in said.iter().zip(usd) {
                assert!((said - usd).abs() <= 1.0, "a page says some ${said} a month, and it is ${usd:.2}");
            }
        }
    }

    #[test]
    fn given_the_template_when_read_then_memory_and_schedule_are_what_is_reckoned_with() {
        let of = |function: &str| {
            let from = TEMPLATE.find(&format!("  {function}:\n")).unwrap();
            TEMPLATE[from..].lines().find(|line| line.contains("MemorySize:")).unwrap().trim().to_owned()
        };
        let mb = |gb: f64| format!("MemorySize: {}", gb * 1_024.0);
        assert_eq!(
            (of("SyncFunction"), mb(SYNC_GB)),
            ("MemorySize: 512".to_owned(), "MemorySize: 512".to_owned())
        );
        assert_eq!(
            (of("SweepFunction"), mb(SWEEP_GB)),
            ("MemorySize: 128".to_owned(), "MemorySize: 128".to_owned())
        );
        assert!(TEMPLATE.contains("Schedule: rate(1 minute)"));
        let sweep = &TEMPLATE[TEMPLATE.find("  SweepFunction:\n").unwrap()..];
        let timeout = sweep.lines().find(|line| line.contains("Timeout:")).unwrap();
        let kept_back = include_str!("../../../../functions/sweep/src/main.rs");
        assert!(kept_back.contains("const RESERVE_MS: i64 = 8_000;"));
        assert_eq!(timeout.trim(), format!("Timeout: {}", SWEEP_S + 8.0));
    }
}
