//! The manifest of a published tick (`nightshift.manifest/2`): who has published what, and from what.
//!
//! It is replaced after the rows, by rename. Fields are only ever added. The first form lay among the rows, had
//! paths relative to itself, and did not name the project.

use serde::Serialize;

use crate::adapters::dataset::Written;
use crate::domain::identity::ProjectId;
use crate::engine::pass::{self, Scored};
use crate::engine::report::InputFile;
use crate::engine::score::ScorePlan;

const ROLE_PART: &str = "part";
const ROLE_QUARANTINE: &str = "quarantine";
const ROLE_CHANGES: &str = "changes";

/// The files that a manifest names.
#[derive(Debug, Clone, Copy)]
pub struct Published<'a> {
    /// The scores.
    pub part: &'a Written,
    /// The rows that were set aside.
    pub quarantine: Option<&'a Written>,
    /// The decisions that a correction changed.
    pub changes: Option<&'a Written>,
}

/// Everything a reader needs to find, check and trace the scores of a tick.
#[derive(Debug, Serialize)]
struct Manifest<'a> {
    schema: &'static str,
    project: &'a str,
    run: &'a str,
    revision: u32,
    job: &'a str,
    tick: String,
    interval: ManifestInterval,
    model: ManifestModel<'a>,
    job_sha256: String,
    nightshift: &'static str,
    inputs: Vec<ManifestInput<'a>>,
    outputs: Vec<ManifestOutput>,
    rows: ManifestRows,
    id_set: String,
}

#[derive(Debug, Serialize)]
struct ManifestInterval {
    start: Option<String>,
    end: String,
}

#[derive(Debug, Serialize)]
struct ManifestModel<'a> {
    name: &'a str,
    version: u32,
    sha256: String,
}

#[derive(Debug, Serialize)]
struct ManifestInput<'a> {
    path: &'a str,
    bytes: u64,
    sha256: String,
}

/// A published file; the `path` of a part is relative to the output, that of any other to the folder beside it.
#[derive(Debug, Serialize)]
struct ManifestOutput {
    role: &'static str,
    path: String,
    rows: u64,
    bytes: u64,
    sha256: String,
}

/// Row counts; read = scored + quarantined.
#[derive(Debug, Serialize)]
struct ManifestRows {
    read: u64,
    scored: u64,
    quarantined: u64,
}

/// The bytes of the manifest of a run of `project` that has `scored` what its `plan` says, and publishes `files`.
pub fn encode(
    project: &ProjectId,
    plan: &ScorePlan,
    scored: &Scored,
    files: &Published<'_>,
) -> Result<Vec<u8>, serde_json::Error> {
    let part = (ROLE_PART, pass::part_name(&plan.run), Some(files.part));
    let set_aside = (ROLE_QUARANTINE, pass::quarantine_name(&plan.run), files.quarantine);
    let changes = (ROLE_CHANGES, pass::changes_name(&plan.run), files.changes);
    let tick = plan.paths.folder.tick();
    let outputs = [part, set_aside, changes]
        .into_iter()
        .filter_map(|(role, name, written)| Some((role, format!("{tick}/{name}"), written?)))
        .map(|(role, path, written)| output(role, path, written))
        .collect();
    let manifest = Manifest {
        schema: "nightshift.manifest/2",
        project: project.as_str(),
        run: plan.run.as_str(),
        revision: plan.slot.revision,
        job: plan.slot.job.as_str(),
        tick: plan.slot.tick.to_string(),
        interval: ManifestInterval {
            start: plan.interval.start.map(|start| start.to_string()),
            end: plan.interval.end.to_string(),
        },
        model: ManifestModel {
            name: plan.model.name.as_str(),
            version: plan.model.version.0,
            sha256: plan.model.sha256.to_string(),
        },
        job_sha256: plan.job_sha256.to_string(),
        nightshift: env!("CARGO_PKG_VERSION"),
        inputs: scored.inputs.iter().map(input).collect(),
        outputs,
        rows: ManifestRows {
            read: scored.rows.read,
            scored: scored.rows.scored,
            quarantined: scored.rows.quarantined,
        },
        id_set: files.part.id_set.to_string(),
    };
    let mut out = serde_json::to_vec_pretty(&manifest)?;
    out.push(b'\n');
    Ok(out)
}

fn input(file: &InputFile) -> ManifestInput<'_> {
    ManifestInput { path: &file.path, bytes: file.bytes, sha256: file.sha256.to_string() }
}

fn output(role: &'static str, path: String, written: &Written) -> ManifestOutput {
    let (rows, bytes) = (written.rows, written.size_bytes);
    ManifestOutput { role, path, rows, bytes, sha256: written.sha256.to_string() }
}
