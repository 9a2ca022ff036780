//! One pass over the data, in constant memory: the middle of a score run.
//!
//! Each batch is read and profiled, judged, scored, reconciled and written, and then forgotten. A second version
//! may score the same rows in the same pass: `previous` while a promotion is watched, or the version
//! whose scores are being corrected. Nothing here decides whether or which scores are published;
//! [`Scored`] holds what that decision needs.

/// The rows of the pass.
mod batches;
/// What a correction changes.
mod correction;
/// What is counted of every row.
mod counted;
/// How the columns suit each version.
mod fits;
/// One version in the pass.
mod track;
/// All versions in the pass.
mod versions;

use std::collections::BTreeSet;
use std::path::Path;

use self::batches::Pass;
use self::fits::{Fits, open};
use crate::adapters::dataset::{ScanRequest, Table, Written};
use crate::domain::finding::Finding;
use crate::domain::frame::{Cells, Frame, FrameColumn, Numbers};
use crate::domain::identity::RunId;
use crate::domain::job::{Job, Task};
use crate::engine::error::RunError;
use crate::engine::execute::{Progress, ProgressEvent};
use crate::engine::inputs::InputDigests;
use crate::engine::judge;
use crate::engine::report::{InputFile, ModelRef, Rows};
use crate::engine::score::ScorePlan;
use crate::learn::agreement::Agreement;
use crate::learn::artifact::Artifact;
use crate::learn::profile::TableProfile;

/// About how many rows a batch has where its file does not say: enough to keep the cores busy, few enough to stay in
/// memory.
pub const BATCH_ROWS: usize = 131_072;

/// What a pass is about; the same for every batch.
#[derive(Clone, Copy)]
struct Subject<'a> {
    plan: &'a ScorePlan,
    /// The folder that files are written into.
    staging: &'a Path,
    job: &'a Job,
    contenders: &'a Contenders,
    table: &'a Table,
    /// The columns that are read.
    columns: &'a [String],
}

/// A version that scores in a pass.
#[derive(Debug)]
pub struct Contender {
    /// Which one it is.
    pub model: ModelRef,
    /// The version itself.
    pub artifact: Artifact,
}

/// The versions that score in a pass.
#[derive(Debug)]
pub struct Contenders {
    /// The version whose scores are published unless something speaks against it.
    pub lead: Contender,
    /// The version that scores beside it.
    pub second: Second,
}

/// The version that scores beside the lead, and what for.
#[derive(Debug)]
pub enum Second {
    /// There is none.
    None,
    /// `previous`, whose scores are published should the lead be rolled back.
    Standby(Contender),
    /// The version that published this tick before; its decisions are compared with the lead's.
    Replaced(Contender),
}

impl Second {
    /// The version that a rollback restores.
    pub fn standby(&self) -> Option<&Contender> {
        match self {
            Self::Standby(contender) => Some(contender),
            Self::None | Self::Replaced(_) => None,
        }
    }

    fn contender(&self) -> Option<&Contender> {
        match self {
            Self::None => None,
            Self::Standby(contender) | Self::Replaced(contender) => Some(contender),
        }
    }
}

/// What the pass found and wrote.
pub struct Scored {
    /// Row counts.
    pub rows: Rows,
    /// What was found of the data, passes included.
    pub findings: Vec<Finding>,
    /// The profile of every column that was read.
    pub profile: TableProfile,
    /// The files that were read.
    pub inputs: Vec<InputFile>,
    /// `None` if no row was set aside.
    pub quarantine: Option<Written>,
    /// What the lead wrote, or why it could not score (only where there is a standby).
    pub lead: Result<TrackScored, String>,
    /// What the second version made of the same rows.
    pub second: SecondScored,
}

/// What one version wrote.
pub struct TrackScored {
    /// The staged scores, with the ids that have one.
    pub part: Written,
    /// The profile of the scores of the rows that are kept.
    pub scores: TableProfile,
}

/// What the second version made of the rows.
pub enum SecondScored {
    /// There was none.
    None,
    /// Its scores are ready to be published, unless it could not score either.
    Standby {
        /// What it wrote, or why it could not score.
        scored: Result<TrackScored, String>,
        /// How the two versions differ.
        agreement: Agreement,
        /// What the checks of the columns say of the second version.
        warnings: Vec<Finding>,
    },
    /// The version whose scores are corrected cannot score the rows again, and why.
    Uncompared(String),
    /// The decisions that the correction changes.
    Replaced {
        /// The changed rows; `None` if no decision changed.
        changes: Option<Written>,
        /// How the two versions differ.
        agreement: Agreement,
    },
}

/// File name of the scores of `run`.
pub fn part_name(run: &RunId) -> String {
    format!("part-{run}-0000.parquet")
}

/// File name of the scores of the standby of `run`, while they are staged.
pub fn standby_name(run: &RunId) -> String {
    format!("standby-{run}.parquet")
}

/// File name of the rows of `run` that were set aside.
pub fn quarantine_name(run: &RunId) -> String {
    format!("quarantine-{run}.parquet")
}

/// File name of the decisions that the correction `run` changed.
pub fn changes_name(run: &RunId) -> String {
    format!("changes-{run}.parquet")
}

/// Scores everything that `plan` names, into files in the folder `staging`; `digests` are those of its files.
pub fn score(
    (plan, digests): (&ScorePlan, InputDigests),
    staging: &Path,
    job: &Job,
    contenders: &Contenders,
    progress: Option<&Progress>,
) -> Result<Scored, RunError> {
    let (table, fits) = open(plan, job, contenders)?;
    let mut findings = fits.findings();
    let columns = columns_to_read(job, contenders, &fits, &table);
    let subject = Subject { plan, staging, job, contenders, table: &table, columns: &columns };
    let mut pass = Pass::start(subject, fits)?;
    let rows_hint = table.rows_hint();
    let request = ScanRequest {
        columns: &columns,
        id: job.data.id.as_deref(),
        time: plan.paths.filter.as_ref(),
        batch_rows: BATCH_ROWS,
    };
    let receipt = table.scan(&request, |batch| {
        pass.take(&batch)?;
        if let Some(progress) = progress {
            let (done, scored) = (pass.rows_read(), pass.rows_scored());
            progress(ProgressEvent::Rows { done, of: rows_hint, scored });
        }
        Ok(())
    });
    let receipt = receipt.map_err(RunError::from)?;
    let inputs = digests.finish()?;
    findings.extend(judge::rows_without_time(job, receipt.rows_without_time));
    pass.finish(inputs, findings, receipt.rows_read)
}

/// The columns a score run needs: features, id, time, label, copied and checked ones.
fn columns_to_read(job: &Job, contenders: &Contenders, fits: &Fits, table: &Table) -> Vec<String> {
    let lead = fits.lead.is_ok().then_some(&contenders.lead);
    let second = contenders.second.contender().filter(|_| fits.second.is_ok());
    let scoring = lead.into_iter().chain(second);
    let mut wanted: BTreeSet<&str> =
        scoring.flat_map(|contender| contender.artifact.features.columns()).collect();
    wanted.extend(job.data.id.as_deref());
    wanted.extend(job.data.time.as_deref());
    wanted.extend(job.data.label.as_deref());
    wanted.extend(job.score.columns.iter().map(String::as_str));
    wanted.extend(job.checks.iter().filter_map(|check| check.column.as_deref()));
    let present = table.schema().columns.iter().map(|column| column.name.as_str());
    present.filter(|name| wanted.contains(name)).map(str::to_owned).collect()
}

/// Scores as a frame, to be profiled.
pub fn score_frame<'a>(names: &'a [String], columns: Vec<&'a [f64]>) -> Frame<'a> {
    let rows = columns.first().map_or(0, |column| column.len());
    let columns = names
        .iter()
        .zip(columns)
        .map(|(name, values)| FrameColumn {
            name,
            cells: Cells::Number(Numbers { values: values.into(), nulls: Vec::new() }),
        })
        .collect();
    Frame { rows, columns }
}

/// The score columns that a model writes.
pub fn score_columns(artifact: &Artifact) -> Vec<String> {
    match artifact.task {
        Task::Multiclass => artifact.classes.iter().map(|class| format!("score_{class}")).collect(),
        Task::Binary | Task::Regression => vec!["score".to_owned()],
    }
}
