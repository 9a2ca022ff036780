//! How the files of a database are changed: as disks, careless copies and other programs do.
//!
//! Each kind says which effects it may have at all; which it has is worked out for each mutation.

use std::fs;
use std::path::Path;

use rand::Rng as _;
use rand_xoshiro::Xoshiro256PlusPlus as Random;

use super::Effect::{self, None as Same, Older, Silent, Unsound};

const PAGE_BYTES: usize = 4096;

/// A database, the log beside it, and its seal. No log is an empty one.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Files {
    pub(crate) database: Vec<u8>,
    pub(crate) log: Vec<u8>,
    pub(crate) seal: Vec<u8>,
}

impl Files {
    pub(crate) fn read(state: &Path) -> Self {
        let read = |name: &str| fs::read(state.join(name)).unwrap_or_default();
        Self {
            database: read("nightshift.db"),
            log: read("nightshift.db-wal"),
            seal: read("nightshift.db-seal"),
        }
    }

    /// Whether the seal names the content of the database.
    pub(crate) fn is_sealed(&self) -> bool {
        !self.seal.is_empty() && !self.seal.ends_with(b"-\n")
    }

    /// Puts the files into `state`, and nothing else of a database.
    pub(crate) fn write(&self, state: &Path) {
        fs::create_dir_all(state).unwrap();
        for name in ["nightshift.db-shm", "nightshift.db-wal", "nightshift.db-seal"] {
            fs::remove_file(state.join(name)).ok();
        }
        fs::write(state.join("nightshift.db"), &self.database).unwrap();
        for (name, content) in
            [("nightshift.db-wal", &self.log), ("nightshift.db-seal", &self.seal)]
        {
            if !content.is_empty() {
                fs::write(state.join(name), content).unwrap();
            }
        }
    }
}

/// The files of a project, as they were at several times.
pub(crate) struct Times {
    /// Two nights ago, without a log.
    pub(crate) first: Files,
    /// A night ago, with a log that is in the database already.
    pub(crate) second: Files,
    /// Now, with the log of the last night.
    pub(crate) third: Files,
    /// Now, without a log.
    pub(crate) folded: Files,
    /// Of another project.
    pub(crate) other: Files,
}

/// One way to damage a database.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) mutate: fn(&Times, &mut Random) -> Files,
    pub(crate) allowed: &'static [Effect],
}

/// What a change of single bytes may do.
const BYTES: &[Effect] = &[Same, Silent, Unsound];

pub(crate) const KINDS: &[Kind] = &[
    Kind { name: "bits flipped", mutate: flip_bits, allowed: BYTES },
    Kind {
        name: "bits of the header flipped",
        mutate: flip_header,
        allowed: &[Same, Silent, Unsound, Older],
    },
    Kind { name: "64 bytes overwritten", mutate: overwrite, allowed: BYTES },
    Kind { name: "truncated", mutate: truncate, allowed: &[Unsound] },
    Kind { name: "pages zeroed", mutate: zero_pages, allowed: BYTES },
    Kind {
        name: "bits flipped under a log",
        mutate: flip_bits_under_a_log,
        allowed: &[Same, Silent, Unsound, Older],
    },
    Kind { name: "log of another project", mutate: foreign_log, allowed: &[Silent, Unsound] },
    Kind { name: "log of an earlier night", mutate: stale_log, allowed: &[Same, Older, Unsound] },
    Kind { name: "log missing", mutate: missing_log, allowed: &[Older] },
    Kind { name: "log damaged", mutate: damaged_log, allowed: &[Same, Older, Silent, Unsound] },
    Kind { name: "old copy", mutate: old_copy, allowed: &[Older] },
    Kind { name: "other application id", mutate: application_id, allowed: &[Unsound] },
    Kind { name: "later schema", mutate: later_schema, allowed: &[Unsound] },
];

fn flip_bits(times: &Times, random: &mut Random) -> Files {
    flip(times.folded.clone(), random)
}

fn flip_bits_under_a_log(times: &Times, random: &mut Random) -> Files {
    flip(times.third.clone(), random)
}

fn flip(mut out: Files, random: &mut Random) -> Files {
    for _ in 0..random.gen_range(1..=8) {
        let at = random.gen_range(100..out.database.len());
        out.database[at] ^= 1 << random.gen_range(0..8);
    }
    out
}

fn flip_header(times: &Times, random: &mut Random) -> Files {
    let mut out = times.folded.clone();
    out.database[random.gen_range(0..100)] ^= 1 << random.gen_range(0..8);
    out
}

fn overwrite(times: &Times, random: &mut Random) -> Files {
    let mut out = times.folded.clone();
    let at = random.gen_range(0..out.database.len() - 64);
    out.database[at..at + 64].iter_mut().for_each(|byte| *byte = random.r#gen());
    out
}

fn truncate(times: &Times, random: &mut Random) -> Files {
    let mut out = times.folded.clone();
    let length = match random.gen_range(0..3) {
        0 => random.gen_range(0..PAGE_BYTES),
        1 => random.gen_range(1..out.database.len() / PAGE_BYTES) * PAGE_BYTES,
        _ => random.gen_range(0..out.database.len()),
    };
    out.database.truncate(length);
    out
}

fn zero_pages(times: &Times, random: &mut Random) -> Files {
    let mut out = times.folded.clone();
    let pages = out.database.len() / PAGE_BYTES;
    let first = random.gen_range(0..pages);
    let last = (first + random.gen_range(1..=4)).min(pages);
    out.database[first * PAGE_BYTES..last * PAGE_BYTES].fill(0);
    out
}

fn foreign_log(times: &Times, _: &mut Random) -> Files {
    Files { log: times.other.log.clone(), ..times.folded.clone() }
}

/// A log over a database that has it already, or that has gone on.
fn stale_log(times: &Times, random: &mut Random) -> Files {
    let newer = if random.r#gen() { &times.second } else { &times.folded };
    Files { log: times.second.log.clone(), seal: times.folded.seal.clone(), ..newer.clone() }
}

fn missing_log(times: &Times, _: &mut Random) -> Files {
    Files { log: Vec::new(), ..times.third.clone() }
}

fn damaged_log(times: &Times, random: &mut Random) -> Files {
    let mut out = times.third.clone();
    if random.r#gen() {
        out.log.truncate(random.gen_range(0..out.log.len()));
    } else {
        let at = random.gen_range(0..out.log.len());
        out.log[at] ^= 1 << random.gen_range(0..8);
    }
    out
}

fn old_copy(times: &Times, _: &mut Random) -> Files {
    Files { seal: times.folded.seal.clone(), ..times.first.clone() }
}

fn application_id(times: &Times, random: &mut Random) -> Files {
    let mut out = times.folded.clone();
    out.database[68] ^= random.gen_range(1..=255);
    out
}

fn later_schema(times: &Times, random: &mut Random) -> Files {
    let mut out = times.folded.clone();
    let version: u32 = random.gen_range(100..i32::MAX.unsigned_abs());
    out.database[60..64].copy_from_slice(&version.to_be_bytes());
    out
}
