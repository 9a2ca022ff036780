//! Documents of commands whose answer is mostly text: `nightshift.explain/1`, `nightshift.init/1`,
//! `nightshift.logs/1` and `nightshift.generate/1`.
//!
//! The text is the same as for people, Markdown where it has structure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::app::render::json::next::TickDocument;
use crate::app::render::text::ticks::ShownTick;

/// `nightshift.explain/1`: what a word means.
#[derive(Debug, Serialize)]
pub(crate) struct ExplainDocument<'a> {
    schema: &'static str,
    thing: &'a str,
    /// `check`, `model_kind`, `metric`, `problem_code` or `cron`.
    kind: &'static str,
    /// Markdown.
    text: &'a str,
    /// The next ticks of a cron expression; empty for anything else.
    ticks: Vec<TickDocument<'a>>,
    /// What in a cron expression is allowed but probably not meant.
    lints: &'a [String],
}

/// `nightshift.init/1`: the files that were written.
#[derive(Debug, Serialize)]
pub(crate) struct InitDocument<'a> {
    schema: &'static str,
    project: &'a str,
    files: &'a [&'a str],
    /// The command to give next.
    next: &'a str,
    /// What was played, with `--demo`.
    chapters: Vec<ChapterDocument<'a>>,
}

/// A part of the story that `init --demo` plays.
#[derive(Debug, Serialize)]
pub(crate) struct ChapterDocument<'a> {
    /// What happens.
    pub(crate) title: &'a str,
    /// What a person would type.
    pub(crate) commands: Vec<&'a str>,
    /// What came of it, with the numbers that decided.
    pub(crate) lines: &'a [String],
}

/// `nightshift.logs/1`: the log of one run, oldest line first.
#[derive(Debug, Serialize)]
pub(crate) struct LogsDocument<'a> {
    schema: &'static str,
    run: &'a str,
    lines: Vec<LogLineDocument<'a>>,
}

/// One event of a run.
#[derive(Debug, Serialize)]
pub(crate) struct LogLineDocument<'a> {
    /// When.
    pub(crate) at: Timestamp,
    /// `ERROR`, `WARN`, `INFO` or `DEBUG`.
    pub(crate) level: &'a str,
    /// What happened.
    pub(crate) message: &'a str,
    /// Values that belong to it, by name.
    pub(crate) fields: &'a BTreeMap<String, Value>,
}

/// `nightshift.generate/1`: an asset.
#[derive(Debug, Serialize)]
pub(crate) struct GenerateDocument<'a> {
    schema: &'static str,
    asset: &'a str,
    text: &'a str,
}

impl<'a> ExplainDocument<'a> {
    /// What `thing`, which is a `kind`, means.
    pub(crate) fn new(thing: &'a str, kind: &'static str, text: &'a str) -> Self {
        Self { schema: "nightshift.explain/1", thing, kind, text, ticks: Vec::new(), lints: &[] }
    }

    /// The same, with the next ticks and the lints of a cron expression.
    pub(crate) fn with_ticks(self, ticks: &'a [ShownTick<'a>], lints: &'a [String]) -> Self {
        Self { ticks: ticks.iter().map(TickDocument::new).collect(), lints, ..self }
    }
}

impl<'a> InitDocument<'a> {
    /// What was written below `project`.
    pub(crate) fn new(
        project: &'a str,
        files: &'a [&'a str],
        next: &'a str,
        chapters: Vec<ChapterDocument<'a>>,
    ) -> Self {
        Self { schema: "nightshift.init/1", project, files, next, chapters }
    }
}

impl<'a> LogsDocument<'a> {
    /// The lines of the log of `run`.
    pub(crate) fn new(run: &'a str, lines: Vec<LogLineDocument<'a>>) -> Self {
        Self { schema: "nightshift.logs/1", run, lines }
    }
}

impl<'a> GenerateDocument<'a> {
    /// The text of `asset`.
    pub(crate) fn new(asset: &'a str, text: &'a str) -> Self {
        Self { schema: "nightshift.generate/1", asset, text }
    }
}
