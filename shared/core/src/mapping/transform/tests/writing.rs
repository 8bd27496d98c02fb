use super::*;
use proptest::prelude::*;

#[test]
fn given_html_when_stripped_then_it_is_what_a_person_would_read() {
    for (x, wanted) in [
        ("<p>Hi&nbsp;<b>Ada</b>,</p>\n<p>bye</p>", "Hi Ada,\nbye"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("<ul><li>a</li><li>b</li></ul>", "a\nb"),
        ("<tr><td>a</td><td>b</td></tr>", "a b"),
        ("<script>alert('<b>')</script>seen<style>p{}</style>", "seen"),
        ("<!-- <p>not</p> -->seen", "seen"),
        ("<a title=\"a > b\" href='x'>link</a>", "link"),
        ("it's <b>1 < 2</b> and 3 > 2", "it's 1 < 2 and 3 > 2"),
        ("&lt;b&gt; &#8364; &#x20AC; &amp;amp; &unknown; & &;", "<b> \u{20ac} \u{20ac} &amp; &unknown; & &;"),
        ("plain text", "plain text"),
        ("<p>never closed <b", "never closed"),
        ("", ""),
    ] {
        assert_eq!(of("x | strip_html", x), wanted, "{x}");
    }
}

#[test]
fn given_amounts_when_turned_into_minor_units_and_back_then_no_digit_is_lost() {
    for (expression, x, wanted) in [
        ("x | minor_units", "19.99", "1999"),
        ("x | minor_units", "-0.5", "-50"),
        ("x | minor_units", "1.005", "101"),
        ("x | minor_units('JPY')", "1999", "1999"),
        ("x | minor_units('kwd')", "1.5", "1500"),
        ("x | minor_units", ".5", "50"),
        ("x | minor_units", "12,50", "error: minor_units: the value is not an amount, such as 19.99"),
        ("x | minor_units", ".", "error: minor_units: the value is not an amount, such as 19.99"),
        ("x | major_units('JPY')", "1999", "1999"),
        ("x | major_units('BHD')", "1999", "1.999"),
        ("x | major_units", "-5", "-0.05"),
        (
            "x | major_units('euro')",
            "5",
            "error: the argument is neither a number of digits nor a currency, such as \"JPY\"",
        ),
    ] {
        assert_eq!(of(expression, x), wanted, "{expression} of {x}");
    }
    assert_eq!(evaluate("0.29 | minor_units", &json!({})), Ok(Some(json!(29))));
    assert_eq!(evaluate("19.99 | minor_units", &json!({})), Ok(Some(json!(1999))));
}

#[test]
fn given_lists_when_the_greatest_is_picked_or_they_are_sorted_by_a_key_then_numbers_count_as_numbers() {
    let record =
        json!({"l": [{"n": 10, "s": "b"}, {"n": 9, "s": "a"}, {"s": "c"}], "m": [2, null, 10], "e": []});
    let is = |expression: &str| evaluate(expression, &record).unwrap();
    assert_eq!(is("l | sort('n') | pluck('s')"), Some(json!(["c", "a", "b"])));
    assert_eq!(is("(l | sort('n') | last).s"), Some(json!("b")));
    assert_eq!((is("m | max"), is("m | min"), is("e | max")), (Some(json!(10)), Some(json!(2)), None));
}

proptest! {
    #[test]
    fn given_any_text_when_cut_then_it_fits_and_is_a_beginning(x in "\\PC{0,40}", length in 0_usize..50) {
        let cut = of(&format!("x | truncate({length})"), &x);
        prop_assert!(cut.chars().count() <= length && x.starts_with(&cut));
        let cut = of(&format!("x | truncate_bytes({length})"), &x);
        prop_assert!(cut.len() <= length && x.starts_with(&cut));
        let marked = of(&format!("x | truncate({length}, '…')"), &x);
        prop_assert!(marked.chars().count() <= length);
    }

    #[test]
    fn given_any_text_when_taken_for_html_a_name_or_an_address_then_it_ends(x in "[<>&;/a-c\"'!= ,.@-]{0,60}") {
        for filter in ["strip_html", "email", "given_name", "family_name", "phone('DE')"] {
            prop_assert!(!of(&format!("x | {filter}"), &x).starts_with("error"), "{filter}");
        }
    }

    #[test]
    fn given_any_amount_when_turned_both_ways_then_it_is_the_same(minor in -10_000_000_i64..10_000_000, digits in 0_u8..5) {
        let back = format!("{minor} | major_units({digits}) | minor_units({digits})");
        prop_assert_eq!(evaluate(&back, &json!({})), Ok(Some(json!(minor))));
    }
}
