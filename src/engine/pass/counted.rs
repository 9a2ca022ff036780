//! What is counted of every row, whatever a version makes of it.

use std::path::Path;

use super::track::{read_error, write_error};
use crate::adapters::dataset::{Batch, DuplicateFinder, Duplicates, IdSet};
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

    /// Takes in the rows of a batch, and reads its columns called `names`.
    pub(super) fn take<'b>(
        &mut self,
        batch: &'b Batch,
        names: &[&'b str],
    ) -> Result<Frame<'b>, RunError> {
        let Self { profiler, duplicates, ids: seen } = self;
        let ids = batch.id_hashes();
        let (frame, pushed) = rayon::join(
            || profiler.update_with(names, ids, |name| batch.cells(name).map_err(read_error)),
            || {
                seen.extend(ids);
                duplicates.push(ids)
            },
        );
        let frame = frame?;
        pushed.map_err(write_error)?;
        Ok(frame)
    }

    /// The profile, the ids, and those of them that may occur more than once.
    pub(super) fn finish(self) -> (TableProfile, IdSet, Result<Duplicates, RunError>) {
        let Self { profiler, duplicates, ids } = self;
        let (profile, repeated) = rayon::join(|| profiler.finish(), || duplicates.finish());
        (profile, ids, repeated.map_err(write_error))
    }
}
