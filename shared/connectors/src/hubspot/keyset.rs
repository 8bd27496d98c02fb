//! Going through HubSpot's changes page by page without an offset.
//!
//! A search is sorted by one property and breaks ties as it likes; what changes while it is paged moves, and whatever stood
//! behind it moves up over the edge of a page; and beyond 10,000 results there are no pages. So every page is a search of its
//! own, from a position: by stamps; and within a stamp that fills a page, by ids.
//!
//! - A full page whose last stamp is S is complete below S alone: it goes on from all of S, and what was told of S comes again.
//! - Where that would lead nowhere, for all of the page is of one stamp, it goes on within S by ids, from the lowest.
//! - A page within S that is not full ends S: it goes on a millisecond later, for stamps are whole milliseconds.
//!
//! <https://developers.hubspot.com/docs/api-reference/2026-03/crm/search-the-crm>

use crate::changes::Position;
use rtr_core::failure::{Class, Failure};
use rtr_core::time::Instant;

/// Below every id there is.
const LOWEST: &str = "0";

/// A record as a page tells of it: its stamp and its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The stamp.
    pub at: Instant,
    /// The id.
    pub id: u64,
}

/// Where to go on after the page from `from`, and whether there may be more; `full` when the search found more than it told.
///
/// # Errors
/// When the page leads nowhere: HubSpot said that there is more and told of nothing, or of what was not asked for.
pub fn next(from: &Position, told: &[Mark], full: bool) -> Result<(Position, bool), Failure> {
    let to = |at, after| (Position { at, after }, true);
    Ok(match (&from.after, told.first(), told.last()) {
        (None, Some(first), Some(last)) => match (full, last.at > from.at, first.at == last.at) {
            _ if last.at < from.at => return Err(nowhere()),
            (false, ..) => (Position { at: last.at, after: None }, false),
            (true, true, false) => to(last.at, None),
            (true, ..) => to(last.at, Some(LOWEST.to_owned())),
        },
        (Some(after), _, Some(last)) if full => {
            if after.parse().is_ok_and(|after: u64| last.id <= after) {
                return Err(nowhere());
            }
            to(from.at, Some(last.id.to_string()))
        }
        (_, _, None) if full => return Err(nowhere()),
        (Some(_), ..) => to(from.at.plus_ms(1), None),
        (None, ..) => (from.clone(), false),
    })
}

fn nowhere() -> Failure {
    Failure::new(Class::Unavailable, "HubSpot answered a search for changes with others than were asked for")
}
