//! What of a CRM's object is otherwise than it was when its description was saved. Pure. What has come in addition harms nobody.

use rtr_connectors::connector::Property;
use rtr_core::config::Description;

/// Each property that is another one now, and how.
pub(super) fn drift(before: &Description, now: &Description) -> Vec<(String, String)> {
    let here = now.properties();
    let compared = |was: &Property| {
        let what = match here.iter().find(|is| is.name == was.name) {
            None => "it was there when the CRM's description was saved, and is not now".to_owned(),
            Some(is) => differences(was, is)?,
        };
        Some((was.name.clone(), what))
    };
    before.properties().iter().filter_map(compared).collect()
}

fn differences(was: &Property, is: &Property) -> Option<String> {
    let mut all = Vec::new();
    if was.kind != is.kind {
        all.push(format!("its type was {}, and is {}", was.kind, is.kind));
    }
    let turned = |before: bool, now: bool, words: &str| (before && !now).then(|| words.to_owned());
    all.extend(turned(was.writable, is.writable, "it could be written, and cannot now"));
    all.extend(turned(was.unique, is.unique, "its values were unique, and are not now"));
    all.extend(turned(was.searchable, is.searchable, "it could be searched by, and cannot now"));
    let gone: Vec<String> =
        was.options.iter().filter(|one| !is.options.contains(one)).map(|one| format!("`{one}`")).collect();
    // One without options takes any value.
    if !gone.is_empty() && !is.options.is_empty() {
        all.push(format!("options are gone: {}", gone.join(", ")));
    }
    if was.options.is_empty() && !is.options.is_empty() {
        all.push("it took any value, and takes options alone now".to_owned());
    }
    if was.refers_to != is.refers_to {
        all.push(format!(
            "it referred to {}, and refers to {} now",
            listed(&was.refers_to),
            listed(&is.refers_to)
        ));
    }
    (!all.is_empty()).then(|| all.join("; "))
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(name: &str) -> Property {
        Property { name: name.to_owned(), kind: "string".to_owned(), ..Property::default() }
    }

    fn drifted(was: Property, is: &[Property]) -> Vec<String> {
        let of = |all: &[Property]| Description::new("acme", "hubspot", "contacts", all);
        drift(&of(&[was]), &of(is)).into_iter().map(|(name, what)| format!("{name}: {what}")).collect()
    }

    #[test]
    fn given_what_was_saved_when_compared_then_what_can_make_records_die_is_told_and_what_was_added_is_not() {
        let options = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let stage = |names: &[&str]| Property { options: options(names), ..property("stage") };
        let owner = |names: &[&str]| Property { refers_to: options(names), ..property("owner") };
        assert_eq!(drifted(property("email"), &[property("email"), property("new")]), Vec::<String>::new());
        assert_eq!(drifted(stage(&["a"]), &[stage(&["a", "b"])]), Vec::<String>::new());
        let all = [
            drifted(property("email"), &[property("mail")]),
            drifted(
                property("age"),
                &[Property { kind: "number".to_owned(), writable: false, ..property("age") }],
            ),
            drifted(
                Property { unique: true, ..property("key") },
                &[Property { searchable: false, ..property("key") }],
            ),
            drifted(stage(&["a", "b"]), &[stage(&["b"])]),
            drifted(stage(&[]), &[stage(&["b"])]),
            drifted(stage(&["a"]), &[stage(&[])]),
            drifted(owner(&["users"]), &[owner(&[])]),
        ];
        insta::assert_snapshot!(all.concat().join("\n"), @r"
        email: it was there when the CRM's description was saved, and is not now
        age: its type was string, and is number; it could be written, and cannot now
        key: its values were unique, and are not now; it could be searched by, and cannot now
        stage: options are gone: `a`
        stage: it took any value, and takes options alone now
        owner: it referred to users, and refers to nothing now
        ");
    }
}
