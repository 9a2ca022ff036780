//! The rows of a pass: each batch is judged, scored, profiled and written, and then forgotten.
//!
//! Ids are counted on the way in and on the way out; if the two differ at the end, the pass fails
//! rather than publish. Which rows there are, and what becomes of the result, is not known here.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::correction::Correction;
use super::fits::Fits;
use super::track::{Track, write_error};
use crate::adapters::dataset::{
    self, Batch, ChangesWriter, DuplicateFinder, IdSet, QuarantineWriter, Table,
};
use crate::adapters::failpoint;
use crate::domain::finding::Finding;
use crate::domain::frame::Frame;
use crate::domain::job::{CheckAction, Job};
use crate::engine::error::{Cause, RunError};
use crate::engine::judge;
use crate::engine::pass::{
    Contender, Contenders, Scored, Second, SecondScored, TrackScored, changes_name, part_name,
    quarantine_name, standby_name,
};
use crate::engine::plan::zone;
use crate::engine::report::{InputFile, Rows};
use crate::engine::score::ScorePlan;
use crate::learn::agreement::Agreement;
use crate::learn::artifact::{ScoreError, Scores};
use crate::learn::check::RowChecks;
use crate::learn::profile::Profiler;

/// Most duplicate ids that a message names.
const DUPLICATES_NAMED_MAX: usize = 5;

/// What a pass is about; the same for every batch.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) plan: &'a ScorePlan,
    /// The folder that files are written into.
    pub(super) staging: &'a Path,
    pub(super) job: &'a Job,
    pub(super) contenders: &'a Contenders,
    pub(super) table: &'a Table,
    /// The columns that are read.
    pub(super) columns: &'a [String],
}

/// A version that scores, or why it could not.
type Outcome<'a> = Result<Track<'a>, String>;

/// The second version between batches.
enum SecondTrack<'a> {
    None,
    Standby { track: Outcome<'a>, agreement: Agreement },
    Replaced(Result<Correction<'a>, String>),
}

/// The state of the pass between batches.
pub(super) struct Pass<'a> {
    subject: Subject<'a>,
    names: Vec<&'a str>,
    checks: RowChecks,
    profiler: Profiler,
    duplicates: DuplicateFinder,
    read: IdSet,
    lead: Outcome<'a>,
    second: SecondTrack<'a>,
    second_warnings: Vec<Finding>,
    quarantine: QuarantineWriter<'a>,
    rows: Rows,
    newest_micros: Option<i64>,
    zone: TimeZone,
}

impl<'a> Pass<'a> {
    /// Opens the files that the pass writes.
    pub(super) fn start(subject: Subject<'a>, fits: Fits) -> Result<Self, RunError> {
        let Subject { plan, staging, job, contenders, table, columns } = subject;
        let checks = RowChecks::new(&job.checks)
            .map_err(|error| RunError::new("plan", Cause::Job, error))?;
        let id = job.data.id.as_deref();
        let (lead, run) = (&contenders.lead, &plan.run);
        // A reference of other types would refuse the columns.
        let profiled_for = match (&fits.lead, contenders.second.standby()) {
            (Err(_), Some(standby)) => standby,
            _ => lead,
        };
        let track = |contender: &'a Contender, name: String, fit: &Result<_, String>| match fit {
            Ok(_) => Track::start(contender, &staging.join(name), job, table).map(Ok),
            Err(reason) => Ok(Err(reason.clone())),
        };
        let second = match &contenders.second {
            Second::None => SecondTrack::None,
            Second::Standby(standby) => SecondTrack::Standby {
                track: track(standby, standby_name(run), &fits.second)?,
                agreement: Agreement::default(),
            },
            Second::Replaced(replaced) => SecondTrack::Replaced(fits.second.clone().map(|_| {
                let changes = ChangesWriter::new(&staging.join(changes_name(run)), id, table);
                Correction::new(replaced, job.score.threshold, changes)
            })),
        };
        let quarantine_path = staging.join(quarantine_name(run));
        let set_aside = quarantine_columns(job);
        let names: Vec<&str> = columns.iter().map(String::as_str).collect();
        Ok(Self {
            subject,
            checks,
            profiler: Profiler::new(&profiled_for.artifact.reference, &names),
            duplicates: DuplicateFinder::new(staging),
            read: IdSet::default(),
            lead: track(lead, part_name(run), &fits.lead)?,
            second,
            second_warnings: fits.second.unwrap_or_default(),
            quarantine: QuarantineWriter::new(&quarantine_path, id, &set_aside, table),
            rows: Rows::default(),
            newest_micros: None,
            zone: zone(job),
            names,
        })
    }

    /// Rows that were taken so far.
    pub(super) fn rows_read(&self) -> u64 {
        self.rows.read
    }

    /// Rows of them that have scores.
    pub(super) fn rows_scored(&self) -> u64 {
        self.rows.scored
    }

    /// Takes one batch through the pass.
    pub(super) fn take(&mut self, batch: &Batch) -> Result<(), RunError> {
        failpoint::reach("score.chunk").map_err(RunError::other("score"))?;
        let read = |error| RunError::new("read", Cause::Data, error);
        let frame = batch.frame(&self.names).map_err(read)?;
        let ids = batch.id_hashes();
        let verdicts = self.checks.judge(&frame);
        let keep = verdicts.keep();
        self.profiler.update(&frame, ids).map_err(RunError::data("profile"))?;
        self.duplicates.push(ids).map_err(write_error)?;
        self.read.extend(ids);
        if let Some(column) = &self.subject.job.data.time {
            self.newest_micros =
                self.newest_micros.max(batch.newest_micros(column, &self.zone).map_err(read)?);
        }
        self.score(batch, &frame, keep.as_deref())?;
        let set_aside = keep.as_ref().map_or(0, |keep| keep.iter().filter(|kept| !**kept).count());
        if set_aside > 0 {
            let reasons =
                verdicts.set_aside.iter().map(|found| found.map(|index| self.checks.reason(index)));
            self.quarantine.write(batch, &reasons.collect::<Vec<_>>()).map_err(write_error)?;
        }
        let read = batch.rows() as u64;
        self.rows.read += read;
        self.rows.quarantined += set_aside as u64;
        self.rows.scored += read - set_aside as u64;
        Ok(())
    }

    /// Lets every version score the batch.
    ///
    /// A lead that cannot score ends the pass, unless there is a standby to go on with.
    fn score(
        &mut self,
        batch: &Batch,
        frame: &Frame<'_>,
        keep: Option<&[bool]>,
    ) -> Result<(), RunError> {
        let ours = scores_of(&self.lead, frame);
        if let Some(Err(error)) = &ours
            && !matches!(&self.second, SecondTrack::Standby { track: Ok(_), .. })
        {
            return Err(RunError::new("score", Cause::Data, error.to_string()));
        }
        let ours = advance(&mut self.lead, batch, ours, keep)?;
        match &mut self.second {
            SecondTrack::None | SecondTrack::Replaced(Err(_)) => {}
            SecondTrack::Standby { track, agreement } => {
                let theirs = scores_of(track, frame);
                let theirs = advance(track, batch, theirs, keep)?;
                if let (Some(ours), Some(theirs)) = (&ours, &theirs) {
                    agreement.update(ours, theirs, self.subject.job.score.threshold, keep);
                }
            }
            SecondTrack::Replaced(Ok(correction)) => match correction.artifact().score(frame) {
                Ok(before) => {
                    if let (Ok(lead), Some(after)) = (&self.lead, &ours) {
                        correction.take(batch, (lead.artifact(), after), &before, keep)?;
                    }
                }
                // What is put right must not depend on what was wrong.
                Err(error) => self.second = SecondTrack::Replaced(Err(error.to_string())),
            },
        }
        Ok(())
    }
}

/// What a version says of a batch; `None` if it could not score an earlier one.
fn scores_of(track: &Outcome<'_>, frame: &Frame<'_>) -> Option<Result<Scores, ScoreError>> {
    track.as_ref().ok().map(|track| track.score(frame))
}

/// Writes what a version said, or remembers why it could not.
fn advance(
    track: &mut Outcome<'_>,
    batch: &Batch,
    scores: Option<Result<Scores, ScoreError>>,
    keep: Option<&[bool]>,
) -> Result<Option<Scores>, RunError> {
    match (&mut *track, scores) {
        (Ok(track), Some(Ok(scores))) => {
            track.take(batch, &scores, keep)?;
            Ok(Some(scores))
        }
        (Ok(_), Some(Err(error))) => {
            *track = Err(error.to_string());
            Ok(None)
        }
        (Ok(_) | Err(_), _) => Ok(None),
    }
}

/// Waits until what a version wrote is on disk.
fn finish(track: Outcome<'_>) -> Result<Result<TrackScored, String>, RunError> {
    match track {
        Ok(track) => Ok(Ok(track.finish()?)),
        Err(reason) => Ok(Err(reason)),
    }
}

impl Pass<'_> {
    /// Ends the pass: duplicates, reconciliation, table checks, files closed.
    pub(super) fn finish(
        self,
        inputs: Vec<InputFile>,
        mut findings: Vec<Finding>,
        rows_scanned: u64,
    ) -> Result<Scored, RunError> {
        let Subject { plan, job, table, .. } = self.subject;
        let profile = self.profiler.finish();
        let lead = finish(self.lead)?;
        let second = match self.second {
            SecondTrack::None => SecondScored::None,
            SecondTrack::Standby { track, agreement } => {
                let warnings = self.second_warnings;
                SecondScored::Standby { scored: finish(track)?, agreement, warnings }
            }
            SecondTrack::Replaced(Err(reason)) => SecondScored::Uncompared(reason),
            SecondTrack::Replaced(Ok(correction)) => {
                let (changes, agreement) = correction.finish()?;
                SecondScored::Replaced { changes, agreement }
            }
        };
        let quarantine = self.quarantine.finish().map_err(write_error)?;
        let standby = match &second {
            SecondScored::Standby { scored: Ok(scored), .. } => Some(scored),
            _ => None,
        };
        for scored in lead.iter().chain(standby) {
            let mut written = scored.part.id_set;
            if let Some(quarantine) = &quarantine {
                written.merge(&quarantine.id_set);
            }
            if self.rows.read != rows_scanned || written != self.read {
                let message = format!(
                    "the ids read and the ids written differ: {rows_scanned} rows were scanned, {} were \
                     taken, {} were written; this is a bug",
                    self.rows.read,
                    written.count()
                );
                return Err(RunError::new("reconcile", Cause::Other, message));
            }
        }
        let repeated = self.duplicates.finish().map_err(write_error)?;
        if repeated.count > 0 {
            let id = job.data.id.as_deref();
            let filter = plan.paths.filter.as_ref();
            let named = dataset::duplicate_ids(table, id, filter, &repeated, DUPLICATES_NAMED_MAX)
                .map_err(RunError::data("read"))?;
            findings.extend(judge::duplicate_ids(job, repeated.count, &named));
        }
        findings.extend(self.checks.findings(self.rows.read));
        let newest = self.newest_micros.and_then(|micros| Timestamp::from_microsecond(micros).ok());
        findings.extend(judge::table(job, &profile, self.rows, newest, plan.interval.end));
        Ok(Scored { rows: self.rows, findings, profile, inputs, quarantine, lead, second })
    }
}

/// What is kept of a row that is set aside: the copied columns and those that can set it aside.
fn quarantine_columns(job: &Job) -> Vec<String> {
    let mut out = job.score.columns.clone();
    let judged = job.checks.iter().filter(|check| check.then == CheckAction::Quarantine);
    for column in judged.filter_map(|check| check.column.as_ref()) {
        if !out.contains(column) {
            out.push(column.clone());
        }
    }
    out
}
