//! The value of the key property: a template over the record's identity, never over its content.

use super::apply::{MappingError, Subject};
use super::suggest::nearest;
use crate::digest;

/// The longest key value in characters; a longer one is stored as its SHA-256 in hexadecimal.
pub const MAX_KEY_VALUE_CHARS: usize = 255;
const NAMES: [&str; 3] = ["org_id", "record_type", "record_id"];

/// A parsed template such as `{record_type}:{record_id}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTemplate {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Org,
    Type,
    Id,
}

impl KeyTemplate {
    /// Parses `template`.
    ///
    /// # Errors
    /// The words of what is wrong, and the name that was probably meant.
    pub fn parse(template: &str) -> Result<Self, (String, Option<&'static str>)> {
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some((text, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                return Err(("the `{` has no closing `}`".to_owned(), None));
            };
            if !text.is_empty() {
                parts.push(Part::Text(text.to_owned()));
            }
            parts.push(match name.trim() {
                "org_id" => Part::Org,
                "record_type" => Part::Type,
                "record_id" => Part::Id,
                other => {
                    let message =
                        format!("unknown name `{other}`; there are org_id, record_type and record_id");
                    return Err((message, nearest(other, NAMES)));
                }
            });
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        if !parts.contains(&Part::Id) {
            return Err(("every record would get one key value: {record_id} is missing".to_owned(), None));
        }
        Ok(Self { parts })
    }

    /// The value for `subject`.
    pub(super) fn fill(&self, subject: &Subject) -> Result<String, MappingError> {
        if subject.record_id.is_empty() {
            return Err(MappingError::new(None, "the record has no id, so its key would be empty"));
        }
        let value: String = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.as_str(),
                Part::Org => subject.org_id,
                Part::Type => subject.record_type,
                Part::Id => subject.record_id,
            })
            .collect();
        let fits = value.chars().count() <= MAX_KEY_VALUE_CHARS;
        Ok(if fits { value } else { digest::hex(value.as_bytes()) })
    }

    /// Whether a record of `ours` under this template could get the value of a record of `theirs` under `other`.
    ///
    /// Ids are any text, so two templates are told apart only by what stands fixed before or after the id.
    #[must_use]
    pub fn could_equal(&self, ours: &str, other: &Self, theirs: &str) -> bool {
        let ends = |template: &Self, record_type: &str| {
            (fixed(template.parts.iter(), record_type), fixed(template.parts.iter().rev(), record_type))
        };
        let ((a_start, a_end), (b_start, b_end)) = (ends(self, ours), ends(other, theirs));
        let reversed = |text: &[String]| {
            text.iter().map(|part| part.chars().rev().collect::<String>()).collect::<String>()
        };
        overlap(&a_start.concat(), &b_start.concat()) && overlap(&reversed(&a_end), &reversed(&b_end))
    }
}

/// The fixed text until the first id; the org stands for itself, being the same on both sides.
fn fixed<'a>(parts: impl Iterator<Item = &'a Part>, record_type: &str) -> Vec<String> {
    parts
        .map_while(|part| match part {
            Part::Text(text) => Some(text.clone()),
            Part::Type => Some(record_type.to_owned()),
            Part::Org => Some("\u{0}".to_owned()),
            Part::Id => None,
        })
        .collect()
}

/// Whether texts that start so could be equal; unknown where the org's name begins.
fn overlap(a: &str, b: &str) -> bool {
    let known = |text: &str| text.find('\u{0}').unwrap_or(text.len());
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    // Past a difference in which neither is the unknown org, nothing can make them equal again.
    same == a.len() || same == b.len() || (same >= known(a).min(known(b)) && differs_at_org(a, b, same))
}

fn differs_at_org(a: &str, b: &str, at: usize) -> bool {
    a.as_bytes().get(at) == Some(&0) || b.as_bytes().get(at) == Some(&0)
}
