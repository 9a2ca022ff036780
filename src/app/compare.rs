//! Two versions of a model side by side: what differs, and by how much.
//!
//! Only values that the versions carry are set against each other. Whether a difference matters is for
//! gates to say, not for this module.

use std::collections::BTreeSet;

use crate::domain::registry::{MetricValue, VersionRecord};
use crate::domain::table::TableSchema;

/// What is compared of one version.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    /// The registry's record.
    pub(crate) record: VersionRecord,
    /// Facts of the training by name: rows, ticks, parameters.
    pub(crate) facts: Vec<(String, String)>,
    /// The columns of the matrix that the model sees.
    pub(crate) features: Vec<String>,
    /// The columns of the table it was trained on.
    pub(crate) schema: TableSchema,
    /// By feature, on the scale of the columns; empty where the kind has none.
    pub(crate) coefficients: Vec<(String, f64)>,
}

/// A named value on both sides; `None` where a side does not have it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pair<T> {
    /// What the value is of.
    pub(crate) name: String,
    /// The value of the first version.
    pub(crate) before: Option<T>,
    /// The value of the second version.
    pub(crate) after: Option<T>,
}

/// Every difference between two versions.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Comparison {
    /// Facts that differ.
    pub(crate) facts: Vec<Pair<String>>,
    /// Every metric that either side has, by name.
    pub(crate) metrics: Vec<Pair<MetricValue>>,
    /// Features that only the second version has.
    pub(crate) features_added: Vec<String>,
    /// Features that only the first version has.
    pub(crate) features_removed: Vec<String>,
    /// How the second table departs from the first.
    pub(crate) schema: Vec<String>,
    /// Coefficients that differ, the largest difference first.
    pub(crate) coefficients: Vec<Pair<f64>>,
}

impl Comparison {
    /// Compares `before` with `after`.
    pub(crate) fn new(before: &Side, after: &Side) -> Self {
        let mut coefficients = pairs(&before.coefficients, &after.coefficients);
        coefficients.retain(|pair| pair.before != pair.after);
        coefficients.sort_by(|a, b| b.shift().total_cmp(&a.shift()).then(a.name.cmp(&b.name)));
        let mut facts = pairs(&before.facts, &after.facts);
        facts.retain(|pair| pair.before != pair.after);
        Self {
            facts,
            metrics: pairs(&metrics(&before.record), &metrics(&after.record)),
            features_added: missing_from(&before.features, &after.features),
            features_removed: missing_from(&after.features, &before.features),
            schema: before
                .schema
                .differences(&after.schema)
                .iter()
                .map(ToString::to_string)
                .collect(),
            coefficients,
        }
    }
}

impl Pair<f64> {
    /// How far the value moved, 0 or more; a value that a side does not have counts as 0.
    pub(crate) fn shift(&self) -> f64 {
        (self.after.unwrap_or(0.0) - self.before.unwrap_or(0.0)).abs()
    }
}

fn metrics(record: &VersionRecord) -> Vec<(String, MetricValue)> {
    record.metrics.iter().map(|(name, value)| (name.clone(), *value)).collect()
}

/// The values of both lists by name: first in the order of `before`, then what only `after` has.
fn pairs<T: Clone>(before: &[(String, T)], after: &[(String, T)]) -> Vec<Pair<T>> {
    let value = |list: &[(String, T)], name: &str| {
        list.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    };
    let mut seen = BTreeSet::new();
    let names = before.iter().chain(after).map(|(name, _)| name).filter(|name| seen.insert(*name));
    names
        .map(|name| Pair {
            name: name.clone(),
            before: value(before, name),
            after: value(after, name),
        })
        .collect()
}

/// What `all` has and `known` has not, in the order of `all`.
fn missing_from(known: &[String], all: &[String]) -> Vec<String> {
    let known: BTreeSet<&String> = known.iter().collect();
    all.iter().filter(|name| !known.contains(name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::render::example;
    use crate::domain::table::{ColumnSchema, ColumnType};

    fn side(number: u32, coefficients: &[(&str, f64)], column: ColumnType) -> Side {
        Side {
            record: example::version(number),
            facts: vec![
                ("rows".to_owned(), "1279".to_owned()),
                ("tick".to_owned(), number.to_string()),
            ],
            features: coefficients.iter().map(|(name, _)| (*name).to_owned()).collect(),
            schema: TableSchema {
                columns: vec![ColumnSchema { name: "pH".to_owned(), kind: column }],
            },
            coefficients: coefficients.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect(),
        }
    }

    #[test]
    fn only_what_differs_is_told_and_the_largest_first() {
        let before = side(1, &[("a", 1.0), ("b", 2.0), ("gone", -5.0)], ColumnType::Float);
        let after = side(2, &[("a", 1.0), ("b", 2.5), ("new", 0.1)], ColumnType::Text);
        let found = Comparison::new(&before, &after);
        let names: Vec<&str> = found.coefficients.iter().map(|pair| &*pair.name).collect();
        assert_eq!(names, ["gone", "b", "new"]);
        assert_eq!(found.features_added, ["new"]);
        assert_eq!(found.features_removed, ["gone"]);
        assert_eq!(found.facts.len(), 1);
        assert_eq!(found.schema, ["column `pH` is text, wanted float"]);
        assert_eq!(found.metrics.len(), 2);
    }

    #[test]
    fn a_version_does_not_differ_from_itself() {
        let same = side(1, &[("a", 1.0)], ColumnType::Float);
        let found = Comparison::new(&same, &same);
        assert!(found.coefficients.is_empty() && found.facts.is_empty() && found.schema.is_empty());
        assert!(found.features_added.is_empty() && found.features_removed.is_empty());
    }
}
