//! `nightshift evaluate`: how good the predictions in a table are, without a job.

use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::render::json::evaluate::EvaluateDocument;
use crate::app::render::text;
use crate::domain::job::Task;
use crate::engine::evaluate::{EvaluateRequest, evaluate};
use crate::engine::offload::offload;

/// Judge the predictions in a table: metrics, paired comparisons, groups
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift evaluate scored.csv --task binary --label left --score p
  nightshift evaluate scored.csv --task binary --label left --score p_new --against p_old
  nightshift evaluate 'nights/*.parquet' --task regression --label cnt --score yhat --group season
  nightshift evaluate scored.csv --task multiclass --label kind --score p    # p_<class>")]
pub(crate) struct EvaluateArgs {
    /// Tables that hold labels and predictions: paths or globs
    #[arg(required = true, value_name = "FILES")]
    files: Vec<String>,
    /// What was predicted
    #[arg(long, value_enum)]
    task: TaskName,
    /// The column of what came true; rows without a value are left out
    #[arg(long, value_name = "COLUMN")]
    label: String,
    /// The column of scores: probabilities of the positive class, or numbers; for several classes the
    /// beginning of `COLUMN_<class>`
    #[arg(long, value_name = "COLUMN")]
    score: String,
    /// The scores of a baseline, to compare with on the same rows
    #[arg(long, value_name = "COLUMN")]
    against: Option<String>,
    /// Give the metrics for each value of this column too
    #[arg(long, value_name = "COLUMN")]
    group: Option<String>,
    /// Rows of the same id are not independent [default: every row is]
    #[arg(long, value_name = "COLUMN", requires = "against")]
    id: Option<String>,
    /// The class that a binary score is the probability of [default: the one that sorts last]
    #[arg(long, value_name = "CLASS")]
    positive: Option<String>,
    /// A row is decided positive at or above this probability
    #[arg(long, value_name = "SHARE", default_value = "0.5", value_parser = share)]
    threshold: f64,
    /// How sure comparisons are, one-sided
    #[arg(long, value_name = "SHARE", default_value = "0.95", value_parser = confidence)]
    confidence: f64,
    /// Makes resampled intervals repeatable
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

/// What was predicted.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum TaskName {
    /// The probability of one of two classes
    Binary,
    /// The probability of each of several classes
    Multiclass,
    /// A number
    Regression,
}

/// Runs `nightshift evaluate`.
pub(crate) async fn cmd_evaluate(
    context: &Context,
    args: &EvaluateArgs,
) -> Result<Answer, Failure> {
    let request = EvaluateRequest {
        files: args.files.clone(),
        task: match args.task {
            TaskName::Binary => Task::Binary,
            TaskName::Multiclass => Task::Multiclass,
            TaskName::Regression => Task::Regression,
        },
        label: args.label.clone(),
        score: args.score.clone(),
        against: args.against.clone(),
        group: args.group.clone(),
        id: args.id.clone(),
        positive: args.positive.clone(),
        threshold: args.threshold,
        confidence: args.confidence,
        seed: args.seed,
    };
    let asked = request.clone();
    let found = offload("evaluate", move || evaluate(&asked)).await?;
    let text = text::evaluate::evaluation(&request, &found, context.paint());
    Ok(Answer::new(text, &EvaluateDocument::new(&request, &found)))
}

/// A number from 0 to 1.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let found = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    found.ok_or_else(|| "wanted a number from 0 to 1".to_owned())
}

/// A number above 0.5 and below 1.
fn confidence(text: &str) -> Result<f64, String> {
    let found = text.parse::<f64>().ok().filter(|share| *share > 0.5 && *share < 1.0);
    found.ok_or_else(|| "wanted a number above 0.5 and below 1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_checked() {
        assert_eq!(share("0.25"), Ok(0.25));
        assert!(["-0.1", "1.1", "NaN", "x"].iter().all(|text| share(text).is_err()));
        assert_eq!(confidence("0.95"), Ok(0.95));
        assert!(["0.5", "1", "NaN", ""].iter().all(|text| confidence(text).is_err()));
    }
}
