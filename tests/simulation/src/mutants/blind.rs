//! Ten more planted bugs, made without looking at the watch: to learn what it sees that it was not built around. So none
//! says which invariant it breaks.

mod calls;
mod records;
mod services;

use super::Mutant;
use crate::core::Core;
use crate::env::Dress;
use std::sync::Arc;

/// Dresses the one seam that `mutant` is at.
pub(super) fn dress(mutant: Mutant, core: &Arc<Core>, mut dress: Dress) -> Dress {
    match mutant {
        Mutant::ReadsEventually
        | Mutant::OverlooksStatementErrors
        | Mutant::LettersStay
        | Mutant::DeletesRevive
        | Mutant::BodyReadOnce => dress.records = records::wrong(mutant, core, dress.records),
        Mutant::ResultsByPosition | Mutant::AssociatesNeighbours => {
            dress.http = calls::wrong(mutant, dress.http);
        }
        Mutant::RestUnshared => dress.limits = services::wrong_limits(core, dress.limits),
        Mutant::TokensPending => dress.secrets = services::wrong_secrets(dress.secrets),
        _ => {}
    }
    dress
}
