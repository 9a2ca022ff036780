//! Columns that give the label away: one alone tells rows that were not fitted apart, nearly without error.
//!
//! Such a column is mostly the label under another name, or is filled in only once the label is known; a model
//! that leans on it is splendid on rows held out and blind at night. It may also be an honest rule, so
//! nothing is refused. Only columns that move the score most are looked at: what the model does not use does
//! no harm.

use crate::domain::job::{ClassWeight, Job, ModelParams, ModelSpec, Task};
use crate::learn::compare::{Truth, lack::lack};
use crate::learn::features::FeatureColumn;
use crate::learn::fit::{Examples, fit_examples};
use crate::learn::importance::Importance;
use crate::learn::metric::{Metric, find};
use crate::learn::model::Labels;
use crate::learn::search::measured;
use crate::learn::table::TrainingTable;

/// How many columns are looked at.
const COLUMNS_MAX: usize = 3;
/// Most rows that the tree of one column is fitted to.
const ROWS_MAX: usize = 10_000;
/// From this value on a column tells rows apart nearly without error.
const VALUE_MIN: f64 = 0.999;
/// The model of one column: fine enough for a number that has to be hit, and of leaves that are no chance.
const TREE: ModelParams = ModelParams::DecisionTree { depth_max: 12, leaf_rows_min: 5 };

/// A column that gives the label away.
#[derive(Debug, Clone, PartialEq)]
pub struct Giveaway {
    /// Its name.
    pub column: String,
    /// How rows held out were judged.
    pub metric: &'static Metric,
    /// What the column alone reaches there, 0.999 to 1.
    pub value: f64,
}

/// The columns that give the label away, those that move the score most first; none where too few rows are held
/// out to tell, or nothing is known of what moves the score.
///
/// The value is that of a decision tree of the one column: its area under the ROC curve, its accuracy on several
/// classes, or its R² of numbers.
pub fn giveaways(
    job: &Job,
    (columns, table): (&[FeatureColumn], &TrainingTable),
    (train, test): (&Examples, &Examples),
    importance: Option<&Importance>,
) -> Vec<Giveaway> {
    let metric = match job.model.task {
        Task::Binary => "roc_auc",
        Task::Multiclass => "accuracy",
        Task::Regression => "r2",
    };
    let (Some(metric), Some(importance)) = (find(metric), importance) else { return Vec::new() };
    if !can_tell(metric, test) {
        return Vec::new();
    }
    let model = ModelSpec {
        params: TREE,
        calibrate: None,
        class_weight: ClassWeight::None,
        ..job.model.clone()
    };
    let alone = Job { model, ..job.clone() };
    let step = train.rows.len().div_ceil(ROWS_MAX).max(1);
    let places: Vec<usize> = (0..train.rows.len()).step_by(step).collect();
    let train = train.gather(&places);
    let found = strongest(importance).into_iter().filter_map(|place| {
        let column = columns.get(place)?;
        // What cannot be fitted alone gives nothing away.
        let fitted = fit_examples(&alone, std::slice::from_ref(column), table, &train).ok()?;
        let value = measured(&alone, metric, &fitted, table, test).ok()?;
        (value >= VALUE_MIN).then(|| Giveaway { column: column.name.clone(), metric, value })
    });
    found.collect()
}

/// The places of the columns that move the score most, at most [`COLUMNS_MAX`], the first of equals first.
fn strongest(importance: &Importance) -> Vec<usize> {
    let shares = importance.shares();
    let mut places: Vec<usize> = (0..shares.len()).filter(|place| shares[*place] > 0.0).collect();
    places.sort_by(|a, b| shares[*b].total_cmp(&shares[*a]));
    places.truncate(COLUMNS_MAX);
    places
}

/// Whether the rows say enough of each class to take what is told apart for more than chance.
fn can_tell(metric: &'static Metric, test: &Examples) -> bool {
    match &test.labels {
        Labels::Values(values) => lack(metric, Truth::Regression(values), 1, &test.ids).is_none(),
        Labels::Classes { names, index } => {
            // An accuracy rests on all rows alike, so a constant would do well where one class is rare.
            let ranked = find("log_loss").unwrap_or(metric);
            lack(ranked, Truth::Multiclass(index), names.len(), &test.ids).is_none()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::frame::{Cells, Frame, FrameColumn, Numbers};
    use crate::domain::job::parse::parse;
    use crate::domain::table::{ColumnSchema, ColumnType, TableSchema};
    use crate::learn::artifact::TrainingFacts;
    use crate::learn::features::choose;
    use crate::learn::fit::fit;
    use crate::learn::model::read_labels;
    use crate::learn::profile::ReferenceProfile;
    use crate::learn::split::FittedRows;

    const ROWS: usize = 600;
    const TRAIN: usize = 400;

    fn noise(row: usize, salt: usize) -> f64 {
        ((row + 1) * (row + 7 * salt) * 7_919 % 9_973) as f64 / 9_973.0
    }

    /// The columns given away by a job of this task and kind on columns `x`, and `leak`, which holds `leak` of
    /// the label.
    fn check(
        task: &str,
        kind: &str,
        label: impl Fn(f64) -> f64,
        leak: impl Fn(f64, f64) -> f64,
    ) -> Vec<Giveaway> {
        let text = format!(
            "name = \"made_up\"\n[data]\nsource = \"data/*.csv\"\nlabel = \"y\"\n[model]\n\
             task = \"{task}\"\nkind = \"{kind}\"\n[score]\noutput = \"scores\"\n"
        );
        let job = parse("made_up.toml", text.as_bytes()).unwrap();
        let x: Vec<f64> = (0..ROWS).map(|row| noise(row, 1)).collect();
        let y: Vec<f64> =
            (0..ROWS).map(|row| label(f64::midpoint(x[row], noise(row, 2)))).collect();
        let leaks = (0..ROWS).map(|row| leak(y[row], noise(row, 3))).collect();
        let all = [("x", x), ("leak", leaks), ("y", y)];
        let schema = TableSchema {
            columns: all
                .iter()
                .map(|(name, _)| ColumnSchema { name: (*name).to_owned(), kind: ColumnType::Float })
                .collect(),
        };
        let columns = all.iter().map(|(name, values)| {
            let values = values.clone().into();
            FrameColumn { name, cells: Cells::Number(Numbers { values, nulls: Vec::new() }) }
        });
        let frame = Frame { rows: ROWS, columns: columns.collect() };
        let mut table = TrainingTable::new(&schema);
        table.push(&frame).unwrap();
        let chosen = choose(&job.features, &schema, &["y"]).unwrap();
        let examples = |rows: std::ops::Range<usize>| {
            let rows: Vec<usize> = rows.collect();
            let cells = table.cells("y", &rows).unwrap();
            let labels = read_labels(job.model.task, &cells).unwrap().labels;
            Examples::plain(&rows, &labels)
        };
        let (train, held_out) = (examples(0..TRAIN), examples(TRAIN..ROWS));
        let fitted = fit(&job, &chosen, &table, &train.rows, &train.labels).unwrap();
        let facts = TrainingFacts {
            model: "made_up".to_owned(),
            tick: "2026-01-05T00:00:00Z".to_owned(),
            rows: 400,
            rows_test: 200,
            interval_micros: None,
            fitted: FittedRows { span_micros: None, random: None },
            data_sha256: [0; 32],
            job_sha256: [0; 32],
            seed: 7,
            versions: Vec::new(),
        };
        let artifact = fitted.into_artifact(facts, schema, ReferenceProfile::default());
        let importance = Importance::of(&artifact, &table.frame(&held_out.rows), 7).unwrap();
        giveaways(&job, (&chosen, &table), (&train, &held_out), importance.as_ref())
    }

    #[test]
    fn a_copy_of_the_label_is_named_in_each_task() {
        let named = |found: &[Giveaway], metric: &str| {
            let names: Vec<(&str, &str)> =
                found.iter().map(|found| (found.column.as_str(), found.metric.id)).collect();
            assert_eq!(names, [("leak", metric)], "{found:?}");
        };
        let two = |x: f64| f64::from(u8::from(x > 0.5));
        let three = |x: f64| f64::from(u8::from(x > 0.4) + u8::from(x > 0.6));
        named(&check("binary", "logistic", two, |y, _| y), "roc_auc");
        // Not the label, but nothing else decides: an amount that is paid only by those who are positive.
        let paid = |y: f64, noise: f64| if y > 0.5 { 10.0 + 90.0 * noise } else { 0.0 };
        named(&check("binary", "gradient_boosting", two, paid), "roc_auc");
        named(&check("multiclass", "decision_tree", three, |y, _| 7.0 - y), "accuracy");
        named(&check("regression", "linear", |x| 100.0 * x, |y, _| 3.0 * y), "r2");
    }

    #[test]
    fn a_good_feature_is_not_a_copy_and_a_rare_class_tells_nothing() {
        let two = |x: f64| f64::from(u8::from(x > 0.5));
        let good = |y: f64, noise: f64| y + 1.3 * noise;
        assert_eq!(check("binary", "logistic", two, good), []);
        assert_eq!(check("regression", "linear", |x| 100.0 * x, |y, noise| y + 30.0 * noise), []);
        let rare = |x: f64| f64::from(u8::from(x > 0.9));
        assert_eq!(check("binary", "logistic", rare, |y, _| y), []);
        // A model that looks at nothing is led astray by nothing.
        assert_eq!(check("binary", "dummy", two, |y, _| y), []);
    }
}
