//! What is learned: the label column as classes or values.
//!
//! A class is the name that its value prints as: a label of 0 and 1 has the classes `0` and `1`, whether
//! the file holds booleans, integers or floats. Classes are in the order of their values: numbers by
//! size, text by bytes. Rows without a label are set aside and counted; a label that is NaN or infinite
//! is an error.

use std::collections::BTreeMap;

use crate::domain::frame::Cells;
use crate::domain::job::Task;
use crate::learn::features::all_equal;

/// Most classes that are told apart.
pub const CLASSES_MAX: usize = 1_000;

/// The labels of some rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Labels {
    /// Classes of a binary or multiclass task.
    Classes {
        /// The classes, in order.
        names: Vec<String>,
        /// For each row its place in `names`.
        index: Vec<u32>,
    },
    /// Values of a regression.
    Values(Vec<f64>),
}

/// The labels of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadLabels {
    /// The labels of the rows in `rows`, in that order.
    pub labels: Labels,
    /// The rows that have a label, ascending.
    pub rows: Vec<usize>,
    /// How many rows have none.
    pub missing: usize,
}

/// Why labels cannot be learned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// No row has a label.
    #[error("none of {rows} rows has a label")]
    NoLabels {
        /// Rows read.
        rows: usize,
    },
    /// Labels are NaN or infinite.
    #[error(
        "{count} labels are NaN or infinite (the first in row {first_row} of the training rows), wanted numbers"
    )]
    NotFinite {
        /// How many.
        count: usize,
        /// The first such row, from 0.
        first_row: usize,
    },
    /// Text cannot be regressed on.
    #[error("the label is text, wanted numbers for a regression")]
    Text,
    /// All rows are of one class.
    #[error("all {rows} rows to train on are of class `{class}`, wanted at least two classes")]
    OneClass {
        /// The class.
        class: String,
        /// Rows to fit on.
        rows: usize,
    },
    /// The label never varies.
    #[error("the label is {value} in all {rows} rows to train on, wanted one that varies")]
    Constant {
        /// The value, as text.
        value: String,
        /// Rows to fit on.
        rows: usize,
    },
    /// More classes than the task has.
    #[error(
        "the label has {found} classes (`{first}`, `{second}`, `{third}`, ...), wanted two for a binary task"
    )]
    NotBinary {
        /// How many there are.
        found: usize,
        /// The first class.
        first: String,
        /// The second class.
        second: String,
        /// The third class.
        third: String,
    },
    /// More classes than are supported.
    #[error(
        "the label has more than {CLASSES_MAX} classes, wanted at most that many; is the task a regression?"
    )]
    TooManyClasses,
    /// The positive class does not occur.
    #[error("the positive class `{positive}` does not occur, found `{first}` and `{second}`")]
    NoSuchClass {
        /// `model.positive`.
        positive: String,
        /// The first class.
        first: String,
        /// The second class.
        second: String,
    },
    /// A class occurs, but not among the rows to fit on.
    #[error(
        "class `{class}` occurs only among the rows held out for evaluation; choose another `train.split` or wait for more rows"
    )]
    NotInTraining {
        /// The class.
        class: String,
    },
}

/// Reads the labels of a task from the cells of the label column.
pub fn read_labels(task: Task, cells: &Cells<'_>) -> Result<ReadLabels, LabelError> {
    let (labels, rows) = match (task, cells) {
        (Task::Regression, Cells::Number(_)) => {
            let (values, rows) = numbers(cells)?;
            (Labels::Values(values), rows)
        }
        (Task::Regression, Cells::Text(values)) if !values.is_all_null() => {
            return Err(LabelError::Text);
        }
        (Task::Binary | Task::Multiclass, Cells::Number(_)) => {
            let (values, rows) = numbers(cells)?;
            // The order of the bits is the order of the numbers, once the sign is dealt with.
            let key = |value: f64| {
                let bits = (value + 0.0).to_bits().cast_signed();
                bits ^ ((bits >> 63) & i64::MAX)
            };
            let keys: Vec<i64> = values.iter().map(|value| key(*value)).collect();
            (classes(&keys, |place| (values[place] + 0.0).to_string())?, rows)
        }
        (_, Cells::Text(values)) => {
            let rows = (0..values.len()).filter(|row| values.value(*row).is_some()).collect();
            let keys: Vec<&str> = values.iter().flatten().collect();
            (classes(&keys, |place| keys[place].to_owned())?, rows)
        }
    };
    if rows.is_empty() {
        return Err(LabelError::NoLabels { rows: cells.len() });
    }
    let missing = cells.len() - rows.len();
    let out = ReadLabels { labels, rows, missing };
    if let (Task::Binary, Labels::Classes { names, .. }) = (task, &out.labels)
        && let [first, second, third, ..] = names.as_slice()
    {
        let (first, second, third) = (first.clone(), second.clone(), third.clone());
        return Err(LabelError::NotBinary { found: names.len(), first, second, third });
    }
    Ok(out)
}

impl Labels {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Classes { index, .. } => index.len(),
            Self::Values(values) => values.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The labels at `places`, in that order, with the same classes.
    #[must_use]
    pub fn gather(&self, places: &[usize]) -> Self {
        match self {
            Self::Classes { names, index } => Self::Classes {
                names: names.clone(),
                index: places.iter().map(|place| index[*place]).collect(),
            },
            Self::Values(values) => {
                Self::Values(places.iter().map(|place| values[*place]).collect())
            }
        }
    }

    /// Checks that there is something to learn: every class occurs, and not just one; values vary.
    pub fn check_variety(&self) -> Result<(), LabelError> {
        let rows = self.len();
        match self {
            Self::Values(values) => match values.first() {
                None => Err(LabelError::NoLabels { rows }),
                Some(first) if all_equal(values) => {
                    Err(LabelError::Constant { value: first.to_string(), rows })
                }
                Some(_) => Ok(()),
            },
            Self::Classes { names, index } => {
                let mut counts = vec![0usize; names.len()];
                for class in index {
                    counts[*class as usize] += 1;
                }
                let occurring: Vec<&String> = names
                    .iter()
                    .zip(&counts)
                    .filter(|(_, n)| **n > 0)
                    .map(|(name, _)| name)
                    .collect();
                match occurring.as_slice() {
                    [] => Err(LabelError::NoLabels { rows }),
                    [class] => Err(LabelError::OneClass { class: (*class).clone(), rows }),
                    _ => match names.iter().zip(counts).find(|(_, n)| *n == 0) {
                        Some((class, _)) => Err(LabelError::NotInTraining { class: class.clone() }),
                        None => Ok(()),
                    },
                }
            }
        }
    }
}

/// The finite values and their rows; NaN and infinities are an error.
fn numbers(cells: &Cells<'_>) -> Result<(Vec<f64>, Vec<usize>), LabelError> {
    let Cells::Number(numbers) = cells else { return Err(LabelError::Text) };
    let known = |row| numbers.value(row).map(|value| (value, row));
    let (values, rows): (Vec<f64>, Vec<usize>) = (0..cells.len()).filter_map(known).unzip();
    let strange = |place: &usize| !values[*place].is_finite();
    match (0..values.len()).find(strange) {
        None => Ok((values, rows)),
        Some(first) => {
            let count = (first..values.len()).filter(strange).count();
            Err(LabelError::NotFinite { count, first_row: rows[first] })
        }
    }
}

/// Numbers classes by the order of their keys; `name` is that of the class of a row.
fn classes<K: Ord + Copy>(
    keys: &[K],
    name: impl Fn(usize) -> String,
) -> Result<Labels, LabelError> {
    let mut names: BTreeMap<K, String> = BTreeMap::new();
    for (row, key) in keys.iter().enumerate() {
        if !names.contains_key(key) {
            if names.len() == CLASSES_MAX {
                return Err(LabelError::TooManyClasses);
            }
            names.insert(*key, name(row));
        }
    }
    let places: BTreeMap<K, u32> = names.keys().copied().zip(0..).collect();
    let index = keys.iter().map(|key| places[key]).collect();
    Ok(Labels::Classes { names: names.into_values().collect(), index })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::frame::Numbers;

    fn cells(values: &[Option<f64>]) -> Cells<'static> {
        Cells::Number(Numbers {
            values: values.iter().map(|value| value.unwrap_or(f64::NAN)).collect(),
            nulls: values.iter().map(Option::is_none).collect(),
        })
    }

    #[track_caller]
    fn check(task: Task, cells: &Cells<'_>, names: &[&str], index: &[u32], rows: &[usize]) {
        let found = read_labels(task, cells).unwrap();
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(found.labels, Labels::Classes { names, index: index.to_vec() });
        assert_eq!((found.rows.as_slice(), found.missing), (rows, cells.len() - rows.len()));
    }

    #[track_caller]
    fn check_error(task: Task, cells: &Cells<'_>, wanted: &str) {
        assert_eq!(read_labels(task, cells).unwrap_err().to_string(), wanted);
    }

    #[test]
    fn classes_are_named_as_they_print_and_ordered_by_value() {
        let zero_one = cells(&[Some(1.0), None, Some(-0.0), Some(0.0)]);
        check(Task::Binary, &zero_one, &["0", "1"], &[1, 0, 0], &[0, 2, 3]);
        let grades = cells(&[Some(10.0), Some(9.0), Some(-2.5), Some(-3.0), Some(10.0)]);
        check(
            Task::Multiclass,
            &grades,
            &["-3", "-2.5", "9", "10"],
            &[3, 2, 1, 0, 3],
            &[0, 1, 2, 3, 4],
        );
        let text = Cells::text(vec![Some("yes"), Some("no"), None, Some("no")]);
        check(Task::Binary, &text, &["no", "yes"], &[1, 0, 0], &[0, 1, 3]);
    }

    #[test]
    fn values_are_kept_and_rows_without_one_counted() {
        let found = read_labels(Task::Regression, &cells(&[None, Some(2.5), Some(-1.0)])).unwrap();
        let labels = Labels::Values(vec![2.5, -1.0]);
        assert_eq!(found, ReadLabels { labels, rows: vec![1, 2], missing: 1 });
    }

    #[test]
    fn labels_that_cannot_be_learned_say_why() {
        let strange = cells(&[Some(1.0), None, Some(f64::NAN), Some(f64::INFINITY)]);
        let wanted = "2 labels are NaN or infinite (the first in row 2 of the training rows), wanted numbers";
        check_error(Task::Regression, &strange, wanted);
        check_error(Task::Multiclass, &strange, wanted);
        check_error(
            Task::Regression,
            &Cells::text(vec![Some("1")]),
            "the label is text, wanted numbers for a regression",
        );
        for task in [Task::Binary, Task::Multiclass, Task::Regression] {
            check_error(task, &cells(&[None, None]), "none of 2 rows has a label");
            check_error(task, &Cells::text(vec![None]), "none of 1 rows has a label");
        }
        let many: Vec<Option<f64>> = (0..=CLASSES_MAX).map(|n| Some(n as f64)).collect();
        assert_eq!(read_labels(Task::Multiclass, &cells(&many)), Err(LabelError::TooManyClasses));
        check_error(
            Task::Binary,
            &cells(&many[..4]),
            "the label has 4 classes (`0`, `1`, `2`, ...), wanted two for a binary task",
        );
    }

    #[test]
    fn training_rows_must_show_every_class() {
        let text = Cells::text(vec![Some("a"), Some("b"), Some("c"), Some("a")]);
        let labels = read_labels(Task::Multiclass, &text).unwrap().labels;
        assert_eq!(labels.check_variety(), Ok(()));
        let one_class = LabelError::OneClass { class: "a".into(), rows: 2 };
        assert_eq!(labels.gather(&[0, 3]).check_variety(), Err(one_class));
        let not_in_training = LabelError::NotInTraining { class: "c".into() };
        assert_eq!(labels.gather(&[0, 1]).check_variety(), Err(not_in_training));
        let constant = LabelError::Constant { value: "2.5".into(), rows: 2 };
        assert_eq!(Labels::Values(vec![2.5, 2.5]).check_variety(), Err(constant));
    }
}
