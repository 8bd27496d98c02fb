//! What the internal system went through: records of several orgs in several versions, and the order in which they are
//! told. All of it follows from the seed.

use super::dice::Dice;
use crate::stack::Event;
use rtr_core::key::RecordKey;
use serde_json::{Value, json};

/// Records of one org and kind that change at once.
const BURST: usize = 6;

/// Contacts of an org that come last, and where their numbers begin.
const LATECOMERS: usize = 12;
const FIRST_LATECOMER: usize = 100;

/// An org's place among the orgs.
pub(super) type OrgAt = usize;

/// What a version is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// News.
    News,
    /// A version with nothing new in it.
    Same,
    /// The record is gone.
    Deleted,
    /// The CRM will not take it.
    Poison,
    /// Not for a CRM, by the mapping.
    Draft,
}

/// A record and all its versions: the first is version 1.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) org: OrgAt,
    pub(super) kind: &'static str,
    pub(super) id: String,
    pub(super) versions: Vec<What>,
}

/// How many of what an org has.
pub(super) struct Cast {
    pub(super) contacts: usize,
    pub(super) companies: usize,
    pub(super) deals: usize,
}

/// One sending of one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Telling {
    /// The record's place in the story.
    pub(super) record: usize,
    pub(super) version: usize,
}

/// The story: who there is, and what is told when.
pub(super) struct Story {
    /// What each value begins with: no log may hold it.
    pub(super) mark: String,
    pub(super) records: Vec<Record>,
    /// In the order of sending, repeats included.
    pub(super) tellings: Vec<Telling>,
    /// Old versions that are told once more when all is over.
    pub(super) stale: Vec<Telling>,
}

impl Record {
    /// The version whose content `version` has.
    pub(super) fn content_of(&self, version: usize) -> usize {
        let same = |at: &usize| self.versions[at - 1] == What::Same;
        (1..=version).rev().find(|at| !same(at)).unwrap_or(1)
    }

    /// The newest version and what it is.
    pub(super) fn newest(&self) -> (usize, What) {
        (self.versions.len(), self.versions[self.versions.len() - 1])
    }
}

impl Story {
    /// The story of `casts`, which has an org for each.
    pub(super) fn new(seed: u64, mark: &str, casts: &[Cast]) -> Self {
        let mut dice = Dice::new(seed, 1);
        let records: Vec<Record> =
            casts.iter().enumerate().flat_map(|(org, cast)| people(org, cast, &mut dice)).collect();
        let tellings = tell(&records, &mut dice);
        let late = latecomers(casts.len());
        let more = late.iter().enumerate().map(|(at, _)| Telling { record: records.len() + at, version: 1 });
        let tellings: Vec<Telling> = tellings.into_iter().chain(more).collect();
        let records = [records, late].concat();
        let stale = records
            .iter()
            .enumerate()
            .filter(|(_, record)| record.versions.len() > 1 && dice.percent(40))
            .map(|(at, record)| Telling { record: at, version: 1 + (at % (record.versions.len() - 1)) })
            .collect();
        Self { mark: mark.to_owned(), records, tellings, stale }
    }

    /// The text by which a version is known at a CRM.
    pub(super) fn tag(&self, record: &Record, version: usize) -> String {
        format!("{} {} v{}", self.mark, record.id, record.content_of(version))
    }

    /// The event of a telling, which SQS does not know for one sent before.
    pub(super) fn event(&self, telling: Telling, org: &str) -> Event {
        let record = &self.records[telling.record];
        let key = RecordKey::new(org, record.kind, &record.id);
        let version = u64::try_from(telling.version).unwrap();
        match record.versions[telling.version - 1] {
            What::Deleted => Event::deleted(&key, version),
            what => Event::upsert(&key, version, &self.data(record, telling.version, what)),
        }
    }

    fn data(&self, record: &Record, version: usize, what: What) -> Value {
        let tag = self.tag(record, version);
        if record.kind != "contact" {
            return json!({"name": tag});
        }
        let poison = what == What::Poison;
        let email =
            if poison { format!("{} is none", self.mark) } else { format!("{}@x.example", record.id) };
        json!({"email": email, "first_name": tag, "last_name": format!("{} Last", self.mark),
            "company_id": company_of(&record.id), "draft": what == What::Draft})
    }
}

/// Whose contact it is: always the same company's, and a latecomer is nobody's.
pub(super) fn company_of(contact: &str) -> Option<String> {
    let number: usize = contact.trim_start_matches('c').parse().unwrap_or(0);
    (number < FIRST_LATECOMER).then(|| format!("k{}", number % 4))
}

fn people(org: OrgAt, cast: &Cast, dice: &mut Dice) -> Vec<Record> {
    let record = |kind, id, versions| Record { org, kind, id, versions };
    let mut all = Vec::new();
    for n in 0..cast.companies {
        let mut versions = lives(dice);
        // The last one belongs to nobody, and goes.
        if n + 1 == cast.companies {
            versions.push(What::Deleted);
        }
        all.push(record("company", format!("k{n}"), versions));
    }
    for n in 0..cast.contacts {
        let versions = match n {
            0 => vec![What::Poison],
            1 => vec![What::Poison, What::News],
            2 => vec![What::Draft, What::Draft],
            3 => [lives(dice), vec![What::Poison]].concat(),
            4 => [lives(dice), vec![What::Deleted, What::News]].concat(),
            5 | 6 => [lives(dice), vec![What::Deleted]].concat(),
            _ => lives(dice),
        };
        all.push(record("contact", format!("c{n}"), versions));
    }
    for n in 0..cast.deals {
        let mut versions = lives(dice);
        if n % 4 == 3 {
            versions.push(What::Deleted);
        }
        all.push(record("deal", format!("d{n}"), versions));
    }
    all
}

/// Contacts that come when all others have been told: where every record waits for something, they wait for nothing.
fn latecomers(orgs: usize) -> Vec<Record> {
    let late = |at| Record {
        org: at % orgs,
        kind: "contact",
        id: format!("c{}", FIRST_LATECOMER + at),
        versions: vec![What::News],
    };
    (0..LATECOMERS * orgs).map(late).collect()
}

/// Two to four versions with news in the first.
fn lives(dice: &mut Dice) -> Vec<What> {
    let mut versions = vec![What::News];
    for _ in 0..=dice.below(3) {
        versions.push(if dice.percent(20) { What::Same } else { What::News });
    }
    versions
}

/// Each record's versions in their order, an org's changes of one kind in bursts, a quarter told once more at some later
/// time.
fn tell(records: &[Record], dice: &mut Dice) -> Vec<Telling> {
    let mut told = vec![0; records.len()];
    let mut tellings = Vec::new();
    loop {
        let open: Vec<usize> =
            (0..records.len()).filter(|at| told[*at] < records[*at].versions.len()).collect();
        if open.is_empty() {
            break;
        }
        // Deals first: what is lost of them takes longest.
        let deal = open.iter().find(|at| tellings.is_empty() && records[**at].kind == "deal");
        let first = &records[deal.copied().unwrap_or(open[dice.below(open.len())])];
        let alike = |at: &usize| (records[*at].org, records[*at].kind) == (first.org, first.kind);
        let mut burst: Vec<usize> = open.into_iter().filter(alike).collect();
        for _ in 0..BURST.min(burst.len()) {
            let at = burst.swap_remove(dice.below(burst.len()));
            told[at] += 1;
            tellings.push(Telling { record: at, version: told[at] });
        }
    }
    for at in (0..tellings.len()).rev() {
        if dice.percent(25) {
            let later = at + 1 + dice.below(tellings.len() - at);
            tellings.insert(later, tellings[at]);
        }
    }
    tellings
}
