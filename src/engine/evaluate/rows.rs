//! The columns of a table of predictions that are needed, in memory, without the rows that have no label.
//!
//! Every labelled row must have every score: a metric of the rows that happen to have one would flatter a
//! model that is silent where it is hard.

use crate::adapters::dataset::{Batch, ScanRequest, SourceFile, Table};
use crate::domain::frame::Cells;
use crate::domain::job::Task;
use crate::domain::table::TableSchema;
use crate::engine::error::{Cause, RunError};
use crate::engine::evaluate::EvaluateRequest;
use crate::engine::pass::BATCH_ROWS;
use crate::learn::model::{Labels, read_labels};
use crate::learn::table::TrainingTable;

/// Labelled rows.
#[derive(Debug)]
pub(super) struct Rows {
    /// What came true.
    pub(super) target: Target,
    /// Columns of scores: one, or one a class.
    pub(super) score: Vec<Vec<f64>>,
    /// The baseline's, in the same order of classes.
    pub(super) against: Option<Vec<Vec<f64>>>,
    /// A number for each row.
    pub(super) ids: Vec<u64>,
    /// The positive class of a binary task.
    pub(super) positive: Option<String>,
    /// How many rows were left out.
    pub(super) without_label: u64,
    /// All rows and columns that were read.
    pub(super) table: TrainingTable,
    /// The places of the labelled rows in the table.
    pub(super) labelled: Vec<usize>,
}

/// What came true, one a row.
#[derive(Debug)]
pub(super) enum Target {
    /// Whether a row is positive.
    Binary(Vec<bool>),
    /// The place of its class among the columns of scores.
    Multiclass(Vec<u32>),
    /// Its label.
    Regression(Vec<f64>),
}

/// The names of columns of scores; of a multiclass task with the class of each.
struct ScoreColumns {
    names: Vec<String>,
    classes: Vec<String>,
}

impl Target {
    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Binary(truth) => truth.len(),
            Self::Multiclass(truth) => truth.len(),
            Self::Regression(truth) => truth.len(),
        }
    }

    /// The rows at `places`.
    pub(super) fn gather(&self, places: &[usize]) -> Self {
        match self {
            Self::Binary(truth) => Self::Binary(places.iter().map(|row| truth[*row]).collect()),
            Self::Multiclass(truth) => {
                Self::Multiclass(places.iter().map(|row| truth[*row]).collect())
            }
            Self::Regression(truth) => {
                Self::Regression(places.iter().map(|row| truth[*row]).collect())
            }
        }
    }
}

impl Rows {
    /// Reads `files` and checks that every labelled row has its scores.
    pub(super) fn read(request: &EvaluateRequest, files: &[SourceFile]) -> Result<Self, RunError> {
        let failed = RunError::data("read");
        let table = Table::open(files, request.id.as_deref()).map_err(failed)?;
        let schema = table.schema();
        let score = score_columns(request.task, &request.score, schema)?;
        let against = request
            .against
            .as_deref()
            .map(|name| baseline_columns(request.task, name, &score, schema))
            .transpose()?;
        let mut names = vec![request.label.clone()];
        names.extend(score.names.iter().chain(against.iter().flatten()).cloned());
        names.extend(request.group.clone());
        let (kept, ids) = keep(&table, request, names)?;
        let all: Vec<usize> = (0..kept.rows()).collect();
        let cells = column(&kept, &request.label, &all)?;
        let read = read_labels(request.task, &cells).map_err(|error| {
            let message = format!("label `{}`: {error}", request.label);
            RunError::new("read the labels", Cause::Data, message)
        })?;
        let (target, positive) = target(request, &read.labels, &score.classes)?;
        let scores = |names: &[String]| -> Result<Vec<Vec<f64>>, RunError> {
            names.iter().map(|name| numbers(&kept, name, &read.rows)).collect()
        };
        let score = scores(&score.names)?;
        let against = against.as_deref().map(scores).transpose()?;
        Ok(Self {
            target,
            score,
            against,
            ids: read
                .rows
                .iter()
                .map(|row| ids.get(*row).copied().unwrap_or(*row as u64))
                .collect(),
            positive,
            without_label: read.missing as u64,
            table: kept,
            labelled: read.rows,
        })
    }
}

/// Reads the columns called `names`, and the id of each row if one is asked for.
fn keep(
    table: &Table,
    request: &EvaluateRequest,
    mut names: Vec<String>,
) -> Result<(TrainingTable, Vec<u64>), RunError> {
    names.sort();
    names.dedup();
    for name in names.iter().chain(&request.id) {
        if table.schema().kind(name).is_none() {
            return Err(no_such_column(name, table.schema()));
        }
    }
    let columns = &table.schema().columns;
    let schema = TableSchema {
        columns: columns.iter().filter(|column| names.contains(&column.name)).cloned().collect(),
    };
    let mut kept = TrainingTable::new(&schema);
    let mut ids = Vec::new();
    let scan = ScanRequest {
        columns: &names,
        id: request.id.as_deref(),
        time: None,
        batch_rows: BATCH_ROWS,
    };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    table.scan(&scan, |batch: Batch| {
        let frame = batch.frame(&names).map_err(RunError::table("read"))?;
        kept.push(&frame).map_err(RunError::data("keep the rows"))?;
        if request.id.is_some() {
            ids.extend_from_slice(batch.id_hashes());
        }
        Ok::<(), RunError>(())
    })?;
    Ok((kept, ids))
}

fn score_columns(task: Task, name: &str, schema: &TableSchema) -> Result<ScoreColumns, RunError> {
    if task != Task::Multiclass {
        return Ok(ScoreColumns { names: vec![name.to_owned()], classes: Vec::new() });
    }
    let prefix = format!("{name}_");
    let numeric = schema.columns.iter().filter(|column| column.kind.is_numeric());
    let (names, classes): (Vec<String>, Vec<String>) = numeric
        .filter_map(|column| Some((&column.name, column.name.strip_prefix(&prefix)?)))
        .map(|(name, class)| (name.clone(), class.to_owned()))
        .unzip();
    if names.len() < 2 {
        let message = format!("there are {} columns of numbers `{prefix}<class>`", names.len());
        return Err(RunError::new("find the scores", Cause::Request, message)
            .hint("a multiclass task has a column of probabilities for each class"));
    }
    Ok(ScoreColumns { names, classes })
}

/// The columns of the baseline in the order of those of the score.
fn baseline_columns(
    task: Task,
    name: &str,
    score: &ScoreColumns,
    schema: &TableSchema,
) -> Result<Vec<String>, RunError> {
    let found = score_columns(task, name, schema)?;
    let wanted: Vec<String> = score.classes.iter().map(|class| format!("{name}_{class}")).collect();
    if task != Task::Multiclass {
        return Ok(found.names);
    }
    if wanted.len() == found.names.len() && wanted.iter().all(|name| found.names.contains(name)) {
        return Ok(wanted);
    }
    let message = format!(
        "the baseline has the classes {}, the score {}",
        found.classes.join(", "),
        score.classes.join(", ")
    );
    Err(RunError::new("find the scores", Cause::Request, message))
}

/// A name that no column has, with the names there are.
pub(in crate::engine) fn no_such_column(name: &str, schema: &TableSchema) -> RunError {
    const NAMES_MAX: usize = 20;
    let mut known: Vec<&str> = schema.columns.iter().map(|column| &*column.name).collect();
    let rest = known.len().saturating_sub(NAMES_MAX);
    known.truncate(NAMES_MAX);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    let message = format!("there is no column `{name}`");
    RunError::new("find the columns", Cause::Request, message)
        .hint(format!("the columns are {}{more}", known.join(", ")))
}

/// What came true, and the positive class of a binary task.
fn target(
    request: &EvaluateRequest,
    labels: &Labels,
    score_classes: &[String],
) -> Result<(Target, Option<String>), RunError> {
    let wrong = |message: String| RunError::new("read the labels", Cause::Data, message);
    match (request.task, labels) {
        (Task::Binary, Labels::Classes { names, index }) => {
            let positive = positive(request, names)?;
            let is_positive: Vec<bool> = names.iter().map(|name| *name == positive).collect();
            let truth = index.iter().map(|class| is_positive[*class as usize]).collect();
            Ok((Target::Binary(truth), Some(positive)))
        }
        (Task::Multiclass, Labels::Classes { names, index }) => {
            let place = |class: &String| {
                let found = (0_u32..).zip(score_classes).find(|(_, name)| *name == class);
                let missing = || {
                    let column = format!("{}_{class}", request.score);
                    wrong(format!("class `{class}` occurs, but there is no column `{column}`"))
                };
                found.map(|(place, _)| place).ok_or_else(missing)
            };
            let places = names.iter().map(place).collect::<Result<Vec<u32>, RunError>>()?;
            let truth = index.iter().map(|class| places[*class as usize]).collect();
            Ok((Target::Multiclass(truth), None))
        }
        (_, Labels::Values(values)) => Ok((Target::Regression(values.clone()), None)),
        (Task::Regression, Labels::Classes { .. }) => {
            Err(wrong("the labels of a regression were read as classes; this is a bug".to_owned()))
        }
    }
}

/// The positive class: the one asked for, else 1 of 0 and 1, else the one that sorts last of two.
fn positive(request: &EvaluateRequest, names: &[String]) -> Result<String, RunError> {
    let wrong = |message: String| {
        RunError::new("read the labels", Cause::Request, message)
            .hint("`--positive CLASS` names the class that the score is the probability of")
    };
    let listed = || names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
    match (&request.positive, names) {
        (Some(asked), [_, _]) if !names.contains(asked) => {
            Err(wrong(format!("the classes are {}, not `{asked}`", listed())))
        }
        (Some(asked), _) => Ok(asked.clone()),
        (None, [_, last]) => Ok(last.clone()),
        (None, [only]) if ["0", "1"].contains(&only.as_str()) => Ok("1".to_owned()),
        (None, _) => Err(wrong(format!("the only class is {}", listed()))),
    }
}

/// A column of numbers at `rows`, none of them missing.
fn numbers(table: &TrainingTable, name: &str, rows: &[usize]) -> Result<Vec<f64>, RunError> {
    let wrong = |message: String| RunError::new("read the scores", Cause::Data, message);
    let Cells::Number(found) = column(table, name, rows)? else {
        return Err(wrong(format!("column `{name}` is text, wanted numbers")));
    };
    let missing = (0..rows.len()).filter(|row| found.value(*row).is_none_or(f64::is_nan)).count();
    if missing > 0 {
        let of = rows.len();
        let message = format!("column `{name}` is null or NaN in {missing} of {of} labelled rows");
        return Err(wrong(message).hint("every labelled row needs a score"));
    }
    Ok(found.values.into_owned())
}

/// The cells of a column that was kept.
pub(super) fn column<'a>(
    table: &'a TrainingTable,
    name: &str,
    rows: &[usize],
) -> Result<Cells<'a>, RunError> {
    table.cells(name, rows).ok_or_else(|| {
        let message = format!("column `{name}` was not read; this is a bug");
        RunError::new("read", Cause::Other, message)
    })
}
