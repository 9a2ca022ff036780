//! The columns of some rows: decoded beforehand, or when somebody asks for them.

use polars::prelude::{Column, DataFrame};

use super::error::DatasetError;
use super::scan::Group;

/// The columns of a batch, each in one chunk.
#[derive(Debug)]
pub(super) enum Columns {
    /// All of them are in memory.
    Decoded(DataFrame),
    /// Each is decoded when it is asked for.
    Stored(Group),
}

impl Columns {
    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Decoded(frame) => frame.height(),
            Self::Stored(group) => group.rows(),
        }
    }

    /// The column called `name`.
    pub(super) fn column(&self, name: &str) -> Result<&Column, DatasetError> {
        let found = match self {
            Self::Decoded(frame) => frame.column(name).ok(),
            Self::Stored(group) => group.column(name)?,
        };
        found.ok_or_else(|| DatasetError::column(name, "was not asked for"))
    }
}
