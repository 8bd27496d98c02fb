//! A crowd: one org changes thousands of records while its CRM is in trouble, another lives its life. What the other feels, and
//! what it costs when the CRM is back, is measured.

mod figures;
mod lines;

pub use figures::Figures;
pub use lines::{Bounds, Verdict, judge};

use crate::kernel::BEGIN;
use crate::logs::Lines;
use crate::oracle::Diary;
use crate::place::{Place, set};
use crate::scenario::{CROWDED, Event, Kind, Mood, ORGS, Record, Says, Scenario, Sent, Setup};
use crate::trace::Trace;
use crate::world::World;
use rtr_core::time::Instant;
use rtr_sandbox::Sandbox;
use serde_json::{Value, json};

/// The one that lives its life, of [`ORGS`].
const OTHER: usize = 0;
/// One record of so many changes again and again.
const RESTLESS: u32 = 10;
/// So often, the first time included.
const VERSIONS: u64 = 4;

/// What happens.
#[derive(Debug, Clone, Copy)]
pub struct Crowd {
    /// Records of the org that is in trouble. Each tenth changes four times, the others once.
    pub blocked: u32,
    /// Events of the other one, each of a record of its own.
    pub other: u32,
    /// The time in which all records change first, evenly.
    pub over_ms: i64,
    /// Whose CRM it is.
    pub crm: Crm,
    /// What that does.
    pub trouble: Trouble,
    /// Invocations of the sync function at once.
    pub pollers: usize,
    /// Decides what is left to chance.
    pub seed: u64,
}

/// The vendor of the CRM in trouble: the only one of its org.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crm {
    /// A hundred records a call.
    HubSpot,
    /// Two hundred records a call, and jobs for thousands.
    Salesforce,
}

/// What a CRM does to whoever calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It is down for so long, in milliseconds. We are configured to call it twenty times a second.
    Down(i64),
    /// It takes calls and says nothing for two minutes each, for so long, in milliseconds. Configured as the one before.
    Hangs(i64),
    /// The same of each tenth record, and what else is in its call; other calls it answers as ever.
    Stalls(i64),
    /// It takes a call a second and refuses the others, and we are configured so.
    Limited,
    /// It takes a call a second and refuses the others, and we are configured for twenty.
    Misjudged,
}

impl Crowd {
    /// The org in trouble.
    fn org(&self) -> usize {
        let at = match (self.crm, self.trouble) {
            (
                Crm::HubSpot,
                Trouble::Down(_) | Trouble::Hangs(_) | Trouble::Stalls(_) | Trouble::Misjudged,
            ) => 0,
            (Crm::HubSpot, Trouble::Limited) => 1,
            (
                Crm::Salesforce,
                Trouble::Down(_) | Trouble::Hangs(_) | Trouble::Stalls(_) | Trouble::Misjudged,
            ) => 2,
            (Crm::Salesforce, Trouble::Limited) => 3,
        };
        ORGS.len() + at
    }

    /// Its name, which is its account's.
    fn account(&self) -> &'static str {
        CROWDED[self.org() - ORGS.len()]
    }

    fn provider(&self) -> &'static str {
        match self.crm {
            Crm::HubSpot => "hubspot",
            Crm::Salesforce => "salesforce",
        }
    }

    fn events(&self) -> Vec<Event> {
        let of = |org: usize, count: u32, restless: bool| {
            (0..count).flat_map(move |number| {
                let first = self.over_ms * i64::from(number) / i64::from(count.max(1));
                let versions = if restless && number % RESTLESS == 0 { VERSIONS } else { 1 };
                (1..=versions).map(move |version| Event {
                    at: first + i64::try_from(version - 1).unwrap_or(0) * self.over_ms / 10,
                    record: Record { org, kind: Kind::Contact, number },
                    version,
                    says: Says::Stamp,
                    refers: None,
                    sent: Sent::Once,
                })
            })
        };
        let blocked = of(self.org(), self.blocked, true);
        let mut events: Vec<Event> = blocked.chain(of(OTHER, self.other, false)).collect();
        events.sort_by_key(|event| event.at);
        events
    }

    /// Lets it happen.
    ///
    /// # Errors
    /// When the CRM cannot be put into its trouble: nothing would be measured.
    pub fn run(&self, place: &Place) -> Result<Figures, String> {
        let setup = Setup {
            environments: self.pollers,
            group_buckets: 0,
            max_receives: 1_000,
            again: false,
            mood: Mood::Crowded,
            jobs: None,
        };
        let scenario = Scenario { seed: self.seed, setup, events: self.events(), faults: Vec::new() };
        let lines = Lines::default();
        tracing::subscriber::with_default(lines.clone(), || {
            let mut world = World::new(place, &scenario, Trace::default(), None);
            world.core.oracle().diary = Some(Diary::default());
            let back = self.befall(&mut world.crm)?;
            world.run(&lines);
            Ok(figures::figures(&world, self, back))
        })
    }

    /// Sets what its CRM does; when that is over.
    ///
    /// # Errors
    /// What the CRM has against it.
    pub fn befall(&self, crm: &mut Sandbox) -> Result<Instant, String> {
        let (path, body, back) = self.trouble();
        set(crm, BEGIN.0, path, &body)?;
        Ok(back)
    }

    fn trouble(&self) -> (&'static str, Value, Instant) {
        let (provider, account) = (self.provider(), self.account());
        match self.trouble {
            Trouble::Down(ms) => {
                let fault = json!([{"provider": provider, "account": account, "fault": "status", "value": 503, "for_ms": ms}]);
                ("/_sandbox/faults", fault, BEGIN.plus_ms(ms))
            }
            Trouble::Hangs(ms) => {
                let fault = json!([{"provider": provider, "account": account, "fault": "latency", "value": HANGS_MS, "for_ms": ms}]);
                ("/_sandbox/faults", fault, BEGIN.plus_ms(ms))
            }
            Trouble::Stalls(ms) => {
                let fault = json!([{"provider": provider, "account": account, "match": {"body": STALLING},
                    "fault": "latency", "value": HANGS_MS, "for_ms": ms}]);
                ("/_sandbox/faults", fault, BEGIN.plus_ms(ms))
            }
            Trouble::Limited | Trouble::Misjudged => {
                let limits = json!([{"api": "*", "requests": 1, "per_ms": LIMIT_MS}]);
                let limits = json!({"provider": provider, "account": account, "limits": limits});
                ("/_sandbox/limits", limits, BEGIN)
            }
        }
    }
}

/// A CRM that hangs answers after so many milliseconds: later than anybody waits.
const HANGS_MS: i64 = 120_000;
/// What stands in the calls of a CRM that stalls: the end of each tenth record's address.
const STALLING: &str = "5@x.example";
/// A limited CRM takes a call in so many milliseconds.
const LIMIT_MS: i64 = 1_000;
