//! Parquet files that are written in the background, hashed on the way, and durable when finished.
//!
//! Rows are gathered into row groups of a fixed size, so the bytes of a file depend on its rows alone and
//! not on the batches they came in. A queue of two groups lies between the caller and the writing
//! thread. Where a file goes and when it is published is not decided here.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use polars::polars_utils::compression::ZstdLevel;
use polars::prelude::{
    AnyValue, Column, DataFrame, DataType, FrozenCategories, ParquetCompression, ParquetWriter,
    PlSmallStr, PolarsError, PolarsResult, Scalar, Schema,
};

use super::digest::HashingWriter;
use super::error::DatasetError;
use super::id::IdSet;
use crate::adapters::failpoint;
use crate::domain::identity::Sha256;

/// Rows of a row group.
const GROUP_ROWS: usize = 131_072;
/// Groups that may wait for the writing thread.
const QUEUE_GROUPS: usize = 2;
/// Scores hardly shrink: 5 million rows of them take 42.8 MB at this level and at 3, which takes longer.
const ZSTD_LEVEL: i32 = 1;
const BUFFER_BYTES: usize = 1 << 20;
const WRITE: &str = "write";

/// A file that was written and is safely on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Where it is.
    pub path: PathBuf,
    /// How many rows it has.
    pub rows: u64,
    /// Its size.
    pub size_bytes: u64,
    /// The digest of its bytes.
    pub sha256: Sha256,
    /// The ids of its rows.
    pub id_set: IdSet,
}

/// What the writing thread is told.
enum Order {
    Write(DataFrame),
    /// Without it, the file stays without a footer: rows may be missing.
    Finish,
}

/// A parquet file that is being written.
pub(super) struct StagedParquet {
    path: PathBuf,
    /// The columns that are handed over.
    schema: Schema,
    /// The name of the column behind them that has one text in every row, and the text.
    constant: Option<(PlSmallStr, Scalar)>,
    /// Rows that do not fill a group yet.
    gathered: Option<DataFrame>,
    rows: u64,
    /// `None` once the thread has no more to do.
    orders: Option<SyncSender<Order>>,
    /// `None` once it was joined.
    writer: Option<JoinHandle<Result<(Sha256, u64), DatasetError>>>,
}

impl StagedParquet {
    /// Creates the file, which must not exist, with the columns of `schema`.
    pub(super) fn create(path: &Path, schema: Schema) -> Result<Self, DatasetError> {
        Self::open(path, schema, None)
    }

    /// Creates the file, which must not exist, with the columns of `schema` and behind them one called `name`, which
    /// is `text` in every row and not handed to [`StagedParquet::write`].
    pub(super) fn create_with_text(
        path: &Path,
        schema: Schema,
        name: &str,
        text: &str,
    ) -> Result<Self, DatasetError> {
        let text = one_category(text);
        let text = text.map_err(DatasetError::polars(WRITE, &path.to_string_lossy()))?;
        Self::open(path, schema, Some((name.into(), text)))
    }

    fn open(
        path: &Path,
        schema: Schema,
        constant: Option<(PlSmallStr, Scalar)>,
    ) -> Result<Self, DatasetError> {
        let created = failpoint::reach("out.create").and_then(|()| create_new(path));
        let file = created.map_err(DatasetError::io("create", path))?;
        let mut written = schema.clone();
        if let Some((name, _)) = &constant {
            written.with_column(name.clone(), DataType::String);
        }
        let (orders, queue) = sync_channel(QUEUE_GROUPS);
        let target = path.to_owned();
        let writer = std::thread::Builder::new()
            .name("parquet writer".to_owned())
            .spawn(move || {
                let name = target.to_string_lossy();
                DatasetError::guard(WRITE, &name, || write_all(file, &written, &queue, &target))
            })
            .map_err(DatasetError::io("start a thread to write", path))?;
        Ok(Self {
            path: path.to_owned(),
            schema,
            constant,
            gathered: None,
            rows: 0,
            orders: Some(orders),
            writer: Some(writer),
        })
    }

    /// Adds rows, which have exactly the columns of the schema but for the one with the same text in every row.
    pub(super) fn write(&mut self, columns: Vec<Column>) -> Result<(), DatasetError> {
        let mut gathered = DataFrame::new_infer_height(columns).map_err(self.wrong())?;
        if **gathered.schema() != self.schema {
            let problem =
                format!("wanted the columns {:?}, found {:?}", self.schema, gathered.schema());
            return Err(self.wrong()(PolarsError::SchemaMismatch(problem.into())));
        }
        if let Some(mut before) = self.gathered.take() {
            before.vstack_mut_owned(gathered).map_err(self.wrong())?;
            gathered = before;
        }
        while gathered.height() >= GROUP_ROWS {
            self.write_group(gathered.slice(0, GROUP_ROWS))?;
            gathered = gathered.tail(Some(gathered.height() - GROUP_ROWS));
        }
        self.gathered = (gathered.height() > 0).then_some(gathered);
        Ok(())
    }

    /// Writes what is left, waits until everything is on disk, and says what was written.
    pub(super) fn finish(mut self, id_set: IdSet) -> Result<Written, DatasetError> {
        if let Some(rest) = self.gathered.take() {
            self.write_group(rest)?;
        }
        self.order(Order::Finish)?;
        let (sha256, size_bytes) = self.join()?;
        let path = std::mem::take(&mut self.path);
        Ok(Written { path, rows: self.rows, size_bytes, sha256, id_set })
    }

    fn write_group(&mut self, mut group: DataFrame) -> Result<(), DatasetError> {
        self.rows += group.height() as u64;
        // polars panics on columns whose chunks differ.
        group.rechunk_mut();
        if let Some((name, text)) = &self.constant {
            let column = Column::new_scalar(name.clone(), text.clone(), group.height());
            group.with_column(column).map_err(self.wrong())?;
        }
        self.order(Order::Write(group))
    }

    /// Tells the thread what to do; if it is gone, fails with the reason.
    fn order(&mut self, order: Order) -> Result<(), DatasetError> {
        match self.orders.as_ref().map(|orders| orders.send(order)) {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) | None => self.join().map(drop),
        }
    }

    fn join(&mut self) -> Result<(Sha256, u64), DatasetError> {
        self.orders = None;
        let name = self.path.to_string_lossy();
        match self.writer.take().map(JoinHandle::join) {
            Some(Ok(written)) => written,
            Some(Err(payload)) => Err(DatasetError::panicked(WRITE, &name, payload.as_ref())),
            None => Err(DatasetError::panicked(WRITE, &name, &"an earlier write failed")),
        }
    }

    fn wrong(&self) -> impl FnOnce(PolarsError) -> DatasetError + use<> {
        DatasetError::polars(WRITE, &self.path.to_string_lossy())
    }
}

/// The only value of an enum. polars writes a column of it as it writes one of texts that are all `text`, but has
/// nothing to compare or to look up, and a byte a row to hold.
fn one_category(text: &str) -> PolarsResult<Scalar> {
    let categories = FrozenCategories::new([text])?;
    let only = AnyValue::EnumOwned(0, Arc::clone(categories.mapping()));
    Ok(Scalar::new(DataType::from_frozen_categories(categories), only))
}

fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o640);
    }
    options.open(path)
}

/// Writes every group and then the footer, and syncs the file.
fn write_all(
    file: File,
    schema: &Schema,
    orders: &Receiver<Order>,
    path: &Path,
) -> Result<(Sha256, u64), DatasetError> {
    let wrong = || DatasetError::polars(WRITE, &path.to_string_lossy());
    let mut target = HashingWriter::new(BufWriter::with_capacity(BUFFER_BYTES, file));
    let level = ZstdLevel::try_new(ZSTD_LEVEL).map_err(wrong())?;
    // The calling thread is one core, this thread another: polars' own pool stays out of it.
    let mut sink = ParquetWriter::new(&mut target)
        .with_compression(ParquetCompression::Zstd(Some(level)))
        .set_parallel(false)
        .batched(schema)
        .map_err(wrong())?;
    loop {
        match orders.recv() {
            Ok(Order::Write(group)) => {
                failpoint::reach("out.write").map_err(DatasetError::io(WRITE, path))?;
                sink.write_batch(&group).map_err(wrong())?;
            }
            Ok(Order::Finish) => break,
            Err(_) => {
                let source = io::Error::new(io::ErrorKind::Interrupted, "the run was given up");
                return Err(DatasetError::io(WRITE, path)(source));
            }
        }
    }
    sink.finish().map_err(wrong())?;
    drop(sink);
    let (buffered, sha256, size_bytes) = target.finish();
    let file = buffered.into_inner().map_err(io::IntoInnerError::into_error);
    let file = file.map_err(DatasetError::io(WRITE, path))?;
    let confirmed = failpoint::reach("out.fsync_file").and_then(|()| file.sync_all());
    confirmed.map_err(|source| DatasetError::Fsync { path: path.to_owned(), source })?;
    Ok((sha256, size_bytes))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use polars::prelude::{Field, ParquetReader, SerReader as _};

    use super::*;
    use crate::adapters::dataset::file_sha256;
    use crate::adapters::dataset::fixture::told;

    fn schema() -> Schema {
        Schema::from_iter([Field::new("n".into(), DataType::Int64)])
    }

    /// Writes 0, 1, 2, ... in batches of the given sizes, and reads them back.
    fn written(folder: &Path, name: &str, batches: &[i64]) -> (Written, Vec<i64>) {
        let mut file = StagedParquet::create(&folder.join(name), schema()).unwrap();
        let mut next = 0;
        for rows in batches {
            let values: Vec<i64> = (next..next + rows).collect();
            file.write(vec![Column::new("n".into(), values)]).unwrap();
            next += rows;
        }
        let written = file.finish(IdSet::default()).unwrap();
        let read = ParquetReader::new(File::open(&written.path).unwrap()).finish().unwrap();
        let values = read.column("n").unwrap().i64().unwrap().into_no_null_iter().collect();
        (written, values)
    }

    #[test]
    fn the_bytes_depend_on_the_rows_and_not_on_the_batches() {
        let folder = tempfile::tempdir().unwrap();
        let (one, rows) = written(folder.path(), "one", &[300_000]);
        let (many, _) = written(folder.path(), "many", &[1, 99_999, 131_072, 60_000, 8_928]);
        assert!(rows.iter().copied().eq(0..300_000));
        assert_eq!((one.rows, one.sha256), (many.rows, many.sha256));
        assert_eq!(file_sha256(&one.path).unwrap(), (one.sha256, one.size_bytes));
        let mode = std::fs::metadata(&one.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777 & !0o640, 0, "{mode:o}");
    }

    #[test]
    fn a_text_of_every_row_is_written_as_a_column_of_texts() {
        let folder = tempfile::tempdir().unwrap();
        let text = "a version, \u{fc}ber-long";
        let mut both = schema();
        both.with_column("v".into(), DataType::String);
        for rows in [1_usize, 300_000] {
            let numbers = Column::new("n".into(), (0_i64..).take(rows).collect::<Vec<_>>());
            let texts = Column::new("v".into(), vec![text; rows]);
            let path = |name: &str| folder.path().join(format!("{name}{rows}"));
            let mut plain = StagedParquet::create(&path("plain"), both.clone()).unwrap();
            plain.write(vec![numbers.clone(), texts]).unwrap();
            let plain = plain.finish(IdSet::default()).unwrap();
            let file = path("text");
            let mut file = StagedParquet::create_with_text(&file, schema(), "v", text).unwrap();
            file.write(vec![numbers]).unwrap();
            let file = file.finish(IdSet::default()).unwrap();
            assert_eq!((file.rows, file.sha256), (plain.rows, plain.sha256));
        }
    }

    #[test]
    fn no_rows_are_a_readable_file() {
        let folder = tempfile::tempdir().unwrap();
        let (written, rows) = written(folder.path(), "empty", &[]);
        assert_eq!((written.rows, rows), (0, Vec::new()));
    }

    #[test]
    fn other_columns_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = StagedParquet::create(&folder.path().join("n"), schema()).unwrap();
        let n = || Column::new("n".into(), [1_i64]);
        let [narrow, other] = [Column::new("n".into(), [1_i32]), Column::new("m".into(), [1_i64])];
        for columns in
            [vec![], vec![narrow], vec![other.clone()], vec![n(), other.clone()], vec![other, n()]]
        {
            let told = told(&file.write(columns).unwrap_err());
            assert!(told.contains("wanted the columns") && told.contains("found"), "{told}");
        }
    }

    #[test]
    fn an_existing_file_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        std::fs::write(&path, "precious").unwrap();
        assert!(StagedParquet::create(&path, schema()).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    }

    #[test]
    fn a_full_disk_is_an_error_and_not_a_panic() {
        let full = Path::new("/dev/full");
        if !full.exists() {
            return;
        }
        let file = OpenOptions::new().write(true).open(full).unwrap();
        let (orders, queue) = sync_channel(QUEUE_GROUPS);
        orders.send(Order::Finish).unwrap();
        let error = write_all(file, &schema(), &queue, full).unwrap_err();
        let told = told(&error);
        assert!(told.contains("No space left on device"), "{told}");
    }

    #[test]
    fn a_file_that_is_given_up_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("half");
        let mut file = StagedParquet::create(&path, schema()).unwrap();
        file.write(vec![Column::new("n".into(), vec![1_i64; 200_000])]).unwrap();
        let writer = file.writer.take().unwrap();
        drop(file);
        assert!(writer.join().unwrap().is_err());
        assert!(ParquetReader::new(File::open(&path).unwrap()).finish().is_err());
    }
}
