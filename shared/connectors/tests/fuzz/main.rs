//! Whatever arrives from outside is read without a panic, and nothing that was not signed is believed.
//!
//! Each target is a plain function of bytes; the cases are the files of `corpus/`, changed at random by a seed. `make fuzz
//! CASES=1000000` runs many in an optimised build; the ordinary run a few. A case that fails says its bytes: they belong into the
//! corpus then. No nightly compiler is needed.
#![allow(clippy::unwrap_used, clippy::panic)]

mod answers;
mod cases;
mod forged;
mod inward;
mod targets;

use cases::{Cases, corpus};

#[test]
fn given_any_bytes_when_read_as_a_body_then_nothing_panics_and_what_is_heard_are_records() {
    for (name, target) in targets::ALL {
        Cases::new(name, corpus(name)).run(target);
    }
}

#[test]
fn given_any_bytes_when_a_crm_answers_with_them_then_nothing_panics_and_each_record_has_an_outcome() {
    for (provider, target) in targets::ANSWERS {
        Cases::new(provider, answers::recorded(provider)).run_some(10, target);
    }
}

#[test]
fn given_a_signed_request_of_a_producer_when_anything_of_it_is_changed_then_it_is_not_let_in() {
    Cases::new("ingest", corpus("ingest")).draw(inward::forged);
}

#[test]
fn given_a_signed_call_when_anything_of_it_is_changed_then_it_is_refused() {
    for (name, scheme) in forged::ALL {
        Cases::new(name, corpus(name)).draw(|rng, bodies| forged::check(scheme, rng, bodies));
    }
}

#[test]
fn given_any_bytes_as_headers_when_verified_then_nothing_panics_and_none_is_believed() {
    for (name, scheme) in forged::ALL {
        Cases::new(name, corpus(name)).draw(|rng, bodies| forged::guessed(scheme, rng, bodies));
    }
}
