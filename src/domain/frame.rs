//! A batch of rows as plain slices: what the data adapter hands to everything that computes.
//!
//! A number is an f64 whatever its type in the file, and everything that is not a number is text, so
//! that `learn` needs to know no data-frame library. Values are borrowed where the batch holds them
//! in that form already.

use std::borrow::Cow;

use crate::domain::texts::Texts;

/// Rows of some columns, all of the same length.
#[derive(Debug, Clone, Default)]
pub struct Frame<'a> {
    /// How many rows every column has.
    pub rows: usize,
    /// The columns, in the order they were asked for.
    pub columns: Vec<FrameColumn<'a>>,
}

/// A named column of a [`Frame`].
#[derive(Debug, Clone)]
pub struct FrameColumn<'a> {
    /// The name of the column, as the file spells it.
    pub name: &'a str,
    /// One value a row.
    pub cells: Cells<'a>,
}

/// The values of one column.
#[derive(Debug, Clone)]
pub enum Cells<'a> {
    /// A column of numbers.
    Number(Numbers<'a>),
    /// A column of text.
    Text(Texts<'a>),
}

/// Numbers with their nulls. NaN and infinities among the values are data, not nulls.
///
/// Booleans are 0 and 1; dates and datetimes are days since 1970-01-01, spans and times of day are
/// seconds.
#[derive(Debug, Clone)]
pub struct Numbers<'a> {
    /// One value a row; what stands where a null is, is NaN.
    pub values: Cow<'a, [f64]>,
    /// One flag a row, true for a null; empty if there is no null.
    pub nulls: Vec<bool>,
}

impl Numbers<'_> {
    /// The value of `row`, or `None` for a null.
    pub fn value(&self, row: usize) -> Option<f64> {
        let is_null = self.nulls.get(row).copied().unwrap_or(false);
        (!is_null).then(|| self.values[row])
    }

    /// How many values are null.
    pub fn null_count(&self) -> usize {
        self.nulls.iter().filter(|is_null| **is_null).count()
    }
}

impl<'a> Cells<'a> {
    /// A column of text with these values; `None` is a null.
    pub fn text(values: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        Self::Text(values.into_iter().collect())
    }

    /// How many rows the column has.
    pub fn len(&self) -> usize {
        match self {
            Self::Number(numbers) => numbers.values.len(),
            Self::Text(values) => values.len(),
        }
    }

    /// Whether the column has no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a> Frame<'a> {
    /// The cells of the column called `name`.
    pub fn column(&self, name: &str) -> Option<&Cells<'a>> {
        self.columns.iter().find(|column| column.name == name).map(|column| &column.cells)
    }
}
