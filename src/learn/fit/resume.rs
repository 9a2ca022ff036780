//! Learning on from a version, with rows that are newer than all that it has learned.
//!
//! Only kinds that learn row by row can do so. The result is that of learning old and new rows at once, in order;
//! where that could not be promised, the caller is told why and begins anew.

use super::{Examples, Fitted, TrainError, check_finite, positive_last, positive_of};
use crate::domain::job::{Job, ModelParams, Task};
use crate::learn::artifact::Artifact;
use crate::learn::features::{Design, FeatureColumn, FittedColumn, Role, Transform};
use crate::learn::model::{Kind, Labels, Target, Training, kind};
use crate::learn::table::TrainingTable;

/// What came of it.
#[derive(Debug)]
pub enum Resumed {
    /// A model that has learned what is new.
    On {
        /// The model.
        fitted: Box<Fitted>,
        /// How many rows were new.
        rows: usize,
    },
    /// The version is none to go on from, and why.
    Anew(&'static str),
}

/// Whether a model with `params` goes on from the version before.
pub fn learns_on(params: &ModelParams) -> bool {
    kind(params.kind()).is_some_and(Kind::learns_in_order)
}

/// Goes on from `before` with the rows of `examples` that are newer than all that it was fitted on.
pub fn resume(
    before: &Artifact,
    job: &Job,
    columns: &[FeatureColumn],
    table: &TrainingTable,
    examples: &Examples,
) -> Result<Resumed, TrainError> {
    examples.check()?;
    let known = before.facts.fitted.span_micros;
    let (Some((_, newest)), Some(times)) = (known, &examples.times) else {
        return Ok(Resumed::Anew("the split is not by time"));
    };
    if job.train.search.is_some() {
        return Ok(Resumed::Anew("`[train.search]` looks for other parameters"));
    }
    if before.kind.id() != job.model.params.kind() || before.task != Task::Binary {
        return Ok(Resumed::Anew("the champion is of another kind"));
    }
    let fitted = before.features.fitted();
    if fitted.len() != columns.len() || !fitted.iter().zip(columns).all(is_same) {
        return Ok(Resumed::Anew("its features are others"));
    }
    // A row of weight 0 is as if it were not there, and nothing new teaches nothing.
    let counts = |row: usize| examples.weights.as_ref().is_none_or(|weights| weights[row] > 0.0);
    let is_new = |row: &usize| times[*row] > newest && counts(*row);
    let new = examples.gather(&(0..times.len()).filter(is_new).collect::<Vec<_>>()).in_order();
    let Labels::Classes { names, index } = &new.labels else {
        return Ok(Resumed::Anew("the labels are no classes"));
    };
    if *names != before.classes || positive_of(job, names)? != before.positive {
        return Ok(Resumed::Anew("its classes are others"));
    }
    let index = positive_last(before.task, before.positive, index);
    let weights = new.row_weights(job.model.class_weight)?;
    let design = Design::build(&before.features, table, &new.rows)?.weighted(weights);
    let training = Training::new(&design, Target::binary(&index));
    let Some(learned) = before.kind.resume(&job.model.params, before.model.as_ref(), &training)
    else {
        return Ok(Resumed::Anew("its parameters are others"));
    };
    let learned = learned?;
    check_finite(learned.model.as_ref(), &design)?;
    let fitted = Fitted {
        features: before.features.clone(),
        task: before.task,
        classes: before.classes.clone(),
        positive: before.positive,
        kind: before.kind,
        model: learned.model,
        calibration: None,
        warnings: learned.warnings,
    };
    Ok(Resumed::On { fitted: Box::new(fitted), rows: new.rows.len() })
}

/// Whether a feature is read as it was.
fn is_same((fitted, column): (&FittedColumn, &FeatureColumn)) -> bool {
    let role = match fitted.transform {
        Transform::Number(_) | Transform::Raw(_) => Role::Numeric,
        Transform::Category(_) | Transform::Codes(_) => Role::Categorical,
    };
    fitted.name == column.name && fitted.kind == column.kind && role == column.role
}
