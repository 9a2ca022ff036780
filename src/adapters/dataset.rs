//! Tables on disk: the only module that knows polars.
//!
//! [`discover`] finds the files of a table, [`Table::open`] learns their columns, [`Table::scan`] hands
//! their rows over in batches, and [`PartWriter`] and [`QuarantineWriter`] write what became of them.
//! Rows are handed over once, in order and in constant memory, and counted on both sides, so that no row can
//! be lost without an error. What the rows mean, and whether a result is published, is not
//! decided here.
//!
//! Text formats. A csv file is UTF-8, has a header, commas, fields quoted with `"` (doubled inside) and
//! one record a line; an empty field is a null. The type of a column is inferred from *all* of its values:
//! booleans (`true`, `false`), integers, floats, ISO 8601 dates and datetimes, else text. An ndjson file
//! has one object a line. Both are checked in full when they are opened, so that a broken quote, a short
//! row or a value of another type is named with its place before anything is computed.

/// Some rows of a table.
mod batch;
/// The decisions that a correction changes.
mod changes;
/// The columns of a batch.
mod columns;
/// Digests of files.
mod digest;
/// From a pattern to the files of a table.
mod discover;
/// Ids that occur more than once.
mod duplicates;
/// What can go wrong.
mod error;
/// Hashes of ids, and sets of them.
mod id;
/// Dates and datetimes in text.
mod iso;
/// Files that a person names, anywhere on disk.
mod named;
/// The scores of a run.
mod part;
/// Some rows of a table, and why.
mod picked;
/// What a file says about its columns.
mod probe;
/// The rows that a run sets aside.
mod quarantine;
/// Where files may be read and written.
mod roots;
/// The numbers of rows in their file.
mod row_numbers;
/// One pass over a table.
mod scan;
/// Parquet files that are written in the background.
mod staged_parquet;
/// Several files as one table.
mod table;
/// Which rows belong to an interval of time.
mod time_filter;
/// Texts of a batch.
mod words;

pub use batch::{Batch, MADE_UP_ID};
pub use changes::{ChangedRows, ChangesWriter};
pub use digest::file_sha256;
pub use discover::{FILES_MAX, SETTLING, SourceFile, discover};
pub use duplicates::{DuplicateFinder, Duplicates, duplicate_ids};
pub use error::{DatasetError, Place};
pub use id::{IdSet, integer_id_hash, text_id_hash};
pub use named::named_files;
pub use part::{PartLayout, PartRows, PartWriter};
pub use quarantine::QuarantineWriter;
pub use roots::Roots;
pub use scan::{ScanError, ScanReceipt, ScanRequest};
pub use staged_parquet::Written;
pub use table::{AbsentColumn, Table};
pub use time_filter::TimeFilter;

/// Ready-made files for the tests of this module.
#[cfg(test)]
mod fixture;
/// Files that no one should have written.
#[cfg(test)]
mod hostile;
