//! Where a CRM pushes to: one address per connection, `<base>/<org>/<connection>`.
//!
//! Ids are any text, and what is between a CRM and us decodes percent signs or does not: API Gateway's HTTP APIs do, and cut the
//! path at a `?` that comes out of it. A CRM that signs its address means the one that was entered, though. So an address
//! holds no percent sign at all: what is not a letter, digit, `-`, `_` or `.` stands as `~` and two hex digits for each byte,
//! which nobody on the way touches.

use crate::key::ConnectionKey;

/// The address of `connection` below `base`, as people enter it at the CRM.
#[must_use]
pub fn address(base: &str, connection: &ConnectionKey) -> String {
    let base = base.trim_end_matches('/');
    format!("{base}/{}/{}", segment(&connection.org_id), segment(&connection.connection))
}

/// `id` as a part of a path.
#[must_use]
pub fn segment(id: &str) -> String {
    let mut text = String::with_capacity(id.len());
    for (at, byte) in id.bytes().enumerate() {
        // `.` and `..` alone mean another path.
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || (byte == b'.' && at > 0);
        if plain {
            text.push(char::from(byte));
        } else {
            text.push('~');
            text.extend(
                [byte >> 4, byte & 15].into_iter().filter_map(|digit| char::from_digit(digit.into(), 16)),
            );
        }
    }
    text
}

/// The id that a part of a path stands for; none when it is no such part. Characters that should have been escaped stand for
/// themselves: somebody wrote the address by hand.
#[must_use]
pub fn id(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'~' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok().filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn given_ids_of_any_text_when_addressed_then_nothing_on_the_way_can_take_them_for_something_else() {
        let address = |org: &str, connection: &str| {
            address("https://rtr.example/webhooks/", &ConnectionKey::new(org, connection))
        };
        insta::assert_snapshot!(
            [address("acme", "hubspot-eu"), address("..", "a/b?c#d"), address("100 % ~ü", "v1.2")].join("\n"),
            @r"
        https://rtr.example/webhooks/acme/hubspot-eu
        https://rtr.example/webhooks/~2e./a~2fb~3fc~23d
        https://rtr.example/webhooks/100~20~25~20~7e~c3~bc/v1.2
        "
        );
    }

    #[test]
    fn given_a_part_that_is_none_when_read_then_there_is_no_id() {
        for part in ["", "~", "~2", "~zz", "a~ff", "~-1"] {
            assert_eq!(id(part), None, "{part}");
        }
        // Decoded on the way, or written by hand.
        assert_eq!(id("a b~2Fc").unwrap(), "a b/c");
    }

    proptest! {
        #[test]
        fn given_any_id_when_written_and_read_then_it_is_the_same_and_of_few_characters(text in "\\PC{1,64}") {
            let segment = segment(&text);
            prop_assert!(segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b)), "{segment}");
            prop_assert_eq!(id(&segment).unwrap(), text);
        }
    }
}
