//! Columns into numbers: impute, encode, scale. The fitted state is part of a model version.
//!
//! What stands in for a null, which categories have a column of their own and how numbers are scaled is
//! learned from the training rows once ([`FittedFeatures::fit`]) and then applied to training,
//! evaluation and scoring by the same code, so that they cannot skew. Models see either a [`Design`] (a
//! whole matrix, to fit) or [`Block`]s of rows that stay in the cache (to predict); no value in either
//! is NaN or infinite.

/// Some rows of a batch, transformed, small enough to stay in the cache.
mod block;
/// Categorical columns: which categories have a matrix column of their own.
mod category;
/// Which columns of a table are features, and in which role.
mod choose;
/// The whole matrix of the rows that a model is fitted on.
mod design;
/// Categories to codes, fast.
mod lookup;
/// Numeric columns: what stands in for a missing number, and the scale.
mod number;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use self::block::{BatchError, Block, BlockColumn, BlockReader};
pub use self::category::CategoryTransform;
pub use self::choose::{COLUMNS_MAX, FeatureColumn, Role, choose};
pub use self::design::{Design, LevelGroup};
pub use self::number::NumberTransform;
pub(crate) use self::number::all_equal;
use crate::domain::job::FeaturesSpec;
use crate::domain::table::{ColumnSchema, ColumnType, TableSchema};
use crate::learn::table::TrainingTable;

/// Most columns of a matrix that any model is fitted on.
pub const WIDTH_MAX: usize = 20_000;

/// How the columns of a table become the columns of a matrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedFeatures {
    columns: Vec<FittedColumn>,
}

/// How one column becomes one or more columns of the matrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedColumn {
    /// The name of the column in the table.
    pub name: String,
    /// The type that the column had at training.
    pub kind: ColumnType,
    /// What is done with its values.
    pub transform: Transform,
}

/// What is done with the values of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Transform {
    /// One matrix column.
    Number(NumberTransform),
    /// One matrix column for each category.
    Category(CategoryTransform),
}

/// Where a column of the table stands in the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// A number, in this matrix column.
    Number {
        /// The matrix column.
        column: usize,
    },
    /// One of `count` categories, of which the first is in matrix column `first`.
    Levels {
        /// The matrix column of code 0.
        first: usize,
        /// How many codes there are.
        count: usize,
    },
}

/// Whether numbers are brought to mean 0 and standard deviation 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scaling {
    /// Mean 0 and (population) standard deviation 1 over the training rows.
    Standard,
    /// As they are.
    None,
}

/// Features as fitted, and what a person should know about them.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureFit {
    /// The fitted state.
    pub features: FittedFeatures,
    /// One sentence each, such as a column that holds the same value in every row.
    pub warnings: Vec<String>,
}

/// Why columns cannot be used as features.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeatureError {
    /// Nothing is left to learn from.
    #[error("no column is left as a feature; name some in `[features]`")]
    NoFeatures,
    /// A column is named that the table lacks.
    #[error("column `{column}` of `features.{list}` is not in the table")]
    NoSuchColumn {
        /// The name in the job file.
        column: String,
        /// `numeric`, `categorical` or `exclude`.
        list: &'static str,
    },
    /// A column's type fits no role, or not the one asked for.
    #[error("column `{column}` is {found}, wanted {wanted}; name it in `features.{remedy}`")]
    WrongType {
        /// The name of the column.
        column: String,
        /// Its type in the table.
        found: ColumnType,
        /// What would do.
        wanted: &'static str,
        /// The list that the column belongs in.
        remedy: &'static str,
    },
    /// A column has no value to learn from.
    #[error(
        "column `{column}` has no usable value in {rows} training rows; leave it out by `features.exclude`"
    )]
    NoValues {
        /// The name of the column.
        column: String,
        /// Rows to fit on.
        rows: usize,
    },
    /// A column's numbers are so large that their mean or variance overflows.
    #[error(
        "the values of column `{column}` are too large to compute with (up to {largest}); leave it out by `features.exclude`"
    )]
    TooLarge {
        /// The name of the column.
        column: String,
        /// The largest magnitude, as text.
        largest: String,
    },
    /// More columns than any model is fitted on.
    #[error(
        "{found} {what}, at most {max} are supported; name fewer columns or lower `features.max_categories`"
    )]
    TooMany {
        /// `feature columns`, `matrix columns` or `matrix cells`.
        what: &'static str,
        /// How many there would be.
        found: usize,
        /// How many there may be.
        max: usize,
    },
    /// A column is missing among the rows to fit on.
    #[error("column `{column}` was not kept for training")]
    NotKept {
        /// The name of the column.
        column: String,
    },
}

impl Slot {
    /// The first matrix column it takes.
    pub fn first(self) -> usize {
        match self {
            Self::Number { column } => column,
            Self::Levels { first, .. } => first,
        }
    }

    /// How many matrix columns it takes.
    pub fn width(self) -> usize {
        match self {
            Self::Number { .. } => 1,
            Self::Levels { count, .. } => count,
        }
    }
}

impl FittedFeatures {
    /// Learns from `rows` of `table` what to do with `columns`.
    pub fn fit(
        columns: &[FeatureColumn],
        table: &TrainingTable,
        rows: &[usize],
        spec: &FeaturesSpec,
        scaling: Scaling,
    ) -> Result<FeatureFit, FeatureError> {
        if columns.is_empty() {
            return Err(FeatureError::NoFeatures);
        }
        let fit_one = |column: &FeatureColumn| fit_column(column, table, rows, spec, scaling);
        let fitted: Vec<Result<FittedColumn, FeatureError>> =
            columns.par_iter().map(fit_one).collect();
        let columns = fitted.into_iter().collect::<Result<Vec<_>, _>>()?;
        let features = Self { columns };
        let (what, found, max) = ("matrix columns", features.width(), WIDTH_MAX);
        if found > max {
            return Err(FeatureError::TooMany { what, found, max });
        }
        let warnings = features.columns.iter().filter_map(FittedColumn::warning).collect();
        Ok(FeatureFit { features, warnings })
    }

    /// The names of the columns of the table, in the order of the matrix.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// The columns of the table with what is done to them, in the order of the matrix.
    pub fn fitted(&self) -> &[FittedColumn] {
        &self.columns
    }

    /// How many columns the matrix has.
    pub fn width(&self) -> usize {
        self.columns.iter().map(FittedColumn::width).sum()
    }

    /// The names of the matrix columns: `age`, `job=admin.`, `job=__other__`, `job=__missing__`.
    pub fn names(&self) -> Vec<String> {
        self.columns.iter().flat_map(FittedColumn::names).collect()
    }

    /// Where each column stands in the matrix.
    pub fn slots(&self) -> Vec<Slot> {
        let mut next = 0;
        let slot = |column: &FittedColumn| {
            let first = next;
            next += column.width();
            match column.transform {
                Transform::Number(_) => Slot::Number { column: first },
                Transform::Category(_) => Slot::Levels { first, count: column.width() },
            }
        };
        self.columns.iter().map(slot).collect()
    }

    /// The part of a table that is read, with the types that it had at training.
    pub fn schema(&self) -> TableSchema {
        let column =
            |column: &FittedColumn| ColumnSchema { name: column.name.clone(), kind: column.kind };
        TableSchema { columns: self.columns.iter().map(column).collect() }
    }

    /// Whether the state could have been fitted: what is read from a file need not be.
    pub fn is_sound(&self) -> bool {
        let sound = |column: &FittedColumn| match &column.transform {
            Transform::Number(number) => number.is_sound(),
            Transform::Category(category) => category.is_sound(),
        };
        !self.columns.is_empty() && self.width() <= WIDTH_MAX && self.columns.iter().all(sound)
    }
}

impl FittedColumn {
    fn width(&self) -> usize {
        match &self.transform {
            Transform::Number(_) => 1,
            Transform::Category(category) => category.width(),
        }
    }

    fn names(&self) -> Vec<String> {
        match &self.transform {
            Transform::Number(_) => vec![self.name.clone()],
            Transform::Category(category) => {
                category.labels().map(|label| format!("{}={label}", self.name)).collect()
            }
        }
    }

    fn warning(&self) -> Option<String> {
        let value = match &self.transform {
            Transform::Number(number) => number.constant?.to_string(),
            Transform::Category(category) => category.constant()?.to_owned(),
        };
        Some(format!("column `{}` is `{value}` in every training row and tells nothing", self.name))
    }
}

fn fit_column(
    column: &FeatureColumn,
    table: &TrainingTable,
    rows: &[usize],
    spec: &FeaturesSpec,
    scaling: Scaling,
) -> Result<FittedColumn, FeatureError> {
    let name = column.name.clone();
    let cells =
        table.cells(&name, rows).ok_or_else(|| FeatureError::NotKept { column: name.clone() })?;
    let transform = match column.role {
        Role::Numeric => {
            Transform::Number(NumberTransform::fit(&name, &cells, spec.impute_numeric, scaling)?)
        }
        Role::Categorical => {
            let impute = spec.impute_categorical;
            Transform::Category(CategoryTransform::fit(&name, &cells, impute, spec.categories_max)?)
        }
    };
    Ok(FittedColumn { name, kind: column.kind, transform })
}
