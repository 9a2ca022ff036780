//! Some rows of a batch, transformed, small enough to stay in the cache.
//!
//! A number is one slice, a category one slice of codes: the zeros of one-hot columns are never written.
//! Rows do not influence each other, so the size of a block changes no result.

use std::collections::HashMap;
use std::hint::black_box;
use std::ops::Range;

use crate::domain::frame::{Cells, Frame};
use crate::learn::features::lookup::Lookup;
use crate::learn::features::{FittedColumn, FittedFeatures, RawNumber, Slot, Transform};

/// Most rows of a block.
const ROWS_MAX: usize = 2_048;
/// Most values of a block, so that wide tables get shorter blocks.
const VALUES_MAX: usize = 1 << 18;

/// Transformed rows.
#[derive(Debug)]
pub struct Block {
    /// How many rows.
    pub rows: usize,
    /// One for each feature, in the order of the matrix.
    pub columns: Vec<BlockColumn>,
}

/// One feature of a [`Block`].
#[derive(Debug)]
pub enum BlockColumn {
    /// A number.
    Number {
        /// Where it stands in the matrix.
        column: usize,
        /// One value a row; NaN is missing, under [`Encoding::Native`](super::Encoding) alone.
        values: Vec<f64>,
    },
    /// A category.
    Levels {
        /// The matrix column of code 0, or that of all codes.
        first: usize,
        /// One code a row; `CategoryTransform::NO_CODE` for none.
        codes: Vec<u32>,
    },
}

/// Reads blocks from a batch.
#[derive(Debug)]
pub struct BlockReader<'a> {
    sources: Vec<Source<'a>>,
    rows: usize,
}

#[derive(Debug)]
struct Source<'a> {
    transform: &'a Transform,
    slot: Slot,
    cells: &'a Cells<'a>,
    lookup: Lookup<'a>,
}

/// Why a batch cannot be transformed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The batch lacks a feature.
    #[error("column `{column}` is missing in a batch of rows to score")]
    MissingColumn {
        /// The name of the column.
        column: String,
    },
    /// A column of the batch is longer or shorter than the batch.
    #[error("column `{column}` has {found} values in a batch of {wanted} rows to score")]
    Ragged {
        /// The name of the column.
        column: String,
        /// Rows of the batch.
        wanted: usize,
        /// Values of the column.
        found: usize,
    },
    /// A column holds text where the model was trained on numbers.
    #[error("column `{column}` holds text, wanted numbers as at training")]
    Text {
        /// The name of the column.
        column: String,
    },
}

impl BlockColumn {
    /// The same column with its rows in another order.
    #[must_use]
    pub fn reordered(&self, order: &[usize]) -> Self {
        match self {
            Self::Number { column, values } => {
                let values = order.iter().map(|row| values[*row]).collect();
                Self::Number { column: *column, values }
            }
            Self::Levels { first, codes } => {
                let codes = order.iter().map(|row| codes[*row]).collect();
                Self::Levels { first: *first, codes }
            }
        }
    }
}

impl<'a> BlockReader<'a> {
    /// Finds the columns of `features` in `frame`.
    pub fn new(features: &'a FittedFeatures, frame: &'a Frame<'a>) -> Result<Self, BatchError> {
        let mut found: HashMap<&str, &'a Cells<'a>> = HashMap::with_capacity(frame.columns.len());
        for column in &frame.columns {
            found.entry(column.name).or_insert(&column.cells);
        }
        let source = |(column, slot): (&'a FittedColumn, Slot)| {
            let cells = found.get(column.name.as_str()).copied();
            let cells = accept(column, cells, frame.rows)?;
            let levels = match &column.transform {
                Transform::Number(_) | Transform::Raw(_) => &[],
                Transform::Category(category) | Transform::Codes(category) => category.levels(),
            };
            Ok(Source { transform: &column.transform, slot, cells, lookup: Lookup::new(levels) })
        };
        let sources = features.fitted().iter().zip(features.slots()).map(source);
        Ok(Self { sources: sources.collect::<Result<_, _>>()?, rows: frame.rows })
    }

    /// The rows of each block, in order.
    pub fn ranges(&self) -> Vec<Range<usize>> {
        let rows = (VALUES_MAX / self.sources.len().max(1)).clamp(16, ROWS_MAX);
        (0..self.rows).step_by(rows).map(|from| from..(from + rows).min(self.rows)).collect()
    }

    /// A block without rows, to be used for many reads.
    pub fn block(&self) -> Block {
        let column = |source: &Source<'_>| match source.slot {
            Slot::Number { column } => BlockColumn::Number { column, values: Vec::new() },
            Slot::Levels { first, .. } | Slot::Code { column: first, .. } => {
                BlockColumn::Levels { first, codes: Vec::new() }
            }
        };
        Block { rows: 0, columns: self.sources.iter().map(column).collect() }
    }

    /// Replaces what `block` holds by `rows`.
    pub fn read(&self, rows: &Range<usize>, block: &mut Block) {
        block.rows = rows.len();
        for (source, column) in self.sources.iter().zip(&mut block.columns) {
            fetch(source.cells, rows);
            match (source.transform, column) {
                (Transform::Number(number), BlockColumn::Number { values, .. }) => {
                    values.resize(rows.len(), 0.0);
                    number.apply_cells(source.cells, rows.clone(), values);
                }
                (Transform::Raw(_), BlockColumn::Number { values, .. }) => {
                    values.resize(rows.len(), 0.0);
                    RawNumber::apply_cells(source.cells, rows.clone(), values);
                }
                (
                    Transform::Category(category) | Transform::Codes(category),
                    BlockColumn::Levels { codes, .. },
                ) => {
                    codes.resize(rows.len(), 0);
                    category.apply(&source.lookup, source.cells, rows.clone(), codes);
                }
                _ => unreachable!("a block has the slots of the reader that made it"),
            }
        }
    }
}

/// Brings `rows` of a column of numbers into the cache. A batch is larger than the cache, and a loop that has
/// something to compute waits for its values one after the other; reading one of each cache line, the processor
/// waits for many at a time.
fn fetch(cells: &Cells<'_>, rows: &Range<usize>) {
    const LINE: usize = 64 / size_of::<f64>();
    let Cells::Number(numbers) = cells else { return };
    let lines = numbers.values.get(rows.clone()).unwrap_or_default().chunks(LINE);
    black_box(lines.fold(0, |all, line| all ^ line[0].to_bits()));
}

/// The cells of `column`, if they have the length of the batch and a form that can be transformed.
fn accept<'a>(
    column: &FittedColumn,
    cells: Option<&'a Cells<'a>>,
    rows: usize,
) -> Result<&'a Cells<'a>, BatchError> {
    let name = || column.name.clone();
    let cells = cells.ok_or_else(|| BatchError::MissingColumn { column: name() })?;
    if cells.len() != rows {
        return Err(BatchError::Ragged { column: name(), wanted: rows, found: cells.len() });
    }
    match (&column.transform, cells) {
        (Transform::Number(_) | Transform::Raw(_), Cells::Text(values))
            if !values.is_all_null() =>
        {
            Err(BatchError::Text { column: name() })
        }
        _ => Ok(cells),
    }
}
