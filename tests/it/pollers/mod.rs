//! Eight pollers of the real function, and one org's CRM in trouble: nobody else feels it, and the way back costs little.
//!
//! `make bench-pollers N=20000` is the same with as many events as one has the patience for.

mod fleet;
mod rounds;

use crate::CONTACT;
use crate::stack::{Field, Plan, Stack, eventually_within};
use fleet::{Ending, Fleet, POLLERS};
use rounds::{Orgs, Took, take_turns, whole};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Events of the org in trouble, unless `RTR_POLLERS_EVENTS` says otherwise.
const EVENTS: usize = 1_000;
/// From so many on the other's p99 says something.
const MANY: usize = 5_000;
/// A breaker that rests for long looks again within this, and what is parked is drained.
const DRAINING: Duration = Duration::from_secs(280);

/// What its CRM does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// It answers 503 to everything.
    Down,
    /// It takes calls and does not answer.
    Hangs,
    /// It takes a call a second, as its connection says, and refuses others.
    Limited,
}

/// What was measured.
struct Figures {
    events: usize,
    well: Took,
    troubled: Took,
    in_flight: u32,
    calls_meanwhile: usize,
    calls_after: usize,
    refused: usize,
    drained: Duration,
}

impl Figures {
    fn ratio(&self, percent: usize) -> f64 {
        self.troubled.within(percent) as f64 / self.well.within(percent).max(1) as f64
    }

    fn tell(&self, trouble: Trouble) {
        let ms = |took: &Took| format!("median {} ms, p99 {} ms", took.within(50), took.within(99));
        println!(
            "{POLLERS} pollers, {} events of an org whose CRM is {trouble:?}, {} of another",
            self.events,
            self.events / 9
        );
        println!(
            "  the other's: {} beside a crowd that is well, {} beside this one",
            ms(&self.well),
            ms(&self.troubled)
        );
        let [median, p95, p99] = [50, 95, 99].map(|percent| self.ratio(percent));
        println!("  ratio of medians {median:.2}, of p95 {p95:.2}, of p99 {p99:.2}");
        println!("  {} of its messages in flight at most", self.in_flight);
        println!(
            "  {} calls meanwhile; {} calls after, {:.4} a record, {} refused; all there after {:.0} s",
            self.calls_meanwhile,
            self.calls_after,
            self.calls_after as f64 / self.events as f64,
            self.refused,
            self.drained.as_secs_f64()
        );
    }
}

fn among(trouble: Trouble) -> Figures {
    let wanted = std::env::var("RTR_POLLERS_EVENTS").map_or(EVENTS, |text| text.parse().unwrap());
    let events = whole(wanted);
    let stack = Stack::here();
    let field = Field::new(&stack);
    let plan = |name: &str| Plan::new(&format!("pollers-{name}")).mapping("contact", CONTACT);
    let orgs = Orgs {
        well: plan("well").ready(&stack),
        troubled: match trouble {
            Trouble::Limited => plan("troubled").limits(json!([{"api": "*", "requests": 1, "per": "1s"}])),
            Trouble::Down | Trouble::Hangs => plan("troubled"),
        }
        .ready(&stack),
        other: plan("other").ready(&stack),
    };
    let crm = orgs.troubled.crm();
    match trouble {
        Trouble::Down => crm.fault(json!({"fault": "status", "value": 503})),
        Trouble::Hangs => crm.fault(json!({"fault": "latency", "value": 120_000})),
        Trouble::Limited => crm.limits(json!([{"api": "*", "requests": 1, "per_ms": 1_000}])),
    }
    let mark = crm.mark();
    let fleet = Fleet::new(&stack, &field, &orgs.troubled.id);
    std::thread::scope(|scope| {
        let _ending = Ending(&fleet);
        fleet.begin(scope);
        let (well, troubled) = take_turns(&stack, &field, &orgs, events);
        let in_flight = fleet.in_flight();
        let (calls_meanwhile, back, began) = (crm.requests(mark).len(), crm.mark(), Instant::now());
        crm.calm();
        eventually_within(
            DRAINING * u32::try_from(1 + events / 5_000).unwrap(),
            "everything is there",
            || {
                let there = crm.records("contacts").len();
                if there == events { Ok(()) } else { Err(format!("{there} of {events}")) }
            },
        );
        let drained = began.elapsed();
        let parked = || stack.rtr(&["parked", "list", "--org", &orgs.troubled.id, "--json"]).json();
        eventually_within(DRAINING, "nothing is parked, and nothing in the queue", || {
            let (parked, messages) = (parked().as_array().unwrap().len(), field.messages());
            if (parked, messages) == (0, 0) {
                Ok(())
            } else {
                Err(format!("{parked} parked, {messages} messages"))
            }
        });
        for org in [&orgs.well, &orgs.troubled, &orgs.other] {
            assert_eq!(org.dead_letters(), Vec::<Value>::new());
        }
        let after = crm.requests(back);
        let refused = crm.requests(mark).iter().filter(|request| request.status == 429).count();
        let figures = Figures {
            events,
            well,
            troubled,
            in_flight,
            calls_meanwhile,
            calls_after: after.len(),
            refused,
            drained,
        };
        figures.tell(trouble);
        // Once each: a record that was made twice would be one more.
        assert_eq!(crm.records("contacts").len(), events);
        // Of a hundred events the median is half as long again now and then, and the slowest one or two say more of the machine
        // than of us: who waits for a CRM that hangs takes ten times as long.
        let (median, tail) = if events < MANY { (2.0, 95) } else { (1.2, 99) };
        assert!(figures.ratio(50) <= median, "another org feels it");
        assert!(figures.ratio(tail) <= 2.0, "another org feels it");
        assert!(figures.in_flight < 200, "{} in flight", figures.in_flight);
        figures
    })
}

#[test]
fn given_eight_pollers_and_a_crm_that_is_down_when_another_org_lives_on_then_it_feels_nothing_and_full_calls_catch_up()
 {
    let figures = among(Trouble::Down);
    // While it is down it is asked now and then whether it is back.
    assert!(figures.calls_meanwhile <= 100, "{} calls", figures.calls_meanwhile);
    // Full calls but for the first ones, which go one by one until it is known to be back: of 20,000 that is 0.012 each.
    assert!(figures.calls_after <= figures.events / 100 + 40, "{} calls", figures.calls_after);
}

#[test]
fn given_eight_pollers_and_a_crm_that_does_not_answer_when_another_org_lives_on_then_it_feels_nothing() {
    let figures = among(Trouble::Hangs);
    assert!(figures.calls_meanwhile <= 40, "{} calls", figures.calls_meanwhile);
}

#[test]
fn given_eight_pollers_and_a_crm_of_a_call_a_second_when_another_org_lives_on_then_it_feels_nothing() {
    let figures = among(Trouble::Limited);
    // However many ask at once, the limit is one for all.
    let calls = figures.calls_meanwhile + figures.calls_after;
    assert!(figures.refused <= 1 + calls / 100, "{} of {calls} calls refused", figures.refused);
}
