//! Every fault in its turn, while events flow: set, and waited for until it has really struck.

use super::dice::Dice;
use super::fleet::{Fleet, Order};
use super::orgs::{BOTH, KEYLESS, SALES, account, connections};
use super::story::{Story, Telling};
use crate::stack::{CrmRequest, Event, Field, LONG, Org, Side, Tally, Trap, eventually_within};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// So many events that nobody received are enough for the moment.
const HEARD: u32 = 12;

/// The story as it is being told.
pub(super) struct Teller<'a> {
    pub(super) story: &'a Story,
    pub(super) orgs: &'a [Org<'a>],
    pub(super) field: &'a Field<'a>,
    pub(super) fleet: &'a Fleet<'a>,
    pub(super) told: usize,
    pub(super) began: Instant,
}

impl Teller<'_> {
    /// Says how far the test is.
    pub(super) fn stage(&self, what: &str) {
        let (told, all) = (self.told, self.story.tellings.len());
        println!("{:>4} s  {what}; {told} of {all} told", self.began.elapsed().as_secs());
    }

    /// Sends the next so many.
    pub(super) fn tell(&mut self, count: usize) {
        let end = (self.told + count).min(self.story.tellings.len());
        let now = &self.story.tellings[self.told..end];
        self.told = end;
        self.send(now);
    }

    /// Sends these.
    pub(super) fn send(&self, tellings: &[Telling]) {
        let org = |telling: &Telling| &self.orgs[self.story.records[telling.record].org].id;
        let events: Vec<Event> =
            tellings.iter().map(|telling| self.story.event(*telling, org(telling))).collect();
        self.orgs[0].stack.send_to(&self.field.changes, &events);
    }

    /// Tells on, one at a time, until nothing is `missing`. Where that takes news, it is told no faster than it is heard:
    /// what is told while everybody is busy is no news afterwards.
    fn until(&mut self, what: &str, missing: impl FnMut() -> Vec<String>) {
        self.until_by(1, 1, LONG, what, missing);
    }

    /// The same, `together` at every so many looks: several of a kind become one call.
    fn until_by(
        &mut self,
        together: usize,
        every: u32,
        within: Duration,
        what: &str,
        mut missing: impl FnMut() -> Vec<String>,
    ) {
        let mut looks = 0_u32;
        eventually_within(within, what, || {
            let missing = missing();
            if missing.is_empty() {
                self.stage(what);
                return Ok(());
            }
            // Some wait behind one that is hidden: they alone do not stop the story.
            let listens = !self.fleet.wants_news() || self.field.waiting() < HEARD;
            if looks.is_multiple_of(10) || listens && looks.is_multiple_of(every) {
                self.tell(together);
            }
            looks += 1;
            Err(format!("{} of {} told, missing: {missing:?}", self.told, self.story.tellings.len()))
        });
    }
}

/// Everything that can go wrong, one after another; what the CRMs do wrong, they do from the beginning.
pub(super) fn rage(teller: &mut Teller<'_>, dice: &mut Dice) {
    let fleet = teller.fleet;
    let (tally, sky) = (fleet.tally.clone(), fleet.sky.clone());
    let orgs = teller.orgs;
    misbehave(teller.story, orgs);
    // A create that nobody knows of is looked for while the CRM's search does not show it yet.
    fleet.order(Order::KillCreate);
    fleet.order(Order::KillInCall);
    teller.until("a create is killed", || too_few(&tally, "killed before a create is known", 1));
    teller.until("and tried again", || too_few(&tally, "came again from the dead", 1));
    teller.tell(30);
    kill_some(teller, dice, 4);

    sky.dynamo_mute.store(3, Ordering::SeqCst);
    teller.until("answers of DynamoDB are lost", || too_few(&tally, "answer lost", 3));

    sky.dynamo_gone.store(true, Ordering::SeqCst);
    teller.until("DynamoDB is gone", || too_few(&tally, "DynamoDB gone", 12));
    sky.dynamo_gone.store(false, Ordering::SeqCst);

    (0..2).for_each(|_| fleet.order(Order::Twice));
    teller.until("messages are received twice at once", || {
        too_few(&tally, "received while the first attempt ran", 2)
    });

    let both = orgs[BOTH].crm();
    let mark = both.mark();
    both.tokens(json!({"action": "expire", "rotate": true}));
    teller.until("an expired token is refreshed", || {
        let refreshed = |request: &CrmRequest| request.what.contains("/oauth/") && request.status == 200;
        unless(both.requests(mark).iter().any(refreshed), "a refresh")
    });
    tally.strike_often("token expired", count(&both.requests(mark), |request| request.status == 401));

    orgs[KEYLESS].crm().tokens(json!({"action": "revoke"}));
    // Its CRM may answer after 20 s only, six times, and its breaker leave it alone in between: little is told meanwhile.
    teller.until_by(1, 10, 3 * LONG, "a revoked connection is suspended", || {
        unless(state(&orgs[KEYLESS]) == "suspended", "the suspension")
    });
    tally.strike("token revoked");
    orgs[KEYLESS].connect_anew();

    sky.secrets_refuse.store(true, Ordering::SeqCst);
    teller.until("Secrets Manager refuses", || too_few(&tally, "Secrets Manager refuses", 4));
    sky.secrets_refuse.store(false, Ordering::SeqCst);

    kill_some(teller, dice, 4);
    teller.until("a slow call is killed", || too_few(&tally, "killed in a slow call", 1));
    // What waits behind the slow calls of one CRM goes when its breaker lets it.
    teller.until_by(10, 10, 3 * LONG, "every fault of the CRMs has struck", || missing(orgs));
    for (org, connection, fault, items) in EXPECTED {
        let struck = struck(&orgs[org], connection, fault, items);
        tally.strike_often(&format!("{connection} of org {org}: {fault}"), struck);
    }
    for (at, org) in orgs.iter().enumerate() {
        connections(at).iter().for_each(|connection| account(org, connection).calm());
    }
    orgs[SALES].salesforce().limits(json!([]));
}

fn kill_some(teller: &mut Teller<'_>, dice: &mut Dice, count: u64) {
    let fleet = teller.fleet;
    let wanted = fleet.tally.of("killed") + count;
    for _ in 0..count {
        let side = if dice.percent(50) { Side::Before } else { Side::After };
        let anywhere = dice.percent(50);
        fleet.order(Order::Kill(if anywhere {
            Trap::After(dice.below(7), side)
        } else {
            Trap::Ending(side)
        }));
    }
    teller.until("processes are killed", || too_few(&fleet.tally, "killed", wanted));
}

fn too_few(tally: &Tally, what: &str, wanted: u64) -> Vec<String> {
    unless(tally.of(what) >= wanted, &format!("{what}: {} of {wanted}", tally.of(what)))
}

fn unless(done: bool, what: &str) -> Vec<String> {
    if done { Vec::new() } else { vec![what.to_owned()] }
}

/// How a connection stands, as `rtr` tells.
pub(super) fn state(org: &Org<'_>) -> String {
    let listed = org.stack.rtr(&["connection", "list", &org.id, "--json"]).json();
    listed[0]["state"].as_str().unwrap_or_default().to_owned()
}

/// What must have struck: an org, its connection, the fault by its name or status, and how many records the call had at
/// least.
const EXPECTED: [(usize, &str, &str, u64); 21] = [
    (BOTH, "hubspot", "drop_after_commit", 1),
    (BOTH, "hubspot", "drop_then_commit", 1),
    (BOTH, "hubspot", "omit", 2),
    (BOTH, "hubspot", "reorder", 2),
    (BOTH, "hubspot", "empty_2xx", 1),
    (BOTH, "hubspot", "html", 1),
    (BOTH, "hubspot", "latency", 1),
    (BOTH, "hubspot", "503", 1),
    (BOTH, "salesforce", "drop_after_commit", 1),
    (BOTH, "salesforce", "omit", 2),
    (BOTH, "salesforce", "503", 1),
    (KEYLESS, "hubspot", "drop_after_commit", 1),
    (KEYLESS, "hubspot", "drop_then_commit", 1),
    (KEYLESS, "hubspot", "refuse", 1),
    (KEYLESS, "hubspot", "truncate", 1),
    (KEYLESS, "hubspot", "429", 1),
    (KEYLESS, "hubspot", "403", 1),
    (KEYLESS, "hubspot", "500", 1),
    (KEYLESS, "hubspot", "latency", 1),
    (SALES, "salesforce", "refuse", 1),
    (SALES, "salesforce", "403", 1),
];

fn misbehave(story: &Story, orgs: &[Org<'_>]) {
    let fault = |path: &str, fault: &str, skip: u64, count: u64| json!({"match": {"path": path}, "fault": fault, "skip": skip, "count": count});
    let with = |mut fault: Value, value: Value| {
        fault["value"] = value;
        fault
    };
    // What stands between two records of one call.
    let several = |mut fault: Value| {
        fault["match"]["body"] = json!("},{");
        fault
    };
    orgs[BOTH].crm().faults(vec![
        fault("*/contacts/batch/*", "drop_after_commit", 1, 1),
        with(fault("*/contacts/batch/*", "drop_then_commit", 3, 1), json!(1_000)),
        several(fault("*/contacts/batch/*", "omit", 1, 1)),
        several(fault("*/contacts/batch/*", "reorder", 0, 100)),
        fault("*/objects/*", "empty_2xx", 9, 1),
        fault("*/objects/*", "html", 11, 1),
        with(fault("*/objects/*", "status", 6, 4), json!(503)),
        with(fault("*/objects/*", "latency", 4, 6), json!(1_200)),
    ]);
    orgs[BOTH].salesforce().faults(vec![
        fault("*/sobjects*", "drop_after_commit", 2, 1),
        several(fault("*/composite/sobjects*", "omit", 0, 1)),
        with(fault("*/sobjects*", "status", 5, 3), json!(503)),
    ]);
    // The last version of a company is refused for want of a permission, whatever else strikes the same call: only a person can
    // help it.
    let company = story.records.iter().find(|one| one.org == KEYLESS && one.id == "k0").unwrap();
    let mut forbidden = with(fault("*/companies/batch/*", "status", 0, 100), json!(403));
    forbidden["match"]["body"] = json!(story.tag(company, company.versions.len()));
    let slow_down = json!({"status": 429, "headers": {"retry-after": "2"}});
    orgs[KEYLESS].crm().faults(vec![
        fault("*/deals/batch/create", "drop_after_commit", 1, 1),
        with(fault("*/deals/batch/create", "drop_then_commit", 2, 1), json!(1_000)),
        fault("*/deals/batch/create", "refuse", 3, 1),
        with(fault("*/deals/batch/create", "search_lag", 0, 100), json!(20_000)),
        fault("*/contacts/batch/*", "refuse", 1, 1),
        fault("*/contacts/batch/*", "truncate", 2, 1),
        with(fault("*/contacts/batch/*", "status", 5, 1), json!(500)),
        with(fault("*/batch/*", "status", 8, 2), slow_down),
        with(fault("*/batch/*", "latency", 10, 6), json!(20_000)),
        forbidden,
    ]);
    orgs[SALES].salesforce().faults(vec![fault("*/sobjects*", "refuse", 1, 1)]);
    let few = json!([{"api": "*", "requests": 2, "per_ms": 1_000, "retry_after": 1}]);
    orgs[SALES].salesforce().limits(few);
}

/// Calls of at least so many records that `fault` hit.
fn struck(org: &Org<'_>, connection: &str, fault: &str, items: u64) -> u64 {
    let hit = |request: &CrmRequest| {
        let by_name = request.fault.split('+').any(|name| name == fault);
        (by_name || request.status.to_string() == fault) && request.items >= items
    };
    count(&account(org, connection).requests(0), hit)
}

fn missing(orgs: &[Org<'_>]) -> Vec<String> {
    let open = EXPECTED
        .iter()
        .filter(|(org, connection, fault, items)| struck(&orgs[*org], connection, fault, *items) == 0);
    open.map(|(org, connection, fault, _)| format!("{fault} at {connection} of org {org}")).collect()
}

fn count(requests: &[CrmRequest], of: impl Fn(&CrmRequest) -> bool) -> u64 {
    u64::try_from(requests.iter().filter(|request| of(request)).count()).unwrap()
}
