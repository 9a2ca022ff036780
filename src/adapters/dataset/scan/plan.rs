//! What polars is asked to do with one file: read the columns, bring them to the types of the table,
//! leave out the rows of other times.
//!
//! Columns are named by `Expr::Column`, never by `col`, which would take `*` and `^...$` for patterns.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use polars::io::ipc::IpcScanOptions;
use polars::io::{HiveOptions, RowIndex};
use polars::polars_utils::slice_enum::Slice;
use polars::prelude::{
    AnyValue, Column, DataFrame, DataType, DslBuilder, Expr, Field, Int64Chunked, IntoColumn as _,
    LazyCsvReader, LazyFileListReader as _, LazyFrame, LazyJsonLineReader, LiteralValue,
    NewChunkedArray as _, ParquetOptions, PlSmallStr, PolarsError, PolarsResult, Scalar,
    ScanSources, Schema, UnifiedScanArgs, lit,
};

use super::ScanRequest;
use super::groups::{Groups, Origin};
use crate::adapters::dataset::batch::BatchSource;
use crate::adapters::dataset::discover::SourceFile;
use crate::adapters::dataset::error::DatasetError;
use crate::adapters::dataset::iso::{self, Instant};
use crate::adapters::dataset::probe::{Probe, column_type};
use crate::adapters::dataset::table::{Table, TableColumn};
use crate::adapters::dataset::time_filter::TimeFilter;
use crate::domain::job::FileFormat;
use crate::domain::table::ColumnType;

const PREPARE: &str = "prepare to read";

/// What a pass needs from every file.
pub(super) struct Plan<'a> {
    columns: Vec<&'a TableColumn>,
    id: Option<&'a str>,
    time: Option<&'a TimeFilter>,
    filter: Option<Expr>,
    /// A column that counts the rows of a file from 0; no column of the table has its name.
    row_column: PlSmallStr,
}

impl<'a> Plan<'a> {
    pub(super) fn new(table: &'a Table, request: &ScanRequest<'a>) -> Result<Self, DatasetError> {
        let mut columns: Vec<&TableColumn> = Vec::new();
        let time = request.time.map(|time| time.column.as_str());
        let names = request.columns.iter().map(String::as_str).chain(request.id).chain(time);
        for name in names {
            let column = table.column(name)?;
            if column_type(&column.dtype) == ColumnType::Nested {
                let problem = format!("holds {}, which cannot be read", column.dtype);
                return Err(DatasetError::column(name, problem));
            }
            if !columns.iter().any(|known| known.name == name) {
                columns.push(column);
            }
        }
        if let Some(id) = request.id {
            check_id(table.column(id)?)?;
        }
        let filter = match request.time {
            Some(time) => time.predicate(&table.column(&time.column)?.dtype)?,
            None => None,
        };
        let mut row_column = "row".to_owned();
        while table.columns.iter().any(|column| column.name == row_column) {
            row_column.push('_');
        }
        let row_column = PlSmallStr::from_string(row_column);
        Ok(Self { columns, id: request.id, time: request.time, filter, row_column })
    }

    /// Whether some rows may be left out.
    pub(super) fn has_filter(&self) -> bool {
        self.filter.is_some()
    }

    /// The queries that read the columns of one file, each the rows behind those of the one before.
    pub(super) fn lazy(
        &self,
        source: &SourceFile,
        probe: &Probe,
        file: &File,
    ) -> Result<Vec<LazyFrame>, DatasetError> {
        let wrong = || DatasetError::polars(PREPARE, &source.relative);
        let file = file.try_clone().map_err(DatasetError::io(PREPARE, &source.path))?;
        let sources = ScanSources::Files(Arc::new([file]));
        let rows = RowIndex { name: self.row_column.clone(), offset: 0 };
        let open = |segment| open(source.format, probe, sources.clone(), rows.clone(), segment);
        if probe.segments.is_empty() {
            let whole = open(None).map_err(wrong())?;
            return Ok(vec![self.rows_of(whole, source, probe)]);
        }
        let segments = probe.segments.iter().map(|segment| {
            let lazy = open(Some(segment)).map_err(wrong())?;
            Ok(self.rows_of(lazy, source, probe))
        });
        segments.collect()
    }

    /// The row groups of a parquet file, where they can be batches and no row of them is left out; else `None`.
    pub(super) fn groups(
        &self,
        source: &SourceFile,
        probe: &Probe,
        file: &File,
        batch_rows: usize,
    ) -> Result<Option<Groups>, DatasetError> {
        if self.time.is_some() || !probe.has_groups_of(batch_rows) {
            return Ok(None);
        }
        let columns = self.columns.iter().map(|column| {
            let origin = match constant(column, source, probe) {
                Some(value) => Origin::Constant(Scalar::new(column.dtype.clone(), value)),
                None => Origin::Stored(column.dtype.clone()),
            };
            (PlSmallStr::from_str(&column.name), origin)
        });
        let columns: Vec<(PlSmallStr, Origin)> = columns.collect();
        let stored = columns.iter().filter(|(_, origin)| matches!(origin, Origin::Stored(_)));
        let mut stored: Vec<&PlSmallStr> = stored.map(|(name, _)| name).collect();
        // The id is needed before all others.
        stored.sort_by_key(|name| self.id != Some(name.as_str()));
        // What the file says of its rows is believed once a column has as many.
        let Some(first) = stored.first().map(|name| (*name).clone()) else { return Ok(None) };
        let file = file.try_clone().map_err(DatasetError::io(PREPARE, &source.path))?;
        Groups::open(file, &source.relative, columns, first).map(Some)
    }

    fn rows_of(&self, lazy: LazyFrame, source: &SourceFile, probe: &Probe) -> LazyFrame {
        let mut selected = vec![Expr::Column(self.row_column.clone())];
        selected.extend(self.columns.iter().map(|column| value_of(column, source, probe)));
        let lazy = lazy.select(selected);
        match &self.filter {
            Some(filter) => lazy.filter(filter.clone()),
            None => lazy,
        }
    }

    /// Leaves out the rows without a time, and counts them.
    pub(super) fn without_null_times(
        &self,
        frame: DataFrame,
        source: &SourceFile,
    ) -> Result<(DataFrame, u64), DatasetError> {
        let Some(time) = self.time else { return Ok((frame, 0)) };
        let wrong = || DatasetError::polars("filter the rows of", &source.relative);
        let column = frame.column(&time.column).map_err(wrong())?;
        let without_time = column.null_count();
        if without_time == 0 {
            return Ok((frame, 0));
        }
        let kept = frame.filter(&column.is_not_null()).map_err(wrong())?;
        Ok((kept, without_time as u64))
    }

    /// What the batches of one file have in common.
    pub(super) fn batch_source(&self, source: &SourceFile) -> BatchSource {
        BatchSource::new(&source.relative, self.id, self.row_column.as_str())
    }
}

fn check_id(column: &TableColumn) -> Result<(), DatasetError> {
    match column_type(&column.dtype) {
        ColumnType::Integer | ColumnType::Text | ColumnType::Empty => Ok(()),
        other => {
            let problem = format!("is {other}, but an id must be an integer or text");
            Err(DatasetError::column(&column.name, problem))
        }
    }
}

/// The file as polars reads it, with a column that counts its rows.
fn open(
    format: FileFormat,
    probe: &Probe,
    sources: ScanSources,
    rows: RowIndex,
    segment: Option<&Range<u64>>,
) -> PolarsResult<LazyFrame> {
    // Saturating is right: a row beyond `usize` is beyond what a file on this machine can have.
    let size = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
    let args = UnifiedScanArgs {
        row_index: Some(rows.clone()),
        pre_slice: segment.map(|segment| Slice::Positive {
            offset: size(segment.start),
            len: size(segment.end - segment.start),
        }),
        hive_options: HiveOptions::new_disabled(),
        glob: false,
        ..UnifiedScanArgs::default()
    };
    match format {
        FileFormat::Parquet => {
            let scan = DslBuilder::scan_parquet(sources, ParquetOptions::default(), args)?;
            Ok(scan.build().into())
        }
        FileFormat::Ipc => LazyFrame::scan_ipc_sources(sources, IpcScanOptions::default(), args),
        FileFormat::Csv => LazyCsvReader::new_with_sources(sources)
            .with_schema(Some(Arc::new(text_schema(probe))))
            .with_row_index(Some(rows))
            .with_infer_schema_length(Some(0))
            .with_cache(false)
            .with_glob(false)
            .finish(),
        FileFormat::Ndjson => LazyJsonLineReader::new_with_sources(sources)
            .with_schema(Some(Arc::new(text_schema(probe))))
            .with_row_index(Some(rows))
            .finish(),
    }
}

/// The types that polars parses a text file with; times stay text until [`instants`] reads them.
fn text_schema(probe: &Probe) -> Schema {
    let flat = probe.columns.iter().filter(|column| !column.dtype.is_nested());
    flat.map(|column| {
        let dtype = match column.dtype {
            DataType::Boolean | DataType::Int64 | DataType::Float64 => column.dtype.clone(),
            _ => DataType::String,
        };
        Field::new(PlSmallStr::from_str(&column.name), dtype)
    })
    .collect()
}

/// What every row of one file has in `column`; `None` where the file holds the values.
fn constant(column: &TableColumn, source: &SourceFile, probe: &Probe) -> Option<AnyValue<'static>> {
    if column.is_hive {
        let pair = source.hive.iter().find(|(key, _)| *key == column.name);
        let value = pair.and_then(|(_, value)| value.as_deref());
        return Some(hive_value(value, &column.dtype));
    }
    match probe.dtype(&column.name) {
        None | Some(DataType::Null) => Some(AnyValue::Null),
        Some(_) => None,
    }
}

/// The values of `column` in one file, in the type that the table has.
fn value_of(column: &TableColumn, source: &SourceFile, probe: &Probe) -> Expr {
    let name = PlSmallStr::from_str(&column.name);
    let target = &column.dtype;
    if let Some(value) = constant(column, source, probe) {
        return literal(value, target).alias(name);
    }
    let dtype = probe.dtype(&column.name).unwrap_or(target);
    let value = Expr::Column(name);
    let is_text_file = matches!(source.format, FileFormat::Csv | FileFormat::Ndjson);
    let value = match dtype {
        DataType::Date | DataType::Datetime(..) if is_text_file => {
            let (parsed, field) = (dtype.clone(), dtype.clone());
            value.map(
                move |text| instants(&text, &parsed),
                move |_, known| Ok(Field::new(known.name().clone(), field.clone())),
            )
        }
        _ => value,
    };
    if dtype == target { value } else { value.strict_cast(target.clone()) }
}

fn literal(value: AnyValue<'static>, dtype: &DataType) -> Expr {
    lit(LiteralValue::Scalar(Scalar::new(dtype.clone(), value)))
}

fn hive_value(value: Option<&str>, dtype: &DataType) -> AnyValue<'static> {
    let Some(value) = value else { return AnyValue::Null };
    match dtype {
        DataType::Int64 => value.parse().map_or(AnyValue::Null, AnyValue::Int64),
        DataType::Date => match iso::parse(value) {
            Some(Instant::Date(days)) => AnyValue::Date(days),
            _ => AnyValue::Null,
        },
        _ => AnyValue::StringOwned(PlSmallStr::from_str(value)),
    }
}

/// Reads the dates or datetimes of a text file, which `probe` has found to be such.
fn instants(text: &Column, dtype: &DataType) -> PolarsResult<Column> {
    let is_date = *dtype == DataType::Date;
    let read = |value: &str| match iso::parse(value) {
        Some(Instant::Date(days)) if is_date => Ok(Some(i64::from(days))),
        Some(Instant::Date(days)) => Ok(Some(i64::from(days) * iso::DAY_MICROS)),
        Some(Instant::Naive(micros) | Instant::Zoned(micros)) if !is_date => Ok(Some(micros)),
        _ if value.is_empty() => Ok(None),
        _ => {
            let problem = format!("wanted {dtype} in column `{}`, found `{value}`", text.name());
            Err(PolarsError::ComputeError(problem.into()))
        }
    };
    let numbers = text.str()?.iter().map(|value| value.map_or(Ok(None), read));
    let numbers = numbers.collect::<PolarsResult<Vec<Option<i64>>>>()?;
    Int64Chunked::from_slice_options(text.name().clone(), &numbers).into_column().cast(dtype)
}
