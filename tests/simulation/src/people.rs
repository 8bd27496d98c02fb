//! What people do: to the CRMs and to the configuration while it goes on, and in the end what an operator would.

use crate::events::{key, message};
use crate::faults::Fault;
use crate::kernel::BEGIN;
use crate::lambda::Happen;
use crate::oracle::Ended;
use crate::place::{State, issue, names, providers, secret_name};
use crate::scenario::{Event, Kind, ORGS, Record};
use crate::world::World;
use rtr_core::item::SlotState;
use rtr_core::key::{RecordKey, Whose};
use rtr_engine::seams::{Outbound, Sleeper};
use rtr_sandbox::Request;
use serde_json::{Value, json};

/// How far the end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Events come, faults strike.
    Working,
    /// Everything works again; what waited goes on by itself.
    Mended,
    /// What was dead has been redriven.
    Redriven,
    /// Everything was sent and redriven once more.
    Again(u8),
}

impl World<'_> {
    /// A planned fault comes at its time.
    pub fn strike(&mut self, fault: Fault, how: u32) {
        let core = self.core.clone();
        if core.plan().is_over() {
            return;
        }
        let org = how as usize % ORGS.len();
        let lasts = i64::from(how / 7 % 600_000);
        match fault {
            Fault::ClockSteps => {
                if core.envs() == 0 {
                    return;
                }
                let env = how as usize % core.envs();
                core.set_skew(env, i64::from(how % 600_000) - 300_000);
                core.kernel.after(lasts, Happen::Mends(fault, u32::try_from(env).unwrap_or(0)));
            }
            Fault::AllCold => self.idle = Default::default(),
            Fault::TablesDown => {
                // Most outages are short; some last three hours.
                let ms = if how.is_multiple_of(8) { lasts * 18 } else { lasts / 10 };
                core.tables_down(ms);
            }
            Fault::LimitsDown => core.limits_down(lasts),
            Fault::SomebodyDeletes | Fault::SomebodyMerges => {
                if !self.meddle(fault, org, how) {
                    return;
                }
            }
            Fault::TokenRevoked => {
                let provider = providers(ORGS[org])[how as usize % providers(ORGS[org]).len()];
                let body = json!({"provider": provider, "account": ORGS[org], "action": "revoke"});
                self.control("POST", "/_sandbox/tokens", &body);
                // A person connects it anew, after a while.
                core.kernel.after(lasts, Happen::Mends(fault, how));
            }
            Fault::FieldRefused => {
                self.refuse_field(org, how, true);
                core.kernel.after(lasts, Happen::Mends(fault, how));
            }
            Fault::ConfigChanges => self.configure(org, State { remapped: true, ..self.states[org] }),
            Fault::ConfigSpoilt => {
                core.oracle().config_unread(core.kernel.now());
                self.configs.put(ORGS[org], Err("what is stored cannot be used".to_owned()));
                core.kernel.after(lasts, Happen::Mends(fault, how));
            }
            Fault::OrgPaused => {
                self.configure(org, State { paused: true, ..self.states[org] });
                core.kernel.after(lasts, Happen::Mends(fault, how));
            }
            Fault::OrgGone => {
                self.gone.push(org);
                if let Some(config) = self.place.nothing(ORGS[org]) {
                    self.configs.put(ORGS[org], Ok(config));
                }
                core.kernel.after(lasts, Happen::Mends(fault, how));
            }
            Fault::GroupsChange => return self.begin_to_regroup(how),
            Fault::SomebodyDrops => return self.drop_parked(how),
            Fault::CrmPaused => {
                for org in 0..ORGS.len() {
                    self.configure(org, State { paused_there: true, ..self.states[org] });
                }
                core.kernel.after(lasts, Happen::Mends(fault, how));
            }
            Fault::WakeOld => {
                let Some(event) = self.scenario.events.get(how as usize % self.scenario.events.len()) else {
                    return;
                };
                let (record, version) = (event.record, event.version);
                self.wake(&record, "hubspot", version, "old");
            }
            _ => return,
        }
        core.fire(fault);
        self.look_at_queues();
    }

    /// What a fault did is undone.
    pub fn mend(&mut self, fault: Fault, how: u32) {
        let org = how as usize % ORGS.len();
        match fault {
            Fault::ClockSteps => self.core.set_skew(how as usize, 0),
            Fault::ConfigSpoilt => {
                self.core.oracle().config_unread(self.core.kernel.now());
                self.configure(org, self.states[org]);
            }
            Fault::TokenRevoked => {
                self.noticed[org] = false;
                self.connect_anew(org);
            }
            Fault::FieldRefused => self.refuse_field(org, how, false),
            Fault::OrgPaused => self.configure(org, State { paused: false, ..self.states[org] }),
            Fault::CrmPaused => {
                for org in 0..ORGS.len() {
                    self.configure(org, State { paused_there: false, ..self.states[org] });
                }
            }
            Fault::JobPaused => self.configure(org, State { paused_there: false, ..self.states[org] }),
            _ => self.configure(org, self.states[org]),
        }
    }

    fn control(&mut self, method: &str, path: &str, body: &Value) -> Value {
        crate::place::control(&mut self.crm, self.core.kernel.now().0, method, path, body)
    }

    fn refuse_field(&mut self, org: usize, how: u32, rejects: bool) {
        let provider = providers(ORGS[org])[how as usize % providers(ORGS[org]).len()];
        let (object, property, _) =
            names(if how.is_multiple_of(2) { Kind::Contact } else { Kind::Company }, provider);
        let body = json!({"provider": provider, "account": ORGS[org], "object": object, "name": property, "rejects": rejects});
        self.control("PUT", "/_sandbox/properties", &body);
    }

    /// New tokens, as after a person's consent.
    fn connect_anew(&mut self, org: usize) {
        for provider in providers(ORGS[org]) {
            let text = issue(&mut self.crm, self.core.kernel.now().0, ORGS[org], provider);
            self.put_secret(&secret_name(ORGS[org], provider), &text);
        }
    }

    /// A suspended connection waits for a person, who comes within the hour.
    pub fn notice_suspensions(&mut self) {
        let suspended: Vec<String> = self.limits.state().suspensions.keys().cloned().collect();
        for (org, name) in ORGS.iter().enumerate() {
            if !self.noticed[org] && suspended.iter().any(|key| key.starts_with(name)) {
                self.noticed[org] = true;
                let comes = self.core.kernel.draw(60_000..=3_600_000);
                let how = u32::try_from(org).unwrap_or(0);
                self.core.kernel.after(comes, Happen::Mends(Fault::TokenRevoked, how));
            }
        }
    }

    /// Somebody deletes or merges records in a CRM; false when there are none.
    fn meddle(&mut self, fault: Fault, org: usize, how: u32) -> bool {
        let account = ORGS[org];
        let provider = providers(account)[how as usize % providers(account).len()];
        let live = self.core.oracle().live(provider, account);
        let Some((object, id, _)) = live.get(how as usize % live.len().max(1)).cloned() else { return false };
        let other = live.iter().find(|(of, other, _)| *of == object && *other != id);
        let now = self.core.kernel.now().0;
        let done = match (fault, provider) {
            (Fault::SomebodyDeletes, "hubspot") => {
                let path = format!("/hubspot/{account}/crm/v3/objects/{object}/{id}");
                self.by_hand("DELETE", &path, &Value::Null)
            }
            (Fault::SomebodyDeletes, _) => {
                let path = format!("/salesforce/{account}/services/data/v62.0/sobjects/{object}/{id}");
                self.by_hand("DELETE", &path, &Value::Null)
            }
            (_, "hubspot") => {
                let Some((_, loser, _)) = other else { return false };
                let path = format!("/hubspot/{account}/crm/v3/objects/{object}/merge");
                self.by_hand("POST", &path, &json!({"primaryObjectId": id, "objectIdToMerge": loser}))
            }
            _ => {
                let Some((_, loser, _)) = other else { return false };
                let body = json!({"provider": provider, "account": account, "action": "merge", "winner": id, "loser": loser});
                let request = Request::new("POST", "/_sandbox/actions").json(&body);
                self.crm.handle(now, &request).status < 300
            }
        };
        for change in self.crm.changes() {
            self.core.trace.note(self.core.kernel.now(), "people", || format!("{change:?}"));
            self.core.oracle().changed_by_others(&change);
        }
        done
    }

    /// A person's own request to a CRM, with a token of their own.
    pub(crate) fn by_hand(&mut self, method: &str, path: &str, body: &Value) -> bool {
        let mut parts = path.trim_start_matches('/').split('/');
        let (provider, account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let wanted = json!({"provider": provider, "account": account, "action": "issue", "token": "by-hand"});
        self.control("POST", "/_sandbox/tokens", &wanted);
        let request = Request::new(method, path).header("authorization", "Bearer by-hand");
        let request = if body.is_null() { request } else { request.json(body) };
        self.crm.handle(self.core.kernel.now().0, &request).status < 300
    }

    /// Wakes a version, as `rtr dlq redrive` does.
    fn wake(&mut self, record: &Record, provider: &str, version: u64, cause: &str) {
        let now = self.core.kernel.now();
        let sleeper = Sleeper {
            record: key(record),
            connection: provider.to_owned(),
            version,
            due_at: now,
            whose: Whose::Record,
        };
        let wake =
            rtr_core::change::Wake { key: sleeper.record.clone(), connection: sleeper.connection, version };
        let group = sleeper.record.message_group(self.settings.group_buckets);
        let deduplication_id = format!("{cause}-{}", self.core.kernel.next());
        let body = rtr_core::change::wake_body(&wake).to_string();
        self.queue
            .state()
            .changes
            .send(&Outbound { trace: None, body, group, deduplication_id, lane: None }, now);
    }

    /// Nothing is left to happen by itself: what comes next, if anything.
    pub fn goes_on(&mut self) -> bool {
        self.look_at_queues();
        self.plan_sweep();
        if self.is_busy() {
            return true;
        }
        if self.both.is_some() {
            return self.goes_on_both();
        }
        self.core.trace.note(self.core.kernel.now(), "quiet", || format!("{:?}", self.phase));
        match self.phase {
            Phase::Working => {
                self.check_cost();
                self.phase = Phase::Mended;
                self.put_everything_right();
                self.core.kernel.after(1_000, Happen::Lands);
            }
            Phase::Mended => {
                self.check_end(Ended::Drained);
                self.phase = Phase::Redriven;
                self.core.end_deadly();
                self.redrive();
                self.core.kernel.after(1_000, Happen::Lands);
            }
            Phase::Redriven => {
                self.check_end(Ended::Redriven);
                if !self.scenario.setup.again {
                    return false;
                }
                self.phase = Phase::Again(1);
                self.send_all_again();
            }
            Phase::Again(1) => {
                self.phase = Phase::Again(2);
                self.send_all_again();
            }
            Phase::Again(_) => {
                self.check_end(Ended::Again);
                return false;
            }
        }
        true
    }

    /// Whether something is planned although nothing was.
    fn is_busy(&mut self) -> bool {
        !self.core.kernel.is_idle()
    }

    /// Ends every fault, as an operator would at last.
    pub(crate) fn put_everything_right(&mut self) {
        self.core.calm();
        self.strikes.clear();
        self.network.calm();
        self.regroups = false;
        let suspended: Vec<String> = self.limits.state().suspensions.keys().cloned().collect();
        for (at, org) in ORGS.iter().enumerate() {
            self.configure(at, State { paused: false, paused_there: false, ..self.states[at] });
            if suspended.iter().any(|key| key.starts_with(org)) {
                self.connect_anew(at);
            }
        }
        // What came while an org had no configuration was skipped, as it said: the producer sends it again.
        for org in std::mem::take(&mut self.gone) {
            let newest: Vec<Event> =
                self.core.oracle().newest().filter(|event| event.record.org == org).collect();
            self.send(&newest);
        }
    }

    fn send(&mut self, events: &[Event]) {
        let now = self.core.kernel.now();
        for event in events {
            let copy = u32::try_from(self.core.kernel.next()).unwrap_or(u32::MAX);
            let message = message(event, self.settings.group_buckets, copy);
            self.queue.state().changes.send(&message, now);
        }
        self.look_at_queues();
    }

    /// Redrives every dead version.
    fn redrive(&mut self) {
        let dead: Vec<(RecordKey, String, u64)> = {
            let state = self.records.state();
            let slots = state.items.values().filter_map(|(item, names)| {
                let slot = item.slot.as_ref().filter(|slot| slot.state == SlotState::Dead)?;
                let key = RecordKey::new(
                    names.org_id.clone()?,
                    names.record_type.clone()?,
                    names.record_id.clone()?,
                );
                Some((key, names.connection.clone()?, slot.wanted_version))
            });
            slots.collect()
        };
        let now = self.core.kernel.now();
        for (key, connection, version) in dead {
            let group = key.message_group(self.settings.group_buckets);
            let wake = rtr_core::change::Wake { key, connection, version };
            let deduplication_id = format!("redrive-{}", self.core.kernel.next());
            let body = rtr_core::change::wake_body(&wake).to_string();
            self.queue
                .state()
                .changes
                .send(&Outbound { trace: None, body, group, deduplication_id, lane: None }, now);
        }
        self.look_at_queues();
    }

    /// Everything once more, in any order.
    fn send_all_again(&mut self) {
        self.core.oracle().landings = 0;
        let mut events = self.scenario.events.clone();
        events.retain(|event| !matches!(event.sent, crate::scenario::Sent::Spoilt(_)));
        for at in (1..events.len()).rev() {
            let other =
                usize::try_from(self.core.kernel.draw(0..=i64::try_from(at).unwrap_or(0))).unwrap_or(0);
            events.swap(at, other);
        }
        self.send(&events);
        self.redrive();
        debug_assert!(self.core.kernel.now() > BEGIN);
    }
}
