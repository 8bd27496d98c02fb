#![allow(clippy::unwrap_used)]

use super::canonical::{canonical, mark};
use super::judge::{Had, Judgement, Pending, Seen, judge as judge_of};
use crate::mapping::Wins;
use crate::marks::Marks;
use crate::sent::Sent;
use crate::time::Instant;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[test]
fn given_values_as_crms_spell_them_when_compared_then_those_that_mean_the_same_are_the_same() {
    for (one, other) in [
        (json!(12.5), json!("12.50")),
        (json!(3), json!("3.0")),
        (json!(true), json!("true")),
        (json!(" Ann "), json!("Ann")),
        (json!(""), Value::Null),
        (json!("a;b"), json!("b;a")),
        (json!(["b", "a"]), json!("a;b")),
        (json!("2026-11-23T10:00:00Z"), json!("2026-11-23T11:00:00.000+01:00")),
        (json!("one\r\ntwo"), json!("one\ntwo")),
    ] {
        assert_eq!(canonical(&one), canonical(&other), "{one} {other}");
    }
    for (one, other) in [
        (json!("Ann"), json!("ann")),
        (json!("0123"), json!("123")),
        (json!("1e3"), json!("1000")),
        (json!(0), Value::Null),
        (json!("-"), Value::Null),
        (json!("2026-11-23"), json!("2026-11-23T00:00:00Z")),
    ] {
        assert_ne!(canonical(&one), canonical(&other), "{one} {other}");
        assert_ne!(mark(&one), mark(&other), "{one} {other}");
    }
}

fn values(pairs: &[(&str, Value)]) -> BTreeMap<String, Value> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

/// Where both sides had `base`, and nothing was sent since that nobody knows of.
fn judge<'f>(
    fields: impl IntoIterator<Item = (&'f str, Wins)>,
    base: &Marks,
    seen: Seen<'_>,
    pending: Option<&Pending>,
) -> Judgement {
    judge_of(fields, Had { base, sent: &Sent::default() }, seen, pending)
}

/// What is judged of one property that had `base`, is `now` at the CRM since 10, and is to become what `pending` says as of its
/// time.
fn judged(wins: Wins, base: &str, now: &str, pending: Option<(&str, i64)>) -> &'static str {
    let at_crm = values(&[("x", json!(now))]);
    let seen = Seen { stamp: Instant(10), values: &at_crm };
    let pending = pending
        .map(|(wanted, at)| Pending { occurred_at: Instant(at), marks: Marks::of([("x", &json!(wanted))]) });
    let base = Marks::of([("x", &json!(base))]);
    let Judgement { taken, lost, kept } = judge([("x", wins)], &base, seen, pending.as_ref());
    match (taken.len(), lost.len(), kept.len()) {
        (0, 0, 0) => "echo",
        (1, 0, 0) => "taken",
        (1, 0, 1) => "taken and kept",
        (0, 1, 0) => "lost",
        _ => "else",
    }
}

#[test]
fn given_changes_on_either_side_when_judged_then_whoever_wins_by_the_rule_stands() {
    use Wins::{External, Internal, Newest};
    assert_eq!(judged(Newest, "a", "a", None), "echo");
    assert_eq!(judged(Newest, "a", "b", None), "taken");
    assert_eq!(judged(Internal, "a", "b", None), "taken", "only one side changed");
    assert_eq!(judged(Newest, "a", "b", Some(("b", 5))), "echo", "both came to the same");
    assert_eq!(
        judged(Internal, "a", "b", Some(("a", 99))),
        "taken and kept",
        "what is pending changes another field"
    );
    assert_eq!(judged(Newest, "a", "b", Some(("c", 9))), "taken and kept");
    assert_eq!(judged(Newest, "a", "b", Some(("c", 10))), "lost", "a tie is the internal system's");
    assert_eq!(judged(Newest, "a", "b", Some(("c", 11))), "lost");
    assert_eq!(judged(External, "a", "b", Some(("c", 11))), "taken and kept");
    assert_eq!(judged(Internal, "a", "b", Some(("c", 9))), "lost");
}

#[test]
fn given_a_write_of_ours_that_nobody_knows_to_have_landed_when_it_is_found_then_it_is_no_change_and_wins_nothing()
 {
    let (base, ours) = (Marks::of([("x", &json!("a"))]), Marks::of([("x", &json!("b"))]));
    let sent = Sent::default().and(&ours);
    let judged = |now: &str, wanted: Option<&str>| {
        let at_crm = values(&[("x", json!(now))]);
        let pending = wanted
            .map(|wanted| Pending { occurred_at: Instant(5), marks: Marks::of([("x", &json!(wanted))]) });
        let had = Had { base: &base, sent: &sent };
        judge_of([("x", Wins::Newest)], had, Seen { stamp: Instant(10), values: &at_crm }, pending.as_ref())
    };
    assert!(judged("b", None).is_echo());
    assert_eq!(
        judged("b", Some("c")),
        Judgement::default(),
        "the newer version is written over it, stamp or not"
    );
    assert_eq!(judged("d", Some("c")).kept, ["x"], "what a person wrote after it is the person's");
}

#[test]
fn given_a_property_of_which_nothing_is_known_when_judged_then_what_the_crm_holds_is_news() {
    let at_crm = values(&[("x", json!("b")), ("other", json!("c")), ("empty", json!(""))]);
    let seen = Seen { stamp: Instant(10), values: &at_crm };
    let fields = ["x", "absent", "empty"].map(|name| (name, Wins::Newest));
    let judgement = judge(fields, &Marks::default(), seen, None);
    assert_eq!((judgement.taken, judgement.kept), (vec!["x".to_owned()], vec![]));
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e6..1e6f64).prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
        "[0-9T:Z.+-]{0,30}".prop_map(Value::from),
        proptest::collection::vec("[a-c;]{0,3}", 0..4).prop_map(Value::from),
    ]
}

proptest! {
    #[test]
    fn given_any_value_when_spelled_then_spelling_it_again_changes_nothing(value in any_value()) {
        match canonical(&value) {
            Some(text) => prop_assert_eq!(canonical(&Value::from(text.clone())), Some(text)),
            None => prop_assert_eq!(canonical(&Value::from("")), None),
        }
    }

    #[test]
    fn given_any_judgement_when_its_outcome_is_the_new_base_then_judging_again_finds_nothing(
        base in any_value(), now in any_value(),
    ) {
        let at_crm = values(&[("x", now.clone())]);
        let seen = Seen { stamp: Instant(10), values: &at_crm };
        let judgement = judge([("x", Wins::Newest)], &Marks::of([("x", &base)]), seen, None);
        prop_assert_eq!(judgement.is_echo(), mark(&base) == mark(&now));
        prop_assert!(judge([("x", Wins::Newest)], &Marks::of([("x", &now)]), seen, None).is_echo());
    }

    #[test]
    fn given_any_two_sides_when_judged_then_one_value_stands_and_it_is_written_or_told_but_never_both(
        base in "[a-c]", now in "[a-c]", wanted in "[a-c]", at in 8..13_i64, wins in 0..3_usize,
    ) {
        let wins = [Wins::Internal, Wins::External, Wins::Newest][wins];
        let at_crm = values(&[("x", json!(now))]);
        let pending = Pending { occurred_at: Instant(at), marks: Marks::of([("x", &json!(wanted))]) };
        let base = Marks::of([("x", &json!(base))]);
        let judgement = judge([("x", wins)], &base, Seen { stamp: Instant(10), values: &at_crm }, Some(&pending));
        prop_assert_eq!(&judgement.taken, &judgement.kept);
        prop_assert!(judgement.taken.is_empty() || judgement.lost.is_empty());
    }
}
