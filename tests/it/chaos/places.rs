//! Where each point is come to: in the daemon, in a process that it starts, in a command; and what else has
//! to happen so that it is.

use std::fmt;

/// Who comes to a point, and what has to happen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The daemon, the n-th time that it comes there. Its children have the points of the text.
    Daemon(u32, &'static str),
    /// The first daemon of a project in which nothing was done.
    FirstDaemon,
    /// The daemon that is started after one was killed when its child came to the point of the text.
    NextDaemon(&'static str),
    /// The daemon, after it was sent so many signals of this name. Its children have the points of the text.
    Signalled(&'static str, u32, &'static str),
    /// A child, the n-th time that it comes there.
    Child(u32),
    /// A child that has to train the first version.
    UntrainedChild,
    /// A command in a project of two versions.
    Command(&'static str),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Daemon(before, _) if *before > 0 => write!(f, "daemon, after {before}"),
            Self::Daemon(..) | Self::NextDaemon(_) => write!(f, "daemon"),
            Self::FirstDaemon => write!(f, "first daemon"),
            Self::Signalled(name, ..) => write!(f, "daemon, SIG{name}"),
            Self::Child(0) => write!(f, "child"),
            Self::Child(before) => write!(f, "child, after {before}"),
            Self::UntrainedChild => write!(f, "child, untrained"),
            Self::Command(line) => write!(f, "`{line}`"),
        }
    }
}

/// A child that is busy for longer than anybody waits.
const BUSY: &str = "child.before_input=sleep(60000)";

const PROMOTE: &str = "promote churn 2 --reason better --yes";
const ROLLBACK: &str = "rollback churn --reason worse --yes";
const BACKUP: &str = "backup b.db --force";
const CORRECT: &str = "score churn --tick 2026-01-05T02:30:00Z --force";

/// Where `point` is come to.
pub(super) fn places_of(point: &str) -> Vec<Place> {
    match point {
        // The cron engine is silent once its job has panicked.
        "engine.rebuild" => vec![Place::Daemon(0, "")],
        "recover.rollforward" => vec![Place::Daemon(0, "commit.after_a=return(kill)")],
        "recover.lost" => vec![Place::Daemon(0, "child.before_input=return(kill)")],
        "recover.gc" => vec![Place::NextDaemon("out.manifest")],
        // It loads jobs at its start as well.
        "reload.parse" => vec![Place::Daemon(0, ""), Place::Signalled("HUP", 1, "")],
        "reload.swap" => vec![Place::Signalled("HUP", 1, "")],
        "drain.start" => vec![Place::Signalled("TERM", 1, "")],
        "drain.kill" => vec![Place::Signalled("TERM", 3, BUSY)],
        "migrate.step" => vec![Place::FirstDaemon, Place::Command("run churn")],
        "promote.before" | "promote.after" => vec![Place::Command(PROMOTE)],
        "promote.in_txn" => vec![Place::UntrainedChild, Place::Command(PROMOTE)],
        "rollback.before" | "rollback.after" => vec![Place::Command(ROLLBACK)],
        "train.fit" | "model.write" | "model.fsync" | "gate.eval" => vec![Place::UntrainedChild],
        // At its start, and when it rules on ticks.
        "db.busy" | "db.full" | "db.ioerr_fsync" => {
            vec![Place::Child(0), Place::Child(3), Place::Daemon(0, ""), Place::Daemon(2, "")]
        }
        _ if point.starts_with("plan.") || point.starts_with("spawn.") => {
            vec![Place::Daemon(0, "")]
        }
        "engine.hint" | "recover.integrity" | "recover.verify_models" => {
            vec![Place::Daemon(0, "")]
        }
        "backup.vacuum" | "backup.rename" => vec![Place::Command(BACKUP)],
        "commit.foreign" => vec![Place::Command(CORRECT)],
        "commit.take_folder"
        | "commit.exchange"
        | "commit.exchanged"
        | "commit.rename.N"
        | "commit.between_renames"
        | "commit.fsync_dir"
        | "commit.set_aside" => {
            vec![Place::Child(0), Place::Command(CORRECT)]
        }
        _ => vec![Place::Child(0)],
    }
}
