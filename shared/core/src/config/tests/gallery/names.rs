//! Names that lead nowhere, and those that were meant.

use super::*;

pub(super) fn cases() -> Vec<Wrong> {
    vec![
        Wrong::field("a filter that there is not", "email: email | trim | lowr"),
        Wrong::field("a filter that is like no other", "email: email | translate"),
        Wrong::field("a function that there is not", "email: coalesc(email, mail)"),
        Wrong::field("a filter called as a function", "email: lower(email)"),
        Wrong::field("a function after a bar", "email: email | coalesce"),
        Wrong::field("a test that there is not", "email: email if email is definde"),
        Wrong::field("another language's null", "email: email if email != null"),
        Wrong::mapping("a match that is no field", "match: emial\nfields:\n  email: email"),
        Wrong::mapping(
            "a name that a key value has not",
            "key_value: \"{recordid}\"\nfields:\n  email: email",
        ),
        Wrong::field(
            "a reference to a type that nothing writes",
            "company: {reference: contcat, id: company_id}",
        ),
        Wrong::file(
            "a folder that is no provider's",
            "mappings/hubspt/contact.yaml",
            "object: contacts\nfields:\n  email: email\n",
        ),
    ]
}

#[test]
fn given_names_that_lead_nowhere_when_checked_then_the_nearest_right_one_is_told() {
    insta::assert_snapshot!(shown(&cases()), @r#"
    — a filter that there is not
    config/mappings/hubspot/contact.yaml:3:25: RTR2003 field `email`: unknown filter `lowr`; did you mean `lower`?
      3 |   email: email | trim | lowr
        |                         ^

    — a filter that is like no other
    config/mappings/hubspot/contact.yaml:3:18: RTR2003 field `email`: unknown filter `translate`; did you mean `truncate`?
      3 |   email: email | translate
        |                  ^

    — a function that there is not
    config/mappings/hubspot/contact.yaml:3:10: RTR2003 field `email`: unknown function `coalesc`; did you mean `coalesce`?
      3 |   email: coalesc(email, mail)
        |          ^

    — a filter called as a function
    config/mappings/hubspot/contact.yaml:3:10: RTR2003 field `email`: unknown function `lower`; did you mean `… | lower`?
      3 |   email: lower(email)
        |          ^

    — a function after a bar
    config/mappings/hubspot/contact.yaml:3:18: RTR2003 field `email`: unknown filter `coalesce`; did you mean `coalesce(…)`?
      3 |   email: email | coalesce
        |                  ^

    — a test that there is not
    config/mappings/hubspot/contact.yaml:3:28: RTR2003 field `email`: unknown test `definde`; did you mean `defined`?
      3 |   email: email if email is definde
        |                            ^

    — another language's null
    config/mappings/hubspot/contact.yaml:3:28: RTR2003 field `email`: `null` is not a value here; did you mean `none`?
      3 |   email: email if email != null
        |                            ^

    — a match that is no field
    config/mappings/hubspot/contact.yaml:2:8: RTR2002 `match: emial` needs a field `emial`, whose value is looked for in the CRM; did you mean `email`?
      2 | match: emial
        |        ^

    — a name that a key value has not
    config/mappings/hubspot/contact.yaml:2:12: RTR2003 unknown name `recordid`; there are org_id, record_type and record_id; did you mean `record_id`?
      2 | key_value: "{recordid}"
        |            ^

    — a reference to a type that nothing writes
    config/mappings/hubspot/contact.yaml:3:24: RTR2002 field `company`: hubspot has no mapping for `contcat`, so that its records are never linked; there is one for `contact`; did you mean `contact`?
      3 |   company: {reference: contcat, id: company_id}
        |                        ^

    — a folder that is no provider's
    config/mappings/hubspt/contact.yaml:1:1: RTR2007 unknown provider `hubspt` (the name of the file's folder); did you mean `hubspot`?
      1 | object: contacts
        | ^
    "#);
}
