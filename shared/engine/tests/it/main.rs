//! The flows over the in-memory twins: what a user gets, counted at the CRM and at the tables.

// A batch of one reads best as a batch.
#![allow(clippy::cloned_ref_to_slice_refs)]

mod adopting;
mod connecting;
mod corners;
mod credentials;
mod dead_letters;
mod endings;
mod faults;
mod intents;
mod links;
mod links_import;
mod merges;
mod orphans;
mod poison;
mod queueing;
mod quota;
mod references;
mod references_late;
mod several;
mod shadow;

/// The contact mapping of most tests.
const CONTACT: &str = "object: contacts\nfields:\n  email: email\n  firstname: first_name\n";
