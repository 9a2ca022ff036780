//! Which variables a run of the daemon has from the daemon's environment.
//!
//! An allow-list, so that a run does not depend on how its daemon was started: what says where things are, which zones
//! there are, and what an operator sets to share the machine out. Left out on purpose: `LD_PRELOAD`, which changes what
//! a run computes with, proxies and credentials, since a run speaks to nobody, and `RUST_BACKTRACE`, with which a child
//! that has no memory left hangs instead of ending.

use std::ffi::{OsStr, OsString};

/// Variables that are handed on, if they are set.
const NAMES: &[&str] = &[
    // Who and where.
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    // Schedules and runs read one database of zones.
    "TZ",
    "TZDIR",
    // Threads, unless `run.threads` of the job says how many.
    "RAYON_NUM_THREADS",
    // The allocator of the C library, which then is left as it is.
    "GLIBC_TUNABLES",
    // The same libraries as the daemon, which is the same program.
    "LD_LIBRARY_PATH",
];

/// What names of others begin with that are handed on: our own, those of polars and of the allocator.
const PREFIXES: &[&str] = &["NIGHTSHIFT_", "POLARS_", "MALLOC_"];

/// The variables of `all` that a child has.
pub(super) fn inherited(
    all: impl Iterator<Item = (OsString, OsString)>,
) -> impl Iterator<Item = (OsString, OsString)> {
    all.filter(|(name, _)| is_inherited(name))
}

fn is_inherited(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    NAMES.contains(&name.as_ref()) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_operator_sets_reaches_a_run_and_nothing_else() {
        let check = |name: &str, wanted: bool| {
            let all = [(OsString::from(name), OsString::from("1"))];
            assert_eq!(inherited(all.into_iter()).count() == 1, wanted, "{name}");
        };
        for name in [
            "PATH",
            "TZDIR",
            "RAYON_NUM_THREADS",
            "POLARS_MAX_THREADS",
            "POLARS_TEMP_DIR",
            "MALLOC_ARENA_MAX",
            "GLIBC_TUNABLES",
            "LD_LIBRARY_PATH",
            "NIGHTSHIFT_NOW",
        ] {
            check(name, true);
        }
        for name in
            ["LD_PRELOAD", "RUST_BACKTRACE", "HTTPS_PROXY", "AWS_SECRET_ACCESS_KEY", "PATHS"]
        {
            check(name, false);
        }
    }
}
