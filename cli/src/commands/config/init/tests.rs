use super::*;
use rtr_core::change::{Message, parse};

struct Dir(std::path::PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("rtr-init-{}-{name}", std::process::id())))
    }

    fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.0.join(path)).unwrap()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn given_any_provider_when_begun_then_the_folder_is_right_and_its_cases_hold_and_look_at_all_of_it() {
    for connector in registry::ALL {
        let provider = connector.facts().name;
        let dir = Dir::new(provider);
        let begun = begin("acme", provider, &dir.0).unwrap_or_else(|problem| panic!("{problem}"));
        assert!(begun.files.iter().all(|file| file.written) && begun.add.is_none(), "{begun:?}");
        crate::schema::tests::holds("config init", &begun);
        super::super::test::given_a_folder_then_all_holds_and_is_covered(&dir.0);
        let event = dir.text("events/acme-contact.json");
        assert_eq!(event.lines().count(), 1, "rtr publish reads lines");
        let Ok(Message::Change(change)) = parse(&event) else { panic!("{event}") };
        assert!(change.data.is_object() && change.key.org_id == "acme", "{event}");
        let mapping = dir.text(&format!("mappings/{provider}/contact.yaml"));
        assert!(mapping.matches("# ").count() > 5, "it tells what to do: {mapping}");
    }
}

#[test]
fn given_a_folder_when_begun_again_then_nothing_is_overwritten_and_it_says_what_is_lacking() {
    let dir = Dir::new("again");
    begin("acme", "hubspot", &dir.0).unwrap();
    let mapping = dir.0.join("mappings/hubspot/contact.yaml");
    std::fs::write(&mapping, "object: contacts\nfields: {email: mail}\n").unwrap();
    std::fs::remove_file(dir.0.join("mappings/hubspot/tests/contact.yaml")).unwrap();
    let again = begin("acme", "hubspot", &dir.0).unwrap();
    assert!(again.files.iter().all(|file| !file.written) && again.add.is_none(), "{again:?}");
    assert!(
        !dir.0.join("mappings/hubspot/tests/contact.yaml").exists(),
        "its cases are for the mapping of the start"
    );
    assert_eq!(dir.text("mappings/hubspot/contact.yaml"), "object: contacts\nfields: {email: mail}\n");

    let second = begin("acme", "salesforce", &dir.0).unwrap();
    let written: Vec<bool> = second.files.iter().map(|file| file.written).collect();
    assert_eq!(written, [false, true, true, false, false, false, false]);
    insta::assert_snapshot!(second.add.as_deref().unwrap_or_default(), @r"
      connections:
        salesforce: {}
      routes:
        contact: [hubspot, salesforce]
    ");
}

#[test]
fn given_a_mapping_that_clashes_with_the_start_when_begun_then_it_says_so() {
    let dir = Dir::new("clash");
    std::fs::create_dir_all(dir.0.join("mappings/hubspot")).unwrap();
    std::fs::write(dir.0.join("mappings/hubspot/person.yaml"), "object: contacts\nfields: {email: mail}\n")
        .unwrap();
    let problem = begin("acme", "hubspot", &dir.0).unwrap_err();
    assert!(problem.what.contains("overwrite each other") && problem.exit == Exit::Usage, "{problem}");
}

#[test]
fn given_odd_orgs_when_begun_then_each_has_a_file_of_its_own() {
    let dir = Dir::new("odd");
    for org in ["a/b", "a b", "no", "../up", "München 🚀", "it's: \"x\"", "123"] {
        begin(org, "hubspot", &dir.0).unwrap_or_else(|problem| panic!("{org}: {problem}"));
        let set = folder::load_or_refuse(&dir.0).unwrap();
        assert!(set.orgs.contains_key(org), "{org}: {:?}", set.orgs.keys());
    }
    assert!(!dir.0.join("../up.yaml").exists());
    for org in ["*", "", "a\nb"] {
        assert_eq!(begin(org, "hubspot", &dir.0).unwrap_err().exit, Exit::Usage);
    }
    let wrong = [begin("x", "hubspt", &dir.0).unwrap_err(), begin("x", "zoho", &dir.0).unwrap_err()];
    insta::assert_snapshot!(wrong.map(|problem| problem.to_string()).join("\n"), @r"
    rtr: there is no provider `hubspt`
      did you mean `hubspot`?
    rtr: there is no provider `zoho`
      there are `hubspot` and `salesforce`
    ");
}

#[test]
fn given_a_start_when_told_then_the_commands_can_be_copied() {
    let dir = Dir::new("told");
    let mut begun = begin("acme", "hubspot", &dir.0).unwrap();
    let place = dir.0.display().to_string();
    for text in begun
        .next
        .iter_mut()
        .map(|step| &mut step.command)
        .chain(begun.files.iter_mut().map(|done| &mut done.file))
    {
        *text = text.replace(&place, "DIR");
    }
    begun.files.truncate(2);
    begun.files[1].written = false;
    insta::assert_snapshot!(words(&begun), @r"
    written  DIR/orgs/acme.yaml
    left     DIR/mappings/hubspot/contact.yaml, which is there already

    Next:
      rtr config check DIR                           whether the folder is right
      rtr config test DIR                            the cases, and what no case looks at
      rtr preview DIR/events/acme-contact.json       what HubSpot would be sent
      rtr config apply DIR                           the stack works by it from now on
      rtr connection connect acme hubspot --app APP  a person lets us in; or store a secret: docs/credentials.md
      rtr connection setup acme hubspot              makes the property that holds our record id
      rtr connection test acme hubspot               credentials, objects, properties
      rtr publish DIR/events/acme-contact.json       the example is sent
      rtr record acme contact example-1              what became of it
    ");
    assert_eq!(quoted("it's"), r"'it'\''s'");
}
