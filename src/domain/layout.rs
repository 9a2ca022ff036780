//! Where the scores of a tick lie, in words that stay true when the project is copied, moved or mounted elsewhere.
//!
//! A place on record is a root and a path below it, never an absolute path. `<output>` is the folder of
//! `score.output` above its first field; it holds published rows and nothing else, below one folder a tick. All
//! that belongs to a tick and is not a row lies beside it, in `<output>.nightshift`. What a root is on this
//! machine, and whether anything is there, is not known here.

use std::fmt;

use crate::domain::identity::RunId;

/// How the name of the folder beside an output ends.
pub const BESIDE: &str = ".nightshift";

/// The file that names what is published of a tick.
pub const MANIFEST_FILE: &str = "manifest.json";

/// What a path on record is relative to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RootName {
    /// The folder of the project, wherever it is.
    Project,
    /// An entry of `data_roots`, as `nightshift.toml` writes it.
    Data(String),
}

/// A file or folder below a root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The root.
    pub root: RootName,
    /// The path below it, `/` between names, without `.` and `..`.
    pub path: String,
}

/// The folder of a tick's published rows, and those that belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TickFolder {
    root: RootName,
    output: String,
    tick: String,
}

impl RootName {
    const PROJECT: &'static str = "project";

    /// How it stands on record.
    pub fn text(&self) -> &str {
        match self {
            Self::Project => Self::PROJECT,
            Self::Data(folder) => folder,
        }
    }

    /// The root that `text` stands for; `None` if that is neither the project nor an absolute folder.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            Self::PROJECT => Some(Self::Project),
            _ if text.starts_with('/') => Some(Self::Data(text.to_owned())),
            _ => None,
        }
    }
}

impl Location {
    /// The place called `name` in this folder.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        Self { root: self.root.clone(), path: format!("{}/{name}", self.path) }
    }
}

/// As people write it: relative to the project, or absolute.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.root {
            RootName::Project => f.write_str(&self.path),
            RootName::Data(folder) => write!(f, "{}/{}", folder.trim_end_matches('/'), self.path),
        }
    }
}

impl TickFolder {
    /// The folder `folder` of a tick below the output `output`, both relative to `root`; `None` unless the one
    /// is inside the other and the output has a name.
    pub fn new(root: RootName, output: &str, folder: &str) -> Option<Self> {
        let tick = folder.strip_prefix(output)?.strip_prefix('/')?;
        let is_plain = !output.is_empty() && !tick.is_empty();
        is_plain.then(|| Self { root, output: output.to_owned(), tick: tick.to_owned() })
    }

    /// The path of the tick below the output, and below the folder beside it.
    pub fn tick(&self) -> &str {
        &self.tick
    }

    /// What its paths are relative to.
    pub fn root(&self) -> &RootName {
        &self.root
    }

    /// The folder above every tick of the job: published rows, and nothing else of ours.
    pub fn output(&self) -> Location {
        self.at(self.output.clone())
    }

    /// The rows of the tick.
    pub fn rows(&self) -> Location {
        self.at(format!("{}/{}", self.output, self.tick))
    }

    /// The folder beside the output: all of ours that is not a published row.
    pub fn companion(&self) -> Location {
        self.at(format!("{}{BESIDE}", self.output))
    }

    /// What stands beside the rows of the tick: its manifest, rows set aside, decisions that were changed.
    pub fn beside(&self) -> Location {
        self.companion().join(&self.tick)
    }

    /// Where runs write.
    pub fn stage(&self) -> Location {
        self.companion().join("stage")
    }

    /// What a correction has taken the place of.
    pub fn superseded(&self, run: &RunId) -> Location {
        self.companion().join("superseded").join(run.as_str())
    }

    fn at(&self, path: String) -> Location {
        Location { root: self.root.clone(), path }
    }
}

/// The run that a file of rows called `name` is of: `part-<run>-<number>.parquet`.
pub fn run_of_part(name: &str) -> Option<RunId> {
    let (run, number) = name.strip_prefix("part-")?.strip_suffix(".parquet")?.split_once('-')?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    RunId::parse(run).filter(|_| is_number)
}

/// The run that a file beside the rows called `name` is of: `quarantine-<run>.parquet`, `changes-<run>.parquet`.
pub fn run_of_beside(name: &str) -> Option<RunId> {
    let stem = name.strip_suffix(".parquet")?;
    let (role, run) = stem.split_once('-')?;
    RunId::parse(run).filter(|_| matches!(role, "quarantine" | "changes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_of_a_tick_has_its_place() {
        let run = RunId::parse("01kdx3gp00zzzzzzzzzzzzzzzz").unwrap();
        let found =
            TickFolder::new(RootName::Project, "scores/wine", "scores/wine/a/tick=1").unwrap();
        assert_eq!(found.output().to_string(), "scores/wine");
        assert_eq!(found.rows().to_string(), "scores/wine/a/tick=1");
        assert_eq!(found.beside().to_string(), "scores/wine.nightshift/a/tick=1");
        assert_eq!(found.stage().to_string(), "scores/wine.nightshift/stage");
        assert_eq!(
            found.superseded(&run).to_string(),
            "scores/wine.nightshift/superseded/01kdx3gp00zzzzzzzzzzzzzzzz"
        );
        let lake = RootName::Data("/lake/".to_owned());
        let found = TickFolder::new(lake, "wine", "wine/x").unwrap();
        assert_eq!(found.rows().to_string(), "/lake/wine/x");
    }

    #[test]
    fn a_tick_has_a_folder_below_an_output_that_has_a_name() {
        for (output, folder) in [("", "x"), ("a", "a"), ("a", "ab/c"), ("a", "b"), ("a", "a/")] {
            assert_eq!(
                TickFolder::new(RootName::Project, output, folder),
                None,
                "{output} {folder}"
            );
        }
    }

    #[test]
    fn roots_on_record_come_back() {
        for root in [RootName::Project, RootName::Data("/lake".to_owned())] {
            assert_eq!(RootName::parse(root.text()), Some(root.clone()));
        }
        for text in ["", "lake", "state", "../x"] {
            assert_eq!(RootName::parse(text), None, "{text}");
        }
    }

    #[test]
    fn files_of_runs_are_told_from_others() {
        let run = "01kdx3gp00zzzzzzzzzzzzzzzz";
        assert!(run_of_part(&format!("part-{run}-0000.parquet")).is_some());
        for name in ["part-0.parquet", "part-x-0.parquet", "notes.txt", "part-.parquet", "_SUCCESS"]
        {
            assert_eq!(run_of_part(name), None, "{name}");
        }
        for name in [
            format!("part-{run}-.parquet"),
            format!("part-{run}-0a.parquet"),
            format!("part-{run}.parquet"),
        ] {
            assert_eq!(run_of_part(&name), None, "{name}");
        }
        assert!(run_of_beside(&format!("changes-{run}.parquet")).is_some());
        assert!(run_of_beside(&format!("part-{run}.parquet")).is_none());
        assert!(run_of_beside("quarantine-x.parquet").is_none());
    }
}
