//! `nightshift explain`: what a word of nightshift means.
//!
//! The texts belong to the things themselves; this module only finds them.

/// One score.
mod score;

use jiff::Timestamp;

use crate::app::cli::answer::Answer;
use crate::app::cli::context::{Context, nearest};
use crate::app::cli::failure::Failure;
use crate::app::cli::instant;
use crate::app::cli::next::{refused, upcoming};
use crate::app::render::json::run::RunDocument;
use crate::app::render::json::text::ExplainDocument;
use crate::app::render::text::ticks::{self, ShownTick};
use crate::app::render::text::{self, Paint};
use crate::domain::job::code::CODES;
use crate::domain::schedule::{DayMatch, Schedule};
use crate::engine::error::RunError;
use crate::engine::{judge, report};
use crate::learn::check::CHECKS;
use crate::learn::compare::COMPARISONS;
use crate::learn::drift::{TESTS, domain_classifier};
use crate::learn::metric::METRICS;
use crate::learn::model::{CALIBRATIONS, KINDS};

/// Explain a check, kind, metric, comparison, test, problem code, cron, run or score
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift explain not_null           a check
  nightshift explain logistic           a model kind
  nightshift explain roc_auc            a metric
  nightshift explain delong             a comparison
  nightshift explain psi                a drift test
  nightshift explain unknown_key        a problem code of `validate`
  nightshift explain \"30 2 * * 1-5\"     a cron expression
  nightshift explain \"30 2 * * *\" --tz Europe/Berlin --from 2026-03-28
  nightshift explain 01k8h3m            a run
  nightshift explain score churn 4711   why the row with the id 4711 has its score
  nightshift explain score churn 4711 --tick 2026-01-05")]
pub(crate) struct ExplainArgs {
    /// What to explain
    #[arg(required = true, value_name = "THING")]
    thing: Vec<String>,
    /// The tick whose score is explained [default: the latest]
    #[arg(long, value_name = "TICK")]
    tick: Option<String>,
    /// The zone in which a cron expression is read, by its IANA name [default: UTC]
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    /// How the two day fields of a cron expression combine
    #[arg(long, value_name = "HOW")]
    day_match: Option<DayMatchArg>,
    /// Ticks of a cron expression after this time [default: now]
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// How many ticks of a cron expression
    #[arg(short, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    n: u16,
}

/// How day-of-month and day-of-week combine when both are restricted.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum DayMatchArg {
    /// A day has to match both
    And,
    /// A day has to match one of them
    Or,
}

impl From<DayMatchArg> for DayMatch {
    fn from(arg: DayMatchArg) -> Self {
        match arg {
            DayMatchArg::And => Self::And,
            DayMatchArg::Or => Self::Or,
        }
    }
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
        return score::explain(context, &args.thing[1..], args.tick.as_deref()).await;
    }
    if args.tick.is_some() {
        return Err(Failure::usage("`--tick` belongs to `nightshift explain score JOB ID`"));
    }
    let thing = args.thing.join(" ");
    let thing = thing.trim();
    let entries = entries();
    if let Some(entry) = entries.iter().find(|entry| entry.id == thing) {
        let document = ExplainDocument::new(entry.id, entry.kind, entry.text);
        return Ok(Answer::new(format!("{}\n", entry.text.trim_end()), &document));
    }
    if thing.contains(char::is_whitespace) || thing.starts_with('@') {
        return explain_cron(thing, args, context.now(), context.paint());
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
    let empty = Entry { id: judge::INPUT_EMPTY, kind: "check", text: judge::EXPLAIN };
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
    let classifier =
        Entry { id: domain_classifier::ID, kind: "drift_test", text: domain_classifier::EXPLAIN };
    let calibrations =
        CALIBRATIONS.iter().map(|(id, text)| Entry { id, kind: "calibration", text });
    let codes = CODES.iter().map(|(code, text)| Entry { id: code, kind: "problem_code", text });
    checks
        .chain([empty])
        .chain(kinds)
        .chain(metrics)
        .chain(comparisons)
        .chain(tests)
        .chain([classifier])
        .chain(calibrations)
        .chain(codes)
        .collect()
}

fn explain_cron(
    expression: &str,
    args: &ExplainArgs,
    now: Timestamp,
    paint: Paint,
) -> Result<Answer, Failure> {
    let zone = args.tz.as_deref().unwrap_or("UTC");
    let schedule = Schedule::parse(expression, zone, args.day_match.map(DayMatch::from))
        .map_err(|problem| refused(&problem))?;
    let from = match args.from.as_deref() {
        Some(text) => instant::parse(text, schedule.timezone())?,
        None => now,
    };
    let shown: Vec<ShownTick<'_>> = upcoming(None, &schedule, from, args.n).collect();
    let mut text = format!("`{}` in {zone}; the next ticks are\n\n", schedule.cron());
    // Four columns make it a block of code in Markdown.
    text.push_str(&ticks::table(&shown, 4, paint));
    let lints = schedule.lints();
    text.extend(lints.iter().map(|lint| format!("\nnote: {lint}\n")));
    let document = ExplainDocument::new(schedule.cron(), "cron", &text).with_ticks(&shown, &lints);
    Ok(Answer::new(text.clone(), &document))
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
        assert!(seen.contains("domain_classifier"));
    }

    #[test]
    fn a_cron_expression_is_explained_by_its_ticks() {
        let now = "2026-01-05T12:00:00Z".parse().unwrap();
        let args = |tz: Option<&str>| ExplainArgs {
            thing: Vec::new(),
            tick: None,
            tz: tz.map(ToOwned::to_owned),
            day_match: None,
            from: tz.map(|_| "2026-03-28".to_owned()),
            n: 3,
        };
        let plain = Paint { color: false };
        let explained = |cron: &str, tz: Option<&str>| explain_cron(cron, &args(tz), now, plain);
        let text = explained("30 2 * * 1", None).unwrap().text;
        let line = "    Mon 2026-01-12 02:30:00 +00:00  UTC   2026-01-12T02:30:00Z  7 d\n";
        assert!(text.contains(line) && text.matches("    Mon").count() == 3, "{text}");
        let text = explained("30 2 * * *", Some("Europe/Berlin")).unwrap().text;
        let line = "2026-03-29T01:00:00Z  23 h 30 min  02:30 does not exist; runs at 03:00\n";
        assert!(text.contains(line) && text.contains("\nnote: hour: a time from 02:00"), "{text}");
        assert!(explained("61 2 * * 1", None).is_err());
        assert!(explained("30 2 * * 1", Some("Europe/Berln")).is_err());
    }
}
