//! One pass over a table: every row once, in order, in constant memory.
//!
//! Files are read one after the other, ahead on a thread of its own, and handed over through a queue of one piece: if
//! the caller is slow, the thread waits. Parquet files come by row group where the groups can be batches and no
//! rows are filtered, and their columns are decoded when they are used; everything else comes through polars'
//! streaming engine. The rows of each file are counted and compared with what the file says it has, because a row
//! that is silently lost is the worst that can happen here.

/// The row groups of a parquet file.
mod groups;
/// What polars is asked to do with one file.
mod plan;
/// The thread that reads ahead.
mod reader;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub(super) use self::groups::Group;
use self::plan::Plan;
use self::reader::{Piece, Source, start_reading};
use super::batch::{Batch, BatchSource};
use super::discover::SourceFile;
use super::error::{DatasetError, Place};
use super::table::Table;
use super::time_filter::TimeFilter;

const READ: &str = "read";

/// What a pass reads.
#[derive(Debug, Clone, Copy)]
pub struct ScanRequest<'a> {
    /// The columns that batches hold; the id and the time are added if they are missing here.
    pub columns: &'a [String],
    /// The id column; without it ids are `<relative path>#<row>`, with rows counted from 1.
    pub id: Option<&'a str>,
    /// Which rows are read; without it all are.
    pub time: Option<&'a TimeFilter>,
    /// About how many rows a batch has; the last one of a file may have fewer. The file alone says how many: its row
    /// groups, where they have half as many at least.
    pub batch_rows: usize,
}

/// What a pass has read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScanReceipt {
    /// Rows that were handed over.
    pub rows_read: u64,
    /// Rows left out because their time is null; 0 where no time is asked for.
    pub rows_without_time: u64,
    /// Rows that were handed over, by file, in the order of [`Table::files`].
    pub rows_per_file: Vec<u64>,
}

/// Why a pass ended early.
#[derive(Debug, thiserror::Error)]
pub enum ScanError<E> {
    /// The table could not be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The caller gave up.
    #[error("the rows could not be processed")]
    Callback(#[source] E),
}

impl Table {
    /// Hands the rows of the table to `on_batch`, batch by batch, on the calling thread.
    ///
    /// The batches of a table are the same on every machine and for any number of threads. An error or a
    /// panic of `on_batch` ends the pass.
    pub fn scan<E>(
        &self,
        request: &ScanRequest<'_>,
        mut on_batch: impl FnMut(Batch) -> Result<(), E>,
    ) -> Result<ScanReceipt, ScanError<E>> {
        let plan = Plan::new(self, request)?;
        let mut receipt = ScanReceipt::default();
        for (source, probe) in self.files().iter().zip(&self.probes) {
            let file = source.open()?;
            let pieces = match plan.groups(source, probe, &file, request.batch_rows)? {
                Some(groups) => Source::Groups(groups),
                None => Source::Queries(
                    plan.lazy(source, probe, &file)?,
                    probe.batch_rows(request.batch_rows),
                ),
            };
            let mut pass =
                FilePass { source, plan: &plan, batches: None, counts: Counts::default() };
            pass.run(pieces, &mut on_batch)?;
            source.check_same(&file)?;
            pass.counts.check(source, probe.rows, plan.has_filter())?;
            receipt.rows_read += pass.counts.handed_over;
            receipt.rows_without_time += pass.counts.without_time;
            receipt.rows_per_file.push(pass.counts.handed_over);
        }
        Ok(receipt)
    }
}

/// The pass over one file.
struct FilePass<'a> {
    source: &'a SourceFile,
    plan: &'a Plan<'a>,
    batches: Option<BatchSource>,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    handed_over: u64,
    without_time: u64,
}

impl FilePass<'_> {
    fn run<E>(
        &mut self,
        pieces: Source,
        on_batch: &mut impl FnMut(Batch) -> Result<(), E>,
    ) -> Result<(), ScanError<E>> {
        let (pieces, reader) = start_reading(pieces, self.source)?;
        let outcome = pieces.iter().try_for_each(|piece| self.hand_over(piece, on_batch));
        // Without a receiver the reader stops at its next piece.
        drop(pieces);
        let read = reader.join().unwrap_or_else(|payload| {
            Err(DatasetError::panicked(READ, &self.source.relative, payload.as_ref()))
        });
        outcome?;
        Ok(read?)
    }

    fn hand_over<E>(
        &mut self,
        piece: Piece,
        on_batch: &mut impl FnMut(Batch) -> Result<(), E>,
    ) -> Result<(), ScanError<E>> {
        let batch = match piece {
            Piece::Frame(frame) => {
                let (frame, without_time) = self.plan.without_null_times(frame, self.source)?;
                self.counts.without_time += without_time;
                if frame.height() == 0 {
                    return Ok(());
                }
                Batch::of_frame(frame, self.batch_source())?
            }
            Piece::Group(group) => Batch::of_group(group, self.batch_source())?,
        };
        self.counts.handed_over += batch.rows() as u64;
        catch_unwind(AssertUnwindSafe(|| on_batch(batch)))
            .map_err(|payload| {
                let file = &self.source.relative;
                DatasetError::panicked("process the rows of", file, payload.as_ref())
            })?
            .map_err(ScanError::Callback)
    }

    fn batch_source(&mut self) -> &BatchSource {
        self.batches.get_or_insert_with(|| self.plan.batch_source(self.source))
    }
}

impl Counts {
    fn check(
        &self,
        source: &SourceFile,
        rows: Option<u64>,
        has_filter: bool,
    ) -> Result<(), DatasetError> {
        let seen = self.handed_over + self.without_time;
        let Some(rows) = rows else { return Ok(()) };
        if seen == rows || (has_filter && seen < rows) {
            return Ok(());
        }
        let problem = format!("has {rows} rows, but {seen} were read");
        Err(DatasetError::content(&source.relative, Place::file(), problem))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use jiff::tz::TimeZone;
    use polars::prelude::{Column, DataType, NamedFrom as _, Series};

    use super::*;
    use crate::adapters::dataset::fixture::{Folder, read};

    /// One column of each kind, `rows` rows from `start`.
    fn columns(start: i64, rows: i64) -> Vec<Column> {
        let numbers: Vec<i64> = (start..start + rows).collect();
        let halves = numbers.iter().map(|n| (n % 7 != 0).then_some(*n as f64 / 2.0));
        let names: Vec<String> = numbers.iter().map(|n| format!("n{}", n % 3)).collect();
        vec![
            Column::new("id".into(), numbers.clone()),
            Column::new("half".into(), halves.collect::<Vec<_>>()),
            Column::new("name".into(), names),
        ]
    }

    #[test]
    fn every_format_gives_the_same_rows() {
        let folder = Folder::with(&[]);
        folder.write_parquet("t.parquet", columns(0, 3_500));
        folder.write_ipc("t.ipc", columns(0, 3_500));
        let (mut csv, mut ndjson) = ("id,half,name\n".to_owned(), String::new());
        for n in 0..3_500 {
            let half = f64::from(n) / 2.0;
            let (cell, value) = match n % 7 {
                0 => (String::new(), "null".to_owned()),
                _ => (half.to_string(), half.to_string()),
            };
            writeln!(csv, "{n},{cell},n{}", n % 3).unwrap();
            writeln!(ndjson, r#"{{"id":{n},"half":{value},"name":"n{}"}}"#, n % 3).unwrap();
        }
        folder.write("t.csv", csv.as_bytes());
        folder.write("t.ndjson", ndjson.as_bytes());
        let rows = |name: &str| {
            let table = folder.table(name, Some("id")).unwrap();
            read(&table, &["half", "name"], Some("id"), None).unwrap()
        };
        let expect = rows("t.parquet");
        assert_eq!(expect.1.rows_read, 3_500);
        assert_eq!(expect.0[..2], ["0|null|\"n0\"", "1|0.5|\"n1\""]);
        for name in ["t.ipc", "t.csv", "t.ndjson"] {
            assert!(rows(name) == expect, "{name}");
        }
    }

    #[test]
    fn the_size_of_batches_is_that_of_the_pieces_of_the_file_or_the_one_that_is_wanted() {
        let folder = Folder::with(&[]);
        // Two row groups of 1,250 rows.
        folder.write_parquet("a.parquet", columns(0, 2_500));
        folder.write_parquet("b.parquet", columns(2_500, 10));
        let table = folder.table("*.parquet", Some("id")).unwrap();
        let rows = |batch_rows: usize| {
            let request = ScanRequest { columns: &[], id: Some("id"), time: None, batch_rows };
            let mut out = Vec::new();
            let add = |batch: Batch| {
                out.push(batch.rows());
                Ok::<(), std::convert::Infallible>(())
            };
            table.scan(&request, add).unwrap();
            out
        };
        assert_eq!(rows(1_000), [1_250, 1_250, 10]);
        assert_eq!(rows(2_500), [1_250, 1_250, 10]);
        assert_eq!(rows(996), [1_250, 1_250, 10]);
        // Row groups are too small for it.
        assert_eq!(rows(2_600), [2_500, 10]);
    }

    #[test]
    fn batches_know_their_rows() {
        let folder = Folder::with(&[]);
        folder.write_parquet("a.parquet", columns(0, 2_500));
        folder.write_parquet("b.parquet", columns(2_500, 10));
        folder.write("c.csv", b"id\n7\n8\n");
        let table = folder.table("*.*", Some("id")).unwrap();
        let request = ScanRequest { columns: &[], id: Some("id"), time: None, batch_rows: 996 };
        let mut found = Vec::new();
        let receipt = table.scan(&request, |batch| {
            let last = batch.row_number(batch.rows() - 1);
            found.push((batch.file().to_owned(), batch.first_row(), last, batch.id_text(0)));
            Ok::<(), std::convert::Infallible>(())
        });
        let batch =
            |file: &str, first, last, id: &str| (file.to_owned(), first, last, id.to_owned());
        assert_eq!(
            found,
            [
                batch("a.parquet", 1, 1_250, "0"),
                batch("a.parquet", 1_251, 2_500, "1250"),
                batch("b.parquet", 1, 10, "2500"),
                batch("c.csv", 1, 2, "7"),
            ]
        );
        assert_eq!(receipt.unwrap().rows_per_file, [2_500, 10, 2]);
    }

    #[test]
    fn files_with_other_columns_and_widths_are_brought_together() {
        let folder = Folder::with(&[
            ("b/day=2026-01-06/b.csv", "x,id\n2.5,b\n"),
            ("b/day=2026-01-07/c.csv", "id,when\nc,2026-01-05T06:00Z\n"),
        ]);
        std::fs::create_dir_all(folder.path("b/day=2026-01-05")).unwrap();
        let small = Series::new("x".into(), &[1_i64]).cast(&DataType::Int8).unwrap();
        let category = Series::new("id".into(), &["a"]);
        let columns = vec![small.into(), category.into()];
        folder.write_parquet("b/day=2026-01-05/a.parquet", columns);
        let table = folder.table("b/**/*", Some("id")).unwrap();
        let (lines, _) = read(&table, &["x", "when", "day"], Some("id"), None).unwrap();
        assert_eq!(lines, ["a|1|null|20458", "b|2.5|null|20459", "c|null|20458.25|20460"]);
    }

    #[test]
    fn ids_are_made_up_where_there_are_none() {
        let folder = Folder::with(&[("d/a.csv", "x\n1\n2\n"), ("d/b.csv", "x\n3\n")]);
        let table = folder.table("d/*.csv", None).unwrap();
        let (lines, _) = read(&table, &["x"], None, None).unwrap();
        assert_eq!(lines, ["d/a.csv#1|1", "d/a.csv#2|2", "d/b.csv#1|3"]);
    }

    fn filter(column: &str, zone: &str, from: &str, until: &str) -> TimeFilter {
        TimeFilter {
            column: column.into(),
            zone: TimeZone::get(zone).unwrap(),
            from: Some(from.parse().unwrap()),
            until: Some(until.parse().unwrap()),
        }
    }

    #[test]
    fn rows_of_other_times_are_left_out_and_those_without_are_counted() {
        let csv = "id,date,naive,zoned\n\
            1,2026-01-04,2026-01-04T23:59:59,2026-01-04T22:59:59Z\n\
            2,2026-01-05,2026-01-05T00:00:00,2026-01-05T00:00:00+01:00\n\
            3,,,\n\
            4,2026-01-05,2026-01-05T23:59:59.999999,2026-01-05T22:59:59.999Z\n\
            5,2026-01-06,2026-01-06,2026-01-05T23:00:00Z\n";
        let folder = Folder::with(&[("t.csv", csv)]);
        let table = folder.table("t.csv", Some("id")).unwrap();
        for column in ["date", "naive", "zoned"] {
            let filter =
                filter(column, "Europe/Berlin", "2026-01-04T23:00:00Z", "2026-01-05T23:00:00Z");
            let (lines, receipt) = read(&table, &[], Some("id"), Some(&filter)).unwrap();
            assert_eq!(lines, ["2", "4"], "{column}");
            let expect = ScanReceipt { rows_read: 2, rows_without_time: 1, rows_per_file: vec![2] };
            assert_eq!(receipt, expect, "{column}");
        }
        let open = TimeFilter {
            from: None,
            until: None,
            ..filter("date", "UTC", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z")
        };
        let (lines, receipt) = read(&table, &[], Some("id"), Some(&open)).unwrap();
        assert_eq!((lines.len(), receipt.rows_without_time), (4, 1));
    }

    #[test]
    fn a_column_without_a_time_has_no_row_of_any_interval() {
        let folder = Folder::with(&[("t.csv", "id,at\n"), ("u.csv", "id,at\n1,\n2,\n")]);
        for (file, without_time) in [("t.csv", 0), ("u.csv", 2)] {
            let table = folder.table(file, Some("id")).unwrap();
            let filter = filter("at", "UTC", "2026-01-04T00:00:00Z", "2026-01-05T00:00:00Z");
            let (lines, receipt) = read(&table, &["at"], Some("id"), Some(&filter)).unwrap();
            assert_eq!((lines.len(), receipt.rows_without_time), (0, without_time), "{file}");
        }
    }

    #[test]
    fn a_filter_keeps_the_row_numbers_of_the_file() {
        let folder = Folder::with(&[]);
        let days: Vec<i32> = (0..5_000).map(|row| row / 10).collect();
        let days = Series::new("day".into(), days).cast(&DataType::Date).unwrap();
        folder.write_parquet("t.parquet", vec![days.into()]);
        let mut table = folder.table("t.parquet", None).unwrap();
        let filter = filter("day", "UTC", "1970-12-31T00:00:00Z", "1971-01-01T00:00:00Z");
        let expect: Vec<String> =
            (3_641..=3_650).map(|row| format!("t.parquet#{row}|364")).collect();
        for segments in [vec![], vec![0..2_000, 2_000..5_000], vec![0..3_645, 3_645..5_000]] {
            table.probes[0].segments = segments;
            let (lines, _) = read(&table, &["day"], None, Some(&filter)).unwrap();
            assert_eq!(lines, expect);
        }
    }

    #[test]
    fn segments_do_not_change_the_rows() {
        let folder = Folder::with(&[]);
        folder.write_parquet("t.parquet", columns(0, 3_500));
        let mut table = folder.table("t.parquet", None).unwrap();
        let rows = |table: &Table| read(table, &["id", "half", "name"], None, None).unwrap();
        let whole = rows(&table);
        // Without row groups the file is read through queries.
        table.probes[0].group_rows = None;
        assert!(rows(&table) == whole);
        table.probes[0].segments = vec![0..1_000, 1_000..3_000, 3_000..3_500];
        assert!(rows(&table) == whole);
        table.probes[0].segments = vec![0..1_000, 1_000..3_000];
        let told = read(&table, &[], None, None).unwrap_err().to_string();
        assert_eq!(told, "`t.parquet`: has 3500 rows, but 3000 were read");
    }

    #[test]
    fn a_time_in_the_name_of_a_folder_filters_whole_files() {
        let folder =
            Folder::with(&[("day=2026-01-05/a.csv", "x\n1\n"), ("day=2026-01-06/a.csv", "x\n2\n")]);
        let table = folder.table("**/*.csv", None).unwrap();
        let filter = filter("day", "UTC", "2026-01-06T00:00:00Z", "2026-01-07T00:00:00Z");
        let (lines, receipt) = read(&table, &["x"], None, Some(&filter)).unwrap();
        assert_eq!(lines, ["day=2026-01-06/a.csv#1|2"]);
        assert_eq!(receipt.rows_per_file, [0, 1]);
    }

    #[test]
    fn an_error_or_a_panic_of_the_caller_ends_the_pass() {
        let folder = Folder::with(&[]);
        folder.write_parquet("t.parquet", columns(0, 50_000));
        let table = folder.table("t.parquet", Some("id")).unwrap();
        let request = ScanRequest { columns: &[], id: Some("id"), time: None, batch_rows: 100 };
        let mut batches = 0;
        let stopped = table.scan(&request, |_| {
            batches += 1;
            if batches == 3 { Err("enough") } else { Ok(()) }
        });
        assert!(matches!(stopped, Err(ScanError::Callback("enough"))), "{stopped:?}");
        assert_eq!(batches, 3);
        let stopped = table.scan(&request, |_| -> Result<(), &str> { panic!("oops") });
        let told = stopped.unwrap_err().to_string();
        assert_eq!(told, "panicked while trying to process the rows of `t.parquet`: oops");
    }

    #[test]
    fn a_file_that_changes_during_the_pass_is_an_error() {
        let folder = Folder::with(&[("a.csv", "x\n1\n"), ("b.csv", "x\n2\n")]);
        let table = folder.table("*.csv", None).unwrap();
        let request = ScanRequest { columns: &[], id: None, time: None, batch_rows: 10 };
        for changed in ["a.csv", "b.csv"] {
            let scanned = table.scan(&request, |_| {
                folder.write(changed, b"x\n1\n2\n");
                Ok::<(), std::convert::Infallible>(())
            });
            let told = scanned.unwrap_err().to_string();
            assert!(told.starts_with("`a.csv` changed"), "{told}");
        }
    }
}
