//! The CRMs: what a request that lands does there. They compare nothing, and know nothing of versions.

use super::decide::Model;
use super::world::{Call, Object, Request, World};
use crate::scenario::{Key, Kind};
use rtr_core::time::Instant;

/// What a request that arrives comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Landing {
    /// It is done; the record it was done to, unless that is gone now.
    Done(Option<u8>),
    /// The record is not there.
    Missing,
    /// That record has the email already.
    Duplicate(u8),
}

impl Model<'_> {
    /// Whether the CRM refuses the version, until the cause is mended.
    pub(super) fn refuses(&self, world: &World, conn: u8, version: u64) -> bool {
        conn == 0 && self.scenario.bad.contains(&version) && !world.mended
    }

    /// A request lands at some time until `at`. Never is an older version told over a newer one.
    pub(super) fn land(&self, world: &mut World, request: &Request, at: Instant) -> Landing {
        let content = self.content(request.record, request.version, request.revision, request.linked);
        let email = self.email(request.record, request.version);
        let objects = &mut world.crms[usize::from(request.conn)];
        let keyed = self.scenario.key != Key::Match;
        let landing = match request.call {
            Call::Update { id, stamps } => match objects.iter_mut().find(|one| one.id == id && one.alive) {
                Some(object) => {
                    (object.content, object.email) = (content, email);
                    if stamps && keyed {
                        object.ours = Some(request.record);
                    }
                    Landing::Done(Some(id))
                }
                None => Landing::Missing,
            },
            Call::Remove { id } => match objects.iter_mut().find(|one| one.id == id && one.alive) {
                Some(object) => {
                    object.alive = false;
                    Landing::Done(None)
                }
                None => Landing::Missing,
            },
            Call::Upsert | Call::Create => {
                let held = |one: &&mut Object| one.alive && one.ours == Some(request.record);
                let clash =
                    |one: &&Object| one.alive && one.email == email && one.ours != Some(request.record);
                if let Some(object) = objects.iter_mut().find(held).filter(|_| request.call == Call::Upsert) {
                    (object.content, object.email) = (content, email);
                    Landing::Done(Some(object.id))
                } else if let Some(other) =
                    objects.iter().find(clash).filter(|_| self.scenario.unique_email && email != 0)
                {
                    Landing::Duplicate(other.id)
                } else {
                    let id = u8::try_from(objects.len()).unwrap();
                    let ours = Some(request.record).filter(|_| keyed);
                    let made_for = Some(request.record);
                    objects.push(Object { id, ours, made_for, email, content, alive: true, made_at: at });
                    Landing::Done(Some(id))
                }
            }
        };
        if let Landing::Done(_) = landing {
            let place = world.place(request.record, request.conn);
            let both = (1 << request.version) | (1 << world.landed[place]);
            if request.version < world.landed[place] && world.given_up & both != both {
                world.wrong = Some("an older version was told over a newer one");
            }
            if (request.version, request.revision) <= world.dropped[place] {
                world.wrong = Some("a version was told after it or a newer one was dropped");
            }
            world.landed[place] = request.version;
        }
        landing
    }

    /// Whether the version takes the record from the CRM.
    pub(super) fn removes(&self, record: u8, version: u64) -> bool {
        self.event(record, version).is_some_and(|event| {
            event.kind == Kind::Delete || (event.kind == Kind::Unwanted && self.scenario.unwanted_goes)
        })
    }

    /// Whether the version is none for this CRM.
    pub(super) fn skipped(&self, record: u8, version: u64) -> bool {
        self.event(record, version).is_some_and(|event| event.kind == Kind::Unwanted)
            && !self.scenario.unwanted_goes
    }
}
