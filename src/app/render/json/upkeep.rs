//! `nightshift.verify/1`, `nightshift.prune/1`, `nightshift.backup/1`, `nightshift.restore/1` and
//! `nightshift.doctor/1`: the health of the project.
//!
//! Fields are only ever added to a document.

use serde::Serialize;

use crate::adapters::store::copy::Examined;
use crate::engine::prune::PrunePlan;

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
    /// `ok`, `missing`, `changed` or `unrecorded`: in the folder of a tick and on no record.
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
    /// Runs that stay without their profiles.
    profiles: u64,
    /// Logs of runs that stay.
    logs: u64,
}

/// `nightshift.backup/1`: a backup that was made.
#[derive(Debug, Serialize)]
pub(crate) struct BackupDocument<'a> {
    schema: &'static str,
    path: &'a str,
    bytes: u64,
    sha256: String,
    #[serde(flatten)]
    record: RecordFields,
}

/// `nightshift.restore/1`: a backup that was put in place.
#[derive(Debug, Serialize)]
pub(crate) struct RestoreDocument<'a> {
    schema: &'static str,
    path: &'a str,
    #[serde(flatten)]
    record: RecordFields,
    /// Where the database before is; null if there was none.
    kept: Option<&'a str>,
    /// Runs that were under way when the backup was made.
    unfinished: usize,
    /// Model files that are missing or changed.
    missing: Vec<VerifiedFile<'a>>,
}

/// What a backup holds.
#[derive(Debug, Serialize)]
struct RecordFields {
    /// The version of the database's schema, not of this document's.
    database_schema: i64,
    runs: u64,
    latest_run_at: Option<String>,
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
    pub(crate) fn done(plan: &PrunePlan) -> Self {
        let PrunePlan { runs, versions, files, bytes, profiles, logs } = *plan;
        let schema = "nightshift.prune/1";
        Self { schema, dry_run: false, runs, versions, files, bytes, profiles, logs }
    }

    /// The same, of what a prune would do.
    pub(crate) fn into_plan(self) -> Self {
        Self { dry_run: true, ..self }
    }
}

impl<'a> BackupDocument<'a> {
    /// The document of the backup at `path`.
    pub(crate) fn new(path: &'a str, bytes: u64, sha256: String, examined: Examined) -> Self {
        let record = RecordFields::new(examined);
        Self { schema: "nightshift.backup/1", path, bytes, sha256, record }
    }
}

impl<'a> RestoreDocument<'a> {
    /// The document of the backup at `path`, which took the place of what is `kept`.
    pub(crate) fn new(path: &'a str, examined: Examined, kept: Option<&'a str>) -> Self {
        Self {
            schema: "nightshift.restore/1",
            path,
            record: RecordFields::new(examined),
            kept,
            unfinished: 0,
            missing: Vec::new(),
        }
    }

    /// The same, with what is left to do.
    pub(crate) fn with(self, unfinished: usize, missing: Vec<VerifiedFile<'a>>) -> Self {
        Self { unfinished, missing, ..self }
    }
}

impl RecordFields {
    fn new(found: Examined) -> Self {
        Self {
            database_schema: found.schema,
            runs: found.runs,
            latest_run_at: found.latest_run_at.map(|at| at.to_string()),
        }
    }
}

impl<'a> DoctorDocument<'a> {
    /// The document of `lines`, in their order, whose gravest is `verdict`.
    pub(crate) fn new(verdict: &'static str, lines: Vec<DoctorLine<'a>>) -> Self {
        Self { schema: "nightshift.doctor/1", verdict, lines }
    }
}
