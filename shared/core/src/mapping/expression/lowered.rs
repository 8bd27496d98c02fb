//! An expression in minijinja's words, while it is put together.

/// An expression in minijinja's words.
pub(super) struct Lowered {
    /// What minijinja compiles.
    pub(super) text: String,
    /// The path, when the expression is nothing but one: `address.city`.
    pub(super) path: Option<Vec<String>>,
    /// Whether the text is a look-up that further keys can be added to.
    is_lookup: bool,
}

impl Lowered {
    /// The whole record.
    pub(super) fn record() -> Self {
        Self { text: "record".into(), path: Some(Vec::new()), is_lookup: false }
    }
}

pub(super) fn plain(text: String) -> Lowered {
    Lowered { text, path: None, is_lookup: false }
}

pub(super) fn lookup(value: Lowered, key: &str, name: Option<String>) -> Lowered {
    let path = value.path.zip(name).map(|(mut path, name)| {
        path.push(name);
        path
    });
    let text = match value.text.strip_suffix(')').filter(|_| value.is_lookup) {
        Some(open) => format!("{open}, {key})"),
        None => format!("__get({}, {key})", value.text),
    };
    Lowered { text, path, is_lookup: true }
}

/// How deep the brackets of a lowered text nest; those within its quoted texts do not count.
pub(super) fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'(' | b'[' | b'{' if !quoted => depth += 1,
            b')' | b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
