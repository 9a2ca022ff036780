//! Some rows of a table: in one file, in row order, in memory until they are dropped.
//!
//! Columns of a row group come into memory when they are asked for. Numbers are lent out without a copy where the file
//! has them as `f64` without nulls. Every row has an id and every id a hash; a row without one never gets this far.

use std::sync::Arc;

use jiff::tz::TimeZone;
use polars::prelude::{Column, DataFrame, DataType, Float64Chunked, PolarsError, Series, TimeUnit};
use rayon::prelude::*;

use super::columns::Columns;
use super::error::{DatasetError, Place};
use super::id::{integer_id_hash, text_id_hash, unsigned_id_hash};
use super::iso::DAY_MICROS;
use super::probe::column_type;
use super::row_numbers::RowNumbers;
use super::scan::Group;
use super::time_filter::naive_micros_to_utc;
use super::words::texts_of;
use crate::domain::frame::{Cells, Frame, FrameColumn, Numbers};
use crate::domain::table::ColumnType;

/// The column of ids that no column of the source holds.
pub const MADE_UP_ID: &str = "id";
const CONVERT: &str = "convert the rows of";

/// What the batches of one file have in common.
#[derive(Debug, Clone)]
pub(super) struct BatchSource {
    file: Arc<str>,
    id: Option<Arc<str>>,
    row_column: Arc<str>,
}

/// Some rows of a table.
#[derive(Debug)]
pub struct Batch {
    columns: Columns,
    source: BatchSource,
    row_numbers: RowNumbers,
    id_hashes: Vec<u64>,
}

impl BatchSource {
    pub(super) fn new(file: &str, id: Option<&str>, row_column: &str) -> Self {
        Self { file: file.into(), id: id.map(Into::into), row_column: row_column.into() }
    }
}

impl Batch {
    /// Takes rows as polars hands them over; fails if one has no id.
    pub(super) fn of_frame(
        mut frame: DataFrame,
        source: &BatchSource,
    ) -> Result<Self, DatasetError> {
        let wrong = || DatasetError::polars(CONVERT, &source.file);
        frame.rechunk_mut();
        let counted = frame.column(&source.row_column).and_then(Column::idx).map_err(wrong())?;
        let row_numbers = RowNumbers::of(counted);
        Self::new(Columns::Decoded(frame), row_numbers, source)
    }

    /// Takes the rows of a row group; fails if one has no id.
    pub(super) fn of_group(group: Group, source: &BatchSource) -> Result<Self, DatasetError> {
        let row_numbers = RowNumbers::From(group.rows_before() + 1);
        Self::new(Columns::Stored(group), row_numbers, source)
    }

    fn new(
        columns: Columns,
        row_numbers: RowNumbers,
        source: &BatchSource,
    ) -> Result<Self, DatasetError> {
        let mut out = Self { columns, source: source.clone(), row_numbers, id_hashes: Vec::new() };
        out.id_hashes = out.hash_ids()?;
        Ok(out)
    }

    /// How many rows it has; never 0.
    pub fn rows(&self) -> usize {
        self.columns.rows()
    }

    /// The file that the rows are in, relative to its root.
    pub fn file(&self) -> &str {
        &self.source.file
    }

    /// The number of the first row in its file, counted from 1.
    pub fn first_row(&self) -> u64 {
        self.row_numbers.get(0)
    }

    /// The number of a row in its file, counted from 1.
    pub fn row_number(&self, row: usize) -> u64 {
        self.row_numbers.get(row)
    }

    /// A hash of the id of every row, the same on every machine and for every width of integers.
    pub fn id_hashes(&self) -> &[u64] {
        &self.id_hashes
    }

    /// The id of a row as text.
    pub fn id_text(&self, row: usize) -> String {
        match self.source.id.as_deref().map(|id| self.series(id)) {
            Some(Ok(ids)) => match ids.str() {
                Ok(texts) => texts.get(row).unwrap_or_default().to_owned(),
                Err(_) => ids.get(row).map_or_else(|_| String::new(), |value| value.to_string()),
            },
            _ => self.made_up_id(row),
        }
    }

    /// The first row whose id reads `id`.
    pub fn row_with_id(&self, id: &str) -> Option<usize> {
        let signed = id.parse().map(integer_id_hash).ok();
        let unsigned = id.parse().map(unsigned_id_hash).ok();
        let wanted = [Some(text_id_hash(id)), signed, unsigned];
        let may_be = |hash: &u64| wanted.contains(&Some(*hash));
        let rows = self.id_hashes.iter().enumerate().filter(|(_, hash)| may_be(hash));
        rows.map(|(row, _)| row).find(|row| self.id_text(*row) == id)
    }

    /// The values of `columns`: numbers where they are used as numbers, else text.
    pub fn frame<'a>(&'a self, columns: &[&'a str]) -> Result<Frame<'a>, DatasetError> {
        let cells = columns.par_iter().map(|name| {
            let cells = self.cells(name)?;
            Ok(FrameColumn { name, cells })
        });
        Ok(Frame { rows: self.rows(), columns: cells.collect::<Result<_, DatasetError>>()? })
    }

    /// The moments in a date or datetime column, in microseconds since 1970 in UTC. Naive times are in
    /// `zone`; dates are their midnight there.
    pub fn times_micros(
        &self,
        column: &str,
        zone: &TimeZone,
    ) -> Result<Vec<Option<i64>>, DatasetError> {
        let (micros, is_naive) = self.column_micros(column)?;
        let utc = |micros: i64| {
            let moment = if is_naive { naive_micros_to_utc(micros, zone) } else { Some(micros) };
            moment.ok_or_else(|| {
                let problem = "holds a time that is not between the years -9999 and 9999";
                DatasetError::content(&self.source.file, Place::column(column), problem)
            })
        };
        micros.into_iter().map(|micros| micros.map(utc).transpose()).collect()
    }

    /// The latest moment in a date or datetime column, as [`Self::times_micros`] reads it.
    pub fn newest_micros(
        &self,
        column: &str,
        zone: &TimeZone,
    ) -> Result<Option<i64>, DatasetError> {
        Ok(self.times_micros(column, zone)?.into_iter().flatten().max())
    }

    /// The id column as it is in the source, or as text where ids are made up.
    pub(super) fn id_column(&self) -> Result<Column, DatasetError> {
        if let Some(id) = self.source.id.as_deref() {
            return self.column(id).cloned();
        }
        let ids: Vec<String> = (0..self.rows()).map(|row| self.made_up_id(row)).collect();
        Ok(Column::new(MADE_UP_ID.into(), ids))
    }

    /// The column called `name`, in one chunk.
    pub(super) fn column(&self, name: &str) -> Result<&Column, DatasetError> {
        self.columns.column(name)
    }

    fn series(&self, name: &str) -> Result<&Series, DatasetError> {
        Ok(self.column(name)?.as_materialized_series())
    }

    fn made_up_id(&self, row: usize) -> String {
        format!("{}#{}", self.source.file, self.row_numbers.get(row))
    }

    fn wrong(&self) -> impl FnOnce(PolarsError) -> DatasetError + use<> {
        DatasetError::polars(CONVERT, &self.source.file)
    }

    fn hash_ids(&self) -> Result<Vec<u64>, DatasetError> {
        let Some(id) = self.source.id.as_deref() else { return Ok(self.hash_made_up_ids()) };
        let ids = self.series(id)?;
        if let Some(row) = first_null(ids) {
            let place = Place::cell(self.row_numbers.get(row), id);
            let problem = "has no value, but every row needs an id";
            return Err(DatasetError::content(&self.source.file, place, problem));
        }
        let hashes = match ids.dtype() {
            DataType::String => {
                let ids = ids.str().map_err(self.wrong())?;
                ids.iter().flatten().map(text_id_hash).collect()
            }
            DataType::UInt64 => {
                let ids = ids.u64().map_err(self.wrong())?;
                ids.iter().flatten().map(unsigned_id_hash).collect()
            }
            _ => {
                let ids = ids.strict_cast(&DataType::Int64).map_err(self.wrong())?;
                let ids = ids.i64().map_err(self.wrong())?;
                match ids.cont_slice() {
                    Ok(values) => values.par_iter().map(|id| integer_id_hash(*id)).collect(),
                    Err(_) => ids.iter().flatten().map(integer_id_hash).collect(),
                }
            }
        };
        Ok(hashes)
    }

    fn hash_made_up_ids(&self) -> Vec<u64> {
        use std::fmt::Write as _;
        let mut id = format!("{}#", self.source.file);
        let prefix = id.len();
        let hash = |row: usize| {
            id.truncate(prefix);
            // Writing to a String cannot fail.
            let _infallible = write!(id, "{}", self.row_numbers.get(row));
            text_id_hash(&id)
        };
        (0..self.rows()).map(hash).collect()
    }

    /// The values of the column called `name`: numbers where they are used as numbers, else text.
    pub fn cells(&self, name: &str) -> Result<Cells<'_>, DatasetError> {
        let series = self.series(name)?;
        match column_type(series.dtype()) {
            ColumnType::Nested => {
                let problem = format!("holds {}, which cannot be read", series.dtype());
                Err(DatasetError::column(name, problem))
            }
            ColumnType::Text => {
                let texts = series.str().map_err(self.wrong())?;
                Ok(Cells::Text(texts_of(texts)))
            }
            _ => self.numbers(series).map(Cells::Number),
        }
    }

    fn numbers<'a>(&self, series: &'a Series) -> Result<Numbers<'a>, DatasetError> {
        if let Ok(floats) = series.f64() {
            return Ok(match floats.cont_slice() {
                Ok(values) => Numbers { values: values.into(), nulls: Vec::new() },
                Err(_) => numbers_with_nulls(floats),
            });
        }
        let scale = match series.dtype() {
            DataType::Datetime(unit, _) => 1.0 / (per_second(*unit) * 86_400.0),
            DataType::Duration(unit) => 1.0 / per_second(*unit),
            DataType::Time => 1e-9,
            _ => 1.0,
        };
        let plain = series.to_physical_repr();
        let plain = if series.dtype().is_decimal() { series } else { plain.as_ref() };
        let floats = plain.cast(&DataType::Float64).map_err(self.wrong())?;
        let mut numbers = numbers_with_nulls(floats.f64().map_err(self.wrong())?);
        if series.dtype().is_temporal() {
            numbers.values.to_mut().iter_mut().for_each(|value| *value *= scale);
        }
        Ok(numbers)
    }

    /// Microseconds since 1970, and whether they are in the zone of the job instead of UTC.
    fn column_micros(&self, column: &str) -> Result<(Vec<Option<i64>>, bool), DatasetError> {
        let series = self.series(column)?;
        let (is_naive, numerator, denominator) = match series.dtype() {
            DataType::Date => (true, DAY_MICROS, 1),
            DataType::Datetime(TimeUnit::Milliseconds, zone) => (zone.is_none(), 1_000, 1),
            DataType::Datetime(TimeUnit::Microseconds, zone) => (zone.is_none(), 1, 1),
            DataType::Datetime(TimeUnit::Nanoseconds, zone) => (zone.is_none(), 1, 1_000),
            other => {
                let problem = format!("is {other}, but a time must be a date or a datetime");
                return Err(DatasetError::column(column, problem));
            }
        };
        let units = series.to_physical_repr().cast(&DataType::Int64).map_err(self.wrong())?;
        let units = units.i64().map_err(self.wrong())?;
        let micros = |units: i64| units.saturating_mul(numerator).div_euclid(denominator);
        Ok((units.iter().map(|units| units.map(micros)).collect(), is_naive))
    }
}

fn first_null(series: &Series) -> Option<usize> {
    if series.null_count() == 0 {
        None
    } else {
        series.is_null().iter().position(|null| null == Some(true))
    }
}

fn per_second(unit: TimeUnit) -> f64 {
    match unit {
        TimeUnit::Nanoseconds => 1e9,
        TimeUnit::Microseconds => 1e6,
        TimeUnit::Milliseconds => 1e3,
    }
}

/// Copies the values; NaN stands where a null is.
fn numbers_with_nulls<'a>(floats: &Float64Chunked) -> Numbers<'a> {
    let mut values = Vec::with_capacity(floats.len());
    let mut nulls = if floats.null_count() == 0 { Vec::new() } else { vec![false; floats.len()] };
    for chunk in floats.downcast_iter() {
        let first = values.len();
        values.extend_from_slice(chunk.values());
        let is_valid = chunk.validity().into_iter().flat_map(|validity| validity.iter());
        for (row, _) in is_valid.enumerate().filter(|(_, is_valid)| !is_valid) {
            values[first + row] = f64::NAN;
            nulls[first + row] = true;
        }
    }
    Numbers { values: values.into(), nulls }
}

#[cfg(test)]
mod tests {
    use polars::prelude::{IntoColumn as _, NamedFrom as _};

    use super::*;

    fn batch(columns: Vec<Column>, id: Option<&str>) -> Result<Batch, DatasetError> {
        let rows = u32::try_from(columns[0].len()).unwrap();
        let mut all = vec![Column::new("row".into(), (10..10 + rows).collect::<Vec<_>>())];
        all.extend(columns);
        Batch::of_frame(
            DataFrame::new_infer_height(all).unwrap(),
            &BatchSource::new("d/t.csv", id, "row"),
        )
    }

    #[track_caller]
    fn check_numbers(values: Series, expect: &[Option<f64>]) {
        let batch = batch(vec![values.into_column()], None).unwrap();
        let frame = batch.frame(&["x"]).unwrap();
        let Some(Cells::Number(numbers)) = frame.column("x") else { panic!("no numbers") };
        let found: Vec<Option<f64>> = (0..frame.rows).map(|row| numbers.value(row)).collect();
        assert_eq!(found, expect);
        assert_eq!(numbers.null_count(), expect.iter().filter(|value| value.is_none()).count());
    }

    #[test]
    fn everything_but_text_is_a_number() {
        let of = |values: &[Option<i64>], dtype: &DataType| {
            Series::new("x".into(), values).cast(dtype).unwrap()
        };
        let one_null = [Some(1), None];
        let (ms, us, ns) = (TimeUnit::Milliseconds, TimeUnit::Microseconds, TimeUnit::Nanoseconds);
        check_numbers(of(&one_null, &DataType::Int8), &[Some(1.0), None]);
        check_numbers(of(&one_null, &DataType::UInt64), &[Some(1.0), None]);
        check_numbers(of(&one_null, &DataType::Float32), &[Some(1.0), None]);
        check_numbers(of(&one_null, &DataType::Boolean), &[Some(1.0), None]);
        check_numbers(of(&one_null, &DataType::Decimal(10, 2)), &[Some(1.0), None]);
        check_numbers(of(&one_null, &DataType::Date), &[Some(1.0), None]);
        check_numbers(of(&[None, None], &DataType::Null), &[None, None]);
        for (unit, a_day) in [(ms, 86_400_000), (us, DAY_MICROS), (ns, DAY_MICROS * 1_000)] {
            let half = [Some(a_day / 2), None];
            check_numbers(of(&half, &DataType::Datetime(unit, None)), &[Some(0.5), None]);
            check_numbers(of(&half, &DataType::Duration(unit)), &[Some(43_200.0), None]);
        }
        check_numbers(of(&[Some(1_500_000_000)], &DataType::Time), &[Some(1.5)]);
    }

    #[test]
    fn plain_floats_are_lent_and_not_copied() {
        let values = Series::new("x".into(), &[1.0, f64::NAN]).into_column();
        let batch = batch(vec![values], None).unwrap();
        let frame = batch.frame(&["x"]).unwrap();
        let Some(Cells::Number(numbers)) = frame.column("x") else { panic!("no numbers") };
        assert!(matches!(numbers.values, std::borrow::Cow::Borrowed(_)));
        assert!(numbers.nulls.is_empty());
    }

    #[test]
    fn ids_are_text_for_people_and_hashes_for_us() {
        let texts = Series::new("id".into(), &["a", "b"]).into_column();
        let found = batch(vec![texts], Some("id")).unwrap();
        assert_eq!((found.id_text(1).as_str(), found.rows()), ("b", 2));
        assert_eq!(found.id_hashes(), [text_id_hash("a"), text_id_hash("b")]);
        assert_eq!((found.first_row(), found.row_number(1), found.file()), (11, 12, "d/t.csv"));

        let numbers = Series::new("id".into(), &[u64::MAX, 5]).into_column();
        let found = batch(vec![numbers], Some("id")).unwrap();
        assert_eq!(found.id_text(0), "18446744073709551615");
        assert_eq!(found.id_hashes(), [unsigned_id_hash(u64::MAX), integer_id_hash(5)]);

        let found = batch(vec![Column::new("x".into(), [1.0])], None).unwrap();
        assert_eq!(found.id_text(0), "d/t.csv#11");
        assert_eq!(found.id_hashes(), [text_id_hash("d/t.csv#11")]);

        let nulls = Column::new("id".into(), [Some(1_i64), None]);
        let told = batch(vec![nulls], Some("id")).unwrap_err().to_string();
        assert_eq!(told, "`d/t.csv`, row 12, column `id`: has no value, but every row needs an id");
    }

    #[test]
    fn times_are_moments_in_utc() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let micros = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_microsecond();
        let naive = micros("2026-07-01T02:00:00Z");
        let zoned =
            DataType::Datetime(TimeUnit::Milliseconds, Some(polars::prelude::TimeZone::UTC));
        let columns = [
            ("naive", naive, DataType::Datetime(TimeUnit::Microseconds, None)),
            ("nanos", naive * 1_000, DataType::Datetime(TimeUnit::Nanoseconds, None)),
            ("zoned", micros("2026-07-01T00:00:00Z") / 1_000, zoned),
            ("number", 5, DataType::Int64),
        ];
        let columns = columns.into_iter().map(|(name, value, dtype)| {
            let values = Series::new(name.into(), &[Some(value), None]);
            values.cast(&dtype).unwrap().into_column()
        });
        let batch = batch(columns.collect(), None).unwrap();
        for column in ["naive", "nanos", "zoned"] {
            let found = batch.times_micros(column, &berlin).unwrap();
            assert_eq!(found, [Some(micros("2026-07-01T00:00:00Z")), None], "{column}");
            assert_eq!(batch.newest_micros(column, &berlin).unwrap(), found[0]);
        }
        let told = batch.times_micros("number", &berlin).unwrap_err().to_string();
        assert_eq!(told, "column `number` is i64, but a time must be a date or a datetime");
    }

    #[test]
    fn a_column_that_was_not_asked_for_is_an_error() {
        let batch = batch(vec![Column::new("x".into(), [1.0])], None).unwrap();
        let told = batch.frame(&["y"]).unwrap_err().to_string();
        assert_eq!(told, "column `y` was not asked for");
    }
}
