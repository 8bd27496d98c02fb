//! Dead letters: what a person does about versions that do not go by themselves.
//!
//! Invariants: what an index shows is a hint, so every act reads the item first; what is not dead any more is left alone; a
//! version is woken by its record's own group and given up by one compare-and-set, so that any act may be done again, in any
//! order, beside everything else; nobody but the record's own worker tells the CRM.
//!
//! - `letter` one, as an index shows it · `plan` what a redrive sends for it · `decision` what is left of one that is given up
//! - `send` one step of a redrive · `clear` frees a place · `follow` what became of what was sent
//! - `trial` how dead letters would fare, by a rehearsal · `case` one of them · `earlier` the mappings that
//!   they died under

mod case;
mod clear;
mod decision;
mod earlier;
mod follow;
mod letter;
mod plan;
mod send;
mod trial;

pub use clear::{Cleared, clear};
pub use decision::{Kind, Seen, dropped};
pub use earlier::{Earlier, Of};
pub use follow::{Became, DeadAgain, Following, Outcomes, became};
pub use letter::{Letter, id};
pub use plan::{Addressing, Redrive, body_of, needs_body, redrive};
pub use send::{Failed, Planned, Refused, Sent, Step, plan_step};
pub use trial::{Fared, Fate, Trial, Under};
