//! The whole matrix of the rows that a model is fitted on.
//!
//! Column by column, because every solver here walks along columns. It exists while a model is fitted
//! and never when scoring, which goes by [`crate::learn::features::Block`].

use linfa::dataset::Records;
use ndarray::{ArrayView2, ShapeBuilder as _};
use rayon::prelude::*;

use crate::learn::features::lookup::Lookup;
use crate::learn::features::{
    CategoryTransform, FeatureError, FittedColumn, FittedFeatures, RawNumber, Slot, Transform,
};
use crate::learn::split::SplitRows;
use crate::learn::table::TrainingTable;
use crate::learn::weights::RowWeights;

/// Most cells of a matrix: 8 GiB.
const CELLS_MAX: usize = 1 << 30;

/// A matrix, column by column, with what a solver should know about its columns.
///
/// Its numbers are finite, but for NaN where the kind of the model takes that as missing.
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    rows: usize,
    names: Vec<String>,
    slots: Vec<Slot>,
    groups: Vec<LevelGroup>,
    values: Vec<f64>,
    weights: Option<RowWeights>,
    parts: Option<SplitRows>,
}

/// Columns of which exactly one is 1 in every training row, and the others 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelGroup {
    /// The first column.
    pub first: usize,
    /// How many columns.
    pub count: usize,
    /// The column that is 1 most often.
    pub most_frequent: usize,
}

impl Design {
    /// Transforms `rows` of `table`.
    pub fn build(
        features: &FittedFeatures,
        table: &TrainingTable,
        rows: &[usize],
    ) -> Result<Self, FeatureError> {
        let cells = features.width().saturating_mul(rows.len());
        if cells > CELLS_MAX {
            return Err(FeatureError::TooMany {
                what: "matrix cells",
                found: cells,
                max: CELLS_MAX,
            });
        }
        let slots = features.slots();
        let mut values = vec![0.0; cells];
        let mut rest = values.as_mut_slice();
        let mut parts = Vec::with_capacity(slots.len());
        for (column, slot) in features.fitted().iter().zip(&slots) {
            let (part, after) = rest.split_at_mut(slot.width() * rows.len());
            parts.push((column, part));
            rest = after;
        }
        let filled: Vec<Result<(), FeatureError>> =
            parts.into_par_iter().map(|(column, part)| fill(column, table, rows, part)).collect();
        filled.into_iter().collect::<Result<(), _>>()?;
        let groups = groups(features, &slots);
        let (rows, names) = (rows.len(), features.names());
        Ok(Self { rows, names, slots, groups, values, weights: None, parts: None })
    }

    /// How many rows the matrix has.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns the matrix has.
    pub fn width(&self) -> usize {
        self.names.len()
    }

    /// The names of the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Where each feature stands in the matrix.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The columns that together encode one categorical feature each.
    pub fn groups(&self) -> &[LevelGroup] {
        &self.groups
    }

    /// The values of one column.
    pub fn column(&self, column: usize) -> &[f64] {
        &self.values[column * self.rows..(column + 1) * self.rows]
    }

    /// The matrix as linfa's estimators take it, or `None` if there is no such shape.
    pub fn view(&self) -> Option<ArrayView2<'_, f64>> {
        ArrayView2::from_shape((self.rows, self.width()).f(), &self.values).ok()
    }

    /// The first column that holds a number that is not finite.
    pub fn first_not_finite(&self) -> Option<&str> {
        let holds = |column: &usize| !self.column(*column).iter().all(|value| value.is_finite());
        (0..self.width()).find(holds).map(|column| self.names[column].as_str())
    }

    /// A matrix of plain columns of finite numbers, all of one length.
    pub fn from_columns(columns: &[Vec<f64>]) -> Self {
        Self {
            rows: columns.first().map_or(0, Vec::len),
            names: (0..columns.len()).map(|column| format!("x{column}")).collect(),
            slots: (0..columns.len()).map(|column| Slot::Number { column }).collect(),
            groups: Vec::new(),
            values: columns.concat(),
            weights: None,
            parts: None,
        }
    }

    /// The matrix whose rows count as `weights` say, one for each; without any, every row counts once.
    ///
    /// They are part of the matrix, and not those of linfa's `DatasetBase`, because linfa's are f32, which
    /// cannot hold a weight such as 0.1 or 2^24 + 1, and because every solver here is handed the matrix.
    #[must_use]
    pub fn weighted(self, weights: Option<RowWeights>) -> Self {
        let fits = weights.as_ref().is_none_or(|weights| weights.relative().len() == self.rows);
        debug_assert!(fits, "there is one weight for each row");
        Self { weights, ..self }
    }

    /// The matrix of which a kind fits to some rows only, and tells by others when to stop; without parts it is
    /// fitted to all rows.
    #[must_use]
    pub fn parted(self, parts: Option<SplitRows>) -> Self {
        let fits = parts.as_ref().is_none_or(|parts| {
            [&parts.train, &parts.test].iter().all(|rows| rows.iter().all(|row| *row < self.rows))
        });
        debug_assert!(fits, "parts are of rows of the matrix");
        Self { parts, ..self }
    }

    /// The rows to fit to and those that tell when to stop, if any are held out for that.
    pub fn parts(&self) -> Option<&SplitRows> {
        self.parts.as_ref()
    }

    /// How much each row counts, with a mean of 1; `None` if every row counts once.
    pub fn weights(&self) -> Option<&[f64]> {
        self.weights.as_ref().map(RowWeights::relative)
    }

    /// How much each row counts, as it was given; `None` if every row counts once.
    pub fn given_weights(&self) -> Option<&[f64]> {
        self.weights.as_ref().map(RowWeights::given)
    }

    /// How many rows the rows stand for: the sum of their weights as they were given.
    pub fn weight_total(&self) -> f64 {
        self.weights.as_ref().map_or(self.rows as f64, RowWeights::total)
    }

    /// The mean of `values`, one for each row, as the rows count.
    pub fn mean(&self, values: &[f64]) -> f64 {
        weighted_sum(values, self.weights()) / values.len() as f64
    }
}

impl Records for &Design {
    type Elem = f64;

    fn nsamples(&self) -> usize {
        self.rows
    }

    fn nfeatures(&self) -> usize {
        self.width()
    }
}

/// `Σ weights[i] · values[i]`, or the plain sum.
fn weighted_sum(values: &[f64], weights: Option<&[f64]>) -> f64 {
    match weights {
        None => values.iter().sum(),
        Some(weights) => values.iter().zip(weights).map(|(value, weight)| value * weight).sum(),
    }
}

fn fill(
    column: &FittedColumn,
    table: &TrainingTable,
    rows: &[usize],
    out: &mut [f64],
) -> Result<(), FeatureError> {
    let not_kept = || FeatureError::NotKept { column: column.name.clone() };
    let cells = table.cells(&column.name, rows).ok_or_else(not_kept)?;
    match &column.transform {
        Transform::Number(number) => number.apply_cells(&cells, 0..rows.len(), out),
        Transform::Raw(_) => RawNumber::apply_cells(&cells, 0..rows.len(), out),
        Transform::Codes(category) => {
            let mut codes = vec![0; rows.len()];
            category.apply(&Lookup::new(category.levels()), &cells, 0..rows.len(), &mut codes);
            for (place, code) in out.iter_mut().zip(codes) {
                let has_code = code != CategoryTransform::NO_CODE;
                *place = if has_code { f64::from(code) } else { f64::NAN };
            }
        }
        Transform::Category(category) => {
            let mut codes = vec![0; rows.len()];
            category.apply(&Lookup::new(category.levels()), &cells, 0..rows.len(), &mut codes);
            for (row, code) in codes.into_iter().enumerate() {
                if code != CategoryTransform::NO_CODE {
                    out[code as usize * rows.len() + row] = 1.0;
                }
            }
        }
    }
    Ok(())
}

fn groups(features: &FittedFeatures, slots: &[Slot]) -> Vec<LevelGroup> {
    let group = |(column, slot): (&FittedColumn, &Slot)| match (&column.transform, *slot) {
        (Transform::Category(category), Slot::Levels { first, count }) => {
            let most_frequent = first + category.most_frequent() as usize;
            Some(LevelGroup { first, count, most_frequent })
        }
        _ => None,
    };
    features.fitted().iter().zip(slots).filter_map(group).collect()
}
