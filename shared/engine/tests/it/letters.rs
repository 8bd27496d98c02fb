//! Dead letters acted on over the in-memory services: rehearsed, sent again, followed to their endings.

use async_trait::async_trait;
use futures::executor::block_on;
use rtr_core::code::Code;
use rtr_core::config::OrgConfig;
use rtr_core::item::Ended;
use rtr_engine::letters::{
    Addressing, Earlier, Fared, Fate, Following, Letter, Of, Outcomes, Trial, Under, plan_step,
};
use rtr_engine::seams::{Configs, Named, QueueName, Unavailable};
use rtr_testkit::build;
use rtr_testkit::world::{ORG, World};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::task::Poll;

const FAILING: &str =
    "object: contacts\nfields:\n  email: email\n  firstname: {from: first_name, map: {Ann: Anna}}\n";
const MENDED: &str = "object: contacts\nfields:\n  email: email\n  firstname: {from: first_name, map: {Ann: Anna, Bob: Rob}}\n";

fn letters(world: &World) -> Vec<Letter> {
    let state = world.records.state();
    let named = state.items.iter().map(|(key, (item, names))| Named {
        key: key.clone(),
        names: names.clone(),
        item: item.clone(),
    });
    named.filter_map(|named| Letter::of(&named)).collect()
}

fn config(world: &World) -> OrgConfig {
    (*block_on(world.configs.org(ORG)).unwrap()).clone()
}

fn under(config: OrgConfig) -> BTreeMap<String, Under> {
    BTreeMap::from([(ORG.to_owned(), Under { config, letterheads: BTreeMap::new() })])
}

/// What is kept of earlier configuration, by the revision of the contacts' mapping.
#[derive(Default)]
struct Kept {
    configs: BTreeMap<u64, Arc<OrgConfig>>,
    asked: Mutex<Vec<u64>>,
    /// How many are asked for at the moment, and the most that were.
    at_once: Mutex<(usize, usize)>,
}

impl Kept {
    fn keep(&mut self, config: OrgConfig) -> u64 {
        let revision = config.mapping("hubspot", "contact").unwrap().revision;
        self.configs.insert(revision, Arc::new(config));
        revision
    }
}

#[async_trait]
impl Earlier for Kept {
    async fn config(&self, of: &Of) -> Result<Option<Arc<OrgConfig>>, Unavailable> {
        self.asked.lock().unwrap().push(of.revision);
        {
            let (now, most) = &mut *self.at_once.lock().unwrap();
            *now += 1;
            *most = (*most).max(*now);
        }
        // An answer takes its time: the others are asked for meanwhile.
        let mut is_back = false;
        std::future::poll_fn(|context| {
            if std::mem::replace(&mut is_back, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        self.at_once.lock().unwrap().0 -= 1;
        Ok(self.configs.get(&of.revision).cloned())
    }
}

fn tried<'l>(world: &World, letters: &'l [Letter], orgs: &BTreeMap<String, Under>) -> Vec<Fared<'l>> {
    let trial = Trial::over(&world.records, world.clock.as_ref());
    block_on(trial.run(letters, orgs)).unwrap()
}

/// Sends all again, and has the wake-ups worked.
fn redriven(world: &World, letters: &[Letter]) -> Outcomes {
    let how = Addressing { buckets: 0, fresh: "f".to_owned() };
    let planned = block_on(plan_step(&world.records, letters, &how)).unwrap();
    let step = block_on(planned.send(&world.seams()));
    assert_eq!(step.failed, None);
    let mut following = Following::default();
    following.add(step.sent);
    block_on(following.look(&world.records, 1_000)).unwrap();
    assert_eq!(following.outcomes().under_way, following.left(), "nobody has worked them yet");
    for message in world.queue.take_sent(QueueName::Changes) {
        world.sync(&[build::raw(&message.body, &message.group, world.now())]);
    }
    block_on(following.look(&world.records, 1_000)).unwrap();
    following.outcomes()
}

fn contact(world: &World, id: &str, data: &Value) {
    world.sync(&[world.contact(id, 1, data)]);
}

#[test]
fn given_a_queue_that_does_not_answer_or_a_person_who_stops_when_sent_then_no_other_request_is_begun() {
    let world = World::with_contact(FAILING);
    for n in 0..40 {
        contact(&world, &format!("c{n}"), &json!({"email": format!("c{n}@x.io"), "first_name": "Bob"}));
    }
    let letters = letters(&world);
    let how = Addressing { buckets: 0, fresh: "f".to_owned() };
    let planned = || block_on(plan_step(&world.records, &letters, &how)).unwrap();
    world.queue.state().down = true;
    let step = block_on(planned().send(&world.seams()));
    assert!(step.failed.is_some() && step.sent.is_empty());
    assert!((30..40).contains(&step.left), "one request fails: {} are left", step.left);
    world.queue.state().down = false;
    let step = block_on(planned().send_while(&world.seams(), &|| false));
    assert_eq!((step.failed, step.sent.len(), step.left), (None, 0, 40));
    let step = block_on(planned().send(&world.seams()));
    assert_eq!((step.failed, step.sent.len(), step.left), (None, 40, 0));
}

#[test]
fn given_letters_of_a_mapping_when_rehearsed_and_redriven_then_each_ends_as_it_was_said_to() {
    let world = World::with_contact(FAILING);
    for (id, name) in [("a", "Bob"), ("b", "Bob"), ("c", "Eve")] {
        contact(&world, id, &json!({"email": format!("{id}@x.io"), "first_name": name}));
    }
    let letters = letters(&world);
    assert_eq!(letters.len(), 3);
    let fates = |fared: &[Fared<'_>]| fared.iter().map(|one| one.fate).collect::<Vec<_>>();
    let dead = Fate::Ended(Ended::Dead);
    assert_eq!(fates(&tried(&world, &letters, &under(config(&world)))), [dead, dead, dead]);
    let calls = world.calls().len();
    world.configs.apply(&[("mappings/hubspot/contact.yaml", MENDED)]).unwrap();
    let reads = world.records.state().reads;
    let told = tried(&world, &letters, &under(config(&world)));
    assert_eq!(world.records.state().reads - reads, 1, "all of them in one read");
    let applied = Fate::Ended(Ended::Applied);
    assert_eq!(fates(&told), [applied, applied, dead]);
    assert_eq!(told[2].reason.as_ref().map(|reason| reason.code), Some(Code::MappingFailed));
    assert!(told[0].requests.iter().any(|sent| String::from_utf8_lossy(&sent.body).contains("Rob")));
    assert_eq!((world.calls().len(), self::letters(&world).len()), (calls, 3), "nothing was sent or written");

    world.clock.advance_ms(1_000);
    let outcomes = redriven(&world, &letters);
    assert_eq!((outcomes.applied, outcomes.dead_again.len(), outcomes.under_way), (2, 1, 0));
    let again = &outcomes.dead_again[0];
    assert_eq!(
        (again.code, again.field.as_deref(), again.count),
        (Code::MappingFailed, Some("firstname"), 1)
    );
    assert_eq!(again.example, letters[2].id);
    assert_eq!(world.contacts("firstname"), ["Rob", "Rob"]);
}

/// The CRM takes `Ann` only.
fn choosy(contact: &str) -> World {
    let world = World::with_contact(contact);
    let rule = json!({"provider": "hubspot", "account": ORG, "object": "contacts", "name": "firstname", "options": ["Ann", "Robert"]});
    world.crm.control("PUT", "/_sandbox/properties", &rule);
    world
}

#[test]
fn given_what_the_crm_refused_when_rehearsed_then_it_is_told_whether_it_would_get_the_same_again() {
    let plain = "object: contacts\nfields:\n  email: email\n  firstname: first_name\n";
    let world = choosy(plain);
    contact(&world, "a", &json!({"email": "a@x.io", "first_name": "Bob"}));
    let letters = letters(&world);
    assert_eq!(letters[0].field.as_deref(), Some("firstname"));
    let mut kept = Kept::default();
    let of_then = kept.keep(config(&world));
    let fate = |kept: &Kept, config: OrgConfig| {
        let trial = Trial::over(&world.records, world.clock.as_ref()).knowing(kept);
        block_on(trial.run(&letters, &under(config))).unwrap()[0].fate
    };
    assert_eq!(fate(&kept, config(&world)), Fate::AsRefused);
    // However often something else of the mapping changes: what the CRM refused stays what it was.
    for more in ["email: email | upper", "email: email | lower", "email: email | trim"] {
        let another = format!("object: contacts\nfields:\n  {more}\n  firstname: first_name\n");
        world.configs.apply(&[("mappings/hubspot/contact.yaml", &another)]).unwrap();
        assert_eq!(fate(&kept, config(&world)), Fate::AsRefused, "its field is the same: {more}");
        kept.keep(config(&world));
    }
    assert!(kept.configs.len() == 4 && kept.asked.lock().unwrap().iter().all(|asked| *asked == of_then));
    // What was sent then is not known once the mapping of then is not kept, nor by another that is.
    let by_later = Kept { configs: BTreeMap::from([(of_then, config(&world).into())]), ..Kept::default() };
    // It is kept, and by it nothing would go now: a waiting record, a filter.
    let filtered = World::with_contact(&format!("{plain}when: status == 'live'\n"));
    let mut nothing_then = Kept::default();
    assert_eq!(nothing_then.keep(config(&filtered)), of_then);
    let unknown = [
        (Kept::default(), "of a mapping that is not kept any more"),
        (by_later, "of a mapping that is not kept any more"),
        (nothing_then, "by the mapping of then nothing goes now"),
    ];
    for (kept, said) in unknown {
        let Fate::Unrehearsed(why) = fate(&kept, config(&world)) else { panic!("it is said to be known") };
        assert!(why.starts_with("not known: ") && why.contains(said), "{why}");
    }
    let orgs = under(config(&world));
    assert!(matches!(tried(&world, &letters, &orgs)[0].fate, Fate::Unrehearsed(_)), "nothing is kept at all");
    let left_out = "object: contacts\nfields:\n  email: email\n";
    world.configs.apply(&[("mappings/hubspot/contact.yaml", left_out)]).unwrap();
    assert_eq!(fate(&kept, config(&world)), Fate::Ended(Ended::Applied), "its field is not sent any more");
    let mapped =
        "object: contacts\nfields:\n  email: email\n  firstname: {from: first_name, map: {Bob: Robert}}\n";
    world.configs.apply(&[("mappings/hubspot/contact.yaml", mapped)]).unwrap();
    assert_eq!(fate(&kept, config(&world)), Fate::Ended(Ended::Applied));
    assert_eq!(redriven(&world, &letters).applied, 1);
    assert_eq!(world.contacts("firstname"), ["Robert"]);
}

#[test]
fn given_letters_of_several_earlier_mappings_when_rehearsed_then_each_is_asked_for_once_and_side_by_side() {
    let mapping =
        |email: &str| format!("object: contacts\nfields:\n  email: {email}\n  firstname: first_name\n");
    let world = choosy(&mapping("email"));
    let mut kept = Kept::default();
    for (n, email) in ["email", "email | upper", "email | lower"].into_iter().enumerate() {
        world.configs.apply(&[("mappings/hubspot/contact.yaml", &mapping(email))]).unwrap();
        kept.keep(config(&world));
        for id in ["a", "b"] {
            contact(
                &world,
                &format!("{id}{n}"),
                &json!({"email": format!("{id}{n}@x.io"), "first_name": "Bob"}),
            );
        }
    }
    world.configs.apply(&[("mappings/hubspot/contact.yaml", &mapping("email | trim"))]).unwrap();
    let letters = letters(&world);
    let trial = Trial::over(&world.records, world.clock.as_ref()).knowing(&kept);
    let told = block_on(trial.run(&letters, &under(config(&world)))).unwrap();
    assert!(told.len() == 6 && told.iter().all(|one| one.fate == Fate::AsRefused), "{told:?}");
    let mut asked = kept.asked.lock().unwrap().clone();
    asked.sort_unstable();
    assert_eq!(asked, kept.configs.keys().copied().collect::<Vec<_>>());
    assert_eq!(kept.at_once.lock().unwrap().1, 3);
}

#[test]
fn given_a_linked_record_with_a_dead_version_when_rehearsed_then_the_requests_are_those_that_a_redrive_sends()
{
    let world = choosy("object: contacts\nfields:\n  email: email\n  firstname: first_name\n");
    contact(&world, "a", &json!({"email": "a@x.io", "first_name": "Ann"}));
    world.sync(&[world.contact("a", 2, &json!({"email": "b@x.io", "first_name": "Bob"}))]);
    let letters = letters(&world);
    let told = tried(&world, &letters, &under(config(&world)));
    let said: Vec<String> = told[0]
        .requests
        .iter()
        .map(|sent| format!("{} {}", sent.method.as_str(), sent.url.split("/objects/").nth(1).unwrap_or("")))
        .collect();
    let calls = world.calls().len();
    redriven(&world, &letters);
    let sent: Vec<String> = world.calls()[calls..]
        .iter()
        .map(|call| call.rsplit_once(' ').map_or(call.as_str(), |(call, _)| call).to_owned())
        .collect();
    assert_eq!(said.first(), sent.first(), "said {said:?}, sent {sent:?}");
}

#[test]
fn given_letters_that_refer_to_others_when_rehearsed_then_these_are_read_at_once_and_what_is_linked_is_linked()
 {
    let failing = "object: contacts\nfields:\n  email: email\n  firstname: {from: first_name, map: {Ann: Anna}}\n  company: {reference: company, id: company_id, association: primary}\n";
    let world = World::with_contact(failing);
    world.sync(&[world.company("k", 1, &json!({"name": "K"}))]);
    for (id, company) in [("a", "k"), ("b", "k"), ("c", "none")] {
        let data = json!({"email": format!("{id}@x.io"), "first_name": "Bob", "company_id": company});
        contact(&world, id, &data);
    }
    let letters = letters(&world);
    let mended = failing.replace("Ann: Anna", "Bob: Rob");
    let company = "object: companies\nfields:\n  name: name\n  domain: domain\n";
    let files =
        [("mappings/hubspot/contact.yaml", mended.as_str()), ("mappings/hubspot/company.yaml", company)];
    world.configs.apply(&files).unwrap();
    let reads = world.records.state().reads;
    let told = tried(&world, &letters, &under(config(&world)));
    assert_eq!(world.records.state().reads - reads, 2, "the letters, and what they refer to");
    let linked = world.item("company", "k").external_id.unwrap();
    let sent = |one: &Fared<'_>| {
        one.requests.iter().map(|sent| String::from_utf8_lossy(&sent.body).into_owned()).collect::<String>()
    };
    assert_eq!(told[0].fate, Fate::Ended(Ended::Applied));
    assert!(sent(&told[0]).contains(&linked), "{}", sent(&told[0]));
    assert_eq!(told[2].fate, Fate::Ended(Ended::Parked), "it waits for its company");
}

#[test]
fn given_letters_that_nobody_can_rehearse_when_rehearsed_then_each_says_why() {
    let world = World::with_contact(FAILING);
    // Not JSON, and an event whose org has no route for it.
    let nonsense = build::raw("{\"org_id\":", "x", world.now());
    assert!(world.redrive(&[nonsense]).failed.is_empty());
    let deal = build::event(ORG, "deal", "d", 1, &json!({"name": "x"}), world.now());
    assert!(world.redrive(&[deal]).failed.is_empty());
    let letters = letters(&world);
    let told = tried(&world, &letters, &under(config(&world)));
    let why: Vec<&str> = told
        .iter()
        .map(|one| match one.fate {
            Fate::Unrehearsed(why) => why,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(why.len(), 2);
    assert!(why.iter().any(|why| why.starts_with("it could not be read")), "{why:?}");
    assert!(why.iter().any(|why| why.starts_with("it goes to no connection yet")), "{why:?}");
    // What is not dead any more is told apart.
    world.records.state().items.clear();
    let told = tried(&world, &letters, &under(config(&world)));
    assert!(told.iter().all(|one| one.fate == Fate::Gone));
}
