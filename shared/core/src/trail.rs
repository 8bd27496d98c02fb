//! How an ending came about, in a few numbers: kept beside it, so that `rtr record` can tell the way of a change and not only
//! where it ended. A line of text of some thirty bytes, since an item that outgrows a KiB costs twice as much to write.

use std::fmt::Write as _;

/// What the CRM was asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Did {
    /// Make a record.
    Create,
    /// Write to the linked record.
    Update,
    /// Write to whichever record has our key, or make it.
    Upsert,
    /// Take the record away, so that it can be brought back.
    Archive,
    /// Erase it.
    Erase,
    /// Only asked what is there.
    Look,
}

/// The way of a version to its ending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trail {
    /// From the event's arrival in its queue to the ending, in milliseconds.
    pub entered_ms: u64,
    /// Receives, this one included; 0 for what no message brought.
    pub receives: u32,
    /// How long its calls waited for tokens, in milliseconds.
    pub waited_ms: u64,
    /// Calls of the CRM in which it took part.
    pub calls: u32,
    /// The status of the last answer; none when there was no answer, or no call.
    pub status: Option<u16>,
    /// How long that took, in milliseconds.
    pub took_ms: u64,
    /// The mapping revision that it was planned under.
    pub mapping_revision: u64,
    /// What the CRM was asked to do.
    pub did: Option<Did>,
}

/// What a trail begins with, so that it is told from a code.
const MARK: char = '~';

impl Did {
    const ALL: [(Self, char); 6] = [
        (Self::Create, 'c'),
        (Self::Update, 'u'),
        (Self::Upsert, 'p'),
        (Self::Archive, 'x'),
        (Self::Erase, 'e'),
        (Self::Look, 'l'),
    ];

    fn letter(self) -> char {
        Self::ALL.iter().find(|(did, _)| *did == self).map_or('l', |(_, letter)| *letter)
    }

    fn from_letter(letter: char) -> Option<Self> {
        Self::ALL.iter().find(|(_, one)| *one == letter).map(|(did, _)| *did)
    }

    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Upsert => "upsert",
            Self::Archive => "archive",
            Self::Erase => "erase",
            Self::Look => "look",
        }
    }
}

impl Trail {
    /// The compact form: `~s1203n1w35c2h207k140m12du`, what is 0 left out but for the first two.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{MARK}s{}n{}", self.entered_ms, self.receives);
        let numbers = [
            ('w', self.waited_ms),
            ('c', u64::from(self.calls)),
            ('h', self.status.map_or(0, u64::from)),
            ('k', self.took_ms),
            ('m', self.mapping_revision),
        ];
        for (letter, number) in numbers.into_iter().filter(|(_, number)| *number > 0) {
            let _ = write!(text, "{letter}{number}");
        }
        if let Some(did) = self.did {
            let _ = write!(text, "d{}", did.letter());
        }
        text
    }

    /// Reads [`Self::to_text`]'s form; none when it is something else. What a newer version has added is passed over.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let mut rest = text.strip_prefix(MARK)?.chars().peekable();
        let mut trail = Self::default();
        while let Some(letter) = rest.next() {
            if letter == 'd' {
                trail.did = rest.next().and_then(Did::from_letter);
                continue;
            }
            let mut number: u64 = 0;
            while let Some(digit) = rest.peek().and_then(|digit| digit.to_digit(10)) {
                number = number.saturating_mul(10).saturating_add(u64::from(digit));
                rest.next();
            }
            let small = u32::try_from(number).unwrap_or(u32::MAX);
            match letter {
                's' => trail.entered_ms = number,
                'n' => trail.receives = small,
                'w' => trail.waited_ms = number,
                'c' => trail.calls = small,
                'h' => trail.status = u16::try_from(number).ok().filter(|status| *status > 0),
                'k' => trail.took_ms = number,
                'm' => trail.mapping_revision = number,
                _ => {}
            }
        }
        Some(trail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_trail() -> impl Strategy<Value = Trail> {
        let did = prop::sample::select(
            Did::ALL.map(|(did, _)| Some(did)).into_iter().chain([None]).collect::<Vec<_>>(),
        );
        let numbers = (any::<u64>(), any::<u32>(), any::<u64>(), any::<u32>());
        (numbers, prop::option::of(1_u16..1_000), any::<u64>(), any::<u64>(), did).prop_map(
            |((entered_ms, receives, waited_ms, calls), status, took_ms, mapping_revision, did)| Trail {
                entered_ms,
                receives,
                waited_ms,
                calls,
                status,
                took_ms,
                mapping_revision,
                did,
            },
        )
    }

    proptest! {
        #[test]
        fn given_any_trail_when_stored_and_read_then_it_is_the_same(trail in any_trail()) {
            prop_assert_eq!(Trail::from_text(&trail.to_text()), Some(trail));
        }

        #[test]
        fn given_any_text_when_read_then_it_never_panics(text in "~?\\PC{0,40}") {
            let _ = Trail::from_text(&text);
        }
    }

    #[test]
    fn given_a_usual_trail_when_stored_then_it_is_short_and_a_newer_ones_parts_are_passed_over() {
        let trail = Trail {
            entered_ms: 1_203,
            receives: 1,
            calls: 1,
            status: Some(200),
            took_ms: 140,
            mapping_revision: 12,
            did: Some(Did::Update),
            ..Trail::default()
        };
        assert_eq!(trail.to_text(), "~s1203n1c1h200k140m12du");
        assert_eq!(Trail::from_text("~s1203n1z9c1h200k140m12du"), Some(trail));
        assert_eq!(Trail::from_text("RTR3001"), None);
    }
}
