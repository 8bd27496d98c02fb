//! Why an item is not taken, and whether it makes sense to send it again.

use crate::change::Malformed;
use crate::code::Code;

/// Why an item is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The status that HTTP has for it.
    pub status: u16,
    /// The code.
    pub code: Code,
    /// The field at fault, when it is one.
    pub field: Option<&'static str>,
    /// What is wrong, where, what to do; never the offending value.
    pub message: String,
    /// After how many seconds it makes sense to send it again, if it does.
    pub retry_after_s: Option<u64>,
}

impl Refusal {
    /// One that sending again does not mend.
    #[must_use]
    pub fn lasting(status: u16, code: Code, message: impl Into<String>) -> Self {
        Self { status, code, field: None, message: message.into(), retry_after_s: None }
    }

    /// One that ends by itself: sent again after so many seconds, the item may be taken.
    #[must_use]
    pub fn passing(status: u16, code: Code, message: impl Into<String>, retry_after_s: u64) -> Self {
        Self { retry_after_s: Some(retry_after_s), ..Self::lasting(status, code, message) }
    }

    /// The same for what stands at `place`.
    #[must_use]
    pub fn at(self, place: &str) -> Self {
        Self { message: format!("{place}: {}", self.message), ..self }
    }

    /// What comes of the entries behind one of the same record that was not taken for this reason.
    #[must_use]
    pub fn behind(&self) -> Self {
        Self {
            code: Code::BehindAnother,
            field: None,
            message: "an earlier event of the same record was not taken, so this one was not sent: send both again, \
                      in their order"
                .to_owned(),
            ..self.clone()
        }
    }

    /// Whether it makes sense to send the item again.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.retry_after_s.is_some()
    }
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Self {
        let Malformed { code, field, message } = malformed;
        Self { field, ..Self::lasting(400, code, message) }
    }
}
