//! `nightshift.verify/1`, `nightshift.prune/1` and `nightshift.doctor/1`: the health of the project.

use serde::Serialize;

/// `nightshift.verify/1`: every stored hash against the disk.
#[derive(Debug, Serialize)]
pub(crate) struct VerifyDocument<'a> {
    schema: &'static str,
    checked: usize,
    /// How many are missing or changed.
    broken: usize,
    files: Vec<VerifiedFile<'a>>,
}

/// One file that the store knows.
#[derive(Debug, Serialize)]
pub(crate) struct VerifiedFile<'a> {
    /// Where it should be.
    pub(crate) path: &'a str,
    /// What it is.
    pub(crate) what: &'a str,
    /// `ok`, `missing` or `changed`.
    pub(crate) outcome: &'static str,
    /// The hash on record, for a file that changed.
    pub(crate) wanted: Option<String>,
    /// The hash of what is there, for a file that changed.
    pub(crate) found: Option<String>,
}

/// `nightshift.prune/1`: what was deleted, or would be.
#[derive(Debug, Serialize)]
pub(crate) struct PruneDocument {
    schema: &'static str,
    dry_run: bool,
    /// Records of runs.
    runs: u64,
    /// Artifacts of model versions; their records stay.
    versions: u64,
    files: u64,
    bytes: u64,
}

/// `nightshift.doctor/1`: one line for each thing that was looked at.
#[derive(Debug, Serialize)]
pub(crate) struct DoctorDocument<'a> {
    schema: &'static str,
    /// The gravest of the lines.
    verdict: &'static str,
    lines: Vec<DoctorLine<'a>>,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub(crate) struct DoctorLine<'a> {
    /// What it is: `store`, `disk`, ...
    pub(crate) name: &'a str,
    /// `ok`, `warn` or `fail`.
    pub(crate) verdict: &'static str,
    /// What was found.
    pub(crate) message: &'a str,
    /// What to do about it; null for `ok`.
    pub(crate) fix: Option<&'a str>,
}

impl<'a> VerifyDocument<'a> {
    /// The document of `files`, in their order.
    pub(crate) fn new(files: Vec<VerifiedFile<'a>>) -> Self {
        let broken = files.iter().filter(|file| file.outcome != "ok").count();
        Self { schema: "nightshift.verify/1", checked: files.len(), broken, files }
    }
}

impl PruneDocument {
    /// The document of what a prune did.
    pub(crate) fn done(runs: u64, versions: u64, files: u64, bytes: u64) -> Self {
        Self { schema: "nightshift.prune/1", dry_run: false, runs, versions, files, bytes }
    }

    /// The same, of what a prune would do.
    pub(crate) fn into_plan(self) -> Self {
        Self { dry_run: true, ..self }
    }
}

impl<'a> DoctorDocument<'a> {
    /// The document of `lines`, in their order, whose gravest is `verdict`.
    pub(crate) fn new(verdict: &'static str, lines: Vec<DoctorLine<'a>>) -> Self {
        Self { schema: "nightshift.doctor/1", verdict, lines }
    }
}
