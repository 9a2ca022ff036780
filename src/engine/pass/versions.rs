//! The versions of a pass: each scores every batch, for as long as it can.
//!
//! A lead that cannot score ends the pass, unless there is a standby to go on with. What is published is not
//! decided here.

use super::correction::Correction;
use super::fits::Fits;
use super::track::Track;
use crate::adapters::dataset::{Batch, ChangesWriter};
use crate::domain::finding::Finding;
use crate::domain::frame::Frame;
use crate::engine::error::{Cause, RunError};
use crate::engine::pass::{
    Contender, Second, SecondScored, Subject, TrackScored, changes_name, part_name, standby_name,
};
use crate::learn::agreement::Agreement;
use crate::learn::artifact::{ScoreError, Scores};

/// A version that scores, or why it could not.
type Outcome<'a> = Result<Track<'a>, String>;

/// The second version between batches.
enum SecondTrack<'a> {
    None,
    Standby { track: Outcome<'a>, agreement: Agreement },
    Replaced(Result<Correction<'a>, String>),
}

/// The versions between batches.
pub(super) struct Versions<'a> {
    threshold: Option<f64>,
    lead: Outcome<'a>,
    second: SecondTrack<'a>,
    /// What the checks of the columns say of a standby.
    second_warnings: Vec<Finding>,
}

/// What all versions made of the rows.
pub(super) struct VersionsScored {
    pub(super) lead: Result<TrackScored, String>,
    pub(super) second: SecondScored,
}

impl<'a> Versions<'a> {
    /// Opens the files of the versions.
    pub(super) fn start(subject: Subject<'a>, fits: Fits) -> Result<Self, RunError> {
        let Subject { plan, staging, job, contenders, table, .. } = subject;
        let run = &plan.run;
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
                let (path, id) = (staging.join(changes_name(run)), job.data.id.as_deref());
                let changes = ChangesWriter::new(&path, id, table);
                Correction::new(replaced, job.score.threshold, changes)
            })),
        };
        Ok(Self {
            threshold: job.score.threshold,
            lead: track(&contenders.lead, part_name(run), &fits.lead)?,
            second,
            second_warnings: fits.second.unwrap_or_default(),
        })
    }

    /// Lets every version score the batch; `keep` tells the rows that are not set aside.
    pub(super) fn take(
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
                    agreement.update(ours, theirs, self.threshold, keep);
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

    /// Waits until everything that was scored is on disk.
    pub(super) fn finish(self) -> Result<VersionsScored, RunError> {
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
        Ok(VersionsScored { lead, second })
    }
}

impl VersionsScored {
    /// What was written of every row: by the lead, and by a standby.
    pub(super) fn of_all_rows(&self) -> impl Iterator<Item = &TrackScored> {
        let standby = match &self.second {
            SecondScored::Standby { scored: Ok(scored), .. } => Some(scored),
            _ => None,
        };
        self.lead.iter().chain(standby)
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
