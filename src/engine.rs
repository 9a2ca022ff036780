//! The order in which things happen, and how they become durable.
//!
//! Every trigger enters through [`execute`]; a label says why, never another code path. Nothing here
//! prints, knows an exit code, or holds SQL or polars.

/// The chain for each missing tick.
pub mod backfill;
/// A backup of the record.
pub mod backup;
/// A person ends a run.
pub mod cancel;
/// From files to an evaluated artifact, in memory.
pub mod candidate;
/// Intent, publication and the final transaction.
pub mod commit;
/// What a rollback asks for besides moving the alias.
pub mod corrections;
/// Schedules that leave their runs too little time.
pub mod crowding;
/// The scheduler.
pub mod daemon;
/// How much two versions differ on the same rows.
pub mod disagreement;
/// What its profiles say of a night.
pub mod drift;
/// What stopped a run, and where.
pub mod error;
/// Metrics and comparisons of a table of predictions, without a job.
pub mod evaluate;
/// From a request to a committed run; the only way anything runs.
pub mod execute;
/// Why one row has its score.
pub mod explain;
/// What a candidate shows on the rows held out.
pub mod gates;
/// The files that a run reads, and their digests.
pub mod inputs;
/// The jobs of a project.
pub mod jobs;
/// Findings that no single batch can make.
pub mod judge;
/// Whether the state is on a file system of this machine alone.
pub mod local;
/// A database that is gone although it has been there.
pub mod lost;
/// The pointer that readers of a published tick follow.
pub mod manifest;
/// CPU work away from the async workers.
pub mod offload;
/// The folder of a tick, and whether it may be published to.
pub mod output;
/// One pass over the data, in constant memory.
pub mod pass;
/// Everything a run will read, use and write, resolved before doing anything.
pub mod plan;
/// Deletion of what nothing needs any more.
pub mod prune;
/// Unfinished runs of processes that are gone.
pub mod recover;
/// Promotion, rollback by hand, import.
pub mod registry;
/// Files of earlier runs, by roots instead of absolute paths.
pub mod relocate;
/// What a run did, as it stands in the store.
pub mod report;
/// A backup in the place of the record.
pub mod restore;
/// The reasons to train, and the run that follows.
pub mod retrain;
/// Where an attempt that published nothing leaves its run.
pub mod retry;
/// A score run from beginning to end.
pub mod score;
/// The search for parameters before a version is fitted.
pub mod search;
/// Every setting of a job with its value.
pub mod settings;
/// What became of the ticks of a job.
pub mod ticks;
/// A train run from beginning to end.
pub mod train;
/// The rows that a version is trained on.
pub mod training_rows;
/// Every stored hash against the disk.
pub mod verify;
/// The watch over a promotion.
pub mod watch;
/// Whose record it is, and whose files are whose.
pub mod whereabouts;
/// Clock, store, artifacts and roots in one value.
pub mod world;
