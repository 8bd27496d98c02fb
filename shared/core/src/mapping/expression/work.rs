//! What all the expressions of one record cost together. Fuel bounds one value; a mapping may have thousands.

use minijinja::{Error, ErrorKind, Value};
use std::cell::Cell;
use std::marker::PhantomData;

/// The bytes that the filters and functions of one record's expressions may be given, all together. A body of the largest size
/// (1 MiB) through twenty filters takes them up.
pub(in crate::mapping) const MAX_WORK_BYTES: usize = 20 * 1_024 * 1_024;

thread_local! {
    /// What is left for the record at hand; none: nobody counts.
    static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Counts from its making to its end, on its thread.
#[derive(Debug)]
pub(in crate::mapping) struct Work(PhantomData<*const ()>);

impl Work {
    /// Begins a record.
    pub(in crate::mapping) fn begin() -> Self {
        LEFT.set(Some(MAX_WORK_BYTES));
        Self(PhantomData)
    }

    /// Counts a call with this value and these arguments.
    ///
    /// # Errors
    /// When the record has cost more than it may.
    pub(super) fn add(value: &Value, arguments: &[Value]) -> Result<(), Error> {
        let Some(left) = LEFT.get() else { return Ok(()) };
        let bytes = arguments.iter().chain([value]).map(size).fold(0, usize::saturating_add);
        let left = left.checked_sub(bytes);
        LEFT.set(Some(left.unwrap_or_default()));
        left.map(drop).ok_or_else(|| {
            let why = "the expressions of this record do more work together than one record may cost";
            Error::new(ErrorKind::InvalidOperation, why)
        })
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        LEFT.set(None);
    }
}

/// About how much a filter has to look at; what is within a list is counted where it is taken out.
fn size(value: &Value) -> usize {
    match value.as_str() {
        Some(text) => text.len(),
        None => value.len().unwrap_or_default().saturating_mul(8),
    }
}
