//! What a person does in the CRM itself: opens a record, saves it, deletes it. The account's rules hold as they do for a
//! program; who did it is told apart.

use crate::provider::Env;
use serde_json::{Map, Value};

/// An account as a person at its pages meets it.
pub(crate) trait Desk {
    /// The fields of a type that may be written, for a form: `{name, label, type, required, options: [{value, label}], restricted}`.
    fn fields(&self, object: &str) -> Result<Vec<Value>, String>;
    /// Saves a record, a new one without an id; null clears a field. Gives its id.
    fn save(
        &mut self,
        object: &str,
        id: Option<&str>,
        values: &Map<String, Value>,
        env: &Env<'_>,
    ) -> Result<String, String>;
    /// Deletes a record. Gives its id.
    fn delete(&mut self, object: &str, id: &str, env: &Env<'_>) -> Result<String, String>;
}
