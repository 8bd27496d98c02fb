//! A mapping's life: tried by one org, stopped by its dead letters, taken back, applied to all, and looked up afterwards.

use crate::stack::{Event, Org, Plan, Stack, eventually, unique, variable};
use reqwest::Method;
use rtr_core::key::RecordKey;
use serde_json::json;
use std::path::PathBuf;

const GOOD: &str = "object: deals\nkey_value: \"{record_type}:{record_id}\"\nfields:\n  dealname: name\n";
/// No record has a whole name: each dies.
const BAD: &str =
    "object: deals\nkey_value: \"{record_type}:{record_id}\"\nfields:\n  dealname: full_name | required\n";

/// A folder with a global mapping of a record type that no other test has.
struct Folder {
    root: PathBuf,
    record_type: String,
}

impl Folder {
    fn new(orgs: &[&Org<'_>]) -> Self {
        let record_type = format!("person-{}", unique());
        let root = std::env::temp_dir().join(format!("rtr-life-{record_type}"));
        std::fs::create_dir_all(root.join("orgs")).unwrap();
        std::fs::create_dir_all(root.join("mappings/hubspot")).unwrap();
        for org in orgs {
            let text = org.file().replace("routes:\n", &format!("routes:\n  {record_type}: [hubspot]\n"));
            std::fs::write(root.join(format!("orgs/{}.yaml", org.id)), text).unwrap();
        }
        Self { root, record_type }
    }

    fn map(&self, text: &str) {
        std::fs::write(self.root.join(format!("mappings/hubspot/{}.yaml", self.record_type)), text).unwrap();
    }

    fn path(&self) -> &str {
        self.root.to_str().unwrap()
    }

    fn person(&self, org: &Org<'_>, id: &str, version: u64) -> Event {
        let key = RecordKey::new(&org.id, &self.record_type, id);
        let data = json!({"name": "Ann"});
        Event::upsert(&key, version, &data)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// The org's last revision.
pub(crate) fn revision(stack: &Stack, org: &Org<'_>) -> u64 {
    let shown = stack.rtr(&["config", "history", &org.id, "--most", "1", "--json"]).json();
    shown[0]["revision"].as_u64().unwrap()
}

#[test]
fn given_a_bad_mapping_when_a_canary_tries_it_then_its_dead_letters_stop_it_and_it_is_taken_back() {
    let stack = Stack::here();
    let ready = |name| Plan::new(name).mapping("contact", crate::CONTACT).ready(&stack);
    let (canary, other) = (ready("first"), ready("flock"));
    let folder = Folder::new(&[&canary, &other]);
    folder.map(GOOD);
    stack.rtr(&["config", "apply", folder.path(), "--reason", "people, too"]).ended(0);
    for org in [&canary, &other] {
        stack.rtr(&["connection", "setup", &org.id]).ended(0);
    }
    let good = revision(&stack, &canary);

    folder.map(BAD);
    let tried = ["config", "apply", folder.path(), "--canary", &canary.id, "--reason", "all names"];
    stack.rtr(&tried).ended(0);
    let said = stack.rtr(&["config", "apply", folder.path()]).ended(1);
    assert!(said.err.contains(&format!("no record has come to {}", canary.id)), "{said:?}");

    // Functions see it within five seconds; until then a record goes by the old mapping, and another one tells.
    let mut n = 0;
    let dead = eventually("a dead letter", || {
        n += 1;
        stack.publish(&[
            folder.person(&canary, &format!("c{n}"), 1),
            folder.person(&other, &format!("o{n}"), 1),
        ]);
        let dead = canary.dead_letters();
        if dead.is_empty() { Err("none yet".to_owned()) } else { Ok(dead) }
    });
    assert_eq!(dead[0]["field"], "dealname", "{dead:?}");
    // Where it goes wrong becomes a case, offline and without the record's values.
    let id = dead[0]["record_id"].as_str().unwrap();
    let record = ["config", "test", folder.path(), "--record", &canary.id, &folder.record_type, id];
    stack.rtr(&record).ended(0);
    let cases = folder.root.join(format!("mappings/hubspot/tests/{}.yaml", folder.record_type));
    let text = std::fs::read_to_string(&cases).unwrap();
    assert!(text.contains("error: ") && text.contains("name: ") && !text.contains("Ann"), "{text}");
    stack.rtr(&["config", "test", folder.path()]).ended(0);
    std::fs::remove_file(&cases).unwrap();
    let said = eventually("the canary's dead letters stop it", || {
        let said = stack.rtr(&["config", "apply", folder.path()]).ended(1);
        if said.err.contains("died at") { Ok(said) } else { Err(said.err) }
    });
    assert!(said.err.contains("at most 1% may") && said.err.contains("rtr dlq list --org"), "{said:?}");

    // What it did to the canary, and the way back.
    let since = stack.rtr(&["config", "diff", &good.to_string(), "--json"]).ended(1).parsed();
    let of = |org: &str| since.as_array().unwrap().iter().find(|one| one["org"] == org).cloned();
    assert!(of(&canary.id).unwrap().to_string().contains("full_name"), "{since}");
    assert!(of(&other.id).is_none_or(|one| !one.to_string().contains("full_name")), "{since}");
    let back = ["config", "rollback", &good.to_string(), "--yes", "--org", &canary.id];
    stack.rtr(&[&back[..], &["--dry-run"]].concat()).ended(1);
    assert!(revision(&stack, &canary) > good, "a dry run changes nothing");
    let said = stack.rtr(&back).ended(0);
    assert!(said.err.contains("the folder still says"), "{said:?}");
    stack.rtr(&[&back[..], &["--dry-run"]].concat()).ended(0);
    eventually("its dead letters go by the old mapping", || {
        canary.redrive();
        let dead = canary.dead_letters();
        if dead.is_empty() { Ok(()) } else { Err(format!("{dead:?}")) }
    });
    assert!(other.dead_letters().is_empty());
    eventually("every record is there", || {
        let there = [&canary, &other].map(|org| org.crm().records("deals").len());
        if there == [n, n] { Ok(()) } else { Err(format!("{there:?} of {n}")) }
    });

    // Tried once more, and ended without a number.
    stack.rtr(&tried).ended(0);
    let end = ["config", "rollback", "--yes", "--canary", &canary.id];
    let said = stack.rtr(&end).ended(0);
    assert!(said.out.contains("full_name"), "{said:?}");
    assert!(stack.rtr(&end).ended(4).err.contains("tries nothing"));

    // A good one goes on to all.
    folder.map(&format!("{GOOD}  description: name\n"));
    stack.rtr(&tried).ended(0);
    eventually("a record of the canary's goes by it", || {
        n += 1;
        stack.publish(&[folder.person(&canary, &format!("c{n}"), 1)]);
        let there = canary.crm().values("deals", "description");
        if there.iter().any(|name| name == "Ann") { Ok(()) } else { Err(format!("{there:?}")) }
    });
    let said = eventually("the canary fares well", || {
        let said =
            stack.rtr(&["config", "apply", folder.path(), "--author", "ada", "--reason", "the last name"]);
        if said.code == 0 { Ok(said) } else { Err(said.err) }
    });
    assert!(said.err.contains("0 of "), "{said:?}");

    let listed = stack.rtr(&["config", "history", &canary.id, "--json"]).json();
    let lines: Vec<String> =
        listed.as_array().unwrap().iter().map(|one| format!("{} {}", one["canary"], one["reason"])).collect();
    let rolled = format!("false \"rollback to {good}\"");
    assert_eq!(
        lines[..6],
        [
            "false \"the last name\"",
            "true \"all names\"",
            "false \"end of trial\"",
            "true \"all names\"",
            &rolled,
            "true \"all names\""
        ],
        "{listed}"
    );
    assert_eq!(listed[0]["author"], "ada");
    stack.rtr(&["config", "history", "nobody-at-all"]).ended(4);
    stack.rtr(&["config", "rollback", "999999999"]).ended(4);
    stack.rtr(&["config", "apply", folder.path(), "--canary", "nobody-at-all"]).ended(4);
}

#[test]
fn given_a_connect_page_when_it_stores_an_org_then_its_records_go_and_the_history_knows_of_it() {
    let stack = Stack::here();
    let org = Plan::new("page").mapping("contact", crate::CONTACT).ready(&stack);
    assert_eq!(
        stack.browse(&format!("{}/{}", variable("ADMIN_URL"), org.id)).status,
        403,
        "it is signed for, or nothing"
    );
    let (status, got) = stack.admin(Method::GET, &org.id, None);
    assert_eq!(status, 200, "{got}");
    let mut document = got["document"].clone();
    document["mappings"]["hubspot"]["contact"]["fields"]["lastname"] = "last_name".into();
    let (status, put) = stack.admin(Method::PUT, &org.id, Some(&document));
    let changed = put["changes"].as_array().unwrap().iter().map(|change| &change["path"]);
    assert_eq!(status, 200, "{put}");
    assert!(changed.clone().any(|path| path == "mappings.hubspot.contact.fields.lastname"), "{put}");
    let mut n = 0;
    eventually("a record goes by it", || {
        n += 1;
        stack.publish(&[org.contact(
            &format!("c{n}"),
            1,
            &json!({"email": format!("c{n}@x.example"), "last_name": "Lee"}),
        )]);
        let there = org.crm().values("contacts", "lastname");
        if there.iter().any(|name| name == "Lee") { Ok(()) } else { Err(format!("{there:?}")) }
    });
    // Files do not take back unasked what the page said.
    let folder = Folder::new(&[&org]);
    folder.map(GOOD);
    let said = stack.rtr(&["config", "apply", folder.path()]).ended(1);
    assert!(said.err.contains("was said on the product's connect page"), "{said:?}");
    stack.rtr(&["config", "apply", folder.path(), "--overwrite-pages"]).ended(0);
    let (_, got) = stack.admin(Method::GET, &org.id, None);
    assert_eq!(got["document"]["mappings"]["hubspot"]["contact"]["fields"]["lastname"], json!(null), "{got}");

    document["routes"]["contact"] = json!(["hubspt"]);
    let (status, wrong) = stack.admin(Method::PUT, &org.id, Some(&document));
    assert_eq!((status, &wrong["errors"][0]["suggestion"]), (422, &"hubspot".into()), "{wrong}");
    let (status, other) = stack.admin(Method::PUT, "another", Some(&document));
    assert_eq!(status, 422, "{other}");
    assert_eq!(stack.admin(Method::DELETE, &org.id, None).0, 200);
    assert_eq!(stack.admin(Method::GET, &org.id, None).0, 404);
    stack.rtr(&["config", "show", &org.id]).ended(4);
    let listed = stack.rtr(&["config", "history", &org.id, "--json"]).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(4), "{listed}");
}
