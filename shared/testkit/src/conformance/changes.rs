//! What has changed at the vendor: what records hold, and that no change is passed over.

use super::bench::{ACCOUNT, Bench, set};
use super::profile::Profile;
use futures::executor::block_on;
use rtr_connectors::changes::{Fate, GonePage, Page, Position, Snapshot};
use rtr_connectors::connector::{Fields, Kind};
use rtr_connectors::http::{Clock, Response};
use rtr_connectors::shape::{Compared, compare};
use rtr_core::failure::{Class, Failure};
use rtr_core::mapping::Patch;
use rtr_core::time::Instant;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// More than one page of any vendor's.
const MANY: usize = 2_450;
/// Pages of one question at most.
const PAGES: usize = 60;

/// What was written is what the snapshot holds; an answer to a write that tells of values tells the same; and one that is not
/// there is gone, wherever it stands among the others.
pub fn given_a_record_when_written_then_its_snapshot_holds_what_was_written(profile: &Profile) {
    let bench = Bench::new(profile);
    let id = bench.make(1, "r-1");
    bench.clock.advance_ms(5_000);
    let mut fields = (profile.fields)(1);
    fields.extend(set(profile.text, "canary, told"));
    let written = bench.write_one(bench.upsert(), "r-1", fields.clone()).unwrap();
    let ids = [profile.absent_id.to_owned(), id.clone(), "no id at all".to_owned(), id.clone()];
    let told = snapshots(&bench, &ids).unwrap();
    let named: Vec<&String> = told.iter().map(|one| &one.external_id).collect();
    assert_eq!(named, ids.iter().collect::<Vec<_>>(), "one each, in their order");
    for nobody in [&told[0], &told[2]] {
        assert_eq!((&nobody.fate, nobody.at, nobody.values.len()), (&Fate::Gone, None, 0));
    }
    let one = &told[1];
    assert_eq!((one, &one.fate), (&told[3], &Fate::Here));
    assert!(one.at.is_some_and(|at| is_of(at, bench.clock.now())), "{:?}", one.at);
    let properties = block_on(bench.connector.properties(&bench.session(), profile.object)).unwrap();
    for (name, patch) in &fields {
        let property = properties.iter().find(|property| property.name.eq_ignore_ascii_case(name)).unwrap();
        let same = compare(bench.connector.shape(property), &one.values[name], patch);
        assert_eq!(same, Some(Compared::Same), "{name}");
    }
    assert_eq!((one.values[profile.key].as_str(), &one.values[profile.other]), (Some("r-1"), &Value::Null));
    for (name, held) in &written.held {
        assert!(fields.contains_key(name), "{name} was not written");
        assert_eq!(held, &one.values[name], "{name}");
    }
}

/// From a position before, every change is told of with what the record holds; from behind all of them, none.
pub fn given_records_that_change_when_asked_from_before_then_each_is_told_of_with_what_it_holds(
    profile: &Profile,
) {
    let bench = Bench::new(profile);
    let before = bench.clock.now();
    let mut ids = Vec::new();
    for n in 0..3 {
        bench.clock.advance_ms(1_000);
        ids.push(bench.make(n, &format!("r-{n}")));
    }
    let (told, next) = changed(&bench, &at(before));
    assert_eq!(here(&told), ids.iter().map(String::as_str).collect());
    let stamps: Vec<Instant> = told.iter().filter_map(|one| one.at).collect();
    assert!(stamps.len() == told.len() && stamps.is_sorted(), "{stamps:?}");
    for (n, id) in ids.iter().enumerate() {
        let one = told.iter().find(|one| one.external_id == *id).unwrap();
        assert_eq!(one.values[profile.key].as_str(), Some(format!("r-{n}").as_str()));
    }
    bench.clock.advance_ms(5_000);
    bench.write_one(Kind::Update, &ids[0], set(profile.text, "canary, changed")).unwrap();
    let (told, next) = changed(&bench, &next);
    let last = told.last().unwrap();
    assert_eq!((&last.external_id, last.values[profile.text].as_str()), (&ids[0], Some("canary, changed")));
    assert!(last.at.is_some_and(|at| is_of(at, bench.clock.now())));
    assert!(next.at >= last.at.unwrap());
    let (told, _) = changed(&bench, &at(bench.clock.now().plus_ms(1_000)));
    assert_eq!(told, []);
}

/// However many share a stamp.
pub fn given_more_records_of_one_stamp_than_a_page_when_asked_then_none_is_lost(profile: &Profile) {
    let bench = Bench::new(profile);
    let before = bench.clock.now();
    let mut ids = seed(&bench, 0, 3);
    bench.clock.advance_ms(1_000);
    ids.extend(seed(&bench, 3, MANY));
    bench.clock.advance_ms(1_000);
    ids.extend(seed(&bench, 3 + MANY, 3));
    let (told, next) = changed(&bench, &at(before));
    assert_eq!(here(&told), ids.iter().map(String::as_str).collect());
    // And from there on what comes later.
    bench.clock.advance_ms(1_000);
    let later = bench.make(9_999, "r-later");
    assert!(here(&changed(&bench, &next).0).contains(later.as_str()));
}

/// What changes while it is paged moves, and nothing is passed over for that.
pub fn given_records_that_change_while_they_are_paged_when_asked_then_none_is_passed_over(profile: &Profile) {
    let bench = Bench::new(profile);
    let before = bench.clock.now();
    let mut ids = Vec::new();
    for lot in 0..5 {
        ids.extend(seed(&bench, lot * MANY / 5, MANY / 5));
        bench.clock.advance_ms(700);
    }
    let (mut told, mut from, mut round) = (Vec::new(), at(before), 0);
    loop {
        let page = page(&bench, &from).unwrap();
        told.extend(page.changed);
        if !page.more {
            break;
        }
        assert_ne!(page.next, from);
        (from, round) = (page.next, round + 1);
        assert!(round < PAGES, "no end of pages");
        bench.clock.advance_ms(700);
        // Some of the first, which were told of, and some of the last, which were not.
        if round < 8 {
            for id in [&ids[round], &ids[ids.len() - round]] {
                bench.write_one(Kind::Update, id, set(profile.text, "canary, moved")).unwrap();
            }
        }
    }
    assert_eq!(here(&told), ids.iter().map(String::as_str).collect());
}

/// A search may lag, a transaction may take its time: whoever asks again from the overlap before sees everything.
pub fn given_changes_that_are_seen_late_when_asked_again_from_the_overlap_before_then_none_is_missed(
    profile: &Profile,
) {
    let bench = Bench::new(profile);
    let (overlap_ms, lag_ms) =
        (bench.connector.feed().overlap_ms, bench.connector.capabilities().search_lag_ms);
    bench.time_left(10 * overlap_ms + 600_000);
    let (mut ids, mut told) = (BTreeSet::new(), BTreeSet::new());
    let mut from = at(bench.clock.now());
    for n in 0..12 {
        // Every other one is seen at once, before those that were written before it.
        let late_ms = if n % 2 == 0 { (lag_ms - 1).max(0) } else { 0 };
        bench.fault(json!({"fault": "search_lag", "value": late_ms}));
        if n < 8 {
            ids.insert(bench.make(n, &format!("r-{n}")));
        }
        let (page, next) = changed(&bench, &from);
        told.extend(page.into_iter().map(|one| one.external_id));
        from = next.min(at(bench.clock.now().plus_ms(-overlap_ms)));
        bench.clock.advance_ms(overlap_ms / 3);
    }
    assert_eq!(told, ids);
}

/// A deleted record is told of, by the changes or by the list of what is gone.
pub fn given_a_record_deleted_when_asked_then_it_is_told_of_as_gone(profile: &Profile) {
    let bench = Bench::new(profile);
    let (kept, lost) = (bench.make(1, "r-1"), bench.make(2, "r-2"));
    let before = bench.clock.now().plus_ms(1_000);
    bench.clock.advance_ms(2_000);
    bench.write_one(Kind::Archive, &lost, Fields::new()).unwrap();
    let mut told = changed(&bench, &at(before)).0;
    if bench.connector.feed().lists_gone {
        told.extend(gone(&bench));
    }
    let ends: Vec<&Snapshot> = told.iter().filter(|one| one.fate == Fate::Gone).collect();
    assert_eq!(ends.len(), 1, "{told:?}");
    assert_eq!((&ends[0].external_id, ends[0].values.len()), (&lost, 0));
    assert!(ends[0].at.is_some_and(|at| is_of(at, bench.clock.now())), "{:?}", ends[0].at);
    let now = snapshots(&bench, &[lost, kept]).unwrap();
    assert_eq!(now.iter().map(|one| &one.fate).collect::<Vec<_>>(), [&Fate::Gone, &Fate::Here]);
}

/// A merged record is told of with where it went, alone and together with the one that was kept.
pub fn given_a_record_merged_when_asked_then_it_is_told_where_it_went(profile: &Profile) {
    let bench = Bench::new(profile);
    let ids: Vec<String> = (1..=4).map(|n| bench.make(n, &format!("r-{n}"))).collect();
    let [survivor, lost, lost_too, other] = [0, 1, 2, 3].map(|n| ids[n].clone());
    let before = bench.clock.now().plus_ms(1_000);
    let merge = profile.merge.unwrap();
    for loser in [&lost, &lost_too] {
        bench.clock.advance_ms(2_000);
        merge(&bench, &survivor, loser);
    }
    let into = Fate::Merged { into: survivor.clone() };
    let fates = |ids: &[&String]| -> Vec<Fate> {
        let ids: Vec<String> = ids.iter().map(|id| (*id).clone()).collect();
        snapshots(&bench, &ids).unwrap().into_iter().map(|one| one.fate).collect()
    };
    assert_eq!(fates(&[&lost])[0], into);
    assert_eq!(fates(&[&lost, &lost_too]), [into.clone(), into.clone()]);
    let all = [&lost, &other, &survivor, &lost_too];
    assert_eq!(fates(&all), [into.clone(), Fate::Here, Fate::Here, into.clone()]);
    let told = changed(&bench, &at(before)).0;
    for (id, fate) in [(&survivor, &Fate::Here), (&lost, &into), (&lost_too, &into)] {
        assert!(told.iter().any(|one| one.external_id == *id && one.fate == *fate), "{id}: {told:?}");
    }
    assert!(told.iter().all(|one| one.external_id != other));
}

/// An answer in good order that does not say what is there has not said that anything is gone, or that nothing changed.
pub fn given_a_success_that_says_nothing_when_changes_are_asked_for_then_nothing_counts_as_gone(
    profile: &Profile,
) {
    for body in
        ["{}", "[]", r#"{"status": "COMPLETE", "totalSize": 0}"#, r#"{"results": null, "records": null}"#]
    {
        let bench = Bench::new(profile);
        bench.answer_always(Response { status: 200, headers: Vec::new(), body: body.into() });
        let failures = [
            snapshots(&bench, &[profile.absent_id.to_owned()]).err(),
            page(&bench, &at(bench.clock.now())).err(),
            bench.connector.feed().lists_gone.then(|| gone_page(&bench, None).err()).flatten(),
        ];
        let asked = if bench.connector.feed().lists_gone { 3 } else { 2 };
        let classes: Vec<&Class> = failures.iter().flatten().map(|failure| &failure.class).collect();
        assert_eq!(classes, vec![&Class::Unavailable; asked], "{body}");
    }
}

/// What is asked for.
fn names(profile: &Profile) -> Vec<String> {
    let mut names: Vec<String> = (profile.fields)(1).into_keys().collect();
    names.extend([profile.key, profile.text, profile.other].map(str::to_owned));
    names
}

pub(super) fn snapshots(bench: &Bench<'_>, ids: &[String]) -> Result<Vec<Snapshot>, Failure> {
    let (session, profile) = (bench.session(), bench.profile);
    block_on(bench.connector.snapshots(&session, profile.object, ids, &names(profile)))
}

pub(super) fn page(bench: &Bench<'_>, from: &Position) -> Result<Page, Failure> {
    let (session, profile) = (bench.session(), bench.profile);
    block_on(bench.connector.changed(&session, profile.object, from, &names(profile)))
}

pub(super) fn gone_page(bench: &Bench<'_>, after: Option<&str>) -> Result<GonePage, Failure> {
    block_on(bench.connector.gone(&bench.session(), bench.profile.object, after))
}

pub(super) fn at(at: Instant) -> Position {
    Position { at, after: None }
}

/// Every page from there; each leads further.
fn changed(bench: &Bench<'_>, from: &Position) -> (Vec<Snapshot>, Position) {
    let (mut told, mut from) = (Vec::new(), from.clone());
    for _ in 0..PAGES {
        let page = page(bench, &from).unwrap();
        told.extend(page.changed);
        if !page.more {
            return (told, page.next);
        }
        assert_ne!(page.next, from);
        from = page.next;
    }
    assert!(told.is_empty(), "no end of pages");
    (told, from)
}

fn gone(bench: &Bench<'_>) -> Vec<Snapshot> {
    let (mut told, mut after) = (Vec::new(), None);
    for _ in 0..PAGES {
        let page = gone_page(bench, after.as_deref()).unwrap();
        told.extend(page.gone);
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    told
}

fn here(told: &[Snapshot]) -> BTreeSet<&str> {
    told.iter().filter(|one| one.fate == Fate::Here).map(|one| one.external_id.as_str()).collect()
}

/// Some vendors' stamps are whole seconds.
fn is_of(stamp: Instant, at: Instant) -> bool {
    (0..1_000).contains(&at.since_ms(stamp))
}

/// Puts records in place, all at one moment: many calls would take many moments.
fn seed(bench: &Bench<'_>, first: usize, count: usize) -> Vec<String> {
    let properties = |n: usize| {
        let fields = (bench.profile.fields)(n).into_iter();
        let set = fields.filter_map(|(name, patch)| match patch {
            Patch::Set(value) => Some((name, value)),
            _ => None,
        });
        json!({"properties": set.collect::<serde_json::Map<_, _>>()})
    };
    let records: Vec<Value> = (first..first + count).map(properties).collect();
    let body = json!({"provider": bench.profile.provider, "account": ACCOUNT, "object": bench.profile.object, "records": records});
    let made = bench.crm.control("POST", "/_sandbox/records", &body);
    let ids = made["ids"].as_array().cloned().unwrap_or_default();
    assert_eq!(ids.len(), count, "{}", made["error"]);
    ids.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect()
}
