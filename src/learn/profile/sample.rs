//! A uniform sample of rows that merges: those with the smallest hashes of their ids (bottom-k).
//!
//! Which rows are in it depends on the ids alone, so the sample of a union is the sample of the samples,
//! and the same table gives the same sample in any number of batches. It lets tonight's table become the
//! reference of a later one, for which the grid of the training reference would be too coarse.

/// The values of one column.
mod values;

use std::fmt;

use rayon::prelude::*;
use serde::{Deserialize, Serialize, Serializer};

use self::values::Values;
use crate::domain::frame::{Cells, Frame, FrameColumn};

/// Rows with the smallest id hashes, ascending; of equal hashes the row that came first.
///
/// Invariant: every column has one value for each hash.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(try_from = "Parts")]
pub struct Sample {
    parts: Parts,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Parts {
    rows_max: usize,
    hashes: Vec<u64>,
    columns: Vec<SampleColumn>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SampleColumn {
    name: String,
    values: Values,
}

/// A stored sample whose columns have not all as many values as there are rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnevenSample;

impl Sample {
    /// Most rows that are kept.
    pub const ROWS_MAX: usize = 10_000;

    /// Most values that are kept: beyond 200 columns there are fewer rows.
    pub const VALUES_MAX: usize = 2_000_000;

    /// How many rows are in the sample.
    pub fn rows(&self) -> usize {
        self.parts.hashes.len()
    }

    /// The id hashes of the rows, ascending.
    pub fn id_hashes(&self) -> &[u64] {
        &self.parts.hashes
    }

    /// The `rows_max` rows with the smallest hashes: a sample of the same table.
    #[must_use]
    pub fn first(&self, rows_max: usize) -> Self {
        let Parts { hashes, columns, .. } = &self.parts;
        let rows = rows_max.min(hashes.len());
        let column = |column: &SampleColumn| SampleColumn {
            name: column.name.clone(),
            values: column.values.first(rows),
        };
        let columns = columns.iter().map(column).collect();
        Self { parts: Parts { rows_max, hashes: hashes[..rows].to_vec(), columns } }
    }

    /// The rows as a frame; a column without any text is a column of numbers.
    pub fn frame(&self) -> Frame<'_> {
        let columns = self
            .parts
            .columns
            .iter()
            .map(|column| FrameColumn { name: &column.name, cells: column.values.cells() });
        Frame { rows: self.rows(), columns: columns.collect() }
    }

    /// Takes in the rows of `other`; false, and no change, if its columns are not the same.
    #[must_use]
    pub fn merge(&mut self, other: &Self) -> bool {
        let (ours, theirs) = (&mut self.parts, &other.parts);
        let same_columns = ours.columns.len() == theirs.columns.len()
            && ours.columns.iter().zip(&theirs.columns).all(|(a, b)| a.name == b.name);
        if !same_columns {
            return false;
        }
        ours.rows_max = ours.rows_max.min(theirs.rows_max);
        ours.hashes.extend_from_slice(&theirs.hashes);
        for (column, more) in ours.columns.iter_mut().zip(&theirs.columns) {
            column.values.append(&more.values);
        }
        ours.keep_smallest();
        true
    }
}

impl Parts {
    /// Sorts by hash, then in the order of arrival, and lets go of what is beyond `rows_max`.
    fn keep_smallest(&mut self) {
        let mut order: Vec<usize> = (0..self.hashes.len()).collect();
        order.sort_unstable_by_key(|row| (self.hashes[*row], *row));
        order.truncate(self.rows_max);
        self.hashes = order.iter().map(|row| self.hashes[*row]).collect();
        self.columns.par_iter_mut().for_each(|column| column.values.keep(&order));
    }
}

impl TryFrom<Parts> for Sample {
    type Error = UnevenSample;

    fn try_from(parts: Parts) -> Result<Self, UnevenSample> {
        let rows = parts.hashes.len();
        if parts.columns.iter().any(|column| column.values.len() != rows) {
            return Err(UnevenSample);
        }
        Ok(Self { parts })
    }
}

impl Serialize for Sample {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.parts.serialize(serializer)
    }
}

impl fmt::Display for UnevenSample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sample has as many values in each column as rows, found another number")
    }
}

impl std::error::Error for UnevenSample {}

/// Collects a [`Sample`] while a table goes by.
///
/// Rows that may belong to it are appended and sorted out only when there are twice as many as wanted: hardly
/// any row passes `bound`, the largest hash that is still of use after the last batch.
#[derive(Debug, Clone)]
pub(super) struct SampleTally {
    parts: Parts,
    bound: Option<u64>,
}

impl SampleTally {
    pub(super) fn new<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        let columns: Vec<SampleColumn> = names
            .map(|name| SampleColumn { name: name.to_owned(), values: Values::default() })
            .collect();
        let affordable = Sample::VALUES_MAX / columns.len().max(1);
        let rows_max = Sample::ROWS_MAX.min(affordable).max(1);
        Self { parts: Parts { rows_max, hashes: Vec::new(), columns }, bound: None }
    }

    /// Takes in rows; `cells` are those of the columns in the order of `new`, `None` for an absent one.
    pub(super) fn add(&mut self, id_hashes: &[u64], cells: &[Option<&Cells<'_>>]) {
        let chosen = self.choose(id_hashes);
        self.columns().zip(cells).for_each(|(values, cells)| values.extend(*cells, &chosen));
        self.take(id_hashes, &chosen);
    }

    /// The rows of a batch that may belong to the sample, ascending.
    pub(super) fn choose(&self, id_hashes: &[u64]) -> Vec<usize> {
        let rows = id_hashes.iter().enumerate();
        let bound = self.bound.unwrap_or(u64::MAX);
        let full = self.bound.is_some();
        let mut chosen: Vec<usize> =
            rows.filter(|(_, hash)| !full || **hash < bound).map(|(row, _)| row).collect();
        if chosen.len() > self.parts.rows_max {
            chosen.select_nth_unstable_by_key(self.parts.rows_max, |row| (id_hashes[*row], *row));
            chosen.truncate(self.parts.rows_max);
            chosen.sort_unstable();
        }
        chosen
    }

    /// The columns in the order of `new`: each takes the chosen rows of the batch, and then [`Self::take`] their hashes.
    pub(super) fn columns(&mut self) -> impl IndexedParallelIterator<Item = &mut Values> {
        self.parts.columns.par_iter_mut().map(|column| &mut column.values)
    }

    /// Takes the hashes of the rows that were chosen, and sorts out those that do not belong to the sample.
    pub(super) fn take(&mut self, id_hashes: &[u64], chosen: &[usize]) {
        self.parts.hashes.extend(chosen.iter().map(|row| id_hashes[*row]));
        if self.parts.hashes.len() > self.parts.rows_max * 2 {
            self.parts.keep_smallest();
        }
        if !chosen.is_empty() && self.parts.hashes.len() >= self.parts.rows_max {
            let mut hashes = self.parts.hashes.clone();
            let (_, bound, _) = hashes.select_nth_unstable(self.parts.rows_max - 1);
            self.bound = Some(*bound);
        }
    }

    pub(super) fn finish(mut self) -> Sample {
        self.parts.keep_smallest();
        Sample { parts: self.parts }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::frame::Numbers;

    fn sample(hashes: &[u64], first_value: f64, rows_max: usize) -> SampleTally {
        let mut tally = SampleTally::new(["x", "absent"].into_iter());
        tally.parts.rows_max = rows_max;
        for (batch, hashes) in hashes.chunks(5).enumerate() {
            let values = (0..hashes.len()).map(|row| first_value + (batch * 5 + row) as f64);
            let numbers = Numbers { values: Cow::Owned(values.collect()), nulls: Vec::new() };
            tally.add(hashes, &[Some(&Cells::Number(numbers)), None]);
        }
        tally
    }

    fn values(sample: &Sample) -> Vec<f64> {
        let frame = sample.frame();
        let Some(Cells::Number(numbers)) = frame.column("x") else { return Vec::new() };
        numbers.values.to_vec()
    }

    #[test]
    fn the_smallest_hashes_are_kept_with_their_rows() {
        let hashes = [90, 10, 80, 20, 70, 30, 60, 40, 50, 10, 0, u64::MAX];
        let found = sample(&hashes, 0.0, 3).finish();
        assert_eq!(found.id_hashes(), [0, 10, 10]);
        assert_eq!(values(&found), [10.0, 1.0, 9.0]);
        assert_eq!(found.first(3), found);
        assert_eq!(values(&found.first(2)), [10.0, 1.0]);
        let frame = found.frame();
        let Some(Cells::Number(absent)) = frame.column("absent") else { panic!("no such column") };
        assert_eq!(absent.nulls, [true; 3]);
    }

    #[test]
    fn texts_nulls_and_nan_are_told_apart() {
        let mut tally = SampleTally::new(["text", "number"].into_iter());
        let texts = Cells::text(vec![Some("a"), None, Some("")]);
        let numbers = Cells::Number(Numbers {
            values: Cow::Borrowed(&[1.0, f64::NAN, f64::INFINITY]),
            nulls: vec![true, false, false],
        });
        tally.add(&[1, 2, 3], &[Some(&texts), Some(&numbers)]);
        let found = tally.finish();
        let json = serde_json::to_string(&found).unwrap();
        let back: Sample = serde_json::from_str(&json).unwrap();
        let frame = back.frame();
        let Some(Cells::Text(texts)) = frame.column("text") else { panic!("not text") };
        assert!(texts.iter().eq([Some("a"), None, Some("")]));
        let Some(Cells::Number(numbers)) = frame.column("number") else { panic!("not numbers") };
        assert_eq!(numbers.nulls, [true, false, false]);
        assert!(numbers.values[1].is_nan() && numbers.values[2].is_infinite());
    }

    #[test]
    fn a_stored_sample_with_uneven_columns_is_refused() {
        let mut parts = sample(&[1, 2, 3], 0.0, 3).finish().parts;
        parts.columns[0].values.keep(&[0]);
        let bytes = postcard::to_stdvec(&parts).unwrap();
        assert!(postcard::from_bytes::<Sample>(&bytes).is_err());
    }

    #[test]
    fn wide_tables_keep_fewer_rows() {
        let names: Vec<String> = (0..10_000).map(|n| n.to_string()).collect();
        assert_eq!(SampleTally::new(names.iter().map(String::as_str)).parts.rows_max, 200);
    }

    proptest! {
        #[test]
        fn merging_is_associative_and_the_sample_of_the_union(
            hashes in proptest::collection::vec(0_u64..60, 0..80),
            cuts in (0_usize..80, 0_usize..80),
        ) {
            let first = cuts.0.min(cuts.1).min(hashes.len());
            let second = cuts.0.max(cuts.1).min(hashes.len());
            let part = |from: usize, to: usize| sample(&hashes[from..to], from as f64, 7).finish();
            let (a, b, c) = (part(0, first), part(first, second), part(second, hashes.len()));
            let mut left = a.clone();
            prop_assert!(left.merge(&b) && left.merge(&c));
            let mut right = b;
            let mut all = a;
            prop_assert!(right.merge(&c) && all.merge(&right));
            prop_assert_eq!(&left, &all);
            prop_assert_eq!(left, part(0, hashes.len()));
        }
    }
}
