//! Expressions that are none.

use super::*;

pub(super) fn cases() -> Vec<Wrong> {
    vec![
        Wrong::field("nothing after a bar", "email: \"email |\""),
        Wrong::field("a bracket that is left open", "name: (first ~ last"),
        Wrong::field("a text that is left open", "name: first ~ 'x"),
        Wrong::field("two values without an operator", "name: first last"),
        Wrong::field("a single equals sign", "name: first if status = 1"),
        Wrong::field("another language's and", "name: first && last"),
        Wrong::field("another language's not", "name: first if !last"),
        Wrong::field("a method", "email: email.lower()"),
        Wrong::field("a name that starts with a digit", "code: 2fa"),
        Wrong::field("braces", "email: \"{{ email }}\""),
        Wrong::field("a chained comparison", "flag: 1 < a < 3"),
        Wrong::field("an argument with a name", "email: email | default(value='x')"),
        Wrong::field("an argument that is missing", "name: name | truncate"),
        Wrong::field("one argument too many", "name: name | lower(\"de\")"),
        Wrong::field("a number beyond 64 bits", "n: '99999999999999999999'"),
        Wrong::field("a character that means nothing", "name: first @ last"),
        Wrong::field("an escape that there is not", "name: 'first ~ \"\\q\"'"),
        Wrong::field("nothing at all", "name: \"\""),
        Wrong::field("a fault in the second line", "name: |\n    first ~\n    last | lowr"),
        Wrong::field("too many brackets", &format!("name: {}a{}", "(".repeat(40), ")".repeat(40))),
        Wrong::field("a test without its value", "name: first if first is startingwith"),
    ]
}

#[test]
fn given_expressions_that_are_none_when_checked_then_the_caret_stands_at_the_fault() {
    insta::assert_snapshot!(shown(&cases()), @r#"
    — nothing after a bar
    config/mappings/hubspot/contact.yaml:3:18: RTR2003 field `email`: expected the name of a filter, found the end
      3 |   email: "email |"
        |                  ^

    — a bracket that is left open
    config/mappings/hubspot/contact.yaml:3:22: RTR2003 field `name`: expected `)`, found the end
      3 |   name: (first ~ last
        |                      ^

    — a text that is left open
    config/mappings/hubspot/contact.yaml:3:17: RTR2003 field `name`: the text has no closing '
      3 |   name: first ~ 'x
        |                 ^

    — two values without an operator
    config/mappings/hubspot/contact.yaml:3:15: RTR2003 field `name`: expected the end of the expression, or an operator, found `last`
      3 |   name: first last
        |               ^

    — a single equals sign
    config/mappings/hubspot/contact.yaml:3:25: RTR2003 field `name`: `=` does not compare; did you mean `==`?
      3 |   name: first if status = 1
        |                         ^

    — another language's and
    config/mappings/hubspot/contact.yaml:3:15: RTR2003 field `name`: `&&` is not an operator here; did you mean `and`?
      3 |   name: first && last
        |               ^

    — another language's not
    config/mappings/hubspot/contact.yaml:3:18: RTR2003 field `name`: `!` is not an operator here; did you mean `not`?
      3 |   name: first if !last
        |                  ^

    — a method
    config/mappings/hubspot/contact.yaml:3:21: RTR2003 field `email`: values have no methods; use a filter, such as `email | lower`
      3 |   email: email.lower()
        |                     ^

    — a name that starts with a digit
    config/mappings/hubspot/contact.yaml:3:9: RTR2003 field `code`: a name cannot start with a digit; write record["…"] for such a key
      3 |   code: 2fa
        |         ^

    — braces
    config/mappings/hubspot/contact.yaml:3:11: RTR2003 field `email`: an expression stands alone here, without {{ and }}
      3 |   email: "{{ email }}"
        |           ^

    — a chained comparison
    config/mappings/hubspot/contact.yaml:3:15: RTR2003 field `flag`: comparisons cannot be chained; join two of them with `and`
      3 |   flag: 1 < a < 3
        |               ^

    — an argument with a name
    config/mappings/hubspot/contact.yaml:3:26: RTR2003 field `email`: arguments have no names here; write the value alone
      3 |   email: email | default(value='x')
        |                          ^

    — an argument that is missing
    config/mappings/hubspot/contact.yaml:3:16: RTR2003 field `name`: `truncate` takes 1 to 2 arguments, not 0; for example "Lovelace" | truncate(5, "…") → "Love…"
      3 |   name: name | truncate
        |                ^

    — one argument too many
    config/mappings/hubspot/contact.yaml:3:16: RTR2003 field `name`: `lower` takes no argument, not 1; for example "ADA@X.IO" | lower → "ada@x.io"
      3 |   name: name | lower("de")
        |                ^

    — a number beyond 64 bits
    config/mappings/hubspot/contact.yaml:3:7: RTR2003 field `n`: the number is beyond 64 bits
      3 |   n: '99999999999999999999'
        |       ^

    — a character that means nothing
    config/mappings/hubspot/contact.yaml:3:15: RTR2003 field `name`: unexpected character `@`
      3 |   name: first @ last
        |               ^

    — an escape that there is not
    config/mappings/hubspot/contact.yaml:3:19: RTR2003 field `name`: unknown escape; a text knows \n, \t, \r, \\, \" and \'
      3 |   name: 'first ~ "\q"'
        |                   ^

    — nothing at all
    config/mappings/hubspot/contact.yaml:3:9: RTR2003 field `name`: the expression is empty; write a path such as email, or none to clear what is there
      3 |   name: ""
        |         ^

    — a fault in the second line
    config/mappings/hubspot/contact.yaml:5:12: RTR2003 field `name`: unknown filter `lowr`; did you mean `lower`?
      5 |     last | lowr
        |            ^

    — too many brackets
    config/mappings/hubspot/contact.yaml:3:25: RTR2003 field `name`: the expression nests too deep; compute parts of it in the internal system
      3 |   name: ((((((((((((((((((((((((((((((((((((((((a))))))))))))))))))))))))))))))))))))))))
        |                         ^

    — a test without its value
    config/mappings/hubspot/contact.yaml:3:39: RTR2003 field `name`: expected a value, found the end
      3 |   name: first if first is startingwith
        |                                       ^
    "#);
}
