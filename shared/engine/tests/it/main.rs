//! The flows over the in-memory twins: what a user gets, counted at the CRM and at the tables.

// A batch of one reads best as a batch.
#![allow(clippy::cloned_ref_to_slice_refs)]
// What a test cannot do without is its own mistake.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rtr_core::item::{Slot, SlotState};
use rtr_testkit::world::World;

mod adopting;
mod books;
mod both;
mod both_poll;
mod both_refused;
mod both_unsure;
mod breaker;
mod budgets;
mod bulk;
mod connecting;
mod corners;
mod credentials;
mod dead_letters;
mod endings;
mod faults;
mod ingest;
mod intents;
mod letters;
mod lines;
mod links;
mod links_import;
mod lookups;
mod merges;
mod orphans;
mod poison;
mod queueing;
mod quota;
mod reconcile;
mod references;
mod references_late;
mod references_meanwhile;
mod rehearsing;
mod revisions;
mod several;
mod shadow;
mod told;
mod webhook;

/// What is parked of the contact `id`: its message is done, and from now on only the bulk lane calls for it.
#[track_caller]
fn parked(world: &World, id: &str) -> Slot {
    let slot = world.item("contact", id).slot.unwrap();
    assert_eq!(slot.state, SlotState::Parked, "{slot:?}");
    slot
}

/// The contact mapping of most tests.
const CONTACT: &str = "object: contacts\nfields:\n  email: email\n  firstname: first_name\n";
