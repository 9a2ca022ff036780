//! The story of `init --demo`: ten weeks of nights, played in a few seconds.
//!
//! Everything happens through the calls that the commands make, and is told from the record: the numbers
//! are those that decided. What a person does in it, a person could type; the commands are shown.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::demo::{DAYS, DAYS_BEFORE, SHIFT_DAY, day};
use crate::app::cli::failure::Failure;
use crate::app::render::text::Paint;
use crate::app::render::text::nights::{Night, nights};
use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::identity::Version;
use crate::domain::job::parse::parse;
use crate::domain::run::{RunKind, Trigger, Verdict};
use crate::engine::backfill::{BackfillRequest, backfill};
use crate::engine::drift;
use crate::engine::error::{Cause, RunError};
use crate::engine::execute::{self, Force, Outcome, Progress, Promotion, Request, Scope};
use crate::engine::jobs::LoadedJob;
use crate::engine::registry;
use crate::engine::report::RunReport;
use crate::engine::world::World;

/// Nights between the rejection and the end of the chapter about the bad promotion.
const NIGHTS_OF_MISTAKE: i64 = 2;
/// Who acts in the story, for the history.
const ACTOR: &str = "demo";

/// A part of the story.
#[derive(Debug)]
pub(super) struct Chapter {
    /// What happens.
    pub(super) title: &'static str,
    /// What a person would type.
    pub(super) command: String,
    /// What came of it, with the numbers that decided.
    pub(super) lines: Vec<String>,
    nights: Vec<RunReport>,
}

/// Plays the whole story.
pub(super) async fn play(
    world: &World,
    loaded: &LoadedJob,
    progress: Option<Progress>,
) -> Result<Vec<Chapter>, Failure> {
    let stage = Stage { world, loaded, progress };
    let mut out = Vec::new();
    let title = "Four weeks of data: a first version is trained, and quiet nights follow";
    out.push(stage.nights(title, DAYS_BEFORE, SHIFT_DAY).await?);
    let title =
        "Prices rise and a campaign brings new customers: drift is found, and a version trained";
    let ci_day = SHIFT_DAY + 12;
    out.push(stage.nights(title, SHIFT_DAY, ci_day).await?);
    let rejected = stage.rejected(ci_day).await?;
    let version = rejected.nights.iter().find_map(|run| run.model.as_ref()).map(|m| m.version);
    out.push(rejected);
    if let Some(version) = version {
        out.push(stage.mistake(version, ci_day).await?);
    }
    let title =
        "A rival buys long contracts out: the columns stay, and the next training by age learns it";
    out.push(stage.nights(title, ci_day + NIGHTS_OF_MISTAKE, DAYS).await?);
    Ok(out)
}

/// All nights of the story in one table, quiet stretches in one line each.
pub(super) fn table(chapters: &[Chapter], paint: Paint) -> String {
    let runs = chapters.iter().flat_map(|chapter| &chapter.nights);
    let runs: Vec<&RunReport> = runs.filter(|run| run.kind == RunKind::Score).collect();
    let alike = |a: &&RunReport, b: &&RunReport| {
        let what = |run: &RunReport| (run.verdict, drift_verdict(run), run.model.clone());
        is_quiet(a) && is_quiet(b) && what(a) == what(b)
    };
    let stretches = runs.chunk_by(alike);
    let lines: Vec<(String, Night<'_>)> = stretches
        .filter_map(|stretch| {
            let (first, last) = (stretch.first()?, stretch.last()?);
            let name = match stretch.len() {
                1 => date_of(last.tick).to_string(),
                many => format!("{} to {} ({many})", date_of(first.tick), date_of(last.tick)),
            };
            Some((name, Night::Run(last)))
        })
        .collect();
    nights(&lines, paint)
}

/// Whether nothing came of a night.
fn is_quiet(run: &RunReport) -> bool {
    run.preceded_by.is_empty() && run.followed_by.is_empty()
}

/// What was said of the data as a whole.
fn drift_verdict(run: &RunReport) -> Option<FindingVerdict> {
    run.findings.iter().find(|finding| finding.id == drift::DATA).map(|finding| finding.verdict)
}

fn date_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// Where the story is played.
struct Stage<'a> {
    world: &'a World,
    loaded: &'a LoadedJob,
    progress: Option<Progress>,
}

impl Stage<'_> {
    /// The nights after the days from `from` to before `until`.
    async fn nights(&self, title: &'static str, from: i64, until: i64) -> Result<Chapter, Failure> {
        let (first, last) = (midnight(from)?, midnight(until - 1)?);
        let request = BackfillRequest {
            from: first,
            to: last,
            max: 100,
            force: Force::No,
            progress: self.progress.clone(),
        };
        let mut nights = Vec::new();
        for (_, outcome) in backfill(self.world, self.loaded, request).await? {
            nights.push(outcome?.report().clone());
        }
        let name = &self.loaded.job.name;
        let command =
            format!("nightshift backfill {name} --from {} --to {}", date_of(first), date_of(last));
        Ok(Chapter { title, command, lines: told(&nights), nights })
    }

    /// A pipeline trains a version without two columns; the gate says what that costs.
    async fn rejected(&self, at_day: i64) -> Result<Chapter, Failure> {
        let features = "[features]\nexclude = [\"contract\", \"support_calls\"]\n\n[model]";
        let text = self.loaded.text.replace("[model]", features);
        let problem = |_| {
            let message = "the job of the demo does not parse; this is a bug";
            RunError::new("demo", Cause::Other, message)
        };
        let job = parse(&self.loaded.file, text.as_bytes()).map_err(problem)?;
        let simpler = LoadedJob { file: self.loaded.file.clone(), text, job };
        let tick = midnight(at_day - 1)?;
        let request = Request {
            tick: Some(tick),
            trigger: Trigger::Ci,
            force: Force::NewRevision,
            promotion: Promotion::IfBlessed,
            scope: Scope::Chain,
            progress: self.progress.clone(),
        };
        let (Outcome::Done(report) | Outcome::NothingToDo(report)) =
            execute::train(self.world, &simpler, request).await?;
        let name = &self.loaded.job.name;
        Ok(Chapter {
            title: "A colleague leaves two columns out to make the job simpler; CI trains, the gate says no",
            command: format!(
                "# jobs/{name}.toml: [features] exclude = [\"contract\", \"support_calls\"]\n\
                 $ nightshift train {name} --tick {tick} --trigger ci"
            ),
            lines: told(std::slice::from_ref(&report)),
            nights: vec![*report],
        })
    }

    /// Somebody promotes the rejected version all the same.
    async fn mistake(&self, version: Version, from: i64) -> Result<Chapter, Failure> {
        let name = &self.loaded.job.name;
        let reason = "simpler, and good enough";
        registry::promote(self.world, name, version, reason, ACTOR).await?;
        let title =
            "It is promoted by hand all the same; the watch takes it back and corrects its scores";
        let played = self.nights(title, from, from + NIGHTS_OF_MISTAKE).await?;
        let command = format!("nightshift promote {name} {version} --reason \"{reason}\" --yes");
        let command = format!("{command}\n$ {}", played.command);
        Ok(Chapter { command, ..played })
    }
}

/// The tick of the night after a day.
fn midnight(number: i64) -> Result<Timestamp, RunError> {
    let zoned = day(number + 1).to_zoned(TimeZone::UTC);
    Ok(zoned.map_err(RunError::other("demo"))?.timestamp())
}

/// What came of some runs, with the numbers that decided; quiet nights are counted.
fn told(runs: &[RunReport]) -> Vec<String> {
    let quiet = runs.iter().filter(|run| is_quiet(run) && run.verdict == Some(Verdict::Ok)).count();
    let mut out = Vec::new();
    for run in runs {
        let has_drifted = run.verdict == Some(Verdict::Drift);
        for training in run.preceded_by.iter().chain(&run.followed_by) {
            if has_drifted && training.trigger == Trigger::Drift {
                out.extend(drifted_columns(run));
            }
            out.extend(outcome(training));
        }
        if run.kind == RunKind::Train || run.verdict == Some(Verdict::RolledBack) {
            out.extend(outcome(run));
        }
    }
    match quiet {
        0 => {}
        1 => out.push("1 night without a finding".to_owned()),
        many => out.push(format!("{many} nights without a finding")),
    }
    out
}

/// What has drifted on a night.
fn drifted_columns(run: &RunReport) -> Vec<String> {
    let is_told = |finding: &&Finding| {
        finding.kind == FindingKind::Drift && finding.verdict == FindingVerdict::Fail
    };
    let night = date_of(run.tick);
    let findings = run.findings.iter().filter(is_told);
    findings.map(|finding| format!("{night}  {}", finding.message)).collect()
}

/// How a training or a rollback ended, with the finding that decided it.
fn outcome(run: &RunReport) -> Vec<String> {
    let version = run.model.as_ref().map_or_else(String::new, |model| model.version.to_string());
    let verdict = run.verdict.map_or("failed", Verdict::id).replace('_', " ");
    let night = date_of(run.tick);
    let head = match (run.kind, run.trigger) {
        (RunKind::Score, Trigger::Rollback) => format!("{night}  corrected with {version}"),
        (RunKind::Score, _) => format!("{night}  {verdict} to {version}"),
        (RunKind::Train, trigger) => format!("{night}  {version} {verdict} ({trigger})"),
    };
    let decides = |finding: &&Finding| match finding.kind {
        FindingKind::Gate => {
            matches!(finding.id.as_str(), "non_inferiority" | "beat_dummy")
                && finding.verdict != FindingVerdict::NotApplicable
        }
        FindingKind::Watch => {
            finding.id == "correction"
                || (finding.verdict == FindingVerdict::Fail && finding.id != "watch")
        }
        _ => false,
    };
    let numbers = run.findings.iter().filter(decides).map(|found| format!("  {}", found.message));
    std::iter::once(head).chain(numbers).collect()
}
