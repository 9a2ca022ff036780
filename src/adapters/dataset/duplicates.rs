//! Ids that occur more than once, found in bounded memory however many rows there are.
//!
//! Hashes are kept in memory up to a budget, and beyond it in one file for each value of their first
//! bits, so that equal hashes meet in one file. Equal hashes are not yet equal ids: [`duplicate_ids`]
//! reads the table again and compares the ids themselves.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::error::DatasetError;
use super::scan::{ScanError, ScanRequest};
use super::table::Table;
use super::time_filter::TimeFilter;

/// Memory for hashes, 8 bytes each.
const BUDGET_HASHES: usize = (64 << 20) / 8;
const PARTITION_BITS: u32 = 8;
const SPILL: &str = "spill the hashes of ids to";
/// Most different hashes that are kept of those that occur more than once.
const KEPT_MAX: usize = 1_000;

/// Finds hashes that occur more than once.
#[derive(Debug)]
pub struct DuplicateFinder {
    folder: PathBuf,
    budget_hashes: usize,
    hashes: Vec<u64>,
    /// One unnamed file for each partition, once the budget was exceeded.
    spilled: Vec<File>,
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
    /// Hashes that exceed the memory budget of 64 MiB go to unnamed files in `folder`.
    pub fn new(folder: &Path) -> Self {
        Self::with_budget(folder, BUDGET_HASHES)
    }

    fn with_budget(folder: &Path, budget_hashes: usize) -> Self {
        Self { folder: folder.to_owned(), budget_hashes, hashes: Vec::new(), spilled: Vec::new() }
    }

    /// Takes the hashes of some rows.
    pub fn push(&mut self, hashes: &[u64]) -> Result<(), DatasetError> {
        for hashes in hashes.chunks(self.budget_hashes) {
            if self.hashes.len() + hashes.len() > self.budget_hashes {
                self.spill()?;
            }
            self.hashes.extend_from_slice(hashes);
        }
        Ok(())
    }

    /// The hashes that were taken more than once.
    pub fn finish(mut self) -> Result<Duplicates, DatasetError> {
        let mut out = Duplicates::default();
        if self.spilled.is_empty() {
            out.add_from(&mut self.hashes);
            return Ok(out);
        }
        self.spill()?;
        let mut bytes = Vec::new();
        for mut file in self.spilled {
            bytes.clear();
            file.seek(SeekFrom::Start(0))
                .and_then(|_| file.read_to_end(&mut bytes))
                .map_err(DatasetError::io("read back the hashes of ids in", &self.folder))?;
            let (words, _) = bytes.as_chunks::<8>();
            self.hashes.clear();
            self.hashes.extend(words.iter().map(|word| u64::from_le_bytes(*word)));
            out.add_from(&mut self.hashes);
        }
        Ok(out)
    }

    /// Moves the hashes in memory to the files of their partitions.
    fn spill(&mut self) -> Result<(), DatasetError> {
        let wrong = || DatasetError::io(SPILL, &self.folder);
        while self.spilled.len() < 1 << PARTITION_BITS {
            self.spilled.push(tempfile::tempfile_in(&self.folder).map_err(wrong())?);
        }
        self.hashes.sort_unstable();
        let partition = |hash: u64| hash >> (u64::BITS - PARTITION_BITS);
        let mut bytes = Vec::new();
        for hashes in self.hashes.chunk_by(|a, b| partition(*a) == partition(*b)) {
            bytes.clear();
            bytes.extend(hashes.iter().flat_map(|hash| hash.to_le_bytes()));
            let index = hashes.first().map_or(0, |hash| partition(*hash));
            let file = usize::try_from(index).ok().and_then(|index| self.spilled.get_mut(index));
            file.map_or(Ok(()), |file| file.write_all(&bytes)).map_err(wrong())?;
        }
        self.hashes.clear();
        Ok(())
    }
}

impl Duplicates {
    /// Adds those of `hashes` that occur more than once; ascending from call to call.
    fn add_from(&mut self, hashes: &mut [u64]) {
        // At the end of the pass, when nothing else is left to do.
        hashes.par_sort_unstable();
        for equal in hashes.chunk_by(|a, b| a == b).filter(|equal| equal.len() > 1) {
            self.count += 1;
            if self.hashes.len() < KEPT_MAX {
                self.hashes.push(equal[0]);
            }
        }
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
