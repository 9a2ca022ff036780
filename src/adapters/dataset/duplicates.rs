//! Ids that occur more than once, found in bounded memory however many rows there are.
//!
//! Hashes are parted by their first bits, so that equal ones meet, and each part is looked at by itself. Up to a
//! budget they are in memory, and beyond it in a file, part behind part. Equal hashes are not yet equal ids:
//! [`duplicate_ids`] reads the table again and compares the ids themselves.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::error::DatasetError;
use super::scan::{ScanError, ScanRequest};
use super::table::Table;
use super::time_filter::TimeFilter;

/// Memory for hashes, 8 bytes each.
const BUDGET_HASHES: usize = (8 << 20) / HASH_BYTES;
const HASH_BYTES: usize = size_of::<u64>();
const PART_BITS: u32 = 8;
const SPILL: &str = "spill the hashes of ids to";
/// Most different hashes that are kept of those that occur more than once.
const KEPT_MAX: usize = 1_000;
/// Bits of a sieve for each hash that goes through it: of hashes that are all different and well mixed, about
/// one in sixteen is left in it, or fewer.
const SIEVE_BITS: usize = 16;

/// Finds hashes that occur more than once.
#[derive(Debug)]
pub struct DuplicateFinder {
    folder: PathBuf,
    budget_hashes: usize,
    /// How many hashes are in memory.
    held: usize,
    /// By the first bits of the hashes, ascending.
    parts: Vec<Part>,
    /// The hashes that were no longer kept in memory; an unnamed file.
    spilled: Option<Spilled>,
}

#[derive(Debug)]
struct Spilled {
    file: File,
    size_bytes: u64,
}

/// The hashes with the same first bits.
#[derive(Debug, Default)]
struct Part {
    hashes: Vec<u64>,
    /// Where those that were spilled are: first byte, and number of hashes.
    spilled: Vec<(u64, usize)>,
}

/// Hashes that occur more than once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Duplicates {
    /// The smallest of them, at most a thousand, ascending.
    pub hashes: Vec<u64>,
    /// How many different ones there are.
    pub count: u64,
}

impl DuplicateFinder {
    /// Hashes that exceed the memory budget of 8 MiB go to an unnamed file in `folder`.
    pub fn new(folder: &Path) -> Self {
        Self::with_budget(folder, BUDGET_HASHES)
    }

    fn with_budget(folder: &Path, budget_hashes: usize) -> Self {
        let parts = (0..1 << PART_BITS).map(|_| Part::default()).collect();
        Self { folder: folder.to_owned(), budget_hashes, held: 0, parts, spilled: None }
    }

    /// Takes the hashes of some rows.
    pub fn push(&mut self, hashes: &[u64]) -> Result<(), DatasetError> {
        for hashes in hashes.chunks(self.budget_hashes) {
            if self.held + hashes.len() > self.budget_hashes {
                self.spill().map_err(DatasetError::io(SPILL, &self.folder))?;
            }
            self.held += hashes.len();
            for hash in hashes {
                let part = usize::try_from(hash >> (u64::BITS - PART_BITS)).unwrap_or_default();
                self.parts[part].hashes.push(*hash);
            }
        }
        Ok(())
    }

    /// Moves the hashes to the file.
    fn spill(&mut self) -> io::Result<()> {
        let spilled = match &mut self.spilled {
            Some(spilled) => spilled,
            none => {
                let file = tempfile::tempfile_in(&self.folder)?;
                none.insert(Spilled { file, size_bytes: 0 })
            }
        };
        let mut bytes = Vec::new();
        for part in self.parts.iter_mut().filter(|part| !part.hashes.is_empty()) {
            bytes.clear();
            part.hashes.iter().for_each(|hash| bytes.extend_from_slice(&hash.to_le_bytes()));
            spilled.file.write_all(&bytes)?;
            part.spilled.push((spilled.size_bytes, part.hashes.len()));
            part.hashes.clear();
            spilled.size_bytes += bytes.len() as u64;
        }
        self.held = 0;
        Ok(())
    }

    /// The hashes that were taken more than once.
    pub fn finish(self) -> Result<Duplicates, DatasetError> {
        let file = self.spilled.as_ref().map(|spilled| &spilled.file);
        // At the end of the pass, when nothing else is left to do.
        let found = self.parts.into_par_iter().map(|part| part.finish(file));
        let found = found.collect::<io::Result<Vec<Duplicates>>>();
        let mut out = Duplicates::default();
        for found in
            found.map_err(DatasetError::io("read back the hashes of ids in", &self.folder))?
        {
            out.count += found.count;
            let room = KEPT_MAX - out.hashes.len();
            out.hashes.extend(found.hashes.into_iter().take(room));
        }
        Ok(out)
    }
}

impl Part {
    /// The hashes that are there more than once.
    fn finish(mut self, file: Option<&File>) -> io::Result<Duplicates> {
        self.hashes.reserve_exact(self.spilled.iter().map(|(_, hashes)| hashes).sum());
        for (from, hashes) in self.spilled {
            let file = file.ok_or(io::ErrorKind::NotFound)?;
            let mut bytes = vec![0; hashes * HASH_BYTES];
            file.read_exact_at(&mut bytes, from)?;
            let (words, _) = bytes.as_chunks::<HASH_BYTES>();
            self.hashes.extend(words.iter().map(|word| u64::from_le_bytes(*word)));
        }
        let sieve = Sieve::of(&self.hashes);
        self.hashes.retain(|hash| sieve.holds(*hash));
        self.hashes.sort_unstable();
        let mut out = Duplicates::default();
        for equal in self.hashes.chunk_by(|a, b| a == b).filter(|equal| equal.len() > 1) {
            out.count += 1;
            if out.hashes.len() < KEPT_MAX {
                out.hashes.push(equal[0]);
            }
        }
        Ok(out)
    }
}

/// Tells most hashes that occur once from those that may occur more often. Its time does not depend on what they
/// are; ids that somebody has built are all left in it at worst, and sorted.
struct Sieve {
    /// Bits that at least one hash has, and of those the ones that at least two have.
    words: Vec<(u64, u64)>,
}

impl Sieve {
    fn of(hashes: &[u64]) -> Self {
        let words = (hashes.len() * SIEVE_BITS).div_ceil(64).next_power_of_two();
        let mut sieve = Self { words: vec![(0, 0); words] };
        for hash in hashes {
            let (word, bit) = sieve.place(*hash);
            let (once, twice) = &mut sieve.words[word];
            *twice |= *once & bit;
            *once |= bit;
        }
        sieve
    }

    /// Whether at least two hashes have the bit of this one, as equal ones do.
    fn holds(&self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        self.words[word].1 & bit != 0
    }

    /// The word and the bit of a hash, from its last bits: the first ones are those of the part.
    fn place(&self, hash: u64) -> (usize, u64) {
        let word = usize::try_from(hash >> 6 & 0xffff_ffff).unwrap_or_default();
        (word & (self.words.len() - 1), 1 << (hash & 63))
    }
}

/// Ids that occur more than once among the rows of `time`, of those whose hashes are given; at most
/// `ids_max`, in alphabetical order.
pub fn duplicate_ids(
    table: &Table,
    id: Option<&str>,
    time: Option<&TimeFilter>,
    duplicates: &Duplicates,
    ids_max: usize,
) -> Result<Vec<String>, DatasetError> {
    let request = ScanRequest { columns: &[], id, time, batch_rows: 131_072 };
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let scanned = table.scan(&request, |batch| {
        for (row, hash) in batch.id_hashes().iter().enumerate() {
            if duplicates.hashes.binary_search(hash).is_ok() {
                *counts.entry(batch.id_text(row)).or_default() += 1;
            }
        }
        Ok::<(), std::convert::Infallible>(())
    });
    match scanned {
        Ok(_) => {}
        Err(ScanError::Dataset(error)) => return Err(error),
        Err(ScanError::Callback(never)) => match never {},
    }
    let repeated = counts.into_iter().filter(|(_, count)| *count > 1).map(|(id, _)| id);
    Ok(repeated.take(ids_max).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::dataset::fixture::Folder;
    use crate::adapters::dataset::text_id_hash;

    /// 0 to 9,999 mixed well, then every hundredth again.
    fn hashes() -> Vec<u64> {
        let mixed = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (0..10_000).chain((0..10_000).step_by(100)).map(mixed).collect()
    }

    #[test]
    fn the_same_duplicates_are_found_in_memory_and_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let found = |budget: usize| {
            let mut finder = DuplicateFinder::with_budget(folder.path(), budget);
            for chunk in hashes().chunks(777) {
                finder.push(chunk).unwrap();
            }
            finder.finish().unwrap()
        };
        let in_memory = found(1 << 20);
        assert_eq!((in_memory.count, in_memory.hashes.len()), (100, 100));
        assert!(in_memory.hashes.is_sorted());
        for budget in [64, 500, 9_999] {
            assert_eq!(found(budget), in_memory, "{budget}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "unnamed files only");
    }

    #[test]
    fn the_list_is_bounded_and_the_count_is_not() {
        let mut finder = DuplicateFinder::new(Path::new("."));
        for _ in 0..3 {
            finder.push(&(0..5_000).collect::<Vec<_>>()).unwrap();
        }
        let found = finder.finish().unwrap();
        assert_eq!((found.hashes.len(), found.count), (KEPT_MAX, 5_000));
    }

    #[test]
    fn no_folder_to_spill_to_is_an_error() {
        let mut finder = DuplicateFinder::with_budget(Path::new("/nonexistent"), 2);
        let told = finder.push(&[1, 2, 3]).unwrap_err().to_string();
        assert!(told.starts_with("failed to spill"), "{told}");
    }

    #[test]
    fn a_collision_of_hashes_is_no_duplicate() {
        let folder = Folder::with(&[("a.csv", "id\nx\ny\n"), ("b.csv", "id\nx\nz\n")]);
        let table = folder.table("*.csv", Some("id")).unwrap();
        let mut hashes: Vec<u64> = ["x", "y", "z"].into_iter().map(text_id_hash).collect();
        hashes.sort_unstable();
        let suspected = Duplicates { hashes, count: 3 };
        assert_eq!(duplicate_ids(&table, Some("id"), None, &suspected, 5).unwrap(), ["x"]);
        assert_eq!(duplicate_ids(&table, None, None, &suspected, 5).unwrap(), [""; 0]);
    }
}
