//! What must never be, and what must be once nothing more need happen.

use super::decide::{Model, object_id};
use super::world::{Object, World};
use crate::rule::Rule;
use rtr_core::item::{Item, Lane, SlotState};
use std::collections::HashSet;

/// Whether nothing more need happen.
pub(super) fn at_rest(model: &Model<'_>, world: &World) -> bool {
    let asleep = |item: &Item| item.slot.as_ref().and_then(|slot| slot.due_at()).is_some();
    let parked = |item: &Item| item.slot.as_ref().is_some_and(|slot| slot.state.lane() == Lane::Bulk);
    let quiet = world.groups.iter().all(|group| group.queue.is_empty()) && world.idle();
    let sleeps = model.on(Rule::Look) && world.items.iter().any(|item| asleep(item));
    let parks = model.on(Rule::Drain) && world.items.iter().any(|item| parked(item));
    let over = world.pending.is_empty() && world.letters.is_empty() && world.coming == 0;
    quiet && !sleeps && !parks && over && world.untold == 0 && !world.shut
}

/// What is wrong with a world, if anything is.
pub(super) fn wrong(model: &Model<'_>, world: &World) -> Option<String> {
    if let Some(wrong) = world.wrong {
        return Some(wrong.to_owned());
    }
    for conn in 0..world.connections() {
        let mut ids = HashSet::new();
        let links = world.items.iter().skip(conn).step_by(world.connections());
        if links.filter_map(|item| item.external_id.as_ref()).any(|id| !ids.insert(id)) {
            return Some("two records are linked to one record of the CRM".to_owned());
        }
        for record in 0..model.records() {
            if world.crms[conn].iter().filter(|one| ours(one, record)).count() > 1 {
                return Some("the CRM has two records for one".to_owned());
            }
        }
    }
    if world.items.iter().any(|item| item.deleted && item.external_id.is_some()) {
        return Some("a deleted record is linked".to_owned());
    }
    if !at_rest(model, world) {
        return None;
    }
    let connections = u8::try_from(world.connections()).unwrap();
    (0..model.records()).flat_map(|record| (0..connections).map(move |conn| (record, conn))).find_map(
        |(record, conn)| {
            let why = wrong_at_rest(model, world, record, conn)?;
            let item = world.item(record, conn);
            let slot = item.slot.as_ref().map(|slot| (slot.state, slot.wanted_version));
            let held: Vec<_> =
                world.crms[usize::from(conn)].iter().map(|one| (one.content, one.alive)).collect();
            let applied = item.applied_version;
            Some(format!("record {record} at connection {conn}: {why}; {applied:?} {slot:?} {held:?}"))
        },
    )
}

/// Whether it is there, and was made for the record or says so.
fn ours(object: &Object, record: u8) -> bool {
    object.alive && (object.made_for == Some(record) || object.ours == Some(record))
}

fn wrong_at_rest(model: &Model<'_>, world: &World, record: u8, conn: u8) -> Option<&'static str> {
    let item = world.item(record, conn);
    let (newest, revision) = world.wanted[usize::from(record)];
    let applied = item.applied_version.unwrap_or(0);
    let dead = item.dead().map(|slot| slot.wanted_version);
    if dead != Some(newest) {
        if let Some(SlotState::Parked | SlotState::Waiting | SlotState::Drop) =
            item.slot.as_ref().map(|slot| slot.state)
        {
            return Some("the newest version sleeps for ever");
        }
        if applied != newest {
            return Some("the newest version is neither applied nor dead");
        }
        if item.mapping_revision.unwrap_or(0) < revision {
            return Some("the newest version was not written under the mapping it came under");
        }
    }
    if applied == 0 || model.skipped(record, applied) {
        return None;
    }
    let objects = &world.crms[usize::from(conn)];
    let linked = item.external_id.as_deref().map(object_id);
    let held = linked.and_then(|id| objects.iter().find(|one| one.id == id && one.alive));
    // While a version is dead, and once it was dropped, it or one that it replaced may have landed with its answer lost.
    // Nobody asks for the hash.
    let place = world.place(record, conn);
    let dropped = world.dropped[place].0 == applied;
    let stray = (dead.is_some() || dropped).then_some(world.landed[place]);
    if model.removes(record, applied) && stray.is_none() {
        let left = objects.iter().any(|one| ours(one, record));
        return (left || !item.deleted).then_some("what is deleted is still there");
    }
    let Some(object) = held else {
        let gone = stray.is_some_and(|version| version > applied)
            || model.removes(record, applied)
            || world.left.removals < model.scenario.left.removals
            || (dropped && (item.external_id.is_none() || model.removes(record, world.landed[place])));
        return (!gone).then_some("what is applied is not there");
    };
    let revision = item.mapping_revision.unwrap_or(0);
    let wanted = model.content(record, applied, revision, object.content.linked);
    let strayed = |version| model.text(record, version) == object.content.text;
    if wanted != object.content && !stray.is_some_and(strayed) {
        return Some("the CRM does not hold what was applied");
    }
    let lacks = world.linked & !object.content.linked != 0;
    (lacks && stray.is_none()).then_some("a reference that is linked is not written")
}

/// What must not go backwards, if it does.
pub(super) fn backwards(model: &Model<'_>, before: &World, after: &World) -> Option<&'static str> {
    if !model.on(Rule::Tombstone) {
        return None;
    }
    let fence = |item: &Item| (item.applied_version, item.mapping_revision);
    let falls = before.items.iter().zip(&after.items).any(|(old, new)| fence(old) > fence(new));
    falls.then_some("the fence went backwards")
}
