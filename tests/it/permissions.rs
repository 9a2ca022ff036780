//! What a run leaves on disk is for its owner and group: files at most 0640, folders at most 0750.
//!
//! Scores and models say things about people; a model file that anybody may write is code that anybody
//! may choose. Looked at after a whole run of the root project, whatever the umask.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::sandbox::Sandbox;

const FILE_MODE_MAX: u32 = 0o640;
const FOLDER_MODE_MAX: u32 = 0o750;

/// Everything at or below `path` that is more open than it may be, with its mode.
fn too_open(path: &Path) -> Vec<String> {
    let metadata = path.symlink_metadata().unwrap();
    let mode = metadata.permissions().mode() & 0o7777;
    let mode_max = if metadata.is_dir() { FOLDER_MODE_MAX } else { FILE_MODE_MAX };
    let mut out = Vec::new();
    if !metadata.is_symlink() && mode & !mode_max != 0 {
        out.push(format!("{} has mode {mode:04o}, at most {mode_max:04o}", path.display()));
    }
    if metadata.is_dir() {
        let mut inside: Vec<_> =
            path.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
        inside.sort();
        out.extend(inside.iter().flat_map(|path| too_open(path)));
    }
    out
}

#[test]
fn nothing_that_a_run_writes_is_open_to_everybody() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sandbox = ["jobs", "data/wine"]
        .iter()
        .fold(Sandbox::new(), |sandbox, path| sandbox.copy(&repository.join(path), path));
    sandbox.run(["run", "wine"]).expect(0);
    for folder in ["state", "scores"] {
        let found = too_open(&sandbox.root().join(folder));
        assert!(found.is_empty(), "\n{}\n", found.join("\n"));
    }
}

#[test]
fn a_file_that_is_too_open_is_noticed() {
    let sandbox = Sandbox::new().file("state/a/private", "").file("state/a/public", "");
    let state = sandbox.root().join("state");
    let set = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set(&state, 0o750);
    set(&state.join("a"), 0o700);
    set(&state.join("a/private"), 0o440);
    set(&state.join("a/public"), 0o644);
    let found = too_open(&state);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].ends_with("a/public has mode 0644, at most 0640"), "{found:?}");
}
