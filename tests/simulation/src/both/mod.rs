//! Both directions at once: an internal system that is told of what people change in its customers' CRMs, and tells of what its
//! own users change, under every fault that there is.
//!
//! - `story.rs` what happens, a value drawn from a seed · `shrink.rs` a story made smaller · `house.rs` the internal system
//! - `books.rs` what that has · `acts.rs` what people do on either side · `hooks.rs` the CRMs' webhooks · `parcels.rs` what is told
//! - `watch.rs` what must hold while it happens · `end.rs` and when it is over

mod acts;
mod books;
mod end;
mod hooks;
mod house;
mod parcels;
mod shrink;
mod story;
mod watch;

pub use house::Nobody;
pub use shrink::shrink_both;
pub use story::{Act, Deed, Story, Ways, draw_both, failure_of};

use crate::faults::Fault;
use crate::kernel::{BEGIN, Promise};
use crate::lambda::Happen;
use crate::logs::Lines;
use crate::mutants::Mutant;
use crate::place::Place;
use crate::run::{History, history_of};
use crate::scenario::Kind;
use crate::trace::Trace;
use crate::world::World;
use house::{House, Told};
use rtr_core::inbound::Notice;
use rtr_core::time::Instant;
use rtr_engine::seams::Outbound;
use rtr_testkit::fifo::{Fifo, Setup};
use rtr_testkit::queue::INBOUND as INBOUND_QUEUE;
use std::sync::Arc;
use watch::Watch;

/// How the orgs' changes get back.
pub(crate) const INBOUND: &str = "inbound: {target: {lambda: {function: house}}, poll: 10m}\n";

/// The mappings, of which most flows both ways.
pub(crate) fn mappings(remapped: bool) -> Vec<(String, String)> {
    let newer = |property: &str| if remapped { format!("  {property}: title\n") } else { String::new() };
    let both = |fields: &[(&str, &str)]| -> String {
        fields.iter().map(|(name, from)| format!("  {name}: {{from: {from}, direction: both}}\n")).collect()
    };
    let file = |name: &str, head: &str, fields: &[(&str, &str)], more: &str| {
        (format!("mappings/{name}.yaml"), format!("{head}fields:\n{}{more}", both(fields)))
    };
    vec![
        file(
            "hubspot/contact",
            "object: contacts\nmatch: email\n",
            &[("email", "email"), ("firstname", "first_name"), ("lastname", "last_name"), ("phone", "phone")],
            &newer("jobtitle"),
        ),
        file(
            "salesforce/contact",
            "object: Contact\n",
            &[("Email", "email"), ("FirstName", "first_name"), ("LastName", "last_name"), ("Phone", "phone")],
            &newer("Title"),
        ),
        file(
            "hubspot/deal",
            "object: deals\nkey: none\nmarker: rtr_marker\n",
            &[("dealname", "name"), ("amount", "size")],
            "",
        ),
    ]
}

/// The fields of a kind that people change: by the internal system's name, HubSpot's and Salesforce's.
#[must_use]
pub fn fields(kind: Kind) -> &'static [(&'static str, &'static str, &'static str)] {
    match kind {
        Kind::Contact => &[
            ("first_name", "firstname", "FirstName"),
            ("last_name", "lastname", "LastName"),
            ("phone", "phone", "Phone"),
        ],
        Kind::Deal | Kind::Company => &[("name", "dealname", ""), ("size", "amount", "")],
    }
}

/// The CRM's name of one of [`fields`].
fn at_crm(field: &(&'static str, &'static str, &'static str), provider: &str) -> &'static str {
    if provider == "hubspot" { field.1 } else { field.2 }
}

/// The kind of records that an object of a CRM has.
fn kind_of(object: &str) -> Option<Kind> {
    match object.to_ascii_lowercase().as_str() {
        "contacts" | "contact" => Some(Kind::Contact),
        "deals" => Some(Kind::Deal),
        _ => None,
    }
}

/// Something that happens in such a history beside all else.
pub enum Happening {
    /// Somebody does what the story says.
    Acts(usize),
    /// A parcel reaches the internal system.
    Reaches(u64),
    /// Its answer comes back, or the news that there is none.
    Replied(Arc<Promise<Told>>, Told),
    /// The internal system publishes a version.
    Publishes(Box<Outbound>),
    /// A CRM's webhook arrives.
    Hooks(Box<Notice>, u64),
    /// The next part of the history begins.
    Turns,
}

/// How far such a history is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// People change things, faults strike.
    Acting,
    /// Everything works again.
    Mended,
    /// What was dead has been redriven.
    Redriven,
}

/// What there is beside the world where changes flow both ways.
pub struct Both<'a> {
    story: &'a Story,
    house: Arc<House>,
    watch: Watch,
    part: Part,
    /// Whether nothing is polled any more, so that all comes to rest.
    pub rests: bool,
    /// When this part began.
    since: Instant,
    /// The request that lands now: whose it is, when it was sent, by whom.
    flight: Option<watch::Sender>,
    hooks: u64,
}

/// Acts and faults end within this, in milliseconds.
const ACTING_MS: i64 = 3_000_000;
/// Polls go on for so long after that: longer than the list of what is gone needs, and what waits for a person's clock.
const MENDED_MS: i64 = 7_800_000;
/// And for so long after everything dead was redriven.
const REDRIVEN_MS: i64 = 3_000_000;

/// Runs a story.
#[must_use]
pub fn run_both(place: &Place, story: &Story, trace: Trace, mutant: Option<Mutant>) -> History {
    let lines = Lines::default();
    tracing::subscriber::with_default(lines.clone(), || {
        let mut world = World::new(place, &story.scenario, trace, mutant);
        world.furnish_both(story);
        world.run(&lines);
        history_of(&world)
    })
}

impl<'a> World<'a> {
    fn furnish_both(&mut self, story: &'a Story) {
        let house = Arc::new(House::new(&self.core, story.ways));
        self.services.courier = house.clone();
        let setup = Setup { max_receives: Some(story.scenario.setup.max_receives), ..INBOUND_QUEUE };
        self.queue.state().inbound = Fifo::new("i", setup);
        self.both = Some(Both {
            story,
            house,
            watch: Watch::default(),
            part: Part::Acting,
            rests: false,
            since: BEGIN,
            flight: None,
            hooks: 0,
        });
        for (at, act) in story.acts.iter().enumerate() {
            self.core.kernel.at(BEGIN.plus_ms(act.at), Happen::Both(Happening::Acts(at)));
        }
        self.core.kernel.at(BEGIN.plus_ms(ACTING_MS), Happen::Both(Happening::Turns));
    }

    /// Something of a history that goes both ways.
    pub fn happen_both(&mut self, happening: Happening) {
        match happening {
            Happening::Acts(at) => self.act(at),
            Happening::Reaches(parcel) => self.reaches_house(parcel),
            Happening::Replied(promise, told) => promise.keep(told),
            Happening::Publishes(message) => {
                let now = self.core.kernel.now();
                self.core.trace.note(now, "published", || message.body.clone());
                self.queue.state().changes.send(&message, now);
                self.look_at_queues();
            }
            Happening::Hooks(notice, number) => self.hook_arrives(&notice, number),
            Happening::Turns => self.turn(),
        }
    }

    /// The time of a part is over.
    fn turn(&mut self) {
        let now = self.core.kernel.now();
        let Some(both) = &mut self.both else { return };
        self.core.trace.note(now, "turn", || format!("{:?} is over", both.part));
        if both.part == Part::Acting {
            (both.part, both.since) = (Part::Mended, now);
            both.house.calm();
            self.put_everything_right();
            self.core.kernel.after(MENDED_MS, Happen::Both(Happening::Turns));
            self.core.kernel.after(1_000, Happen::Lands);
            self.look_at_queues();
        } else {
            both.rests = true;
        }
    }

    /// Nothing is left to happen by itself: what comes next, if anything.
    pub(crate) fn goes_on_both(&mut self) -> bool {
        let now = self.core.kernel.now();
        let Some(both) = &mut self.both else { return false };
        self.core.trace.note(now, "quiet", || format!("{:?}", both.part));
        match both.part {
            // Its end is on the agenda.
            Part::Acting => false,
            Part::Mended => {
                self.check_end_both(false);
                if let Some(both) = &mut self.both {
                    (both.part, both.since, both.rests) = (Part::Redriven, now, false);
                }
                self.core.end_deadly();
                self.redrive_both();
                self.core.kernel.after(REDRIVEN_MS, Happen::Both(Happening::Turns));
                true
            }
            Part::Redriven => {
                self.check_end_both(true);
                false
            }
        }
    }
}

/// The faults that strike such a history: all that a world without events can have.
#[must_use]
pub fn faults() -> Vec<Fault> {
    let without = [
        // They are of what a producer sends, or of records that only the other histories know.
        Fault::WakeOld,
        Fault::SomebodyDeletes,
        Fault::SomebodyMerges,
        Fault::SomebodyDrops,
        Fault::JobFails,
        Fault::JobSlow,
        Fault::JobListCut,
        Fault::JobPaused,
        Fault::OrgGone,
    ];
    Fault::ALL.iter().filter(|fault| !without.contains(fault)).copied().collect()
}
