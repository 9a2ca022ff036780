//! The row groups of a parquet file, each a batch whose columns are decoded when somebody asks for them.
//!
//! A column that is decoded by whoever uses it is still in the cache then, and of the groups behind it no more is in
//! memory than one column each. polars' streaming engine, which reads everything else, decodes a whole group
//! before it hands over any of it.

use std::fs::File;
use std::io::Cursor;
#[cfg(target_os = "linux")]
use std::num::NonZeroU64;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use polars::io::parquet::metadata::FileMetadataRef;
use polars::polars_utils::mmap::MMapSemaphore;
use polars::prelude::{
    Column, DataType, ParallelStrategy, ParquetReader, PlSmallStr, Scalar, SerReader as _,
};

use super::READ;
use crate::adapters::dataset::error::{DatasetError, Place};

/// A column of a group.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// The file holds it; it is brought to this type.
    Stored(DataType),
    /// It is the same in every row.
    Constant(Scalar),
}

/// The row groups of a file.
pub(super) struct Groups {
    file: Arc<GroupedFile>,
    /// Of each group as if the file had no other.
    metadata: Vec<FileMetadataRef>,
    /// A column that the file holds.
    first: PlSmallStr,
}

/// What the groups of a file have in common.
#[derive(Debug)]
struct GroupedFile {
    file: File,
    /// Relative to its root.
    name: String,
    columns: Vec<(PlSmallStr, Origin)>,
}

/// Some rows of a file, decoded column by column.
#[derive(Debug)]
pub(in crate::adapters::dataset) struct Group {
    file: Arc<GroupedFile>,
    /// The metadata of the file, with this group alone.
    metadata: FileMetadataRef,
    /// Rows of the file before it.
    rows_before: u64,
    /// One for each column that is asked for.
    decoded: Vec<OnceLock<Column>>,
}

impl Groups {
    /// The groups of `file`, whose name is `name`. The column `first`, which the file holds, is decoded before a group
    /// is handed over.
    pub(super) fn open(
        file: File,
        name: &str,
        columns: Vec<(PlSmallStr, Origin)>,
        first: PlSmallStr,
    ) -> Result<Self, DatasetError> {
        let read = file.try_clone().map_err(DatasetError::io(READ, name))?;
        let whole = DatasetError::guard(READ, name, || {
            let metadata = ParquetReader::new(read).get_metadata().cloned();
            metadata.map_err(DatasetError::polars(READ, name))
        })?;
        let mut alone = Arc::unwrap_or_clone(whole);
        let groups = std::mem::take(&mut alone.row_groups);
        let metadata = groups.into_iter().map(|group| {
            let mut metadata = alone.clone();
            metadata.num_rows = group.num_rows();
            metadata.row_groups = vec![group];
            Arc::new(metadata)
        });
        let metadata = metadata.collect();
        let file = Arc::new(GroupedFile { file, name: name.to_owned(), columns });
        Ok(Self { file, metadata, first })
    }

    /// Hands over the groups that have rows, one after the other, until `taken` says that it wants no more. The disk
    /// is told of each when the one before it is begun.
    pub(super) fn each(
        self,
        mut taken: impl FnMut(Group) -> Result<bool, DatasetError>,
    ) -> Result<(), DatasetError> {
        let Self { file, metadata, first } = self;
        let mut rows_before = 0;
        metadata.first().into_iter().for_each(|first| file.will_need(first));
        for (place, alone) in metadata.iter().enumerate() {
            metadata.get(place + 1).into_iter().for_each(|next| file.will_need(next));
            if alone.num_rows > 0 {
                let decoded = file.columns.iter().map(|_| OnceLock::new()).collect();
                let (file, metadata) = (Arc::clone(&file), Arc::clone(alone));
                let group = Group { file, metadata, rows_before, decoded };
                group.column(&first)?;
                if taken(group)? {
                    break;
                }
            }
            rows_before += alone.num_rows as u64;
        }
        Ok(())
    }
}

impl GroupedFile {
    /// Tells the kernel that the columns of a group will be read soon. Without this advice, which it may not take, a
    /// thread that decodes waits for the disk page by page.
    fn will_need(&self, metadata: &FileMetadataRef) {
        let stored = self.columns.iter().filter(|(_, origin)| matches!(origin, Origin::Stored(_)));
        for (name, _) in stored {
            let groups = metadata.row_groups.iter();
            for chunk in groups.filter_map(|group| group.columns_under_root_iter(name)).flatten() {
                advise(&self.file, &chunk.byte_range());
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn advise(file: &File, bytes: &Range<u64>) {
    let length = NonZeroU64::new(bytes.end.saturating_sub(bytes.start));
    let _taken = rustix::fs::fadvise(file, bytes.start, length, rustix::fs::Advice::WillNeed);
}

#[cfg(not(target_os = "linux"))]
fn advise(_: &File, _: &Range<u64>) {}

impl Group {
    /// How many rows it has; never 0.
    pub(in crate::adapters::dataset) fn rows(&self) -> usize {
        self.metadata.num_rows
    }

    /// How many rows of the file come before it.
    pub(in crate::adapters::dataset) fn rows_before(&self) -> u64 {
        self.rows_before
    }

    /// The column called `name`, in one chunk; `None` if it was not asked for.
    pub(in crate::adapters::dataset) fn column(
        &self,
        name: &str,
    ) -> Result<Option<&Column>, DatasetError> {
        let Some(place) = self.file.columns.iter().position(|(known, _)| known == name) else {
            return Ok(None);
        };
        let decoded = &self.decoded[place];
        if decoded.get().is_none() {
            let column = self.decode(place)?;
            // Whoever is second drops what was decoded twice.
            let _same = decoded.set(column);
        }
        Ok(decoded.get())
    }

    fn decode(&self, place: usize) -> Result<Column, DatasetError> {
        let GroupedFile { file, name, columns } = &*self.file;
        let (column, origin) = &columns[place];
        let dtype = match origin {
            Origin::Stored(dtype) => dtype,
            Origin::Constant(value) => {
                return Ok(Column::new_scalar(column.clone(), value.clone(), self.rows()));
            }
        };
        let wrong = || DatasetError::polars(READ, name);
        let decoded = DatasetError::guard(READ, name, || {
            // Of the whole file; what is read of it are the pages of this column.
            let mapped = MMapSemaphore::new_from_file(file).map_err(wrong())?;
            let mut reader = ParquetReader::new(Cursor::new(mapped.as_ref()))
                .with_columns(Some(vec![column.to_string()]))
                .read_parallel(ParallelStrategy::None);
            reader.set_metadata(Arc::clone(&self.metadata));
            let mut frame = reader.finish().map_err(wrong())?;
            frame.rechunk_mut();
            let decoded = frame.column(column).map_err(wrong())?;
            if decoded.dtype() == dtype {
                Ok(decoded.clone())
            } else {
                decoded.strict_cast(dtype).map_err(wrong())
            }
        })?;
        let (found, wanted) = (decoded.len(), self.rows());
        if found != wanted {
            let problem = format!("{found} rows were read from a part that says it has {wanted}");
            return Err(DatasetError::content(name, Place::column(column), problem));
        }
        Ok(decoded)
    }
}

#[cfg(test)]
mod tests {
    use polars::prelude::{
        Categories, Column, DataType, IntoColumn as _, NamedFrom as _, Series, TimeUnit, TimeZone,
    };

    use crate::adapters::dataset::fixture::{Folder, read, told};
    use crate::adapters::dataset::{ScanRequest, Table};

    const ROWS: i64 = 2_500;

    /// A column of each type that parquet has, named after it, with and without nulls.
    fn columns() -> Vec<Column> {
        let (ms, us, ns) = (TimeUnit::Milliseconds, TimeUnit::Microseconds, TimeUnit::Nanoseconds);
        let categories = DataType::from_categories(Categories::global());
        let types = [
            DataType::Boolean,
            DataType::Int8,
            DataType::UInt16,
            DataType::Int32,
            DataType::UInt64,
            DataType::Float32,
            DataType::Float64,
            DataType::Decimal(10, 2),
            DataType::Date,
            DataType::Datetime(ms, None),
            DataType::Datetime(us, Some(TimeZone::UTC)),
            DataType::Datetime(ns, None),
            DataType::Duration(us),
            DataType::Time,
            DataType::String,
            categories,
            DataType::Null,
        ];
        let mut out = vec![Column::new("id".into(), (0..ROWS).collect::<Vec<_>>())];
        for (n, dtype) in types.iter().enumerate() {
            for with_nulls in [true, false] {
                let value = |row: i64| (!with_nulls || row % 7 != 0).then_some(row % 100);
                let values: Vec<Option<i64>> = (0..ROWS).map(value).collect();
                let values = Series::new(format!("{n} {with_nulls}").into(), values);
                let through = match dtype {
                    DataType::Categorical(..) => values.cast(&DataType::String).unwrap(),
                    _ => values,
                };
                out.push(through.cast(dtype).unwrap().into_column());
            }
        }
        let long = |row: i64| format!("a text that is too long for a view, {}", row % 1_900);
        out.push(Column::new("long".into(), (0..ROWS).map(long).collect::<Vec<_>>()));
        out
    }

    #[test]
    fn groups_and_queries_read_the_same() {
        let folder = Folder::with(&[]);
        let columns = columns();
        let names: Vec<String> = columns.iter().map(|column| column.name().to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        folder.write_parquet("t.parquet", columns);
        let mut table = folder.table("t.parquet", Some("id")).unwrap();
        assert_eq!(table.probes[0].group_rows, Some((1_250, 1_250)));
        let rows = |table: &Table| read(table, &names, Some("id"), None).unwrap();
        let groups = rows(&table);
        table.probes[0].group_rows = None;
        let queries = rows(&table);
        assert_eq!(groups.1, queries.1);
        for (group, query) in groups.0.iter().zip(&queries.0) {
            assert_eq!(group, query);
        }
        assert_eq!(groups.0.len(), 2_500);
    }

    #[test]
    fn what_a_file_does_not_hold_is_the_same_in_every_row() {
        let folder = Folder::with(&[]);
        std::fs::create_dir_all(folder.path("day=2026-01-05")).unwrap();
        std::fs::create_dir_all(folder.path("day=2026-01-06")).unwrap();
        let x = Series::new("x".into(), &[1_i64, 2]);
        let narrow = x.cast(&DataType::Int8).unwrap().into_column();
        folder.write_parquet("day=2026-01-05/t.parquet", vec![narrow]);
        let other = Column::new("y".into(), ["a", "b"]);
        folder.write_parquet("day=2026-01-06/t.parquet", vec![x.into_column(), other]);
        let table = folder.table("**/*.parquet", None).unwrap();
        let (lines, _) = read(&table, &["x", "y", "day"], None, None).unwrap();
        let [first, second] = [20_458, 20_459];
        let file = |day: u32, row: u32| format!("day=2026-01-0{day}/t.parquet#{row}");
        assert_eq!(
            lines,
            [
                format!("{}|1|null|{first}", file(5, 1)),
                format!("{}|2|null|{first}", file(5, 2)),
                format!("{}|1|\"a\"|{second}", file(6, 1)),
                format!("{}|2|\"b\"|{second}", file(6, 2)),
            ]
        );
    }

    #[test]
    fn a_column_is_decoded_when_it_is_asked_for() {
        let folder = Folder::with(&[]);
        folder.write_parquet("t.parquet", columns());
        let path = folder.path("t.parquet");
        let mut bytes = std::fs::read(&path).unwrap();
        // Somewhere in the pages of the last column, whose texts are by far the most of the file.
        let at = bytes.len() - bytes.len() / 4;
        for byte in &mut bytes[at..at + 2_000] {
            *byte ^= 0xff;
        }
        folder.write("t.parquet", &bytes);
        let table = folder.table("t.parquet", Some("id")).unwrap();
        let names = ["id".to_owned(), "long".to_owned()];
        let request =
            ScanRequest { columns: &names, id: Some("id"), time: None, batch_rows: 1_000 };
        let mut asked = Vec::new();
        let scanned = table.scan(&request, |batch| {
            assert!(batch.frame(&["id"]).is_ok());
            asked.push(batch.frame(&["id", "long"]).map(drop).map_err(|error| told(&error)));
            Ok::<(), std::convert::Infallible>(())
        });
        assert_eq!(scanned.unwrap().rows_read, 2_500);
        let refused: Vec<&String> = asked.iter().filter_map(|asked| asked.as_ref().err()).collect();
        assert!(!refused.is_empty() && refused[0].contains("`t.parquet`"), "{refused:?}");
    }

    #[test]
    fn a_wide_file_is_read_through_queries() {
        let folder = Folder::with(&[]);
        let wide = (0..300).map(|n| Column::new(format!("c{n}").into(), [n, n + 1]));
        folder.write_parquet("t.parquet", wide.collect());
        let table = folder.table("t.parquet", None).unwrap();
        let (lines, _) = read(&table, &["c7", "c299"], None, None).unwrap();
        assert_eq!(lines, ["t.parquet#1|7|299", "t.parquet#2|8|300"]);
    }
}
