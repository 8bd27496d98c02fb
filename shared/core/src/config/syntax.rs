//! The words for a text that is no YAML: the parser's own are for those who write parsers.

/// What the parser says (a part of it), and what it means to who wrote the file.
const MEANINGS: [(&str, &str); 21] = [
    ("tabs disallowed", "a tab stands here; indent with spaces"),
    ("found a tab", "a tab stands here; use spaces"),
    (
        "multiple YAML documents",
        "a second document begins here; take the line `---` above away, or make it a file of its own",
    ),
    (
        "unknown anchor",
        "`*` stands for something that `&` names above, and nothing does; put a text that begins with `*` in quotes",
    ),
    (
        "block mapping, did not find expected key",
        "this line is indented like none of those above it, or something above it is not ended",
    ),
    (
        "block collection, did not find expected '-'",
        "this line is no item of the list above it; begin it with `- `, or indent it like what it belongs to",
    ),
    (
        "mapping values are not allowed",
        "a second `: ` stands in this line; put a text that holds one in quotes",
    ),
    (
        "block sequence entries are not allowed",
        "a list begins in the middle of a line; write it on the lines below, or in `[` and `]`",
    ),
    ("simple key expected ':'", "a `:` is missing behind this key; write key: value"),
    ("flow mapping, did not find expected ',' or '}'", "a `,` or `}` is missing here"),
    ("flow sequence, expected ',' or ']'", "a `,` or `]` is missing here"),
    (
        "invalid trailing content after",
        "something stands behind the closing quote; put the whole text in quotes of the other kind, `'` or `\"`",
    ),
    ("unclosed bracket", "this bracket is never closed"),
    ("unclosed quote", "this quote is never closed"),
    (
        "found unknown escape character",
        "between `\"` a `\\` begins an escape, and there is no such one; put the text in `'` instead",
    ),
    ("unexpected character", "a text cannot begin with this character; put it in quotes"),
    ("unexpected EOF", "a bracket or brace before this is not ended, or something is missing within it"),
    (
        "did not find expected comment or line break",
        "a text begins on the line below `|` or `>`; move it there",
    ),
    ("expected a key", "a key is a text; write it in one line, without brackets"),
    ("misplaced bracket", "this bracket was never opened"),
    ("did not find expected node content", "a value is missing here"),
];

/// `message` of the parser for who wrote the file.
pub(super) fn meaning(message: &str) -> String {
    if let Some(key) = message.strip_prefix("duplicate mapping key: ") {
        return format!("the key `{key}` stands twice here; keep one of them");
    }
    let meant = MEANINGS.iter().find(|(theirs, _)| message.contains(theirs)).map(|(_, ours)| *ours);
    format!("not valid YAML: {}", meant.unwrap_or(message))
}

#[cfg(test)]
mod tests {
    use super::super::yaml::parse;

    #[test]
    fn given_texts_that_are_no_yaml_when_parsed_then_the_message_says_what_to_do() {
        let said = |text: &str| match parse(text) {
            Ok(_) => panic!("valid: {text}"),
            Err(error) => format!("{text:?} → {}:{}: {}", error.line, error.column, error.message),
        };
        insta::assert_snapshot!([
            "a:\n\tb: 1", "a: b\tc: 1\n\td", "a: 1\n---\nb: 2", "a: *b", "a:\n    b: 1\n  c: 2", "a:\n  - b\n  c: 1", "a: b: c", "a: - b", "a: 1\nb\n",
            "a: {b: 1 c: 2}", "a: [b c: 1", "a: \"b\" c", "a: [b", "a: 'b", "a: \"\\q\"", "a: @b", "a: `b`", "a: {b: 1, , c: 2}", "a: 1\na: 2", "- a\nb: 1", "a: |x\n  b", "? [a]: b\n: c", "%YAML 9\n", "a: [1, 2]]",
        ].map(said).join("\n"), @r#"
        "a:\n\tb: 1" → 2:2: not valid YAML: a tab stands here; indent with spaces
        "a: b\tc: 1\n\td" → 1:7: not valid YAML: a second `: ` stands in this line; put a text that holds one in quotes
        "a: 1\n---\nb: 2" → 3:1: not valid YAML: a second document begins here; take the line `---` above away, or make it a file of its own
        "a: *b" → 1:4: not valid YAML: `*` stands for something that `&` names above, and nothing does; put a text that begins with `*` in quotes
        "a:\n    b: 1\n  c: 2" → 3:3: not valid YAML: this line is indented like none of those above it, or something above it is not ended
        "a:\n  - b\n  c: 1" → 3:3: not valid YAML: this line is no item of the list above it; begin it with `- `, or indent it like what it belongs to
        "a: b: c" → 1:5: not valid YAML: a second `: ` stands in this line; put a text that holds one in quotes
        "a: - b" → 1:4: not valid YAML: a list begins in the middle of a line; write it on the lines below, or in `[` and `]`
        "a: 1\nb\n" → 2:1: not valid YAML: a `:` is missing behind this key; write key: value
        "a: {b: 1 c: 2}" → 1:11: not valid YAML: a `,` or `}` is missing here
        "a: [b c: 1" → 1:4: not valid YAML: this bracket is never closed
        "a: \"b\" c" → 1:8: not valid YAML: something stands behind the closing quote; put the whole text in quotes of the other kind, `'` or `"`
        "a: [b" → 1:4: not valid YAML: this bracket is never closed
        "a: 'b" → 1:4: not valid YAML: this quote is never closed
        "a: \"\\q\"" → 1:4: not valid YAML: between `"` a `\` begins an escape, and there is no such one; put the text in `'` instead
        "a: @b" → 1:4: not valid YAML: a text cannot begin with this character; put it in quotes
        "a: `b`" → 1:4: not valid YAML: a text cannot begin with this character; put it in quotes
        "a: {b: 1, , c: 2}" → 1:11: not valid YAML: a bracket or brace before this is not ended, or something is missing within it
        "a: 1\na: 2" → 2:1: the key `a` stands twice here; keep one of them
        "- a\nb: 1" → 2:1: not valid YAML: this line is no item of the list above it; begin it with `- `, or indent it like what it belongs to
        "a: |x\n  b" → 1:4: not valid YAML: a text begins on the line below `|` or `>`; move it there
        "? [a]: b\n: c" → 1:3: not valid YAML: a key is a text; write it in one line, without brackets
        "%YAML 9\n" → 1:1: not valid YAML: while scanning a YAML directive, did not find expected digit or '.' character
        "a: [1, 2]]" → 1:10: not valid YAML: this bracket was never opened
        "#);
    }
}
