//! Identifiers that look random and are not: each is a pure function of a name and a counter.

/// A 64-bit hash of a name (FNV-1a, then mixed).
pub(crate) fn hash(name: &str) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325_u64;
    mix(name.bytes().fold(start, |seed, byte| (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)))
}

/// Spreads a counter over all 64 bits (splitmix64).
pub(crate) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A version-4-shaped UUID.
pub(crate) fn uuid(salt: u64, counter: u64) -> String {
    let (high, low) = (mix(salt ^ mix(counter)), mix(salt.wrapping_add(counter).rotate_left(17)));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0x0fff,
        0x8000 | (low >> 50),
        low & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_counters_when_made_into_uuids_then_they_are_well_formed_and_differ() {
        let made: std::collections::BTreeSet<String> = (0..1000).map(|n| uuid(hash("acme"), n)).collect();
        assert_eq!(made.len(), 1000);
        assert!(made.iter().all(|id| id.len() == 36 && id.as_bytes()[14] == b'4'));
    }
}
