//! Versions, aliases and the rules by which aliases move.
//!
//! A version never changes; only aliases do, and each rule says where all of them point afterwards.
//! Storing the moves, and verifying the artifact of a target, are not done here.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use crate::domain::identity::{RunId, Sha256, Version};
use crate::domain::run::named;

/// A movable name for a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Alias {
    /// Publishes scores.
    Champion,
    /// Is being tried.
    Challenger,
    /// What rollback restores.
    Previous,
}

named!(Alias { Champion => "champion", Challenger => "challenger", Previous => "previous" });

/// On what grounds a version may publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blessing {
    /// Every blocking gate passed.
    Passed,
    /// Became champion because there was nothing to compare it with.
    RubberStamped,
    /// A person said so.
    Overridden,
    /// No grounds yet.
    None,
}

named!(Blessing {
    Passed => "passed",
    RubberStamped => "rubber_stamped",
    Overridden => "overridden",
    None => "none",
});

/// Whether the artifact of a version can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VersionState {
    /// Its run is being committed.
    Staged,
    /// The file is there and has its hash.
    Ready,
    /// The file does not have the hash on record.
    Corrupt,
    /// The file was deleted by `prune`; the record stays.
    Pruned,
}

named!(VersionState {
    Staged => "staged",
    Ready => "ready",
    Corrupt => "corrupt",
    Pruned => "pruned",
});

/// Why an alias moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// A version became champion.
    Promote,
    /// An earlier champion came back.
    RollBack,
    /// A version came from outside.
    Import,
}

named!(Action { Promote => "promote", RollBack => "rollback", Import => "import" });

/// A metric of a version on its held-out rows, with a 95 % confidence interval where one is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MetricValue {
    /// The estimate.
    pub value: f64,
    /// Lower end of the interval.
    pub low: Option<f64>,
    /// Upper end of the interval.
    pub high: Option<f64>,
}

/// What the registry knows of one version.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionRecord {
    /// Its number.
    pub version: Version,
    /// The model kind and, after a `+`, how it is calibrated: `logistic`, `gaussian_nb+isotonic`, ...
    pub kind: String,
    /// The task: `binary`, ...
    pub task: String,
    /// The hash of the artifact, which is also its name on disk.
    pub sha256: Sha256,
    /// When it was registered.
    pub created_at: Timestamp,
    /// The train run, or `None` for an imported artifact.
    pub run: Option<RunId>,
    /// Rows it was fitted on.
    pub rows: u64,
    /// Rows it was evaluated on.
    pub rows_test: u64,
    /// By metric id, on the rows it was evaluated on.
    pub metrics: BTreeMap<String, MetricValue>,
    /// On what grounds it may publish.
    pub blessing: Blessing,
    /// Whether its artifact can be used.
    pub state: VersionState,
}

/// One move of one alias. Rows are only ever added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// When, by the clock, which may have been set since.
    pub at: Timestamp,
    /// With which commit of the record: what came first is read from this.
    pub commits: i64,
    /// Which alias.
    pub alias: Alias,
    /// Where it pointed before.
    pub from: Option<Version>,
    /// Where it points since.
    pub to: Option<Version>,
    /// What kind of move.
    pub action: Action,
    /// Who asked: `cli`, `schedule`, `ci`, ...
    pub actor: String,
    /// Why, in the words of whoever asked.
    pub reason: String,
    /// The run that caused it.
    pub run: Option<RunId>,
}

/// Where the aliases of a model point.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Aliases {
    /// Publishes scores.
    pub champion: Option<Version>,
    /// Is being tried.
    pub challenger: Option<Version>,
    /// What rollback restores.
    pub previous: Option<Version>,
}

/// Why an alias may not move as asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The model has no such version.
    NoSuchVersion {
        /// The version asked for.
        version: Version,
    },
    /// The artifact of the version cannot be used.
    NotReady {
        /// The version asked for.
        version: Version,
        /// Where it stands.
        state: VersionState,
    },
    /// There is nothing to move.
    AlreadyChampion {
        /// The version asked for.
        version: Version,
    },
    /// Only a former champion can be restored.
    NeverChampion {
        /// The version asked for.
        version: Version,
    },
    /// No former champion is fit to be restored.
    NothingToRestore,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchVersion { version } => write!(f, "there is no version {version}"),
            Self::NotReady { version, state } => {
                write!(f, "version {version} is {state}, wanted a version that is ready")
            }
            Self::AlreadyChampion { version } => write!(f, "version {version} is champion already"),
            Self::NeverChampion { version } => {
                write!(f, "version {version} was never champion, so there is nothing to go back to")
            }
            Self::NothingToRestore => {
                f.write_str("no earlier champion is ready and was not itself rolled back")
            }
        }
    }
}

/// The aliases after a promotion to `to`.
pub fn promote(
    aliases: Aliases,
    to: Version,
    versions: &[VersionRecord],
) -> Result<Aliases, Refusal> {
    require_ready(to, versions)?;
    if aliases.champion == Some(to) {
        return Err(Refusal::AlreadyChampion { version: to });
    }
    let challenger = aliases.challenger.filter(|pending| *pending != to);
    Ok(Aliases { champion: Some(to), challenger, previous: aliases.champion })
}

/// The aliases after a rollback to `to`, or to the latest former champion that is fit for it.
///
/// `history` is every move of the model, oldest first. Afterwards `previous` is what the next rollback
/// would restore: the latest former champion that was not rolled back.
pub fn roll_back(
    aliases: Aliases,
    to: Option<Version>,
    versions: &[VersionRecord],
    history: &[Move],
) -> Result<Aliases, Refusal> {
    let target = match to {
        Some(version) => {
            require_ready(version, versions)?;
            if aliases.champion == Some(version) {
                return Err(Refusal::AlreadyChampion { version });
            }
            if !former_champions(history).contains(&version) {
                return Err(Refusal::NeverChampion { version });
            }
            version
        }
        None => restorable(aliases.champion, None, versions, history)
            .ok_or(Refusal::NothingToRestore)?,
    };
    let previous = restorable(Some(target), aliases.champion, versions, history);
    Ok(Aliases { champion: Some(target), challenger: aliases.challenger, previous })
}

/// The alias moves that turn `before` into `after`.
pub fn moves_between(
    before: Aliases,
    after: Aliases,
) -> Vec<(Alias, Option<Version>, Option<Version>)> {
    [
        (Alias::Champion, before.champion, after.champion),
        (Alias::Challenger, before.challenger, after.challenger),
        (Alias::Previous, before.previous, after.previous),
    ]
    .into_iter()
    .filter(|(_, from, to)| from != to)
    .collect()
}

/// The version that was champion at `at`, by the moves up to and including that moment.
pub fn champion_at(history: &[Move], at: Timestamp) -> Option<Version> {
    history
        .iter()
        .rfind(|step| step.alias == Alias::Champion && step.at <= at)
        .and_then(|step| step.to)
}

fn require_ready(version: Version, versions: &[VersionRecord]) -> Result<(), Refusal> {
    let record = versions
        .iter()
        .find(|record| record.version == version)
        .ok_or(Refusal::NoSuchVersion { version })?;
    match record.state {
        VersionState::Ready => Ok(()),
        state => Err(Refusal::NotReady { version, state }),
    }
}

/// Versions that were champion, latest first, each as often as it became champion.
fn former_champions(history: &[Move]) -> Vec<Version> {
    let champion_moves = history.iter().rev().filter(|step| step.alias == Alias::Champion);
    champion_moves.filter_map(|step| step.to).collect()
}

/// The latest former champion that is ready, was never rolled back, and is neither of the two given.
fn restorable(
    champion: Option<Version>,
    leaving: Option<Version>,
    versions: &[VersionRecord],
    history: &[Move],
) -> Option<Version> {
    let rolled_back = |version: Version| {
        history.iter().any(|step| {
            step.alias == Alias::Champion
                && step.action == Action::RollBack
                && step.from == Some(version)
        })
    };
    former_champions(history).into_iter().find(|version| {
        Some(*version) != champion
            && Some(*version) != leaving
            && !rolled_back(*version)
            && require_ready(*version, versions).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(number: u32, state: VersionState) -> VersionRecord {
        VersionRecord {
            version: Version(number),
            kind: "logistic".into(),
            task: "binary".into(),
            sha256: Sha256([0; 32]),
            created_at: Timestamp::UNIX_EPOCH,
            run: None,
            rows: 1,
            rows_test: 1,
            metrics: BTreeMap::new(),
            blessing: Blessing::None,
            state,
        }
    }

    fn champion_move(second: i64, from: Option<u32>, to: u32, action: Action) -> Move {
        Move {
            at: Timestamp::from_second(second).unwrap(),
            commits: second,
            alias: Alias::Champion,
            from: from.map(Version),
            to: Some(Version(to)),
            action,
            actor: "cli".into(),
            reason: "test".into(),
            run: None,
        }
    }

    #[test]
    fn rollback_skips_what_was_rolled_back_before() {
        let versions: Vec<_> = (1..=3).map(|n| record(n, VersionState::Ready)).collect();
        let history = [
            champion_move(1, None, 1, Action::Promote),
            champion_move(2, Some(1), 2, Action::Promote),
            champion_move(3, Some(2), 1, Action::RollBack),
            champion_move(4, Some(1), 3, Action::Promote),
        ];
        let aliases = Aliases { champion: Some(Version(3)), ..Aliases::default() };
        let after = roll_back(aliases, None, &versions, &history).unwrap();
        assert_eq!(after.champion, Some(Version(1)));
        assert_eq!(after.previous, None);
    }

    #[test]
    fn only_a_ready_version_becomes_champion() {
        let versions = [record(1, VersionState::Ready), record(2, VersionState::Corrupt)];
        let none = Aliases::default();
        assert_eq!(
            promote(none, Version(2), &versions),
            Err(Refusal::NotReady { version: Version(2), state: VersionState::Corrupt })
        );
        assert_eq!(
            promote(none, Version(9), &versions),
            Err(Refusal::NoSuchVersion { version: Version(9) })
        );
        let after = promote(none, Version(1), &versions).unwrap();
        assert_eq!(
            promote(after, Version(1), &versions),
            Err(Refusal::AlreadyChampion { version: Version(1) })
        );
    }

    #[test]
    fn the_champion_of_a_moment_is_found_in_the_history() {
        let history = [
            champion_move(10, None, 1, Action::Promote),
            champion_move(20, Some(1), 2, Action::Promote),
        ];
        let at = |second| champion_at(&history, Timestamp::from_second(second).unwrap());
        assert_eq!((at(9), at(10), at(25)), (None, Some(Version(1)), Some(Version(2))));
    }
}
