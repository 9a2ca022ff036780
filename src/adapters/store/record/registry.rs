//! Versions and aliases on their way into the store.
//!
//! What comes out of it are the types of `domain::registry`, which has the rules by which aliases move.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::identity::{JobName, RunId, Sha256, Version};
use crate::domain::registry::{Action, Aliases, Blessing, MetricValue};

/// A version about to be registered; its number is given by the store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewVersion {
    /// The model kind: `logistic`, ...
    pub kind: String,
    /// The task: `binary`, ...
    pub task: String,
    /// The digest of the artifact, which must be on disk already.
    pub sha256: Sha256,
    /// The size of the artifact.
    pub size_bytes: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Rows it was fitted on.
    pub rows: u64,
    /// Rows it was evaluated on.
    pub rows_test: u64,
    /// Metrics on those rows.
    pub metrics: BTreeMap<String, MetricValue>,
    /// On what grounds it may publish.
    pub blessing: Blessing,
}

/// Where the aliases of a model stand, and the number that a move must name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AliasState {
    /// Where they point.
    pub aliases: Aliases,
    /// Grows with every move; 0 for a model that has none yet.
    pub generation: i64,
}

/// Who moves an alias, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribution {
    /// What kind of move it is.
    pub action: Action,
    /// `cli`, `schedule`, `ci`, ...
    pub actor: String,
    /// Why.
    pub reason: String,
    /// The run that caused it.
    pub run: Option<RunId>,
}

/// A move of the aliases of a model, valid only at the generation it was planned at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AliasMove {
    /// The model.
    pub model: JobName,
    /// The generation at which `after` was worked out.
    pub generation: i64,
    /// Where the aliases are to point.
    pub after: Aliases,
    /// On what grounds the new champion publishes, where these change with the move.
    pub blessing: Option<Blessing>,
    /// Who moves it, and why.
    pub by: Attribution,
}

/// An artifact that no run has trained, to be registered as a version.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// The model that gains a version.
    pub model: JobName,
    /// The version.
    pub version: NewVersion,
    /// Who imports it, and why.
    pub by: Attribution,
    /// When.
    pub at: Timestamp,
}

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    /// The number that the artifact got.
    pub version: Version,
    /// Where the aliases point now.
    pub aliases: Aliases,
}
