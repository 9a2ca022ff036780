//! The protocol on real files, stopped at each step.
//!
//! Whatever was cut short, rolling forward ends in the same files, and the pointer never precedes them.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use jiff::Timestamp;

use super::*;
use crate::domain::identity::RunId;
use crate::domain::run::Claim;

const NAMES: [&str; 3] = ["part-0.parquet", "part-1.parquet", "manifest.json"];

fn claim(token: i64) -> Claim {
    Claim { run: RunId::new(Timestamp::UNIX_EPOCH, 7), token, attempt: 1 }
}

/// A sealed run of two parts and a manifest, with an older manifest in place.
fn sealed(root: &Path) -> (Staging, Vec<Placement>) {
    let staging = Staging::create(root, &claim(1)).unwrap();
    let folder = root.join("tick=1");
    let placements = NAMES.map(|name| {
        let Staged { path, sha256, size_bytes } =
            staging.write(name, format!("new {name}").as_bytes()).unwrap();
        let inner = if name == "part-1.parquet" { "_quarantine/x" } else { name };
        Placement { staged: path, target: folder.join(inner), sha256, size_bytes }
    });
    staging.seal().unwrap();
    (staging, placements.to_vec())
}

#[track_caller]
fn require_published(placements: &[Placement]) {
    for Placement { staged, target, sha256, .. } in placements {
        assert_eq!(durable::sha256(target).unwrap(), *sha256, "{}", target.display());
        assert!(!staged.exists(), "{}", staged.display());
    }
}

#[test]
fn a_sealed_run_is_published() {
    let root = tempfile::tempdir().unwrap();
    let (staging, placements) = sealed(root.path());
    let mode = fs::metadata(staging.folder()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    publish(root.path(), &placements).unwrap();
    require_published(&placements);
    staging.remove().unwrap();
    assert!(Staging::list(root.path()).unwrap().is_empty());
    publish(root.path(), &[]).unwrap();
}

#[test]
fn a_crash_after_any_rename_is_rolled_forward_any_number_of_times() {
    for renames in 0..=NAMES.len() {
        let root = tempfile::tempdir().unwrap();
        let manifest = root.path().join("tick=1/manifest.json");
        fs::create_dir(manifest.parent().unwrap()).unwrap();
        fs::write(&manifest, "old").unwrap();
        let (staging, placements) = sealed(root.path());
        for placement in &placements[..renames] {
            place(root.path(), placement, Look::Size).unwrap();
        }
        let shown = fs::read_to_string(&manifest).unwrap();
        assert_eq!(shown == "old", renames < NAMES.len(), "the pointer changes last");
        roll_forward(root.path(), &placements).unwrap();
        roll_forward(root.path(), &placements).unwrap();
        require_published(&placements);
        staging.remove().unwrap();
        roll_forward(root.path(), &placements).unwrap();
        require_published(&placements);
    }
}

#[test]
fn a_rename_that_only_half_survived_is_repeated() {
    let root = tempfile::tempdir().unwrap();
    let (_staging, placements) = sealed(root.path());
    fs::create_dir(root.path().join("tick=1")).unwrap();
    fs::copy(&placements[0].staged, &placements[0].target).unwrap();
    roll_forward(root.path(), &placements).unwrap();
    require_published(&placements);
}

#[test]
fn a_changed_file_is_refused_and_named() {
    for victim in 0..NAMES.len() {
        let root = tempfile::tempdir().unwrap();
        let (_staging, placements) = sealed(root.path());
        let staged = &placements[victim].staged;
        let size = fs::metadata(staged).unwrap().len();
        fs::write(staged, "x".repeat(usize::try_from(size).unwrap())).unwrap();
        let error = roll_forward(root.path(), &placements).unwrap_err();
        assert!(matches!(&error, PublishError::Corrupt { path, .. } if path == staged), "{error}");
        let manifest = &placements[2].target;
        assert!(!manifest.exists(), "nothing points to a changed file");
    }
}

#[test]
fn a_file_cut_short_is_noticed_without_a_hash() {
    let root = tempfile::tempdir().unwrap();
    let (_staging, placements) = sealed(root.path());
    fs::write(&placements[1].staged, "short").unwrap();
    let error = publish(root.path(), &placements).unwrap_err();
    assert!(error.to_string().contains("5 bytes"), "{error}");
}

#[test]
fn a_file_that_is_nowhere_is_corrupt() {
    let root = tempfile::tempdir().unwrap();
    let (_staging, placements) = sealed(root.path());
    fs::remove_file(&placements[0].staged).unwrap();
    let error = roll_forward(root.path(), &placements).unwrap_err();
    assert!(error.to_string().contains("found no file"), "{error}");
}

#[test]
fn links_and_paths_outside_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let (_staging, placements) = sealed(root.path());
    symlink(outside.path(), root.path().join("tick=1")).unwrap();
    let error = roll_forward(root.path(), &placements).unwrap_err();
    assert!(error.to_string().contains("is a symbolic link"), "{error}");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);

    let mut leaving = placements.clone();
    leaving[0].target = root.path().join("../escaped");
    let error = roll_forward(root.path(), &leaving).unwrap_err();
    assert!(matches!(error, PublishError::Outside { .. }), "{error}");

    let secret = outside.path().join("secret");
    fs::write(&secret, "new part-0.parquet").unwrap();
    fs::remove_file(&placements[0].staged).unwrap();
    symlink(&secret, &placements[0].staged).unwrap();
    let error = roll_forward(root.path(), &placements[..1]).unwrap_err();
    assert!(matches!(error, PublishError::Unexpected { .. }), "{error}");
}

#[test]
fn a_staged_link_is_not_sealed() {
    let root = tempfile::tempdir().unwrap();
    let staging = Staging::create(root.path(), &claim(1)).unwrap();
    symlink("/etc/hostname", staging.folder().join("part")).unwrap();
    assert!(staging.seal().is_err());
}

#[test]
fn staging_folders_are_never_shared() {
    let root = tempfile::tempdir().unwrap();
    let first = Staging::create(root.path(), &claim(1)).unwrap();
    assert!(Staging::create(root.path(), &claim(1)).is_err());
    Staging::create(root.path(), &claim(2)).unwrap();
    for name in ["", ".", "..", "a/b", "/etc/passwd", ".hidden", "../x", "a/"] {
        assert!(first.path(name).is_err(), "{name}");
    }
    fs::create_dir(root.path().join(".nightshift/stage/mine")).unwrap();
    let tokens: Vec<_> =
        Staging::list(root.path()).unwrap().into_iter().map(|name| name.token).collect();
    assert_eq!(tokens, [1, 2]);
}

#[test]
fn what_a_killed_run_left_is_removed_without_following_links() {
    let root = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("precious"), "").unwrap();
    let staging = Staging::create(root.path(), &claim(1)).unwrap();
    symlink(outside.path(), staging.folder().join("link")).unwrap();
    let name = StagingName::of(&claim(1));
    Staging::remove_left(root.path(), &name).unwrap();
    Staging::remove_left(root.path(), &name).unwrap();
    assert!(!staging.folder().exists());
    assert!(outside.path().join("precious").exists());
}

#[test]
fn parts_of_a_superseded_run_are_removed() {
    let root = tempfile::tempdir().unwrap();
    let (_staging, placements) = sealed(root.path());
    publish(root.path(), &placements).unwrap();
    let mut parts: Vec<PathBuf> =
        placements[..2].iter().map(|placement| placement.target.clone()).collect();
    parts.push(root.path().join("never/there"));
    remove(root.path(), &parts).unwrap();
    remove(root.path(), &parts).unwrap();
    assert!(!parts[0].exists() && placements[2].target.exists());
    let error = remove(root.path(), &[PathBuf::from("/etc/passwd")]).unwrap_err();
    assert!(matches!(error, PublishError::Outside { .. }));
}
