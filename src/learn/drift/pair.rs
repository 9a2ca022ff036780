//! A column and its reference, counted in the same cells, whatever they hold.
//!
//! Two columns that cannot be compared are told apart by the reason; none of these is a difference of
//! 0. What a difference means is the business of the tests.

use std::borrow::Cow;
use std::fmt;

use super::Cell;
use super::number::{NumberPair, NumberSide};
use super::text::TextPair;
use crate::domain::frame::Cells;
use crate::domain::table::ColumnType;
use crate::learn::profile::{
    CellKind, CurrentCells, CurrentColumn, NumberReference, ReferenceCells, ReferenceColumn,
};

/// A column and its reference.
#[derive(Debug, Clone)]
pub enum ColumnPair<'a> {
    /// Both hold numbers.
    Number(Box<NumberPair<'a>>),
    /// Both hold texts.
    Text(TextPair),
}

/// Why two columns cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mismatch {
    /// The column is not in the current table.
    Missing,
    /// Nothing but nulls is there tonight, where the reference had values.
    AllNull {
        /// How many rows there are.
        rows: u64,
    },
    /// One holds numbers and the other texts.
    Retyped {
        /// What the reference holds.
        wanted: CellKind,
        /// What the current column holds.
        found: CellKind,
    },
    /// The types of the two columns are not comparable: a day is no number, and a list nothing at all.
    Unlike {
        /// The type in the reference.
        wanted: ColumnType,
        /// The type in the current table.
        found: ColumnType,
    },
    /// The column was counted on the cells of another reference.
    Foreign,
    /// There is nothing to compare with yet.
    NoReference,
}

impl<'a> ColumnPair<'a> {
    /// A pair of the reference in a model version and a column that was counted against it.
    pub fn counted(
        reference: &'a ReferenceColumn,
        current: &'a CurrentColumn,
    ) -> Result<Self, Mismatch> {
        require_comparable(reference, current)?;
        Ok(match (&reference.cells, &current.cells) {
            (ReferenceCells::Number(number), CurrentCells::Number { facts, counts }) => {
                let counts = counts.as_ref().ok_or(Mismatch::Foreign)?;
                let before =
                    NumberSide { facts: number.facts, counts: Cow::Borrowed(&number.counts) };
                let now = NumberSide { facts: *facts, counts: Cow::Borrowed(counts) };
                Self::on_grid(number, before, now)
            }
            (ReferenceCells::Text(text), CurrentCells::Text(counts)) => {
                Self::Text(TextPair::counted(text, counts))
            }
            _ => return Err(Mismatch::Missing),
        })
    }

    /// A pair of an earlier table and tonight's, both counted against `grid`, the reference in a model
    /// version: its points and deciles stay the frozen cells, the earlier table is what is compared with.
    pub fn both_counted(
        grid: &'a ReferenceColumn,
        earlier: &'a CurrentColumn,
        current: &'a CurrentColumn,
    ) -> Result<Self, Mismatch> {
        require_comparable(grid, current)?;
        if !earlier.is_counted_on(grid) {
            return Err(Mismatch::Foreign);
        }
        Ok(match (&grid.cells, &earlier.cells, &current.cells) {
            (
                ReferenceCells::Number(number),
                CurrentCells::Number { facts: before, counts: Some(earlier) },
                CurrentCells::Number { facts: now, counts: Some(current) },
            ) => Self::on_grid(
                number,
                NumberSide { facts: *before, counts: Cow::Borrowed(earlier) },
                NumberSide { facts: *now, counts: Cow::Borrowed(current) },
            ),
            (ReferenceCells::Text(_), CurrentCells::Text(before), CurrentCells::Text(now)) => {
                Self::Text(TextPair::both_counted(before, now))
            }
            _ => return Err(Mismatch::Missing),
        })
    }

    /// A pair of raw columns, exact.
    pub fn of(reference: &Cells<'_>, current: &Cells<'_>) -> Result<Self, Mismatch> {
        match (reference, current) {
            (Cells::Number(before), Cells::Number(now)) => {
                let pair = NumberPair::of(before, now);
                let (rows, finite) = (pair.rows(), pair.finite());
                let is_all_missing = rows.current > 0 && finite.current == 0;
                if is_all_missing && finite.reference > 0 {
                    return Err(Mismatch::AllNull { rows: rows.current });
                }
                Ok(Self::Number(Box::new(pair)))
            }
            (Cells::Text(before), Cells::Text(now)) => {
                let pair = TextPair::of(before, now);
                let (rows, nulls) = (pair.rows(), pair.nulls());
                if rows.current > 0
                    && nulls.current == rows.current
                    && nulls.reference < rows.reference
                {
                    return Err(Mismatch::AllNull { rows: rows.current });
                }
                Ok(Self::Text(pair))
            }
            (Cells::Number(_), Cells::Text(_)) => {
                Err(Mismatch::Retyped { wanted: CellKind::Number, found: CellKind::Text })
            }
            (Cells::Text(_), Cells::Number(_)) => {
                Err(Mismatch::Retyped { wanted: CellKind::Text, found: CellKind::Number })
            }
        }
    }

    fn on_grid(
        number: &'a NumberReference,
        reference: NumberSide<'a>,
        current: NumberSide<'a>,
    ) -> Self {
        let points = number.grid.points();
        Self::Number(Box::new(NumberPair::counted(points, number.deciles, reference, current)))
    }

    /// What both columns hold.
    pub fn kind(&self) -> CellKind {
        match self {
            Self::Number(_) => CellKind::Number,
            Self::Text(_) => CellKind::Text,
        }
    }

    /// Rows of each side, missing values included.
    pub fn rows(&self) -> Cell {
        match self {
            Self::Number(pair) => pair.rows(),
            Self::Text(pair) => pair.rows(),
        }
    }

    /// Rows of each side in the frozen cells of the reference, missing values last.
    pub fn cells(&self) -> Vec<Cell> {
        match self {
            Self::Number(pair) => pair.cells(),
            Self::Text(pair) => pair.cells(),
        }
    }
}

/// Checks that the current column can be held against `reference` at all.
fn require_comparable(
    reference: &ReferenceColumn,
    current: &CurrentColumn,
) -> Result<(), Mismatch> {
    let (wanted, found) = (reference.kind(), current.kind().ok_or(Mismatch::Missing)?);
    if wanted != found {
        return Err(Mismatch::Retyped { wanted, found });
    }
    if !current.is_counted_on(reference) {
        return Err(Mismatch::Foreign);
    }
    let (before, now) = (reference.facts(), current.facts());
    if now.rows > 0 && now.missing() == now.rows && before.missing() < before.rows {
        return Err(Mismatch::AllNull { rows: now.rows });
    }
    Ok(())
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("the column is missing"),
            Self::AllNull { rows } => {
                write!(f, "none of {rows} rows has a value, and the reference has some")
            }
            Self::Retyped { wanted, found } => write!(f, "found {found}, wanted {wanted}"),
            Self::NoReference => f.write_str("there is nothing to compare with yet"),
            Self::Unlike { wanted, found } => write!(f, "found {found}, wanted {wanted}"),
            Self::Foreign => f.write_str("the column was counted against another reference"),
        }
    }
}
