//! The simulator about itself: that a seed decides everything, that the watch sees what it is there to see, that the list of
//! faults is complete. The histories themselves are run by `make simulate`, which these share a profile with.

#![allow(clippy::unwrap_used, clippy::panic)]

mod backfilled;
mod both;
mod catalogue;
mod crowd;
mod determinism;
mod mutants;
mod pinned;
mod shrinking;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
