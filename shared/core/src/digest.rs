//! SHA-256, the one hash of the system: keys that are too long, payloads, fields, shards.

use sha2::{Digest, Sha256};

/// `sha256:` and the hex digest of `text`: stands for a key or id that its carrier could not hold.
#[must_use]
pub fn tagged(text: &str) -> String {
    format!("sha256:{}", hex(text.as_bytes()))
}

/// The hex digest of `bytes`, 64 characters.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    to_hex(&Sha256::digest(bytes))
}

/// A digest that grows with what it is fed: for what does not fit in memory.
#[derive(Debug, Clone, Default)]
pub struct Running(Sha256);

impl Running {
    /// Adds `bytes`.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hex digest of all that was fed.
    #[must_use]
    pub fn hex(self) -> String {
        to_hex(&self.0.finalize())
    }
}

/// The first 16 bytes of the digest in hex: 32 characters, enough to tell payloads of one record apart.
#[must_use]
pub fn short_hex(bytes: &[u8]) -> String {
    to_hex(&Sha256::digest(bytes)[..16])
}

/// The first four bytes of the digest: one field's share of an item's `base`.
#[must_use]
pub fn four(bytes: &[u8]) -> [u8; 4] {
    let digest = Sha256::digest(bytes);
    [digest[0], digest[1], digest[2], digest[3]]
}

/// The first eight bytes of the digest as a big-endian number: what shards and group buckets are taken from.
#[must_use]
pub fn number(bytes: &[u8]) -> u64 {
    let digest = Sha256::digest(bytes);
    digest[..8].iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}

fn to_hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn given_the_empty_text_when_tagged_then_it_is_the_well_known_digest() {
        assert_eq!(
            super::tagged(""),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(super::number(b""), 0xe3b0_c442_98fc_1c14);
    }
}
