//! The texts and numbers that an expression names.

use super::token::{Word, tokenize};

/// The texts and numbers that stand in `source`, and those of them that a text is asked to begin or end with.
pub(in crate::mapping) fn literals(source: &str) -> (Vec<String>, Vec<String>) {
    let (mut all, mut ends) = (Vec::new(), Vec::new());
    let mut asked = false;
    for token in tokenize(source).unwrap_or_default() {
        match token.word {
            Word::Text(text) => {
                if asked {
                    ends.push(text.clone());
                }
                all.push(text);
                asked = false;
            }
            Word::Number(digits) => {
                all.push(digits);
                asked = false;
            }
            Word::Name(name) => asked = matches!(name.as_str(), "startingwith" | "endingwith"),
            // The bracket of an argument.
            Word::Symbol("(") => {}
            Word::Symbol(_) | Word::End => asked = false,
        }
    }
    (all, ends)
}
