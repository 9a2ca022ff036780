//! Parquet files that are written in the background, hashed on the way, and durable when finished.
//!
//! Rows are gathered into row groups of a fixed size, so the bytes of a file depend on its rows alone and
//! not on the batches they came in. A queue of two groups lies between the caller and the writing
//! thread. Where a file goes and when it is published is not decided here.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use polars::prelude::{Column, DataFrame, ParquetCompression, ParquetWriter, PolarsError, Schema};

use super::digest::HashingWriter;
use super::error::DatasetError;
use super::id::IdSet;
use crate::adapters::failpoint;
use crate::domain::identity::Sha256;

/// Rows of a row group.
const GROUP_ROWS: usize = 131_072;
/// Groups that may wait for the writing thread.
const QUEUE_GROUPS: usize = 2;
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
    gathered: DataFrame,
    rows: u64,
    /// `None` once the thread has no more to do.
    orders: Option<SyncSender<Order>>,
    /// `None` once it was joined.
    writer: Option<JoinHandle<Result<(Sha256, u64), DatasetError>>>,
}

impl StagedParquet {
    /// Creates the file, which must not exist, with the columns of `schema`.
    pub(super) fn create(path: &Path, schema: Schema) -> Result<Self, DatasetError> {
        let created = failpoint::reach("out.create").and_then(|()| create_new(path));
        let file = created.map_err(DatasetError::io("create", path))?;
        let gathered = DataFrame::empty_with_schema(&schema);
        let (orders, queue) = sync_channel(QUEUE_GROUPS);
        let target = path.to_owned();
        let writer = std::thread::Builder::new()
            .name("parquet writer".to_owned())
            .spawn(move || {
                let name = target.to_string_lossy();
                DatasetError::guard(WRITE, &name, || write_all(file, &schema, &queue, &target))
            })
            .map_err(DatasetError::io("start a thread to write", path))?;
        Ok(Self {
            path: path.to_owned(),
            gathered,
            rows: 0,
            orders: Some(orders),
            writer: Some(writer),
        })
    }

    /// Adds rows, which have exactly the columns of the schema.
    pub(super) fn write(&mut self, columns: Vec<Column>) -> Result<(), DatasetError> {
        let added = DataFrame::new_infer_height(columns).map_err(self.wrong())?;
        self.rows += added.height() as u64;
        let wrong = self.wrong();
        self.gathered.vstack_mut_owned(added).map_err(wrong)?;
        while self.gathered.height() >= GROUP_ROWS {
            let mut group = self.gathered.slice(0, GROUP_ROWS);
            let rest_rows = self.gathered.height() - GROUP_ROWS;
            self.gathered = self.gathered.tail(Some(rest_rows));
            // polars panics on columns whose chunks differ.
            group.rechunk_mut();
            self.order(Order::Write(group))?;
        }
        Ok(())
    }

    /// Writes what is left, waits until everything is on disk, and says what was written.
    pub(super) fn finish(mut self, id_set: IdSet) -> Result<Written, DatasetError> {
        let mut rest = std::mem::take(&mut self.gathered);
        if rest.height() > 0 {
            rest.rechunk_mut();
            self.order(Order::Write(rest))?;
        }
        self.order(Order::Finish)?;
        let (sha256, size_bytes) = self.join()?;
        let path = std::mem::take(&mut self.path);
        Ok(Written { path, rows: self.rows, size_bytes, sha256, id_set })
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
    // The calling thread is one core, this thread another: polars' own pool stays out of it.
    let mut sink = ParquetWriter::new(&mut target)
        .with_compression(ParquetCompression::Zstd(None))
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

    use polars::prelude::{DataType, Field, ParquetReader, SerReader as _};

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
    fn no_rows_are_a_readable_file() {
        let folder = tempfile::tempdir().unwrap();
        let (written, rows) = written(folder.path(), "empty", &[]);
        assert_eq!((written.rows, rows), (0, Vec::new()));
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
