//! Values that we may have written to a CRM's record without knowing it: the answer was lost, or whoever called has died.
//!
//! Such a write may stand at the CRM, with a stamp of its own, when the next version comes. It is no change of the CRM's. What it
//! carried is kept as marks until a later call is confirmed, several of one property at once.

use crate::marks::{Mark, Marks};

/// Bytes of one value: four of the property's name, four of the value, as in [`Marks`].
const ENTRY: usize = 8;
/// Values that are kept; of more the oldest go.
const MOST: usize = 128;

/// What may have been written, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent(Vec<u8>);

impl Sent {
    /// Reads [`Self::as_bytes`]; what is no whole entry is left out.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes[..bytes.len() - bytes.len() % ENTRY].to_vec())
    }

    /// As it is kept.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether nothing may have been written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether we may have written the value of this mark to the property `name`.
    #[must_use]
    pub fn has(&self, name: &str, mark: Mark) -> bool {
        let wanted = Marks::entry(name, mark);
        self.0.as_chunks::<ENTRY>().0.contains(&wanted)
    }

    /// These, and the values of `marks`.
    #[must_use]
    pub fn and(mut self, marks: &Marks) -> Self {
        for entry in marks.as_bytes().as_chunks::<ENTRY>().0 {
            // What is sent again is no old value.
            if let Some(at) = self.0.as_chunks::<ENTRY>().0.iter().position(|one| one == entry) {
                self.0.drain(at * ENTRY..(at + 1) * ENTRY);
            }
            self.0.extend(entry);
        }
        let extra = self.0.len().saturating_sub(MOST * ENTRY);
        self.0.drain(..extra);
        self
    }

    /// These, and all of `others`.
    #[must_use]
    pub fn and_all(self, others: &Self) -> Self {
        self.and(&Marks::from_bytes(&others.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbound::canonical::mark;
    use serde_json::json;

    #[test]
    fn given_values_that_may_have_been_written_when_noted_then_each_is_known_and_the_oldest_go() {
        let (a, b) = (json!("a"), json!("b"));
        let sent = Sent::default().and(&Marks::of([("x", &a)])).and(&Marks::of([("x", &b), ("y", &a)]));
        assert!(sent.has("x", mark(&a)) && sent.has("x", mark(&b)) && sent.has("y", mark(&a)));
        assert!(!sent.has("y", mark(&b)) && !sent.has("z", mark(&a)));
        let again = sent.clone().and(&Marks::of([("x", &a)]));
        assert_eq!(again.as_bytes().len(), sent.as_bytes().len(), "twice is once");
        assert_eq!(Sent::from_bytes(&[sent.as_bytes(), &[1, 2]].concat()), sent);
        assert_eq!(Sent::default().and_all(&sent), sent);
        let many = (0..200).map(|n| json!(n)).fold(sent, |sent, n| sent.and(&Marks::of([("x", &n)])));
        assert!(!many.has("y", mark(&a)) && many.has("x", mark(&json!(199))));
        assert_eq!(many.as_bytes().len(), MOST * ENTRY);
    }
}
