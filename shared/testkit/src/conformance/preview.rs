//! What a preview needs: a CRM that plays along, and what a record holds.

use super::bench::{Bench, set};
use super::profile::{LinkBy, Profile};
use async_trait::async_trait;
use futures::executor::block_on;
use rtr_connectors::changes::{GonePage, Position, Snapshot};
use rtr_connectors::connector::{Association, Kind, Lookup, LookupBy, WriteCall, WriteItem};
use rtr_connectors::http::{Http, NoAnswer, Outgoing, Request, RequestBody, Response};
use rtr_connectors::registry::Connector;
use rtr_connectors::session::Session;
use rtr_connectors::shape::{Compared, compare};
use rtr_core::failure::Failure;
use rtr_core::time::Instant;

/// The id of what is new.
const NEW: &str = "id-of:new";

/// The vendor, played by its connector.
struct Rehearsal(Connector);

#[async_trait]
impl Http for Rehearsal {
    async fn send(&self, outgoing: Outgoing) -> Result<Response, NoAnswer> {
        let from = outgoing.url.find("/bench").map_or(0, |at| at + "/bench".len());
        let body = serde_json::from_slice(&outgoing.body).map_or(RequestBody::Empty, RequestBody::Json);
        let request = Request {
            method: outgoing.method,
            path: outgoing.url[from..].to_owned(),
            headers: Vec::new(),
            body,
            reads_only: outgoing.question.is_some(),
        };
        Ok(self.0.rehearse(&request, NEW))
    }
}

/// The connector reads its own answers as success, whatever is written.
pub fn given_any_kind_of_write_when_rehearsed_then_it_goes_well_and_what_is_new_has_the_id_given(
    profile: &Profile,
) {
    let bench = Bench::new(profile);
    let http = Rehearsal(bench.connector);
    let session = Session { http: &http, ..bench.session() };
    for (kind, id) in [
        (bench.upsert(), "r 1"),
        (bench.upsert(), "r-1"),
        (Kind::Create, ""),
        (Kind::Update, profile.absent_id),
        (Kind::Archive, profile.absent_id),
    ] {
        let fields = if kind == Kind::Archive { Default::default() } else { (profile.fields)(1) };
        let item = WriteItem { id: id.to_owned(), fields, trace: "t/0".to_owned() };
        let call = WriteCall { object: profile.object.to_owned(), kind: kind.clone(), items: vec![item] };
        let is_new = !matches!(kind, Kind::Update | Kind::Archive);
        let external_id = if is_new { NEW } else { id }.to_owned();
        let outcomes = block_on(bench.connector.write(&session, &call));
        assert_eq!(outcomes.len(), 1);
        let written = outcomes[0].as_ref().unwrap();
        assert_eq!((&written.external_id, written.created), (&external_id, is_new), "{kind:?}");
    }
    if let LinkBy::Association(label) = profile.link.by {
        let one = Association {
            from_object: profile.object.to_owned(),
            from_id: NEW.to_owned(),
            to_object: profile.link.object.to_owned(),
            to_id: profile.absent_id.to_owned(),
            label: label.to_owned(),
        };
        assert_eq!(block_on(bench.connector.associate(&session, &[one])), [Ok(())]);
    }
    assert_eq!(bench.calls(), 0, "the vendor hears of nothing");
}

/// Nothing is there, and that is an answer.
pub fn given_a_look_up_when_rehearsed_then_it_finds_nothing_and_says_so(profile: &Profile) {
    let bench = Bench::new(profile);
    let http = Rehearsal(bench.connector);
    let session = Session { http: &http, ..bench.session() };
    for (property, by) in [(profile.key, LookupBy::Unique), (profile.text, LookupBy::Any)] {
        let lookup = Lookup {
            object: profile.object.to_owned(),
            property: property.to_owned(),
            by,
            values: vec!["r-1".to_owned()],
            also: None,
        };
        assert_eq!(block_on(bench.connector.lookup(&session, &lookup)), Ok(Vec::new()), "{property}");
    }
}

/// Nobody is there, nothing has changed, nothing lies in the bin; and each is an answer.
pub fn given_changes_asked_for_when_rehearsed_then_there_are_none_and_nobody_is_there(profile: &Profile) {
    let bench = Bench::new(profile);
    let http = Rehearsal(bench.connector);
    let session = Session { http: &http, ..bench.session() };
    let (crm, object, names) = (bench.connector, profile.object, [profile.text.to_owned()]);
    let ids = [profile.absent_id.to_owned(), NEW.to_owned()];
    let told = block_on(crm.snapshots(&session, object, &ids, &names)).unwrap();
    assert_eq!(told, ids.map(|id| Snapshot::gone(&id, None)));
    for after in [None, Some("7".to_owned())] {
        let from = Position { at: Instant(1_000), after };
        let mut page = block_on(crm.changed(&session, object, &from, &names)).unwrap();
        while page.more {
            page = block_on(crm.changed(&session, object, &page.next, &names)).unwrap();
        }
        assert_eq!(page.changed, []);
    }
    assert_eq!(block_on(crm.gone(&session, object, None)), Ok(GonePage::default()));
}

/// What was written is held, by the shapes that the vendor's types have; what was not is empty; and what is not there
/// holds nothing.
pub fn given_a_record_when_its_properties_are_read_then_they_are_what_was_written(profile: &Profile) {
    let bench = Bench::new(profile);
    let id = bench.make(1, "r-1");
    assert!(bench.write_one(Kind::Update, &id, set(profile.text, "canary, held")).is_ok());
    let mut fields = (profile.fields)(1);
    fields.extend(set(profile.text, "canary, held"));
    let mut names: Vec<String> = fields.keys().cloned().collect();
    names.extend([profile.other, profile.key].map(str::to_owned));
    let session = bench.session();
    let properties = block_on(bench.connector.properties(&session, profile.object)).unwrap();
    let shape = |name: &str| {
        let property = properties.iter().find(|property| property.name.eq_ignore_ascii_case(name));
        bench.connector.shape(property.unwrap())
    };
    let read = |id: &str| block_on(bench.connector.held(&session, profile.object, id, &names));
    let held = read(&id).unwrap().unwrap();
    for (name, patch) in &fields {
        assert_eq!(compare(shape(name), &held[name], patch), Some(Compared::Same), "{name}");
    }
    assert_eq!((held[profile.key].as_str(), held[profile.other].is_null()), (Some("r-1"), true));
    let absent: Result<_, Failure> = read(profile.absent_id);
    assert_eq!(absent, Ok(None));
}
