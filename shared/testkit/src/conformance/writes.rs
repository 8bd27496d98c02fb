//! One record: made, changed, cleared, removed, and made again.

use super::bench::{Bench, set};
use super::profile::Profile;
use rtr_connectors::connector::{Fields, Kind};
use rtr_core::failure::Class;
use rtr_core::mapping::Patch;

/// A create makes a record and says that it is new.
pub fn given_a_new_record_when_created_then_it_is_there_with_its_values(profile: &Profile) {
    let bench = Bench::new(profile);
    let fields = (profile.fields)(1);
    let written = bench.write_one(Kind::Create, "", fields.clone()).unwrap();
    assert!(written.created);
    assert_holds(&bench, &written.external_id, &fields);
    assert_eq!(bench.records().len(), 1);
}

/// An update changes what it names and nothing else.
pub fn given_a_record_when_updated_then_only_the_named_fields_change(profile: &Profile) {
    let bench = Bench::new(profile);
    let id = bench.make(1, "r-1");
    let written = bench.write_one(Kind::Update, &id, set(profile.text, "canary two")).unwrap();
    assert_eq!((written.external_id.as_str(), written.created), (id.as_str(), false));
    assert_eq!(bench.value(&id, profile.text).as_deref(), Some("canary two"));
    assert_holds(&bench, &id, &(profile.fields)(1));
}

/// The first upsert makes the record, the second changes it.
pub fn given_a_key_when_upserted_twice_then_one_record_is_made_and_then_changed(profile: &Profile) {
    let bench = Bench::new(profile);
    let first = bench.write_one(bench.upsert(), "r-1", (profile.fields)(1)).unwrap();
    let mut fields = (profile.fields)(1);
    fields.extend(set(profile.text, "canary two"));
    let second = bench.write_one(bench.upsert(), "r-1", fields).unwrap();
    assert_eq!((first.created, second.created), (true, false));
    assert_eq!(first.external_id, second.external_id);
    assert_eq!(bench.records().len(), 1);
    assert_eq!(bench.value(&first.external_id, profile.key).as_deref(), Some("r-1"));
    assert_eq!(bench.value(&first.external_id, profile.text).as_deref(), Some("canary two"));
}

/// A delete removes the record, and is done when there is nothing to remove.
pub fn given_a_record_when_deleted_twice_then_it_is_gone_and_both_succeed(profile: &Profile) {
    let bench = Bench::new(profile);
    let id = bench.make(1, "r-1");
    for time in ["the first", "the second"] {
        let outcome = bench.write_one(Kind::Archive, &id, Fields::new());
        assert_eq!(outcome.map(|written| written.external_id).as_ref(), Ok(&id), "{time}");
        assert_eq!(bench.record(&id), None);
    }
    let never = bench.write_one(Kind::Archive, profile.absent_id, Fields::new());
    assert!(never.is_ok(), "what never was is gone as well: {never:?}");
}

/// After a delete the same key makes a new record.
pub fn given_a_deleted_record_when_upserted_again_then_it_is_there_again(profile: &Profile) {
    let bench = Bench::new(profile);
    let old = bench.make(1, "r-1");
    assert!(bench.write_one(Kind::Archive, &old, Fields::new()).is_ok());
    let again = bench.write_one(bench.upsert(), "r-1", (profile.fields)(1)).unwrap();
    assert_eq!(bench.records().len(), 1);
    assert_eq!(bench.value(&again.external_id, profile.key).as_deref(), Some("r-1"));
    assert!(bench.write_one(Kind::Update, &again.external_id, set(profile.text, "canary")).is_ok());
}

/// Null clears, absence leaves alone.
pub fn given_nulls_when_written_then_they_clear_and_what_is_kept_stays(profile: &Profile) {
    let bench = Bench::new(profile);
    let id = bench.make(1, "r-1");
    let mut both = set(profile.text, "canary one");
    both.extend(set(profile.other, "canary other"));
    bench.write_one(Kind::Update, &id, both).unwrap();
    let patch: Fields =
        [(profile.text.to_owned(), Patch::Clear), (profile.other.to_owned(), Patch::Keep)].into();
    for kind in [Kind::Update, bench.upsert()] {
        let address = if kind == Kind::Update { id.as_str() } else { "r-1" };
        bench.write_one(Kind::Update, &id, set(profile.text, "canary one")).unwrap();
        bench.write_one(kind, address, patch.clone()).unwrap();
        assert_eq!(bench.value(&id, profile.text), None, "cleared");
        assert_eq!(bench.value(&id, profile.other).as_deref(), Some("canary other"), "left alone");
    }
}

/// Nothing to write is no call, or one that changes nothing; never a failure.
pub fn given_an_update_of_nothing_when_written_then_nothing_changes_and_nothing_fails(profile: &Profile) {
    let bench = Bench::new(profile);
    let id = bench.make(1, "r-1");
    let before = bench.record(&id);
    let fields: Fields = [(profile.text.to_owned(), Patch::Keep)].into();
    let outcome = bench.write_one(Kind::Update, &id, fields);
    assert_eq!(outcome.map(|written| written.external_id), Ok(id.clone()));
    assert_eq!(bench.record(&id), before);
}

/// An update of what is not there says so: what to do is the mapping's matter.
pub fn given_a_missing_record_when_updated_then_it_is_missing_and_its_neighbours_are_written(
    profile: &Profile,
) {
    let bench = Bench::new(profile);
    let (one, gone, three) = (bench.make(1, "r-1"), bench.make(2, "r-2"), bench.make(3, "r-3"));
    bench.write_one(Kind::Archive, &gone, Fields::new()).unwrap();
    for absent in [gone.as_str(), profile.absent_id] {
        let ids = [one.as_str(), absent, three.as_str()];
        let items = ids.iter().map(|id| ((*id).to_owned(), set(profile.text, "canary two"))).collect();
        let outcomes = bench.write(Kind::Update, items);
        assert_eq!(outcomes[0].as_ref().map(|written| written.external_id.as_str()), Ok(one.as_str()));
        assert_eq!(outcomes[1].as_ref().map_err(|failure| &failure.class), Err(&Class::Missing));
        assert_eq!(outcomes[2].as_ref().map(|written| written.external_id.as_str()), Ok(three.as_str()));
    }
}

/// An update of a merged record tells of the survivor: where the vendor itself sends it there, by the id that was written;
/// else nothing is written, since the survivor may be another record's.
pub fn given_a_merged_record_when_updated_then_the_survivor_is_named(profile: &Profile) {
    let bench = Bench::new(profile);
    let (survivor, loser) = (bench.make(1, "r-1"), bench.make(2, "r-2"));
    let merge = profile.merge.unwrap();
    merge(&bench, &survivor, &loser);
    let before = bench.value(&survivor, profile.text);
    match bench.write_one(Kind::Update, &loser, set(profile.text, "canary two")) {
        Ok(written) => {
            assert_eq!(written.external_id, survivor);
            assert_eq!(bench.value(&survivor, profile.text).as_deref(), Some("canary two"));
        }
        Err(failure) => {
            assert_eq!(failure.class, Class::Moved { to: survivor.clone() });
            assert_eq!(bench.value(&survivor, profile.text), before);
        }
    }
}

/// Beyond recovery, or not at all: an archive is no erasure.
pub fn given_a_record_when_erased_then_nothing_of_it_is_left(profile: &Profile) {
    let bench = Bench::new(profile);
    let id = bench.make(1, "r-1");
    assert!(bench.write_one(Kind::Erase, &id, Fields::new()).is_ok());
    assert_eq!(bench.record(&id), None);
    assert_eq!(
        bench.lookup(profile.key, rtr_connectors::connector::LookupBy::Unique, &["r-1".to_owned()]),
        Ok(vec![])
    );
}

pub(super) fn assert_holds(bench: &Bench<'_>, id: &str, fields: &Fields) {
    for (name, patch) in fields {
        let Patch::Set(wanted) = patch else { continue };
        let wanted = wanted.as_str().map_or_else(|| wanted.to_string(), str::to_owned);
        assert_eq!(bench.value(id, name), Some(wanted), "{name}");
    }
}
