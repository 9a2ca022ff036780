//! `nightshift explain`: what a word of nightshift means.
//!
//! The texts belong to the things themselves; this module only finds them.

use jiff::Timestamp;

use crate::app::cli::answer::Answer;
use crate::app::cli::context::{Context, nearest};
use crate::app::cli::failure::Failure;
use crate::app::cli::next::upcoming;
use crate::app::render::json::run::RunDocument;
use crate::app::render::json::text::ExplainDocument;
use crate::app::render::text;
use crate::domain::job::code::CODES;
use crate::domain::schedule::{Schedule, ScheduleProblem};
use crate::engine::error::RunError;
use crate::engine::report;
use crate::learn::check::CHECKS;
use crate::learn::compare::COMPARISONS;
use crate::learn::drift::TESTS;
use crate::learn::metric::METRICS;
use crate::learn::model::KINDS;

/// How many ticks of a cron expression are shown.
const TICKS_SHOWN: usize = 5;

/// Explain a check, model kind, metric, comparison, drift test, problem code, cron or run
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift explain not_null           a check
  nightshift explain logistic           a model kind
  nightshift explain roc_auc            a metric
  nightshift explain delong             a comparison
  nightshift explain psi                a drift test
  nightshift explain unknown_key        a problem code of `validate`
  nightshift explain \"30 2 * * 1-5\"     a cron expression
  nightshift explain 01k8h3m            a run")]
pub(crate) struct ExplainArgs {
    /// What to explain
    #[arg(required = true, value_name = "THING")]
    thing: Vec<String>,
}

/// A word that nightshift knows, and what it means.
struct Entry {
    id: &'static str,
    kind: &'static str,
    text: &'static str,
}

/// Runs `nightshift explain`.
pub(crate) async fn cmd_explain(context: &Context, args: &ExplainArgs) -> Result<Answer, Failure> {
    if args.thing.len() > 1 && args.thing[0] == "score" {
        return Err(Failure::usage("explaining a single score is not supported yet")
            .hint("`nightshift diff JOB A B` shows the coefficients of two versions"));
    }
    let thing = args.thing.join(" ");
    let thing = thing.trim();
    let entries = entries();
    if let Some(entry) = entries.iter().find(|entry| entry.id == thing) {
        let document = ExplainDocument::new(entry.id, entry.kind, entry.text);
        return Ok(Answer::new(format!("{}\n", entry.text.trim_end()), &document));
    }
    if thing.contains(char::is_whitespace) || thing.starts_with('@') {
        return explain_cron(thing, context.now());
    }
    let loaded = context.jobs()?;
    if let Some(world) = context.world_if_any(&loaded.project).await? {
        let prefix = thing.to_lowercase();
        let failed = RunError::store("read the record");
        if !world.store.runs_by_prefix(&prefix).await.map_err(failed)?.is_empty() {
            let run = report::load(&world, &report::resolve(&world, &prefix).await?).await?;
            let text = text::run::chain(&run, context.paint());
            return Ok(Answer::new(text, &RunDocument::new(&run)));
        }
    }
    let names: Vec<&str> = entries.iter().map(|entry| entry.id).collect();
    let failure = Failure::usage(format!("nothing here is called `{thing}`"));
    Err(match nearest(thing, &names) {
        Some(name) => failure.hint(format!("the nearest name is `{name}`")),
        None => failure.hint(
            "wanted a check, model kind, metric, comparison, drift test, problem code, cron expression \
             or the id of a run",
        ),
    })
}

/// Everything that can be explained by its name alone.
fn entries() -> Vec<Entry> {
    let checks =
        CHECKS.iter().map(|check| Entry { id: check.id, kind: "check", text: check.explain });
    let kinds =
        KINDS.iter().map(|kind| Entry { id: kind.id(), kind: "model_kind", text: kind.explain() });
    let metrics =
        METRICS.iter().map(|metric| Entry { id: metric.id, kind: "metric", text: metric.explain });
    let comparisons = COMPARISONS.iter().map(|comparison| Entry {
        id: comparison.id,
        kind: "comparison",
        text: comparison.explain,
    });
    let tests =
        TESTS.iter().map(|test| Entry { id: test.id(), kind: "drift_test", text: test.explain() });
    let codes = CODES.iter().map(|(code, text)| Entry { id: code, kind: "problem_code", text });
    checks.chain(kinds).chain(metrics).chain(comparisons).chain(tests).chain(codes).collect()
}

fn explain_cron(expression: &str, now: Timestamp) -> Result<Answer, Failure> {
    let schedule = Schedule::parse(expression, "UTC", None).map_err(|problem| refused(&problem))?;
    let ticks = upcoming(&schedule, now, TICKS_SHOWN);
    let mut text = format!("`{}` in UTC; the next ticks are\n\n", schedule.cron());
    text.extend(ticks.iter().map(|tick| {
        let local = tick.to_zoned(jiff::tz::TimeZone::UTC);
        format!("- {}\n", local.strftime("%a %Y-%m-%d %H:%M:%S"))
    }));
    for lint in schedule.lints() {
        text.extend([format!("\nnote: {lint}\n")]);
    }
    let document = ExplainDocument::new(schedule.cron(), "cron", &text).with_ticks(ticks);
    Ok(Answer::new(text.clone(), &document))
}

fn refused(problem: &ScheduleProblem) -> Failure {
    let place =
        if problem.field.is_empty() { String::new() } else { format!("{}: ", problem.field) };
    let failure = Failure::usage(format!("{place}{}", problem.message));
    match &problem.help {
        Some(help) => failure.hint(help.as_str()),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_entry_has_a_text_and_a_name_of_its_own() {
        let mut seen = BTreeSet::new();
        for entry in entries() {
            assert!(!entry.text.trim().is_empty(), "{}", entry.id);
            assert!(seen.insert(entry.id), "`{}` is explained twice", entry.id);
        }
        assert!(seen.contains("not_null") && seen.contains("logistic"));
        assert!(seen.contains("roc_auc") && seen.contains("unknown_key"));
        assert!(seen.contains("delong") && seen.contains("psi"));
    }

    #[test]
    fn a_cron_expression_is_explained_by_its_ticks() {
        let now = "2026-01-05T12:00:00Z".parse().unwrap();
        let answer = explain_cron("30 2 * * 1", now).unwrap();
        assert!(answer.text.contains("- Mon 2026-01-12 02:30:00\n"), "{}", answer.text);
        assert_eq!(answer.text.matches("- Mon").count(), TICKS_SHOWN);
        assert!(explain_cron("61 2 * * 1", now).is_err());
    }
}
