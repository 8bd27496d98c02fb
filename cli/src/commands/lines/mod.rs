//! Files of lines: read by number, settled one by one, and gone on with where an interrupted run stopped.

mod checkpoint;
mod keeper;
mod place;
mod source;

pub(crate) use checkpoint::{Checkpoint, Progress, digest_of, unreadable};
pub(crate) use keeper::Keeper;
pub(crate) use place::Place;
pub(crate) use source::{NumberedLine, Source, is_open, numbered};

/// The text of a line, without what surrounds it.
///
/// # Errors
/// When it is not UTF-8.
pub(crate) fn text_of(bytes: &[u8]) -> Result<&str, std::str::Utf8Error> {
    // Windows programs begin files with a mark of their own.
    std::str::from_utf8(bytes).map(|text| text.trim_start_matches('\u{feff}').trim())
}
