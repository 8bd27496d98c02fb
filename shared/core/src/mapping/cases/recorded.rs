//! A record as a case: what the mapping makes of it today is what it is expected to make of it from now on.

use super::{Case, written};
use crate::mapping::raw::Direction;
use crate::mapping::{Mapping, mask};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Whether a case shows the values of its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// They are masked.
    Masked,
    /// They stand there.
    Shown,
}

/// A case of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The case.
    pub case: Case,
    /// The fields that come out otherwise than of the record itself because its values are masked: left alone rather than
    /// written, or as an error; none: all of it does.
    pub differing: BTreeSet<Option<String>>,
}

/// How a property comes out, whatever its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Cleared,
    Written(std::mem::Discriminant<Value>),
}

/// `record` as a case of `mapping`, which holds.
#[must_use]
pub fn record_case(mapping: &Mapping, record: &Value, values: Values) -> Recorded {
    let plain = Case { record: record.clone(), ..Case::default() };
    if values == Values::Shown {
        return Recorded { case: expecting(mapping, plain), differing: BTreeSet::new() };
    }
    let masked = Case { record: mask(mapping, record), ..Case::default() };
    let differing = differing(mapping, &plain, &masked);
    Recorded { case: expecting(mapping, masked), differing }
}

fn expecting(mapping: &Mapping, case: Case) -> Case {
    let mapped = match case.mapped(mapping) {
        Ok(mapped) if mapped.selected => mapped,
        Ok(_) => return Case { unmatched: Some(true), ..case },
        Err(error) => return Case { error: Some(error.to_string()), ..case },
    };
    let expect = written(mapping, &case, &mapped);
    let out = mapping.fields.iter().filter(|field| field.direction != Direction::In);
    let untouched = out.map(|field| field.name.clone()).filter(|name| !expect.contains_key(name));
    let untouched = Some(untouched.collect::<Vec<_>>()).filter(|names| !names.is_empty());
    Case { expect: Some(expect).filter(|expect| !expect.is_empty()), untouched, ..case }
}

fn differing(mapping: &Mapping, plain: &Case, masked: &Case) -> BTreeSet<Option<String>> {
    let kinds = |case: &Case| {
        case.mapped(mapping).map(|mapped| {
            let kind = |value: &Value| match value {
                Value::Null => Kind::Cleared,
                value => Kind::Written(std::mem::discriminant(value)),
            };
            let written = written(mapping, case, &mapped);
            (
                mapped.selected,
                written.iter().map(|(name, value)| (name.clone(), kind(value))).collect::<BTreeMap<_, _>>(),
            )
        })
    };
    match (kinds(plain), kinds(masked)) {
        (Ok((selected, before)), Ok((still, after))) if selected == still => {
            let names = before.keys().chain(after.keys());
            names.filter(|name| before.get(*name) != after.get(*name)).cloned().map(Some).collect()
        }
        (Err(before), Err(after)) if before == after => BTreeSet::new(),
        (_, Err(error)) => BTreeSet::from([error.field]),
        _ => BTreeSet::from([None]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{ProviderFacts, run_case};
    use serde_json::json;

    fn mapping(fields: Value) -> Mapping {
        let facts = ProviderFacts {
            name: "hubspot",
            title: "HubSpot",
            default_key: Some("rtr_record_id"),
            default_limits: &[],
            lookups: &[],
        };
        let raw = json!({"object": "contacts", "when": "stage != 'draft'", "fields": fields});
        Mapping::compile(&facts, "contact", &serde_json::from_value(raw).unwrap()).unwrap()
    }

    #[test]
    fn given_a_record_when_recorded_then_the_case_holds_and_shows_values_only_when_asked() {
        let mapping = mapping(json!({
            "email": "email | trim | lower", "phone": "phone | phone", "stage": {"from": "stage", "map": {"won": "customer"}},
            "company": {"reference": "company", "id": "company_id"}, "city": "city", "note": {"from": "note", "on": "create"},
        }));
        let record = json!({
            "email": " Ada@X.io", "phone": "+44 20 7946 0018", "stage": "won", "company_id": "co-7", "city": null,
        });
        let masked = record_case(&mapping, &record, Values::Masked);
        assert!(masked.differing.is_empty() && run_case(&mapping, &masked.case).is_empty(), "{masked:?}");
        insta::assert_snapshot!(serde_json::to_string_pretty(&masked.case).unwrap(), @r#"
        {
          "record": {
            "city": null,
            "company_id": "xx-1",
            "email": " User1@example.com",
            "phone": "+44 25 5555 5001",
            "stage": "won"
          },
          "expect": {
            "city": null,
            "company": "company/xx-1",
            "email": "user1@example.com",
            "phone": "+442555555001",
            "stage": "customer"
          },
          "untouched": [
            "note"
          ]
        }
        "#);
        let shown = record_case(&mapping, &record, Values::Shown);
        assert_eq!((&shown.case.record, run_case(&mapping, &shown.case).len()), (&record, 0));
        let draft = record_case(&mapping, &json!({"stage": "draft", "email": "a@x.io"}), Values::Masked);
        assert_eq!((draft.case.unmatched, draft.case.expect.clone()), (Some(true), None));
        assert!(run_case(&mapping, &draft.case).is_empty());
        let wrong = record_case(&mapping, &json!({"stage": "lost", "email": "a@x.io"}), Values::Masked);
        assert!(wrong.case.error.is_some() && run_case(&mapping, &wrong.case).is_empty(), "{wrong:?}");
        assert!(wrong.differing.is_empty(), "it is an error of the record itself");
    }

    #[test]
    fn given_a_mapping_that_goes_by_values_when_masked_then_what_comes_out_otherwise_is_told() {
        let mapping = mapping(json!({"code": "code | after('A-') | int", "tier": "tier"}));
        let recorded = record_case(&mapping, &json!({"code": "A-12", "tier": "gold"}), Values::Masked);
        assert_eq!(recorded.differing, BTreeSet::from([Some("code".to_owned())]));
        assert!(run_case(&mapping, &recorded.case).is_empty());
    }
}
