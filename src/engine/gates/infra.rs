//! The gate that every candidate meets: what is on the disk scores as what was evaluated.
//!
//! The model file is loaded as a score run loads it, hash and all, in a fresh decode, and scores some of
//! the held-out rows. One bit of difference, or a file that cannot be read back, fails the candidate:
//! the version that would publish is not the one that the other gates have seen.

use crate::adapters::artifact::Artifacts;
use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::frame::Frame;
use crate::domain::gate::Judgement;
use crate::domain::identity::Sha256;
use crate::learn::artifact::{Artifact, Scores};

/// Held-out rows that a stored version is tried on.
pub const TRIAL_ROWS: usize = 100;

/// Tries the stored version on `rows`, for which the one in memory says `wanted`: a score for each row,
/// and maybe for further ones.
pub fn judge(
    artifacts: &Artifacts,
    sha256: &Sha256,
    rows: &Frame<'_>,
    wanted: &Scores,
) -> Judgement {
    let (verdict, message) = match difference(artifacts, sha256, rows, wanted) {
        Ok(None) => {
            let message =
                format!("loaded from disk, it scores {} rows the same to the bit", rows.rows);
            (FindingVerdict::Pass, message)
        }
        Ok(Some(row)) => {
            let message = format!(
                "loaded from disk, it scores row {row} of {} otherwise than in memory; this is a bug",
                rows.rows
            );
            (FindingVerdict::Fail, message)
        }
        Err(reason) => (FindingVerdict::Fail, format!("it cannot be loaded from disk: {reason}")),
    };
    Judgement { finding: Finding::new(FindingKind::Gate, "infra", verdict, message), binds: true }
}

/// The first row that the stored version scores otherwise, if there is one.
fn difference(
    artifacts: &Artifacts,
    sha256: &Sha256,
    rows: &Frame<'_>,
    wanted: &Scores,
) -> Result<Option<usize>, String> {
    let bytes = artifacts.load(sha256).map_err(|error| error.to_string())?;
    let decoded = Artifact::decode(&bytes).map_err(|error| error.to_string())?;
    let found = decoded.score(rows).map_err(|error| error.to_string())?;
    let (found, wanted) = (bits(&found), bits(wanted));
    let is_same = |row: usize| {
        found.len() == wanted.len()
            && found.iter().zip(&wanted).all(|(found, wanted)| found.get(row) == wanted.get(row))
    };
    Ok((0..rows.rows).find(|row| !is_same(*row)))
}

fn bits(scores: &Scores) -> Vec<Vec<u64>> {
    scores
        .columns()
        .iter()
        .map(|column| column.iter().map(|score| score.to_bits()).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::learn::fit::sample::Sample;

    /// A stored version, its folder, and the rows that it was made of.
    fn stored() -> (tempfile::TempDir, Artifacts, Sha256, Artifact, Sample) {
        let folder = tempfile::tempdir().expect("a folder");
        let artifacts = Artifacts::new(folder.path());
        let sample = Sample::new(120);
        let artifact = sample.artifact("two", "binary", "logistic");
        let bytes = artifact.encode().expect("an encoded artifact");
        let sha256 = artifacts.store(&bytes).expect("a stored artifact");
        (folder, artifacts, sha256, artifact, sample)
    }

    #[test]
    fn what_is_on_the_disk_scores_the_same() {
        let (_folder, artifacts, sha256, artifact, sample) = stored();
        let scores = artifact.score(&sample.frame()).expect("scores");
        let judged = judge(&artifacts, &sha256, &sample.frame(), &scores);
        assert_eq!(judged.finding.verdict, FindingVerdict::Pass, "{}", judged.finding.message);
        assert!(judged.binds);
    }

    #[test]
    fn one_bit_of_a_score_fails() {
        let (_folder, artifacts, sha256, artifact, sample) = stored();
        let Scores::Value(mut scores) = artifact.score(&sample.frame()).expect("scores") else {
            panic!("a binary model has one score a row");
        };
        scores[7] = f64::from_bits(scores[7].to_bits() ^ 1);
        let judged = judge(&artifacts, &sha256, &sample.frame(), &Scores::Value(scores));
        assert_eq!(judged.finding.verdict, FindingVerdict::Fail);
        assert!(judged.finding.message.contains("row 7 of 120"), "{}", judged.finding.message);
    }

    #[test]
    fn a_damaged_or_missing_file_fails() {
        let (_folder, artifacts, sha256, artifact, sample) = stored();
        let scores = artifact.score(&sample.frame()).expect("scores");
        let path = artifacts.path(&sha256);
        let mut bytes = fs::read(&path).expect("the model file");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("a writable file");
        fs::write(&path, bytes).expect("a damaged file");
        let judged = judge(&artifacts, &sha256, &sample.frame(), &scores);
        assert_eq!(judged.finding.verdict, FindingVerdict::Fail);
        fs::remove_file(&path).expect("no file");
        let judged = judge(&artifacts, &sha256, &sample.frame(), &scores);
        assert_eq!(judged.finding.verdict, FindingVerdict::Fail);
        assert!(judged.finding.message.contains("no model file"), "{}", judged.finding.message);
    }
}
