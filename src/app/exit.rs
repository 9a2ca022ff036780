//! What the exit code of the process says, as data: the README's table is checked against it.
//!
//! Codes 10 to 13 are verdicts on data and models, not errors. Where a command has several results,
//! the gravest counts; a failure is graver than any verdict, so that `--exit-zero` can never hide one.

use std::process::ExitCode;

use crate::domain::run::{State, Verdict};
use crate::engine::report::RunReport;

/// How a command ended, from the mildest to the gravest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exit {
    /// Done; findings pass or only warn.
    Done,
    /// The tick is committed already.
    NothingToDo,
    /// Committed, but the data drifted and the job asks to be warned.
    Drifted,
    /// A candidate was rejected, or the evidence was not enough.
    Rejected,
    /// A data check failed; nothing was published.
    CheckFailed,
    /// A bad model was rolled back.
    RolledBack,
    /// Somebody else owns the run or the state directory.
    Busy,
    /// A job file or the configuration has problems.
    Job,
    /// The command line makes no sense.
    Usage,
    /// Something failed.
    Failed,
    /// The database or a model file is damaged.
    Damaged,
    /// An fsync failed.
    Fsync,
    /// Ended by an interrupt.
    Interrupted,
    /// Ended by a request to terminate.
    Terminated,
}

impl Exit {
    /// Every exit code with its meaning, in the order of the codes.
    pub const ALL: &'static [(u8, &'static str)] = &[
        (0, "done; findings pass or only warn"),
        (1, "something failed: the data, the disk, a run, a bug"),
        (2, "usage: the command line makes no sense"),
        (3, "a job file or `nightshift.toml` has problems"),
        (
            4,
            "nothing to do: the tick is committed already (only with `--detailed-exit-code`, else 0)",
        ),
        (10, "committed, but the data drifted and the job asks to be warned"),
        (11, "a candidate was rejected or the evidence was not enough; the champion is unchanged"),
        (
            12,
            "nothing was published: a data check failed (no row at all is one), or drift with `then = \"quarantine\"`",
        ),
        (13, "a bad model was rolled back"),
        (70, "storage cannot be trusted: an fsync failed"),
        (74, "storage cannot be trusted: the database or a model file is damaged"),
        (75, "somebody else owns the run or the state directory"),
        (130, "interrupted"),
        (143, "terminated"),
    ];

    /// The code that the process exits with.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Job => 3,
            Self::NothingToDo => 4,
            Self::Drifted => 10,
            Self::Rejected => 11,
            Self::CheckFailed => 12,
            Self::RolledBack => 13,
            Self::Fsync => 70,
            Self::Damaged => 74,
            Self::Busy => 75,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// What a run's verdict means for the exit code.
    pub fn of_verdict(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Ok | Verdict::Promoted | Verdict::Held => Self::Done,
            Verdict::Drift => Self::Drifted,
            Verdict::Inconclusive | Verdict::Rejected => Self::Rejected,
            Verdict::CheckFailed => Self::CheckFailed,
            Verdict::RolledBack => Self::RolledBack,
        }
    }

    /// What a run says, with the runs that had to come first and the runs that it caused.
    pub fn of_report(report: &RunReport) -> Self {
        let own = match report.state {
            State::Corrupt => Self::Damaged,
            State::Failed | State::Dead | State::Cancelled => match report.verdict {
                Some(Verdict::CheckFailed) => Self::CheckFailed,
                _ => Self::Failed,
            },
            _ => report.verdict.map_or(Self::Done, Self::of_verdict),
        };
        let around = report.preceded_by.iter().chain(&report.followed_by);
        around.map(Self::of_report).fold(own, Self::max)
    }

    /// Whether this says something about data and models, rather than that something went wrong.
    pub fn is_verdict(self) -> bool {
        matches!(self, Self::Drifted | Self::Rejected | Self::CheckFailed | Self::RolledBack)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: &[Exit] = &[
        Exit::Done,
        Exit::NothingToDo,
        Exit::Drifted,
        Exit::Rejected,
        Exit::CheckFailed,
        Exit::RolledBack,
        Exit::Busy,
        Exit::Job,
        Exit::Usage,
        Exit::Failed,
        Exit::Damaged,
        Exit::Fsync,
        Exit::Interrupted,
        Exit::Terminated,
    ];

    #[test]
    fn the_table_holds_every_code_once_and_in_order() {
        let mut codes: Vec<u8> = EVERY.iter().map(|exit| exit.code()).collect();
        codes.sort_unstable();
        let listed: Vec<u8> = Exit::ALL.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes, listed);
    }

    #[test]
    fn a_failure_is_graver_than_every_verdict() {
        for verdict in EVERY.iter().filter(|exit| exit.is_verdict()) {
            assert!(*verdict < Exit::Failed && *verdict > Exit::NothingToDo, "{verdict:?}");
        }
    }

    #[test]
    fn among_verdicts_the_largest_code_is_the_gravest() {
        let verdicts: Vec<Exit> = Verdict::ALL.iter().map(|v| Exit::of_verdict(*v)).collect();
        let gravest = verdicts.iter().copied().max().unwrap();
        assert_eq!(gravest.code(), verdicts.iter().map(|exit| exit.code()).max().unwrap());
        assert_eq!(Exit::of_verdict(Verdict::Promoted), Exit::Done);
    }
}
