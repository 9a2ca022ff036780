//! `nightshift drift`: what has drifted, in the latest run of a job or between any two tables.
//!
//! Both are judged by the same rule. A job says its own in its file; of two tables it is said by flags, so
//! each flag but `--run` and `--exit-zero` is about tables only.

use crate::app::cli::answer::Answer;
use crate::app::cli::context::{Context, nearest};
use crate::app::cli::evaluate::share;
use crate::app::cli::failure::Failure;
use crate::app::exit::Exit;
use crate::app::render::json::drift::DriftDocument;
use crate::app::render::text;
use crate::domain::drift::DataVerdict;
use crate::engine::drift::recorded;
use crate::engine::drift::tables::{TablesRequest, compare_tables};
use crate::engine::offload::offload;
use crate::engine::world::Access;
use crate::learn::drift::judge::Rule;
use crate::learn::drift::{DriftReport, DriftTest, TESTS, find};

/// Compare the latest run of a job, or any table, with a reference, worst column first
///
/// A column has drifted if its effect reaches the floor and its p-value, corrected over all columns, is
/// below alpha. The effect is that of the first test that accepts the column; the p-value is one for the
/// column, whatever the test (`ks` also tells its own, of the finite values alone).
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift drift churn                       the latest committed run, as it was judged
  nightshift drift churn --run 01k8h3m         a certain run
  nightshift drift --reference may.csv --current june.csv
  nightshift drift --reference 'may/*.parquet' --current june.csv --column age --test ks")]
pub(crate) struct DriftArgs {
    /// The job whose run is compared
    #[arg(required_unless_present = "reference", conflicts_with = "reference")]
    job: Option<String>,
    /// The score run, not the latest: its id or the beginning of it
    #[arg(long, value_name = "RUN", conflicts_with = "reference")]
    run: Option<String>,
    /// Compare tables: the files to compare with, paths or globs
    #[arg(long, value_name = "FILES", num_args = 1.., requires = "current")]
    reference: Vec<String>,
    /// The files that may have drifted
    #[arg(long, value_name = "FILES", num_args = 1.., requires = "reference")]
    current: Vec<String>,
    /// A column to compare; may be repeated [default: every column of the reference]
    #[arg(long = "column", value_name = "COLUMN", requires = "reference")]
    columns: Vec<String>,
    /// How to measure the effect; may be repeated, the first that accepts a column decides [default:
    /// every test, psi first]
    #[arg(long = "test", value_name = "TEST", requires = "reference")]
    tests: Vec<String>,
    /// The largest p-value, corrected over all columns, that is evidence
    #[arg(long, value_name = "SHARE", default_value = "0.01", value_parser = share, requires = "reference")]
    alpha: f64,
    /// The smallest effect that counts, in the unit of the test that decides
    #[arg(long, value_name = "EFFECT", default_value = "0.1", value_parser = floor, requires = "reference")]
    floor: f64,
    /// The share of drifted columns that makes the table drift
    #[arg(long, value_name = "SHARE", default_value = "0.3", value_parser = share, requires = "reference")]
    share: f64,
    /// Columns with fewer rows on either side are not judged
    #[arg(long, value_name = "ROWS", default_value_t = 100, requires = "reference")]
    rows_min: u64,
    /// Exit with 0 instead of 10, whatever the verdict
    #[arg(long)]
    exit_zero: bool,
}

/// Runs `nightshift drift`.
pub(crate) async fn cmd_drift(context: &Context, args: &DriftArgs) -> Result<Answer, Failure> {
    match &args.job {
        Some(job) => of_run(context, args, job).await,
        None => of_tables(context, args).await,
    }
}

async fn of_run(context: &Context, args: &DriftArgs, job: &str) -> Result<Answer, Failure> {
    let job = context.job(job)?.job.name;
    let world = context.world(Access::Read).await?;
    let found = recorded(&world, &job, args.run.as_deref()).await?;
    let text = text::drift::run(&found, context.paint());
    let answer = Answer::new(text, &DriftDocument::of_run(&job, &found));
    Ok(answer.exit(exit(args, &found.report)))
}

async fn of_tables(context: &Context, args: &DriftArgs) -> Result<Answer, Failure> {
    let request = TablesRequest {
        reference: args.reference.clone(),
        current: args.current.clone(),
        columns: args.columns.clone(),
        tests: tests(&args.tests)?,
        floor: args.floor,
        rule: Rule { alpha: args.alpha, share: args.share, rows_min: args.rows_min },
    };
    let against = title(&args.reference);
    let found = offload("compare the tables", move || compare_tables(&request)).await?;
    let text = text::drift::tables(&found, &against, context.paint());
    let mut answer = Answer::new(text, &DriftDocument::of_tables(&found, &against));
    if !found.left_out.is_empty() {
        answer = answer.remark(format!("left out, no test fits: {}", found.left_out.join(", ")));
    }
    Ok(answer.exit(exit(args, &found.report)))
}

/// The tests called by `names`, each once and in that order; all of them if none is named.
fn tests(names: &[String]) -> Result<Vec<&'static dyn DriftTest>, Failure> {
    if names.is_empty() {
        return Ok(TESTS.to_vec());
    }
    let mut out: Vec<&'static dyn DriftTest> = Vec::new();
    for name in names {
        let found = find(name).ok_or_else(|| no_such_test(name))?;
        if out.iter().all(|test| test.id() != found.id()) {
            out.push(found);
        }
    }
    Ok(out)
}

fn no_such_test(name: &str) -> Failure {
    let known: Vec<&str> = TESTS.iter().map(|test| test.id()).collect();
    let failure = Failure::usage(format!("there is no drift test `{name}`"));
    match nearest(name, &known) {
        Some(nearest) => failure.hint(format!("the nearest name is `{nearest}`")),
        None => failure.hint(format!("the tests are {}", known.join(", "))),
    }
}

/// What a table is compared with, in words.
fn title(patterns: &[String]) -> String {
    match patterns {
        [first, more @ ..] if !more.is_empty() => format!("{first} and {} more", more.len()),
        _ => patterns.concat(),
    }
}

fn exit(args: &DriftArgs, report: &DriftReport) -> Exit {
    let has_drifted = report.verdict == DataVerdict::Drifted;
    if has_drifted && !args.exit_zero { Exit::Drifted } else { Exit::Done }
}

/// A number from 0.
fn floor(text: &str) -> Result<f64, String> {
    let found = text.parse::<f64>().ok().filter(|effect| *effect >= 0.0 && effect.is_finite());
    found.ok_or_else(|| "wanted a number from 0".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_are_checked() {
        assert_eq!(floor("0.25"), Ok(0.25));
        assert!(["-0.1", "inf", "NaN", "x"].iter().all(|text| floor(text).is_err()));
    }

    #[test]
    fn tests_are_found_once_each_in_the_order_of_their_names() {
        let ids = |names: &[&str]| -> Vec<&str> {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            super::tests(&names).unwrap().iter().map(|test| test.id()).collect()
        };
        assert_eq!(ids(&["ks", "psi", "ks"]), ["ks", "psi"]);
        assert_eq!(ids(&[]).len(), TESTS.len());
    }
}
