//! What is counted of every row, whatever a version makes of it.

use std::path::Path;

use super::track::write_error;
use crate::adapters::dataset::{DuplicateFinder, Duplicates, IdSet};
use crate::domain::frame::Frame;
use crate::engine::error::RunError;
use crate::learn::profile::{Profiler, ReferenceProfile, TableProfile};

/// The counters between batches.
pub(super) struct Counted {
    profiler: Profiler,
    duplicates: DuplicateFinder,
    /// The ids that were read.
    ids: IdSet,
}

impl Counted {
    /// Nothing yet; `columns` are profiled against `reference`, and ids may be spilled to the folder `staging`.
    pub(super) fn new(reference: &ReferenceProfile, columns: &[&str], staging: &Path) -> Self {
        Self {
            profiler: Profiler::new(reference, columns),
            duplicates: DuplicateFinder::new(staging),
            ids: IdSet::default(),
        }
    }

    /// Takes in the rows of a batch, with one hash of an id for each.
    pub(super) fn take(&mut self, frame: &Frame<'_>, ids: &[u64]) -> Result<(), RunError> {
        let Self { profiler, duplicates, ids: seen } = self;
        let (profiled, pushed) = rayon::join(
            || profiler.update(frame, ids),
            || {
                seen.extend(ids);
                duplicates.push(ids)
            },
        );
        profiled.map_err(RunError::data("profile"))?;
        pushed.map_err(write_error)
    }

    /// The profile, the ids, and those of them that may occur more than once.
    pub(super) fn finish(self) -> (TableProfile, IdSet, Result<Duplicates, RunError>) {
        let Self { profiler, duplicates, ids } = self;
        let (profile, repeated) = rayon::join(|| profiler.finish(), || duplicates.finish());
        (profile, ids, repeated.map_err(write_error))
    }
}
