//! The whole of it for real: the deployed functions' own binaries on the local stack, the CRM sandbox, and `rtr`.
//!
//! `make test` brings the stack up and runs these. Every test has an org and a CRM account of its own, so they run side
//! by side and again and again on one stack. What happened is counted where it happened: in the CRM's request log and at
//! the AWS request counter, never in our own tables.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod adopting;
mod audit;
mod backfill;
mod bad_events;
mod both_crms;
mod both_ways;
mod chaos;
mod commands;
mod config_commands;
mod connecting;
mod connection_commands;
mod cost;
mod crashes;
mod credentials;
mod dead_letters;
mod dead_letters_many;
mod dead_letters_page;
mod doctor;
mod events;
mod explain;
mod first_load;
mod ingest;
mod jobs;
mod lane_crashes;
mod lifecycle;
mod links;
mod lookups;
mod notices;
mod odd_ids;
mod order;
mod outages;
mod parking;
mod pausing;
mod pollers;
mod preview;
mod rate_limits;
mod reconcile;
mod references;
mod refresh_crashes;
mod remapping;
mod repeats;
mod secrecy;
mod stack;
mod terminal;
mod tracing;
mod webhook;

/// The contact mapping of most tests.
const CONTACT: &str = "object: contacts\nfields:\n  email: email\n  firstname: first_name\n";
