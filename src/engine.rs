//! The order in which things happen, and how they become durable.
//!
//! Every trigger enters through [`execute`]; a label says why, never another code path. Nothing here
//! prints, knows an exit code, or holds SQL or polars.

/// Clock, store, artifacts and roots in one value.
pub mod world;
/// The jobs of a project.
pub mod jobs;
/// Everything a run will read, use and write, resolved before doing anything.
pub mod plan;
/// From a request to a committed run; the only way anything runs.
pub mod execute;
/// A score run from beginning to end.
pub mod score;
/// One pass over the data, in constant memory.
pub mod pass;
/// Findings that no single batch can make.
pub mod judge;
/// The pointer that readers of a published tick follow.
pub mod manifest;
/// Every setting of a job with its value.
pub mod settings;
/// A train run from beginning to end.
pub mod train;
/// From files to an evaluated artifact, in memory.
pub mod candidate;
/// The rows that a version is trained on.
pub mod training_rows;
/// Intent, publication and the final transaction.
pub mod commit;
/// Unfinished runs of processes that are gone.
pub mod recover;
/// The chain for each missing tick.
pub mod backfill;
/// Promotion, rollback by hand, import.
pub mod registry;
/// Every stored hash against the disk.
pub mod verify;
/// Deletion of what nothing needs any more.
pub mod prune;
/// What a run did, as it stands in the store.
pub mod report;
/// What stopped a run, and where.
pub mod error;
/// CPU work away from the async workers.
pub mod offload;
