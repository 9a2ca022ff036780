//! A run: one execution of a job for a tick, the states it goes through, and how it ends.
//!
//! A published run is never executed again: no transition leads back from `committing` on. The names
//! of states, triggers and verdicts here are those of the database, JSON and messages.

use std::fmt;

use jiff::Timestamp;

use crate::domain::identity::{JobName, RunId};

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunKind {
    /// Publishes scores with the champion.
    Score,
    /// Makes a version.
    Train,
}

/// Why a run exists. A label, never a code path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// A tick of the schedule came due.
    Schedule,
    /// A person asked.
    Manual,
    /// A build asked.
    Ci,
    /// The job had no version yet.
    Initial,
    /// Drift was found.
    Drift,
    /// Performance fell.
    Performance,
    /// The champion is old.
    Age,
    /// Enough new rows arrived.
    NewRows,
    /// A past tick was missing.
    Backfill,
    /// A rolled-back version had published this tick.
    Rollback,
}

impl Trigger {
    /// Whether such a run is caused by another one or by a rollback, so that nobody asks for it again if it
    /// is lost.
    pub fn is_consequence(self) -> bool {
        match self {
            Self::Drift | Self::Performance | Self::Age | Self::NewRows | Self::Rollback => true,
            Self::Schedule | Self::Manual | Self::Ci | Self::Initial | Self::Backfill => false,
        }
    }
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Waits to be claimed.
    Queued,
    /// Has an owner.
    Claimed,
    /// Reads, computes and writes to staging.
    Running,
    /// The intent to publish is durable: the run will be published and never executed again.
    Committing,
    /// Published, or for a train run: registered.
    Committed,
    /// Ended without effect.
    Failed,
    /// Failed for the last time that the retry policy allows.
    Dead,
    /// Stopped by a person.
    Cancelled,
    /// A later revision took its place.
    Superseded,
    /// A file of it is not what was recorded.
    Corrupt,
}

/// How an attempt at a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttemptOutcome {
    /// It did what it was asked.
    Ok,
    /// Ended without effect.
    Failed,
    /// It took longer than `run.timeout`.
    TimedOut,
    /// Its process was gone.
    Lost,
    /// It was cut off by a shutdown.
    Interrupted,
}

/// What a finished run says about data and model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It did what it was asked.
    Ok,
    /// Drift was found.
    Drift,
    /// The trained version became champion.
    Promoted,
    /// The trained version waits for a person.
    Held,
    /// There was too little evidence to promote.
    Inconclusive,
    /// A gate failed.
    Rejected,
    /// A check failed; nothing was published.
    CheckFailed,
    /// The champion was replaced by an earlier one.
    RolledBack,
}

/// What identifies the place of a run: at most one committed run holds it at a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RunSlot {
    /// The job.
    pub job: JobName,
    /// Whether it scores or trains.
    pub kind: RunKind,
    /// The nominal instant it is for.
    pub tick: Timestamp,
    /// 0 for a tick's first run; each correction takes the next.
    pub revision: u32,
}

/// The half-open span of time `[start, end)` whose data a run covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interval {
    /// `None` where there is no previous tick: everything before `end`.
    pub start: Option<Timestamp>,
    /// Exclusive.
    pub end: Timestamp,
}

/// The right to write on behalf of a run, until somebody else claims it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The run that was claimed.
    pub run: RunId,
    /// Grows with every claim in the store; each later write names it.
    pub token: i64,
    /// 1 for the first try.
    pub attempt: u32,
}

impl State {
    /// Whether a run may go from `self` to `next`.
    pub fn may_become(self, next: Self) -> bool {
        use State::{
            Cancelled, Claimed, Committed, Committing, Corrupt, Dead, Failed, Queued, Running,
            Superseded,
        };
        match self {
            Queued => matches!(next, Claimed | Cancelled | Superseded),
            Claimed => matches!(next, Running | Queued | Failed | Dead | Cancelled | Superseded),
            Running => matches!(next, Committing | Queued | Failed | Dead | Cancelled | Superseded),
            Committing => matches!(next, Committed | Corrupt),
            Committed => matches!(next, Superseded | Corrupt),
            // Tried again, by hand or by the retry policy.
            Failed | Dead | Cancelled => matches!(next, Queued | Superseded),
            Superseded | Corrupt => false,
        }
    }

    /// Whether nobody executes or publishes the run any more, unless somebody asks for it again.
    pub fn has_ended(self) -> bool {
        !matches!(self, Self::Queued | Self::Claimed | Self::Running | Self::Committing)
    }
}

impl Verdict {
    /// The exit code of a command whose run ends so: 0, or 10 and more for what somebody should see.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Ok | Self::Promoted | Self::Held => 0,
            Self::Drift => 10,
            Self::Inconclusive | Self::Rejected => 11,
            Self::CheckFailed => 12,
            Self::RolledBack => 13,
        }
    }
}

/// Implements `id` and `parse` for an enum whose variants have one name each in files and tables.
macro_rules! named {
    ($name:ident { $($variant:ident => $text:literal),+ $(,)? }) => {
        impl $name {
            /// Every value, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in TOML, JSON, the database and messages.
            pub fn id(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The value called `text`.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.id() == text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.id())
            }
        }
    };
}
pub(crate) use named;

named!(RunKind { Score => "score", Train => "train" });

named!(Trigger {
    Schedule => "schedule",
    Manual => "manual",
    Ci => "ci",
    Initial => "initial",
    Drift => "drift",
    Performance => "performance",
    Age => "age",
    NewRows => "new_rows",
    Backfill => "backfill",
    Rollback => "rollback",
});

named!(State {
    Queued => "queued",
    Claimed => "claimed",
    Running => "running",
    Committing => "committing",
    Committed => "committed",
    Failed => "failed",
    Dead => "dead",
    Cancelled => "cancelled",
    Superseded => "superseded",
    Corrupt => "corrupt",
});

named!(AttemptOutcome {
    Ok => "ok",
    Failed => "failed",
    TimedOut => "timed_out",
    Lost => "lost",
    Interrupted => "interrupted",
});

named!(Verdict {
    Ok => "ok",
    Drift => "drift",
    Promoted => "promoted",
    Held => "held",
    Inconclusive => "inconclusive",
    Rejected => "rejected",
    CheckFailed => "check_failed",
    RolledBack => "rolled_back",
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_run_is_never_executed_again() {
        for state in [State::Committing, State::Committed, State::Superseded, State::Corrupt] {
            for again in [State::Queued, State::Claimed, State::Running] {
                assert!(!state.may_become(again), "{state} -> {again}");
            }
        }
    }

    #[test]
    fn names_read_back() {
        for state in State::ALL {
            assert_eq!(State::parse(state.id()), Some(*state));
        }
        assert_eq!(Trigger::parse("cron"), None);
    }
}
