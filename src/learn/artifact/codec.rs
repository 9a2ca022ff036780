//! Artifacts as bytes.
//!
//! ```text
//! "NSMODEL\n"  format version (u16)  length of the rest (u64)  sha256 of the rest   (little-endian)
//! rest: length of the kind (u8)  kind  schema hash (32 bytes)  body  importances  calibration   (postcard)
//! ```
//!
//! Files of format version 2 end with the body, those of version 3 with the importances: they are read as files
//! without what comes after.
//!
//! The hash tells damage from a file that was written by something else; it is no signature. Reading
//! allocates in proportion to the bytes at hand, never to a length that they claim, and whatever is
//! read must fit together: columns and weights, classes and outputs. Changing any byte is refused.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::domain::job::Task;
use crate::domain::table::{ColumnType, TableSchema};
use crate::learn::artifact::{Artifact, TrainingFacts, outputs};
use crate::learn::features::{FittedColumn, FittedFeatures};
use crate::learn::importance::Importance;
use crate::learn::model::{CLASSES_MAX, Calibration, kind};
use crate::learn::profile::ReferenceProfile;

/// The version of the form that is written.
pub const FORMAT_VERSION: u16 = 4;
/// The version before calibration, which is read as well.
const WITHOUT_CALIBRATION: u16 = 3;
/// The version before importances, which is read as well.
const WITHOUT_IMPORTANCE: u16 = 2;

const MAGIC: &[u8; 8] = b"NSMODEL\n";
/// Magic, version, length and hash.
const HEADER_BYTES: usize = 8 + 2 + 8 + 32;
/// Most bytes of an artifact: 1 GiB.
const BYTES_MAX: usize = 1 << 30;

/// Why bytes are not an artifact, or an artifact cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The bytes begin as no artifact does.
    #[error("the file is not a nightshift model")]
    NotAnArtifact,
    /// The artifact is in another form.
    #[error(
        "the model file has format version {found}, wanted {FORMAT_VERSION}; use the nightshift that wrote it"
    )]
    OtherFormat {
        /// The version of its form.
        found: u16,
    },
    /// The artifact is shorter, longer or other than it says.
    #[error("the model file is damaged: {what}")]
    Damaged {
        /// What does not fit.
        what: &'static str,
    },
    /// The kind of the model is of a later nightshift.
    #[error("the model file holds a model of kind `{kind}`, which this nightshift does not have")]
    NoSuchKind {
        /// The kind.
        kind: String,
    },
    /// The artifact would be too large.
    #[error("the model file would have {found} bytes, at most {BYTES_MAX} are supported")]
    TooLarge {
        /// How many bytes.
        found: usize,
    },
    /// A part could not be written.
    #[error("failed to write the model as bytes")]
    Encode(#[source] postcard::Error),
}

/// The parts of an artifact as they are written.
#[derive(Serialize)]
struct BodyRef<'a> {
    facts: &'a TrainingFacts,
    schema: &'a TableSchema,
    features: &'a FittedFeatures,
    task: TaskCode,
    classes: &'a [String],
    positive: u64,
    model: &'a [u8],
    reference: &'a ReferenceProfile,
    score_reference: &'a Option<ReferenceProfile>,
}

/// The parts of an artifact as they are read: field for field those of [`BodyRef`].
#[derive(Deserialize)]
struct Body {
    facts: TrainingFacts,
    schema: TableSchema,
    features: FittedFeatures,
    task: TaskCode,
    classes: Vec<String>,
    positive: u64,
    model: Vec<u8>,
    reference: ReferenceProfile,
    score_reference: Option<ReferenceProfile>,
}

/// [`Task`] as it is written.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum TaskCode {
    Binary,
    Multiclass,
    Regression,
}

impl Artifact {
    /// The artifact as bytes; equal artifacts give equal bytes.
    pub fn encode(&self) -> Result<Vec<u8>, ArtifactError> {
        let kind = self.kind.id().as_bytes();
        let body = BodyRef {
            facts: &self.facts,
            schema: &self.schema,
            features: &self.features,
            task: self.task.into(),
            classes: &self.classes,
            positive: self.positive as u64,
            model: &self.model.encode().map_err(ArtifactError::Encode)?,
            reference: &self.reference,
            score_reference: &self.score_reference,
        };
        let kind_bytes = u8::try_from(kind.len())
            .map_err(|_| ArtifactError::NoSuchKind { kind: self.kind.id().to_owned() })?;
        let mut rest = vec![kind_bytes];
        rest.extend_from_slice(kind);
        rest.extend_from_slice(&schema_hash(&self.schema)?);
        let parts = (body, &self.importance, &self.calibration);
        let rest = postcard::to_extend(&parts, rest).map_err(ArtifactError::Encode)?;
        let found = HEADER_BYTES + rest.len();
        if found > BYTES_MAX {
            return Err(ArtifactError::TooLarge { found });
        }
        let mut out = Vec::with_capacity(found);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&(rest.len() as u64).to_le_bytes());
        out.extend_from_slice(&Sha256::digest(&rest));
        out.extend_from_slice(&rest);
        Ok(out)
    }

    /// Reads what [`Artifact::encode`] wrote; anything else is refused.
    pub fn decode(bytes: &[u8]) -> Result<Self, ArtifactError> {
        let damaged = |what| ArtifactError::Damaged { what };
        if bytes.len() > BYTES_MAX {
            return Err(ArtifactError::TooLarge { found: bytes.len() });
        }
        let (version, rest) = checked_rest(bytes)?;
        let (kind_bytes, rest) = rest.split_first().ok_or(damaged("it ends early"))?;
        let (kind_id, rest) =
            rest.split_at_checked(usize::from(*kind_bytes)).ok_or(damaged("it ends early"))?;
        let (hash, body) = rest.split_first_chunk::<32>().ok_or(damaged("it ends early"))?;
        let kind_id = std::str::from_utf8(kind_id).map_err(|_| damaged("its kind is not text"))?;
        let kind =
            kind(kind_id).ok_or_else(|| ArtifactError::NoSuchKind { kind: kind_id.to_owned() })?;
        let unreadable = |_| damaged("its parts cannot be read");
        let (body, after) = postcard::take_from_bytes::<Body>(body).map_err(unreadable)?;
        let (importance, after) = match version {
            WITHOUT_IMPORTANCE => (None, after),
            _ => postcard::take_from_bytes::<Option<Importance>>(after).map_err(unreadable)?,
        };
        let (calibration, after) = match version {
            WITHOUT_IMPORTANCE | WITHOUT_CALIBRATION => (None, after),
            _ => postcard::take_from_bytes::<Option<Calibration>>(after).map_err(unreadable)?,
        };
        if !after.is_empty() {
            return Err(damaged("it goes on after its end"));
        }
        if schema_hash(&body.schema)? != *hash {
            return Err(damaged("its schema has another hash"));
        }
        let task = body.check(kind.tasks()).map_err(damaged)?;
        if !body.features.is_in(kind.encoding()) {
            return Err(damaged("its features are not in the form that its kind takes"));
        }
        let features = body.features.fitted().len();
        if importance.as_ref().is_some_and(|importance| !importance.is_sound(features)) {
            return Err(damaged("its importances do not fit its features"));
        }
        let outputs = outputs(task, body.classes.len());
        let fits =
            |calibration: &Calibration| task != Task::Regression && calibration.is_sound(outputs);
        if !calibration.as_ref().is_none_or(fits) {
            return Err(damaged("its calibration does not fit its classes"));
        }
        let slots = body.features.slots();
        let model = kind
            .decode(&body.model, &slots, outputs)
            .ok_or(damaged("its model does not fit its features"))?;
        let positive = usize::try_from(body.positive).unwrap_or_default();
        Ok(Self {
            facts: body.facts,
            schema: body.schema,
            features: body.features,
            task,
            classes: body.classes,
            positive,
            kind,
            model,
            calibration,
            reference: body.reference,
            score_reference: body.score_reference,
            importance,
        })
    }
}

impl Body {
    /// The task, if the parts fit together.
    fn check(&self, tasks: &[Task]) -> Result<Task, &'static str> {
        let task = Task::from(self.task);
        if !tasks.contains(&task) {
            return Err("its kind does not do its task");
        }
        if !self.features.is_sound() {
            return Err("its features are out of range");
        }
        let pinned: HashMap<&str, ColumnType> =
            self.schema.columns.iter().map(|column| (column.name.as_str(), column.kind)).collect();
        let is_pinned =
            |column: &FittedColumn| pinned.get(column.name.as_str()) == Some(&column.kind);
        if !self.features.fitted().iter().all(is_pinned) {
            return Err("its features are not in its schema");
        }
        let classes_fit = match task {
            Task::Regression => self.classes.is_empty() && self.positive == 0,
            Task::Binary => self.classes.len() == 2 && self.positive < 2,
            Task::Multiclass => {
                (2..=CLASSES_MAX).contains(&self.classes.len()) && self.positive == 0
            }
        };
        if classes_fit { Ok(task) } else { Err("its classes do not fit its task") }
    }
}

/// The format version and the bytes after the header, if the header is that of an artifact and fits them.
fn checked_rest(bytes: &[u8]) -> Result<(u16, &[u8]), ArtifactError> {
    let damaged = |what| ArtifactError::Damaged { what };
    let bytes = bytes.strip_prefix(MAGIC).ok_or(ArtifactError::NotAnArtifact)?;
    let (version, bytes) = bytes.split_first_chunk::<2>().ok_or(damaged("it ends early"))?;
    let version = u16::from_le_bytes(*version);
    if ![WITHOUT_IMPORTANCE, WITHOUT_CALIBRATION, FORMAT_VERSION].contains(&version) {
        return Err(ArtifactError::OtherFormat { found: version });
    }
    let (length, bytes) = bytes.split_first_chunk::<8>().ok_or(damaged("it ends early"))?;
    let (hash, rest) = bytes.split_first_chunk::<32>().ok_or(damaged("it ends early"))?;
    if u64::from_le_bytes(*length) != rest.len() as u64 {
        return Err(damaged("it is shorter or longer than it says"));
    }
    let found: [u8; 32] = Sha256::digest(rest).into();
    if found != *hash {
        return Err(damaged("its content has another hash"));
    }
    Ok((version, rest))
}

fn schema_hash(schema: &TableSchema) -> Result<[u8; 32], ArtifactError> {
    let bytes = postcard::to_stdvec(schema).map_err(ArtifactError::Encode)?;
    Ok(Sha256::digest(bytes).into())
}

impl From<Task> for TaskCode {
    fn from(task: Task) -> Self {
        match task {
            Task::Binary => Self::Binary,
            Task::Multiclass => Self::Multiclass,
            Task::Regression => Self::Regression,
        }
    }
}

impl From<TaskCode> for Task {
    fn from(task: TaskCode) -> Self {
        match task {
            TaskCode::Binary => Self::Binary,
            TaskCode::Multiclass => Self::Multiclass,
            TaskCode::Regression => Self::Regression,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::job::Calibrate;
    use crate::learn::fit::sample::{FITS, Sample};

    fn bytes(kind: &str) -> Vec<u8> {
        let (label, task, kind) = FITS.iter().find(|fit| fit.2 == kind).unwrap();
        Sample::new(300).artifact(label, task, kind).encode().unwrap()
    }

    /// The bytes with a header that fits them again.
    fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
        let rest = bytes.split_off(HEADER_BYTES);
        bytes.truncate(10);
        bytes.extend_from_slice(&(rest.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&Sha256::digest(&rest));
        bytes.extend(rest);
        bytes
    }

    fn hex_digest(bytes: &[u8]) -> String {
        let digest: [u8; 32] = Sha256::digest(bytes).into();
        crate::domain::identity::Sha256(digest).to_string()
    }

    #[track_caller]
    fn check_refused(bytes: &[u8], wanted: &str) {
        assert_eq!(Artifact::decode(bytes).unwrap_err().to_string(), wanted);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let sample = Sample::new(300);
        for (label, task, kind) in FITS {
            let artifact = sample.artifact(label, task, kind);
            let bytes = artifact.encode().unwrap();
            let back = Artifact::decode(&bytes).unwrap();
            assert_eq!(back.encode().unwrap(), bytes, "{kind}");
            assert_eq!((&back.facts, &back.features), (&artifact.facts, &artifact.features));
            let (scores, again) = (artifact.score(&sample.frame()), back.score(&sample.frame()));
            assert_eq!(scores.unwrap(), again.unwrap(), "{kind}");
        }
    }

    #[test]
    fn what_is_no_artifact_is_told_apart_from_a_damaged_one() {
        let good = bytes("logistic");
        check_refused(b"", "the file is not a nightshift model");
        check_refused(b"PAR1 and so on", "the file is not a nightshift model");
        let mut other = good.clone();
        other[8] = 5;
        let wanted =
            "the model file has format version 5, wanted 4; use the nightshift that wrote it";
        check_refused(&other, wanted);
        let early = "the model file is damaged: it is shorter or longer than it says";
        check_refused(&good[..good.len() - 1], early);
        check_refused(&[good.as_slice(), b"x"].concat(), early);
        check_refused(&good[..20], "the model file is damaged: it ends early");
        let mut flipped = good.clone();
        flipped[HEADER_BYTES + 60] ^= 1;
        check_refused(&flipped, "the model file is damaged: its content has another hash");
        let mut kind = good.clone();
        kind[HEADER_BYTES + 1] = b'L';
        let wanted =
            "the model file holds a model of kind `Logistic`, which this nightshift does not have";
        check_refused(&resealed(kind), wanted);
        let mut schema = good;
        schema[HEADER_BYTES + 10] ^= 1;
        check_refused(&resealed(schema), "the model file is damaged: its schema has another hash");
    }

    /// Another hash means another form: raise `FORMAT_VERSION`, so that files in the old form are told
    /// apart. (The dummy kind, because its numbers come from exact operations alone.)
    #[test]
    fn the_form_of_this_format_version_never_changes() {
        assert_eq!(
            hex_digest(&bytes("dummy")),
            "3fff4bf82aef03f28daf2baf3964ff88bed0414248f0493781806aee47a72678"
        );
    }

    /// The digests are those that this test held when 2 and 3 were the versions that were written.
    #[test]
    fn files_of_the_versions_before_importances_and_calibration_are_read() {
        let mut old = bytes("dummy");
        assert_eq!(old.pop(), Some(0), "no calibration");
        for (version, digest) in [
            (3, "92f2c97a22a71b0cd1c5688b0a11adae0092c64e5887484f8c679ba2d78cd5e5"),
            (2, "312d01eb305a5f6b0cd378957f73c6db7e53b5272ad79db0305cd4ea82d4d224"),
        ] {
            old[8] = version;
            let sealed = resealed(old.clone());
            assert_eq!(hex_digest(&sealed), digest);
            let read = Artifact::decode(&sealed).unwrap();
            assert!(read.importance.is_none() && read.calibration.is_none());
            assert_eq!(read.encode().unwrap(), bytes("dummy"));
            assert_eq!(old.pop(), Some(0), "no importances");
        }
    }

    #[test]
    fn a_calibration_must_be_that_of_the_classes() {
        let sample = Sample::new(300);
        let wanted = "the model file is damaged: its calibration does not fit its classes";
        for (label, task, kind) in FITS {
            let mut artifact = sample.artifact(label, task, kind);
            let said = vec![vec![0.2, 0.4, 0.9]; artifact.outputs()];
            let truth = [0, 1, 1];
            artifact.calibration = Some(Calibration::fit(Calibrate::Isotonic, &said, &truth, None));
            let bytes = artifact.encode().unwrap();
            if *task == "regression" {
                check_refused(&bytes, wanted);
                continue;
            }
            let read = Artifact::decode(&bytes).unwrap();
            assert_eq!(read.calibration, artifact.calibration);
            assert_eq!(read.method(), format!("{kind}+isotonic"));
            let said = vec![vec![0.2, 0.4, 0.9]; artifact.outputs() + 1];
            artifact.calibration = Some(Calibration::fit(Calibrate::Platt, &said, &truth, None));
            check_refused(&artifact.encode().unwrap(), wanted);
        }
    }

    #[test]
    fn importances_must_be_those_of_the_features() {
        let sample = Sample::new(300);
        let mut artifact = sample.artifact("two", "binary", "logistic");
        artifact.importance = Importance::of(&artifact, &sample.frame(), 7).unwrap();
        let bytes = artifact.encode().unwrap();
        let read = Artifact::decode(&bytes).unwrap();
        assert!(read.importance_of("x0") > Some(0.0) && read.importance == artifact.importance);
        assert_eq!(read.importance_of("two"), None);
        let other = sample.artifact("three", "multiclass", "dummy");
        let mut forged = other.encode().unwrap();
        forged.truncate(forged.len() - 2);
        forged.extend(postcard::to_stdvec(&(Some(vec![1.0, 0.0]), 0u8)).unwrap());
        let wanted = "the model file is damaged: its importances do not fit its features";
        check_refused(&resealed(forged), wanted);
    }

    #[test]
    fn every_single_changed_byte_is_refused() {
        let good = bytes("gaussian_nb");
        for place in 0..good.len() {
            let mut changed = good.clone();
            changed[place] = changed[place].wrapping_add(1);
            assert!(Artifact::decode(&changed).is_err(), "byte {place}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Behind a hash that fits, anything may be claimed: reading must not panic, allocate what is
        /// not there, or accept a model that scores out of bounds.
        #[test]
        fn forged_artifacts_never_panic(
            kind in 0..FITS.len(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            cut in prop::option::of(any::<prop::sample::Index>()),
        ) {
            let sample = Sample::new(60);
            let (label, task, kind) = FITS[kind];
            let mut bytes = sample.artifact(label, task, kind).encode().unwrap();
            for (place, byte) in changes {
                let place = HEADER_BYTES + place.index(bytes.len() - HEADER_BYTES);
                bytes[place] = byte;
            }
            if let Some(cut) = cut {
                bytes.truncate(HEADER_BYTES + cut.index(bytes.len() - HEADER_BYTES));
            }
            if let Ok(artifact) = Artifact::decode(&resealed(bytes)) {
                let _scores = artifact.score(&sample.frame());
            }
        }

        #[test]
        fn random_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(Artifact::decode(&bytes).is_err());
            let forged = resealed([vec![0; HEADER_BYTES], bytes].concat());
            let forged = [MAGIC.as_slice(), &[4, 0], &forged[10..]].concat();
            prop_assert!(Artifact::decode(&forged).is_err());
        }
    }
}
