//! `nightshift.models/1`, `nightshift.history/1`, `nightshift.aliases/1` and `nightshift.import/1`: the
//! versions of a model, where the aliases point, and every move of them.
//!
//! Versions are plain numbers here (`3`), as they are given to commands.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::app::render::json::run::RunDocument;
use crate::domain::identity::{JobName, RunId, Version};
use crate::domain::registry::{Aliases, MetricValue, Move, VersionRecord};
use crate::engine::report::RunReport;

/// `nightshift.models/1`: every version of a model.
#[derive(Debug, Serialize)]
pub(crate) struct ModelsDocument<'a> {
    schema: &'static str,
    model: &'a str,
    aliases: AliasesDocument,
    versions: Vec<VersionDocument<'a>>,
}

/// Where the aliases of a model point.
#[derive(Debug, Serialize)]
pub(crate) struct AliasesDocument {
    champion: Option<u32>,
    challenger: Option<u32>,
    previous: Option<u32>,
}

#[derive(Debug, Serialize)]
struct VersionDocument<'a> {
    version: u32,
    kind: &'a str,
    /// `isotonic` or `platt`; absent where probabilities are as the model says.
    #[serde(skip_serializing_if = "Option::is_none")]
    calibration: Option<&'a str>,
    task: &'a str,
    sha256: String,
    created_at: Timestamp,
    /// The train run; null for an imported artifact.
    run: Option<&'a str>,
    /// Rows it was fitted on.
    rows: u64,
    rows_test: u64,
    metrics: BTreeMap<&'a str, Metric>,
    blessing: &'static str,
    state: &'static str,
}

/// A metric on held-out rows with its 95 % interval where one is known.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Metric {
    value: f64,
    low: Option<f64>,
    high: Option<f64>,
}

/// `nightshift.history/1`: every move of every alias, oldest first; with `--at`, the champion then.
#[derive(Debug, Serialize)]
pub(crate) struct HistoryDocument<'a> {
    schema: &'static str,
    model: &'a str,
    moves: Vec<MoveDocument<'a>>,
    /// The instant asked about; absent without `--at`.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    /// Absent without `--at`; null if there was no champion yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    champion: Option<Champion>,
}

/// The number of the version that was champion, null for none.
#[derive(Debug, Serialize)]
struct Champion(Option<u32>);

#[derive(Debug, Serialize)]
struct MoveDocument<'a> {
    at: Timestamp,
    alias: &'static str,
    from: Option<u32>,
    to: Option<u32>,
    action: &'static str,
    actor: &'a str,
    reason: &'a str,
    run: Option<&'a str>,
}

/// `nightshift.aliases/1`: what `promote` and `rollback` moved.
#[derive(Debug, Serialize)]
pub(crate) struct MovedDocument<'a> {
    schema: &'static str,
    model: &'a str,
    action: &'static str,
    reason: &'a str,
    before: AliasesDocument,
    after: AliasesDocument,
    /// Runs that scored again what a rolled back version had published.
    corrections: Vec<RunDocument<'a>>,
}

/// `nightshift.import/1`: the version that an artifact became.
#[derive(Debug, Serialize)]
pub(crate) struct ImportDocument<'a> {
    schema: &'static str,
    model: &'a str,
    version: u32,
    reason: &'a str,
    before: AliasesDocument,
    after: AliasesDocument,
}

impl<'a> ModelsDocument<'a> {
    /// The document of `versions`, in their order.
    pub(crate) fn new(model: &'a JobName, aliases: Aliases, versions: &'a [VersionRecord]) -> Self {
        Self {
            schema: "nightshift.models/1",
            model: model.as_str(),
            aliases: aliases.into(),
            versions: versions.iter().map(version).collect(),
        }
    }
}

impl<'a> HistoryDocument<'a> {
    /// The document of `moves`, in their order.
    pub(crate) fn new(model: &'a JobName, moves: &'a [Move]) -> Self {
        Self {
            schema: "nightshift.history/1",
            model: model.as_str(),
            moves: moves.iter().map(one_move).collect(),
            at: None,
            champion: None,
        }
    }

    /// The same, with the champion of a moment.
    pub(crate) fn with_champion(self, at: Timestamp, champion: Option<Version>) -> Self {
        Self { at: Some(at), champion: Some(Champion(champion.map(|version| version.0))), ..self }
    }
}

impl<'a> MovedDocument<'a> {
    /// The document of a move from `before` to `after`.
    pub(crate) fn new(
        model: &'a JobName,
        action: &'static str,
        reason: &'a str,
        (before, after): (Aliases, Aliases),
    ) -> Self {
        Self {
            schema: "nightshift.aliases/1",
            model: model.as_str(),
            action,
            reason,
            before: before.into(),
            after: after.into(),
            corrections: Vec::new(),
        }
    }

    /// The same, with the runs that scored again what a rolled back version had published.
    pub(crate) fn with_corrections(self, reports: &'a [RunReport]) -> Self {
        Self { corrections: reports.iter().map(RunDocument::new).collect(), ..self }
    }
}

impl<'a> ImportDocument<'a> {
    /// The document of an artifact that became `version`.
    pub(crate) fn new(
        model: &'a JobName,
        version: Version,
        reason: &'a str,
        (before, after): (Aliases, Aliases),
    ) -> Self {
        Self {
            schema: "nightshift.import/1",
            model: model.as_str(),
            version: version.0,
            reason,
            before: before.into(),
            after: after.into(),
        }
    }
}

impl From<Aliases> for AliasesDocument {
    fn from(aliases: Aliases) -> Self {
        let number = |version: Option<Version>| version.map(|version| version.0);
        Self {
            champion: number(aliases.champion),
            challenger: number(aliases.challenger),
            previous: number(aliases.previous),
        }
    }
}

impl From<&MetricValue> for Metric {
    fn from(metric: &MetricValue) -> Self {
        Self { value: metric.value, low: metric.low, high: metric.high }
    }
}

fn version(record: &VersionRecord) -> VersionDocument<'_> {
    let (kind, calibration) = match record.kind.split_once('+') {
        Some((kind, calibration)) => (kind, Some(calibration)),
        None => (record.kind.as_str(), None),
    };
    VersionDocument {
        version: record.version.0,
        kind,
        calibration,
        task: &record.task,
        sha256: record.sha256.to_string(),
        created_at: record.created_at,
        run: record.run.as_ref().map(RunId::as_str),
        rows: record.rows,
        rows_test: record.rows_test,
        metrics: record.metrics.iter().map(|(name, metric)| (&**name, metric.into())).collect(),
        blessing: record.blessing.id(),
        state: record.state.id(),
    }
}

fn one_move(step: &Move) -> MoveDocument<'_> {
    MoveDocument {
        at: step.at,
        alias: step.alias.id(),
        from: step.from.map(|version| version.0),
        to: step.to.map(|version| version.0),
        action: step.action.id(),
        actor: &step.actor,
        reason: &step.reason,
        run: step.run.as_ref().map(RunId::as_str),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::render::example;
    use crate::app::render::json::to_text;
    use crate::domain::registry::{Action, Alias};

    fn parsed(document: &impl Serialize) -> serde_json::Value {
        serde_json::from_str(&to_text(document)).unwrap()
    }

    #[test]
    fn models_have_the_fields_of_the_contract() {
        let (wine, versions) = (example::wine(), [example::version(1)]);
        let aliases = Aliases { champion: Some(Version(1)), ..Aliases::default() };
        let found = parsed(&ModelsDocument::new(&wine, aliases, &versions));
        assert_eq!(found["aliases"]["champion"], 1);
        assert!(found["aliases"]["previous"].is_null());
        let version = found["versions"][0].as_object().unwrap();
        for field in
            ["version", "kind", "sha256", "created_at", "run", "rows", "metrics", "blessing"]
        {
            assert!(version.contains_key(field), "{field}");
        }
        assert_eq!(version["metrics"]["roc_auc"]["low"], 0.75);
        assert!(version["metrics"]["f1"]["low"].is_null());
    }

    #[test]
    fn champion_is_there_only_if_asked_for() {
        let (wine, at) = (example::wine(), example::at("2026-01-05T02:30:00Z"));
        let moves = [Move {
            at,
            commits: 1,
            alias: Alias::Champion,
            from: None,
            to: Some(Version(1)),
            action: Action::Promote,
            actor: "cli".to_owned(),
            reason: "first".to_owned(),
            run: None,
        }];
        let found = parsed(&HistoryDocument::new(&wine, &moves));
        assert!(found.get("champion").is_none() && found["moves"][0]["to"] == 1);
        let found = parsed(&HistoryDocument::new(&wine, &moves).with_champion(at, None));
        assert!(found["champion"].is_null() && found.get("champion").is_some());
    }
}
