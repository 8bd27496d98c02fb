//! One dead letter, as the index shows it.

pub(crate) use rtr_engine::letters::{Letter, id};

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
    use rtr_core::time::Instant;

    pub(in super::super) fn letter(id: &str, connection: &str, at: i64, summary: &str) -> Letter {
        let key =
            PairKey::new(&RecordKey::new("acme", "contact", id), &ConnectionKey::new("acme", connection));
        Letter::read(key, Instant(at), summary)
    }
}
