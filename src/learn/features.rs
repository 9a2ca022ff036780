//! Columns into numbers: impute, encode, scale. The fitted state is part of a model version.
//!
//! What stands in for a null, which categories have a column of their own and how numbers are scaled is
//! learned from the training rows once ([`FittedFeatures::fit`]) and then applied to training,
//! evaluation and scoring by the same code, so that they cannot skew. Models see either a [`Design`] (a
//! whole matrix, to fit) or [`Block`]s of rows that stay in the cache (to predict); no value in either
//! is infinite, and none is NaN unless the kind of the model takes that as missing ([`Encoding`]).

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
pub(crate) use self::number::all_equal;
pub use self::number::{NumberTransform, RawNumber};
use crate::domain::job::{FeaturesSpec, NumericImpute};
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
    /// One matrix column of the numbers as they are; what is missing is NaN.
    Raw(RawNumber),
    /// One matrix column of the codes of categories; what has no code is NaN.
    Codes(CategoryTransform),
}

/// What a kind of model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Finite numbers: missing ones are imputed, and each category has a column of zeros and ones.
    Expanded,
    /// One column for each feature: missing numbers stay missing, and categories are codes.
    Native,
}

/// Most codes of a column under [`Encoding::Native`].
pub const CODES_MAX: usize = 255;

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
    /// One of `count` categories as a code, in this matrix column.
    Code {
        /// The matrix column.
        column: usize,
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

/// The form in which a model wants its features.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// What becomes of categories and of what is missing.
    pub encoding: Encoding,
    /// What becomes of numbers.
    pub scaling: Scaling,
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
            Self::Number { column } | Self::Code { column, .. } => column,
            Self::Levels { first, .. } => first,
        }
    }

    /// How many matrix columns it takes.
    pub fn width(self) -> usize {
        match self {
            Self::Number { .. } | Self::Code { .. } => 1,
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
        form: Form,
    ) -> Result<FeatureFit, FeatureError> {
        if columns.is_empty() {
            return Err(FeatureError::NoFeatures);
        }
        let fit_one = |column: &FeatureColumn| fit_column(column, table, rows, spec, form);
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
            match &column.transform {
                Transform::Number(_) | Transform::Raw(_) => Slot::Number { column: first },
                Transform::Codes(category) => Slot::Code { column: first, count: category.width() },
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
            Transform::Raw(_) => true,
            Transform::Codes(category) => category.is_sound() && category.width() <= CODES_MAX,
        };
        !self.columns.is_empty() && self.width() <= WIDTH_MAX && self.columns.iter().all(sound)
    }

    /// Whether a kind that takes `encoding` can take what these become.
    pub fn is_in(&self, encoding: Encoding) -> bool {
        self.columns.iter().all(|column| match column.transform {
            Transform::Number(_) => true,
            Transform::Category(_) => encoding == Encoding::Expanded,
            Transform::Raw(_) | Transform::Codes(_) => encoding == Encoding::Native,
        })
    }
}

impl FittedColumn {
    fn width(&self) -> usize {
        match &self.transform {
            Transform::Number(_) | Transform::Raw(_) | Transform::Codes(_) => 1,
            Transform::Category(category) => category.width(),
        }
    }

    fn names(&self) -> Vec<String> {
        match &self.transform {
            Transform::Number(_) | Transform::Raw(_) | Transform::Codes(_) => {
                vec![self.name.clone()]
            }
            Transform::Category(category) => {
                category.labels().map(|label| format!("{}={label}", self.name)).collect()
            }
        }
    }

    fn warning(&self) -> Option<String> {
        let value = match &self.transform {
            Transform::Number(number) => number.constant?.to_string(),
            Transform::Raw(number) => number.constant?.to_string(),
            Transform::Category(category) | Transform::Codes(category) => {
                category.constant()?.to_owned()
            }
        };
        Some(format!("column `{}` is `{value}` in every training row and tells nothing", self.name))
    }
}

fn fit_column(
    column: &FeatureColumn,
    table: &TrainingTable,
    rows: &[usize],
    spec: &FeaturesSpec,
    form: Form,
) -> Result<FittedColumn, FeatureError> {
    let name = column.name.clone();
    let cells =
        table.cells(&name, rows).ok_or_else(|| FeatureError::NotKept { column: name.clone() })?;
    let Form { encoding, scaling } = form;
    let transform = match (column.role, encoding) {
        // What a person asks to be imputed is; scaling changes nothing for a kind that takes all numbers.
        (Role::Numeric, Encoding::Native) => match spec.impute_numeric {
            NumericImpute::Auto => Transform::Raw(RawNumber::fit(&name, &cells)?),
            impute => {
                Transform::Number(NumberTransform::fit(&name, &cells, impute, Scaling::None)?)
            }
        },
        (Role::Numeric, Encoding::Expanded) => {
            Transform::Number(NumberTransform::fit(&name, &cells, spec.impute_numeric, scaling)?)
        }
        (Role::Categorical, _) => {
            // Others and nulls have a code each.
            let most = if encoding == Encoding::Native { CODES_MAX - 2 } else { usize::MAX };
            let (impute, levels_max) = (spec.impute_categorical, spec.categories_max.min(most));
            let fitted = CategoryTransform::fit(&name, &cells, impute, levels_max)?;
            match encoding {
                Encoding::Native => Transform::Codes(fitted),
                Encoding::Expanded => Transform::Category(fitted),
            }
        }
    };
    Ok(FittedColumn { name, kind: column.kind, transform })
}
