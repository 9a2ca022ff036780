//! Makes the profile of a table in the pass that scores it.
//!
//! Batches come in row order. Columns are independent of each other and are counted in parallel; within
//! a column values are counted one after the other, so the profile has the same bytes for any number of
//! threads. Memory is that of the counters: nothing of a batch is kept but a few sampled rows.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use rayon::prelude::*;

use super::count::GridTally;
use super::current::{CurrentCells, CurrentColumn, TableProfile};
use super::number::NumberFacts;
use super::reference::{ReferenceCells, ReferenceProfile};
use super::sample::SampleTally;
use super::text::TextTally;
use super::{CellKind, ProfileError};
use crate::domain::frame::{Cells, Frame, FrameColumn};

/// Counts every column of a table, batch by batch.
#[derive(Debug, Clone)]
pub struct Profiler {
    rows: u64,
    columns: Vec<ColumnTally>,
    sample: SampleTally,
}

#[derive(Debug, Clone)]
struct ColumnTally {
    name: String,
    mark: Option<u64>,
    cells: CellsTally,
    /// Where the column stood in the last frame.
    place: usize,
}

#[derive(Debug, Clone)]
enum CellsTally {
    Number { facts: NumberFacts, grid: Option<GridTally> },
    Text(TextTally),
    Unseen,
}

impl Profiler {
    /// Starts a profile of the columns of `reference` and of the columns called `extra`, which have none.
    ///
    /// A column that is in no batch is profiled as one without rows.
    pub fn new(reference: &ReferenceProfile, extra: &[&str]) -> Self {
        let mut columns: Vec<ColumnTally> = Vec::with_capacity(reference.columns.len());
        for column in &reference.columns {
            let cells = match &column.cells {
                ReferenceCells::Number(number) => CellsTally::Number {
                    facts: NumberFacts::default(),
                    grid: Some(GridTally::new(&number.grid)),
                },
                ReferenceCells::Text(text) => CellsTally::Text(TextTally::new(&text.categories)),
            };
            let (name, mark) = (column.name.clone(), Some(column.mark()));
            columns.push(ColumnTally { name, mark, cells, place: columns.len() });
        }
        for name in extra.iter().filter(|name| reference.column(name).is_none()) {
            let (name, cells) = ((*name).to_owned(), CellsTally::Unseen);
            columns.push(ColumnTally { name, mark: None, cells, place: columns.len() });
        }
        let sample = SampleTally::new(columns.iter().map(|column| column.name.as_str()));
        Self { rows: 0, columns, sample }
    }

    /// Counts one batch; `id_hashes` has one hash for each row.
    ///
    /// Columns of the frame that are not profiled are left alone. After an error the profile is of no
    /// more use.
    pub fn update(&mut self, frame: &Frame<'_>, id_hashes: &[u64]) -> Result<(), ProfileError> {
        super::require_even(frame, id_hashes)?;
        let names: Vec<&str> = frame.columns.iter().map(|column| column.name).collect();
        self.count(&names, id_hashes, |place| Ok::<_, ProfileError>(&frame.columns[place].cells))?;
        Ok(())
    }

    /// Counts one batch whose columns are made on the way: `cells` makes one from its name, and what it has made is
    /// counted while it is still in the cache. Returns all columns called `names`, profiled or not.
    ///
    /// After an error the profile is of no more use.
    pub fn update_with<'a, E: From<ProfileError> + Send>(
        &mut self,
        names: &[&'a str],
        id_hashes: &[u64],
        cells: impl Fn(&'a str) -> Result<Cells<'a>, E> + Sync,
    ) -> Result<Frame<'a>, E> {
        let rows = id_hashes.len();
        let mut made: Vec<Option<Cells<'a>>> = names.iter().map(|_| None).collect();
        let counted = self.count(names, id_hashes, |place| -> Result<_, E> {
            let cells = cells(names[place])?;
            super::require_length(names[place], rows, cells.len())?;
            Ok(cells)
        })?;
        for (place, cells) in counted {
            made[place] = Some(cells);
        }
        let column = |(name, made): (&&'a str, Option<Cells<'a>>)| {
            let cells = made.map_or_else(|| cells(name), Ok)?;
            Ok(FrameColumn { name, cells })
        };
        let columns = names.iter().zip(made).map(column).collect::<Result<_, E>>()?;
        Ok(Frame { rows, columns })
    }

    /// Counts the columns called `names`, each made by `cells` from its place, and returns what was made.
    fn count<'a, C: Borrow<Cells<'a>> + Send, E: From<ProfileError> + Send>(
        &mut self,
        names: &[&str],
        id_hashes: &[u64],
        cells: impl Fn(usize) -> Result<C, E> + Sync,
    ) -> Result<Vec<(usize, C)>, E> {
        self.find_places(names);
        let chosen = self.sample.choose(id_hashes);
        // Rows are sampled while their column is still in the cache.
        let columns = self.columns.par_iter_mut().zip(self.sample.columns());
        // Each is a task of its own: they take unequally long.
        let counted = columns.with_max_len(1).map(|(column, sampled)| {
            if column.place >= names.len() {
                sampled.extend(None, &chosen);
                return Ok(None);
            }
            let cells = cells(column.place)?;
            column.add(cells.borrow())?;
            sampled.extend(Some(cells.borrow()), &chosen);
            Ok(Some((column.place, cells)))
        });
        // The first error by place, whichever came first.
        let counted: Vec<Result<Option<(usize, C)>, E>> = counted.collect();
        let counted = counted.into_iter().collect::<Result<Vec<_>, E>>()?;
        self.sample.take(id_hashes, &chosen);
        self.rows += id_hashes.len() as u64;
        Ok(counted.into_iter().flatten().collect())
    }

    /// The profile of all batches.
    pub fn finish(self) -> TableProfile {
        let columns = self.columns.into_iter().map(|column| CurrentColumn {
            cells: column.cells.finish(),
            name: column.name,
            mark: column.mark,
        });
        TableProfile { rows: self.rows, columns: columns.collect(), sample: self.sample.finish() }
    }

    /// Finds every column among `names`; batches rarely differ, so the places of the last one are tried
    /// first. An absent column gets a place behind the last one.
    fn find_places(&mut self, names: &[&str]) {
        let is_there =
            |column: &ColumnTally| names.get(column.place).is_some_and(|name| *name == column.name);
        if self.columns.iter().all(is_there) {
            return;
        }
        let places = names.iter().enumerate().map(|(place, name)| (*name, place));
        let places: BTreeMap<&str, usize> = places.collect();
        for column in &mut self.columns {
            let place = places.get(column.name.as_str());
            column.place = place.copied().unwrap_or(usize::MAX);
        }
    }
}

impl ColumnTally {
    fn add(&mut self, cells: &Cells<'_>) -> Result<(), ProfileError> {
        if matches!(self.cells, CellsTally::Unseen) {
            self.cells = match cells {
                Cells::Number(_) => {
                    CellsTally::Number { facts: NumberFacts::default(), grid: None }
                }
                Cells::Text(_) => CellsTally::Text(TextTally::new(&[])),
            };
        }
        let wanted = match (&mut self.cells, cells) {
            (CellsTally::Number { facts, grid: Some(grid) }, Cells::Number(numbers)) => {
                facts.add(numbers, |finite| grid.add(finite));
                return Ok(());
            }
            (CellsTally::Number { facts, grid: None }, Cells::Number(numbers)) => {
                facts.add(numbers, |_| {});
                return Ok(());
            }
            (CellsTally::Text(tally), Cells::Text(texts)) => {
                tally.add(texts);
                return Ok(());
            }
            (CellsTally::Number { .. }, Cells::Text(_)) => CellKind::Number,
            (CellsTally::Text(_) | CellsTally::Unseen, _) => CellKind::Text,
        };
        let column = self.name.clone();
        Err(ProfileError::Retyped { column, wanted, found: CellKind::of(cells) })
    }
}

impl CellsTally {
    fn finish(self) -> CurrentCells {
        match self {
            Self::Number { facts, grid } => {
                CurrentCells::Number { facts, counts: grid.map(|grid| grid.finish()) }
            }
            Self::Text(tally) => CurrentCells::Text(tally.finish()),
            Self::Unseen => CurrentCells::Unseen,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;
    use rand::{Rng as _, SeedableRng as _};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;
    use crate::domain::frame::Numbers;

    /// Rows of a made-up table with every kind of column.
    struct Rows {
        number: Vec<f64>,
        nulls: Vec<bool>,
        text: Vec<Option<String>>,
        hashes: Vec<u64>,
    }

    fn rows(count: usize, seed: u64) -> Rows {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut draw = |to: u32| random.gen_range(0..to);
        let number = (0..count).map(|_| match draw(40) {
            0 => f64::NAN,
            1 => f64::INFINITY,
            _ => f64::from(draw(5000)) / 8.0,
        });
        Rows {
            number: number.collect(),
            nulls: (0..count).map(|_| draw(20) == 0).collect(),
            text: (0..count).map(|_| (draw(9) > 0).then(|| format!("t{}", draw(30)))).collect(),
            hashes: (0..count).map(|_| u64::from(draw(u32::MAX))).collect(),
        }
    }

    impl Rows {
        fn frame(&self, from: usize, to: usize) -> Frame<'_> {
            let cells = Cells::Number(Numbers {
                values: Cow::Borrowed(&self.number[from..to]),
                nulls: self.nulls[from..to].to_vec(),
            });
            let texts = self.text[from..to].iter().map(Option::as_deref);
            Frame {
                rows: to - from,
                columns: vec![
                    FrameColumn { name: "number", cells: cells.clone() },
                    FrameColumn { name: "text", cells: Cells::text(texts) },
                    FrameColumn { name: "extra", cells },
                ],
            }
        }

        fn reference(&self) -> ReferenceProfile {
            let mut frame = self.frame(0, self.number.len());
            frame.columns.truncate(2);
            ReferenceProfile::of(&frame, &self.hashes, 12).unwrap()
        }

        fn profile(&self, reference: &ReferenceProfile, cuts: &[usize]) -> TableProfile {
            let mut profiler = Profiler::new(reference, &["extra"]);
            for pair in cuts.windows(2) {
                let (from, to) = (pair[0], pair[1]);
                profiler.update(&self.frame(from, to), &self.hashes[from..to]).unwrap();
            }
            profiler.finish()
        }
    }

    fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
    }

    #[test]
    fn any_number_of_threads_gives_the_same_bytes() {
        let (before, tonight) = (rows(3000, 1), rows(5000, 2));
        let bytes = |threads| {
            on_threads(threads, || {
                let reference = before.reference();
                let profile = tonight.profile(&reference, &[0, 1000, 1001, 5000]);
                postcard::to_stdvec(&(&reference, &profile)).unwrap()
            })
        };
        let one = bytes(1);
        for threads in [2, 8] {
            assert!(bytes(threads) == one, "{threads} threads");
        }
    }

    #[test]
    fn columns_that_are_made_on_the_way_are_counted_alike() {
        let (before, tonight) = (rows(300, 3), rows(400, 4));
        let reference = before.reference();
        let whole = tonight.frame(0, 400);
        let names = ["text", "beside", "extra", "number"];
        let make = |name: &str| {
            let found = whole.column(if name == "beside" { "number" } else { name }).cloned();
            found.ok_or(ProfileError::Foreign { column: Some(name.to_owned()) })
        };
        let mut profiler = Profiler::new(&reference, &["extra"]);
        let frame = profiler.update_with(&names, &tonight.hashes, make).unwrap();
        assert!(frame.rows == 400 && frame.columns.iter().map(|column| column.name).eq(names));
        let Some(Cells::Text(texts)) = frame.column("text") else { panic!("no texts") };
        assert!(texts.iter().eq(tonight.text.iter().map(Option::as_deref)));
        assert_eq!(profiler.finish(), tonight.profile(&reference, &[0, 400]));

        let mut profiler = Profiler::new(&reference, &["extra"]);
        let nowhere = profiler.update_with(&["extra", "nowhere"], &tonight.hashes, make);
        let refused = ProfileError::Foreign { column: Some("nowhere".to_owned()) };
        assert_eq!(nowhere.unwrap_err(), refused);
        let uneven = profiler.update_with(&["number"], &tonight.hashes[1..], make);
        let told = uneven.unwrap_err().to_string();
        assert!(told.contains("number") && told.contains("399") && told.contains("400"), "{told}");
    }

    #[test]
    fn profiles_read_back_from_json_and_postcard() {
        let (before, tonight) = (rows(300, 3), rows(400, 4));
        let reference = before.reference();
        let profile = tonight.profile(&reference, &[0, 400]);
        let json = serde_json::to_string(&(&reference, &profile)).unwrap();
        let bytes = postcard::to_stdvec(&(&reference, &profile)).unwrap();
        let from_json: (ReferenceProfile, TableProfile) = serde_json::from_str(&json).unwrap();
        let from_bytes: (ReferenceProfile, TableProfile) = postcard::from_bytes(&bytes).unwrap();
        let wanted = (reference, profile);
        assert!(from_json == wanted && from_bytes == wanted);
    }

    #[test]
    fn an_absent_column_has_no_rows_and_a_retyped_one_is_an_error() {
        let before = rows(50, 5);
        let reference = before.reference();
        let mut frame = before.frame(0, 50);
        frame.columns.remove(0);
        let mut profiler = Profiler::new(&reference, &["extra", "text", "nowhere"]);
        profiler.update(&frame, &before.hashes).unwrap();
        let profile = profiler.clone().finish();
        let facts = |name| profile.column(name).unwrap().facts().rows;
        assert_eq!(
            (facts("number"), facts("text"), facts("extra"), facts("nowhere")),
            (0, 50, 50, 0)
        );
        frame.columns[0].name = "number";
        let error = profiler.update(&frame, &before.hashes).unwrap_err();
        assert_eq!(error.to_string(), "column `number` holds texts, wanted numbers as before");
    }

    #[test]
    fn a_table_without_rows_has_a_profile() {
        let reference = rows(20, 6).reference();
        let profile = Profiler::new(&reference, &["extra"]).finish();
        assert_eq!(profile.columns.len(), 3);
        assert!(profile.columns.iter().all(|column| column.facts().null_share().is_none()));
    }

    #[test]
    fn profiles_against_different_references_do_not_merge() {
        let (one, other) = (rows(60, 7).reference(), rows(60, 8).reference());
        let mut profile = Profiler::new(&one, &[]).finish();
        let before = profile.clone();
        let error = profile.merge(&Profiler::new(&other, &[]).finish()).unwrap_err();
        assert_eq!(error, ProfileError::Foreign { column: Some("number".into()) });
        assert_eq!(profile, before);
        assert!(before.columns[0].is_counted_on(&one.columns[0]));
        assert!(!before.columns[0].is_counted_on(&other.columns[0]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn merging_is_associative_and_gives_the_profile_of_the_whole(
            seed in 0_u64..1000,
            first in 0_usize..300,
            second in 0_usize..300,
        ) {
            let (first, second) = (first.min(second), first.max(second));
            let reference = rows(200, 11).reference();
            let tonight = rows(300, seed);
            let part = |from, to| tonight.profile(&reference, &[from, to]);
            let (a, b, c) = (part(0, first), part(first, second), part(second, 300));
            let mut left = a.clone();
            left.merge(&b).unwrap();
            left.merge(&c).unwrap();
            let mut right = b;
            right.merge(&c).unwrap();
            let mut all = a;
            all.merge(&right).unwrap();
            let whole = part(0, 300);
            for found in [&left, &all] {
                prop_assert_eq!(found.rows, 300);
                prop_assert_eq!(postcard::to_stdvec(&found.sample), postcard::to_stdvec(&whole.sample));
                for (column, wanted) in found.columns.iter().zip(&whole.columns) {
                    prop_assert!(same_but_for_rounding(&column.cells, &wanted.cells), "{}", column.name);
                }
            }
        }
    }

    fn same_but_for_rounding(found: &CurrentCells, wanted: &CurrentCells) -> bool {
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (1.0 + b.abs());
        match (found, wanted) {
            (
                CurrentCells::Number { facts, counts },
                CurrentCells::Number { facts: all, counts: all_counts },
            ) => {
                let on_grid = match (counts, all_counts) {
                    (Some(counts), Some(all)) => {
                        counts.at() == all.at()
                            && counts.between() == all.between()
                            && counts.sums().iter().zip(all.sums()).all(|(a, b)| near(*a, *b))
                    }
                    (counts, all) => counts.is_none() && all.is_none(),
                };
                let kinds = |facts: &NumberFacts| {
                    (
                        facts.rows,
                        facts.nulls,
                        facts.nans,
                        facts.infinities_above,
                        facts.finite.count,
                    )
                };
                on_grid
                    && kinds(facts) == kinds(all)
                    && near(facts.finite.mean, all.finite.mean)
                    && near(facts.finite.m2, all.finite.m2)
            }
            (CurrentCells::Text(counts), CurrentCells::Text(all)) => counts == all,
            _ => false,
        }
    }
}
