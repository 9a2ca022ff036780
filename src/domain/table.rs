//! What a table looks like: its columns, in order, and their types.
//!
//! A model version pins the schema it was trained on; [`TableSchema::differences`] names every way in
//! which another table departs from it. Reading tables is not the job of this module.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The type of a column, as far as nightshift tells types apart.
///
/// File formats know more (`Int8`, `Float32`, `Datetime[us]`); what is lost here makes no difference to
/// any result. `Integer` and `Float` are interchangeable as features, see [`ColumnType::can_stand_for`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ColumnType {
    /// True or false.
    Boolean,
    /// Whole numbers of any width.
    Integer,
    /// Floating-point numbers of any width.
    Float,
    /// Fixed-point; used as the nearest f64.
    Decimal,
    /// Text, categorical and enum columns.
    Text,
    /// A day.
    Date,
    /// An instant, or a local date and time.
    Datetime,
    /// A span of time or a time of day; used as seconds.
    Time,
    /// A column without any value, in a format that then knows no type (csv, ndjson, a null column).
    Empty,
    /// Lists, structs, binary and other types that cannot be a feature.
    Nested,
}

impl ColumnType {
    /// Whether the column is used as a number (else as a category, or not at all).
    pub fn is_numeric(self) -> bool {
        !matches!(self, Self::Text | Self::Nested)
    }

    /// Whether a column of type `self` may be read where `wanted` was pinned.
    ///
    /// Numbers of any width stand for each other, and an empty column for anything: its values are
    /// nulls. Text never stands for a number, and no number stands for text.
    pub fn can_stand_for(self, wanted: Self) -> bool {
        let number =
            |kind| matches!(kind, Self::Boolean | Self::Integer | Self::Float | Self::Decimal);
        let instant = |kind| matches!(kind, Self::Date | Self::Datetime);
        self == wanted
            || self == Self::Empty
            || (number(self) && number(wanted))
            || (instant(self) && instant(wanted))
            || (wanted == Self::Empty && self != Self::Nested)
    }

    /// The type that holds the values of both, where two files of one table differ.
    pub fn union(self, other: Self) -> Option<Self> {
        use ColumnType::{Datetime, Decimal, Empty, Float, Integer};
        match (self, other) {
            (a, b) if a == b => Some(a),
            (Empty, known) | (known, Empty) => Some(known),
            (Float, b) if b.can_stand_for(Float) => Some(Float),
            (a, Float) if a.can_stand_for(Float) => Some(Float),
            (Decimal, b) if b.can_stand_for(Decimal) => Some(Decimal),
            (a, Decimal) if a.can_stand_for(Decimal) => Some(Decimal),
            (Integer, b) if b.can_stand_for(Integer) => Some(Integer),
            (a, Integer) if a.can_stand_for(Integer) => Some(Integer),
            (a, b) if a.can_stand_for(Datetime) && b.can_stand_for(Datetime) => Some(Datetime),
            _ => None,
        }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Decimal => "decimal",
            Self::Text => "text",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::Time => "time",
            Self::Empty => "empty",
            Self::Nested => "nested",
        })
    }
}

/// The name and type of one column.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ColumnSchema {
    /// As the file spells it.
    pub name: String,
    /// The type of its values.
    pub kind: ColumnType,
}

/// The columns of a table, in the order of its first file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TableSchema {
    /// In the order of the file.
    pub columns: Vec<ColumnSchema>,
}

/// One way in which a table departs from the schema that a model version pins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaDifference {
    /// A pinned column is not there.
    Missing {
        /// The column.
        column: String,
        /// The pinned type.
        wanted: ColumnType,
    },
    /// A column is there, of a type that cannot stand for the pinned one.
    Retyped {
        /// The column.
        column: String,
        /// The pinned type.
        wanted: ColumnType,
        /// The type in this table.
        found: ColumnType,
    },
    /// A column is there that was not pinned.
    Extra {
        /// The column.
        column: String,
        /// Its type.
        found: ColumnType,
    },
}

impl TableSchema {
    /// The type of `column`, if the table has it.
    pub fn kind(&self, column: &str) -> Option<ColumnType> {
        self.columns.iter().find(|known| known.name == column).map(|known| known.kind)
    }

    /// Every way in which `found` departs from `self`, in the order of the columns.
    pub fn differences(&self, found: &Self) -> Vec<SchemaDifference> {
        let mut out = Vec::new();
        for wanted in &self.columns {
            match found.kind(&wanted.name) {
                None => out.push(SchemaDifference::Missing {
                    column: wanted.name.clone(),
                    wanted: wanted.kind,
                }),
                Some(kind) if !kind.can_stand_for(wanted.kind) => {
                    out.push(SchemaDifference::Retyped {
                        column: wanted.name.clone(),
                        wanted: wanted.kind,
                        found: kind,
                    });
                }
                Some(_) => {}
            }
        }
        for extra in found.columns.iter().filter(|column| self.kind(&column.name).is_none()) {
            let column = extra.name.clone();
            out.push(SchemaDifference::Extra { column, found: extra.kind });
        }
        out
    }
}

impl fmt::Display for SchemaDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { column, wanted } => {
                write!(f, "column `{column}` is missing (wanted {wanted})")
            }
            Self::Retyped { column, wanted, found } => {
                write!(f, "column `{column}` is {found}, wanted {wanted}")
            }
            Self::Extra { column, found } => {
                write!(f, "column `{column}` ({found}) was not there at training and is not used")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(columns: &[(&str, ColumnType)]) -> TableSchema {
        let columns =
            columns.iter().map(|(name, kind)| ColumnSchema { name: (*name).into(), kind: *kind });
        TableSchema { columns: columns.collect() }
    }

    #[test]
    fn every_difference_is_named() {
        let pinned = schema(&[
            ("emp.var.rate", ColumnType::Float),
            ("age", ColumnType::Integer),
            ("job", ColumnType::Text),
        ]);
        let found = schema(&[
            ("age", ColumnType::Text),
            ("job", ColumnType::Empty),
            ("new one", ColumnType::Date),
        ]);
        let told: Vec<String> =
            pinned.differences(&found).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "column `emp.var.rate` is missing (wanted float)",
                "column `age` is text, wanted integer",
                "column `new one` (date) was not there at training and is not used",
            ]
        );
    }

    #[test]
    fn union_is_commutative_and_holds_both() {
        use ColumnType::{
            Boolean, Date, Datetime, Decimal, Empty, Float, Integer, Nested, Text, Time,
        };
        let all = [Boolean, Integer, Float, Decimal, Text, Date, Datetime, Time, Empty, Nested];
        for a in all {
            for b in all {
                assert_eq!(a.union(b), b.union(a), "{a} {b}");
                if let Some(both) = a.union(b) {
                    assert!(a.can_stand_for(both) && b.can_stand_for(both), "{a} {b} {both}");
                }
            }
        }
        assert_eq!(Integer.union(Text), None);
    }
}
