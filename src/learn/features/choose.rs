//! Which columns of a table are features, and in which role.
//!
//! The job file names them, or leaves it to the types of the table: numbers, booleans, dates and times
//! are numeric, text is categorical. A column that cannot be used is an error by name and never left out
//! silently.

use crate::domain::job::{FeatureSelection, FeaturesSpec};
use crate::domain::table::{ColumnSchema, ColumnType, TableSchema};
use crate::learn::features::FeatureError;

/// Most columns of a table that may be features.
pub const COLUMNS_MAX: usize = 20_000;

/// A column that the model sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureColumn {
    /// The name of the column in the table.
    pub name: String,
    /// How its values are read.
    pub role: Role,
    /// Its type in the table.
    pub kind: ColumnType,
}

/// How the values of a feature are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// As a quantity.
    Numeric,
    /// As one of some names; a number is the name it prints as.
    Categorical,
}

/// Chooses features among the columns of `schema`.
///
/// `reserved` are the columns that have another purpose (id, time, label, hive keys): they are features
/// only where the job file names them.
pub fn choose(
    spec: &FeaturesSpec,
    schema: &TableSchema,
    reserved: &[&str],
) -> Result<Vec<FeatureColumn>, FeatureError> {
    let found = match &spec.selection {
        FeatureSelection::All => by_type(schema, reserved, &[])?,
        FeatureSelection::Except(excluded) => by_type(schema, reserved, excluded)?,
        FeatureSelection::Only { numeric, categorical } => {
            let numeric = numeric.iter().map(|name| named(schema, name, Role::Numeric));
            let categorical = categorical.iter().map(|name| named(schema, name, Role::Categorical));
            numeric.chain(categorical).collect::<Result<Vec<_>, _>>()?
        }
    };
    match found.len() {
        0 => Err(FeatureError::NoFeatures),
        1..=COLUMNS_MAX => Ok(found),
        count => {
            Err(FeatureError::TooMany { what: "feature columns", found: count, max: COLUMNS_MAX })
        }
    }
}

fn by_type(
    schema: &TableSchema,
    reserved: &[&str],
    excluded: &[String],
) -> Result<Vec<FeatureColumn>, FeatureError> {
    if let Some(name) = excluded.iter().find(|name| schema.kind(name).is_none()) {
        return Err(FeatureError::NoSuchColumn { column: name.clone(), list: "exclude" });
    }
    let is_free = |column: &&ColumnSchema| {
        !reserved.contains(&column.name.as_str()) && !excluded.contains(&column.name)
    };
    let typed = |column: &ColumnSchema| {
        let role = if column.kind.is_numeric() { Role::Numeric } else { Role::Categorical };
        accept(column, role, "exclude")
    };
    schema.columns.iter().filter(is_free).map(typed).collect()
}

fn named(schema: &TableSchema, name: &str, role: Role) -> Result<FeatureColumn, FeatureError> {
    let (list, other) = match role {
        Role::Numeric => ("numeric", "categorical"),
        Role::Categorical => ("categorical", "numeric"),
    };
    let column = schema
        .columns
        .iter()
        .find(|column| column.name == name)
        .ok_or_else(|| FeatureError::NoSuchColumn { column: name.to_owned(), list })?;
    accept(column, role, other)
}

fn accept(
    column: &ColumnSchema,
    role: Role,
    remedy: &'static str,
) -> Result<FeatureColumn, FeatureError> {
    let wanted = match (role, column.kind) {
        (_, ColumnType::Nested) => "a column of numbers or text",
        (_, ColumnType::Empty) => "a column with values",
        (Role::Numeric, ColumnType::Text) => "a column of numbers",
        _ => {
            let (name, kind) = (column.name.clone(), column.kind);
            return Ok(FeatureColumn { name, role, kind });
        }
    };
    let remedy = if column.kind == ColumnType::Text { remedy } else { "exclude" };
    let (name, found) = (column.name.clone(), column.kind);
    Err(FeatureError::WrongType { column: name, found, wanted, remedy })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::job::{CategoricalImpute, NumericImpute, Scale};

    fn schema(columns: &[(&str, ColumnType)]) -> TableSchema {
        let columns =
            columns.iter().map(|(name, kind)| ColumnSchema { name: (*name).into(), kind: *kind });
        TableSchema { columns: columns.collect() }
    }

    fn bank() -> TableSchema {
        schema(&[
            ("row", ColumnType::Integer),
            ("emp.var.rate", ColumnType::Float),
            ("job", ColumnType::Text),
            ("called", ColumnType::Datetime),
            ("note", ColumnType::Nested),
            ("blank", ColumnType::Empty),
            ("label", ColumnType::Integer),
        ])
    }

    #[track_caller]
    fn check(selection: FeatureSelection, reserved: &[&str], wanted: Result<&str, &str>) {
        let spec = FeaturesSpec {
            selection,
            impute_numeric: NumericImpute::Median,
            impute_categorical: CategoricalImpute::Missing,
            scale: Scale::Auto,
            categories_max: 50,
        };
        let told = choose(&spec, &bank(), reserved)
            .map(|columns| {
                let told = columns.iter().map(|column| match column.role {
                    Role::Numeric => format!("{}#", column.name),
                    Role::Categorical => column.name.clone(),
                });
                told.collect::<Vec<_>>().join(" ")
            })
            .map_err(|error| error.to_string());
        assert_eq!(told, wanted.map(str::to_owned).map_err(str::to_owned));
    }

    fn except(names: &[&str]) -> FeatureSelection {
        FeatureSelection::Except(names.iter().map(|name| (*name).to_owned()).collect())
    }

    fn only(numeric: &[&str], categorical: &[&str]) -> FeatureSelection {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        FeatureSelection::Only { numeric: owned(numeric), categorical: owned(categorical) }
    }

    #[test]
    fn columns_are_typed_by_the_table() {
        check(except(&["note", "blank"]), &["row", "label"], Ok("emp.var.rate# job called#"));
        check(only(&["emp.var.rate"], &["row", "job"]), &["row"], Ok("emp.var.rate# row job"));
    }

    #[test]
    fn what_cannot_be_a_feature_is_an_error_by_name() {
        check(
            FeatureSelection::All,
            &["label"],
            Err("column `note` is nested, wanted a column of numbers or text; \
                 name it in `features.exclude`"),
        );
        check(
            except(&["note"]),
            &["label"],
            Err("column `blank` is empty, wanted a column with values; \
                 name it in `features.exclude`"),
        );
        check(
            only(&["job"], &[]),
            &[],
            Err("column `job` is text, wanted a column of numbers; \
                 name it in `features.categorical`"),
        );
        check(
            only(&[], &["jobb"]),
            &[],
            Err("column `jobb` of `features.categorical` is not in the table"),
        );
        check(
            except(&["lable"]),
            &[],
            Err("column `lable` of `features.exclude` is not in the table"),
        );
        let all = ["row", "emp.var.rate", "job", "called", "note", "blank", "label"];
        check(except(&all), &[], Err("no column is left as a feature; name some in `[features]`"));
    }
}
