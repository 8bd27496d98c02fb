//! Record ids: 15 characters that tell upper from lower case, or 18 that can do without. The last three say,
//! five characters at a time, which of the first fifteen are upper case.

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECK: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// The 18 characters for a type's prefix and a number. Numbers that grow make ids that sort likewise.
pub(super) fn encode(prefix: &str, number: u64) -> String {
    let (mut rest, mut tail) = (number, Vec::new());
    for _ in 0..15_usize.saturating_sub(prefix.len()) {
        let digit = usize::try_from(rest % 62).unwrap_or_default();
        tail.push(char::from(DIGITS.get(digit).copied().unwrap_or(b'0')));
        rest /= 62;
    }
    complete(prefix.chars().chain(tail.into_iter().rev()).collect())
}

/// Adds the three characters to the fifteen.
fn complete(mut id: String) -> String {
    let upper: Vec<bool> = id.chars().map(|letter| letter.is_ascii_uppercase()).collect();
    for five in upper.chunks(5) {
        let bits =
            five.iter().enumerate().fold(0, |bits, (at, is_upper)| bits | (usize::from(*is_upper) << at));
        id.push(char::from(CHECK.get(bits).copied().unwrap_or(b'A')));
    }
    id
}

/// The 18 characters of an id given as 15 or as 18, the latter in whatever case; `None` if it is no id.
pub(super) fn canonical(id: &str) -> Option<String> {
    if !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    match id.len() {
        15 => Some(complete(id.to_owned())),
        18 => {
            let (body, check) = id.split_at(15);
            let bits = check.bytes().map(|byte| {
                let byte = byte.to_ascii_uppercase();
                CHECK.iter().position(|known| *known == byte)
            });
            let bits: Vec<usize> = bits.collect::<Option<_>>()?;
            let cased = body.char_indices().map(|(at, letter)| {
                let upper = bits.get(at / 5).is_some_and(|five| five & (1 << (at % 5)) != 0);
                if upper { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() }
            });
            let made = complete(cased.collect());
            made.eq_ignore_ascii_case(id).then_some(made)
        }
        _ => None,
    }
}

/// The short form, as some messages have it.
pub(super) fn short(id: &str) -> &str {
    id.get(..15).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_known_ids_when_completed_then_the_suffix_is_the_vendors() {
        for id in ["001ak00000OQTieAAH", "003ak000003dQCGAA2", "00Qak00000696HFEAY", "006ak00000OQ4RxAAL"] {
            assert_eq!(canonical(short(id)).as_deref(), Some(id));
            assert_eq!(canonical(id).as_deref(), Some(id));
            assert_eq!(canonical(&id.to_uppercase()).as_deref(), Some(id));
        }
    }

    #[test]
    fn given_what_is_no_id_when_read_then_it_is_refused() {
        for text in ["", "23foo", "001ak00000OQTi-", "001ak00000OQTieAA", "001ak00000OQTieA99"] {
            assert_eq!(canonical(text), None, "{text}");
        }
    }

    #[test]
    fn given_growing_numbers_when_encoded_then_ids_grow_too() {
        let ids: Vec<String> = [1, 61, 62, 4_000, u64::from(u32::MAX)].map(|n| encode("003", n)).to_vec();
        assert!(ids.windows(2).all(|two| two[0] < two[1]), "{ids:?}");
    }
}
