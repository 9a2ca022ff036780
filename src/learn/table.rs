//! The rows a version is trained on, kept in memory column by column.
//!
//! Batches are pushed as they are read; afterwards any choice of rows can be looked at as a [`Frame`], so
//! that training, evaluation and scoring all run through one code path. Text is stored once per distinct
//! value. Which rows go where is decided in [`crate::learn::split`].

use std::borrow::Cow;
use std::collections::HashMap;

use crate::domain::frame::{Cells, Frame, FrameColumn, Numbers};
use crate::domain::table::{ColumnType, TableSchema};
use crate::domain::texts::Texts;

/// Most cells (rows times columns) that are kept: 8 GiB of numbers.
pub const CELLS_MAX: usize = 1 << 30;

/// Rows of some columns, all of the same length.
#[derive(Debug, Clone)]
pub struct TrainingTable {
    rows: usize,
    columns: Vec<KeptColumn>,
    /// Where each column is among `columns`.
    places: HashMap<String, usize>,
}

#[derive(Debug, Clone)]
struct KeptColumn {
    name: String,
    kind: ColumnType,
    cells: KeptCells,
}

#[derive(Debug, Clone)]
enum KeptCells {
    /// `nulls` stays empty until the first null.
    Number { values: Vec<f64>, nulls: Vec<bool> },
    /// `codes` index `values`; `codes_by_value` is its inverse.
    Text { codes: Vec<u32>, values: Vec<String>, codes_by_value: HashMap<String, u32> },
}

/// Why rows could not be kept or looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// A batch lacks a column that is kept.
    #[error("column `{column}` is missing in a batch of training rows")]
    MissingColumn {
        /// The name of the column.
        column: String,
    },
    /// A batch holds a column in another form than its schema says.
    #[error("column `{column}` holds {found} in a batch of training rows, wanted {wanted}")]
    Mistyped {
        /// The name of the column.
        column: String,
        /// `numbers` or `text`.
        wanted: &'static str,
        /// `numbers` or `text`.
        found: &'static str,
    },
    /// A column of a batch is longer or shorter than the batch.
    #[error("column `{column}` has {found} values in a batch of {wanted} training rows")]
    Ragged {
        /// The name of the column.
        column: String,
        /// Rows of the batch.
        wanted: usize,
        /// Values of the column.
        found: usize,
    },
    /// The table would not fit.
    #[error(
        "the training table has more than {CELLS_MAX} cells ({columns} columns); \
         shorten `train.window` or name fewer columns in `[features]`"
    )]
    TooLarge {
        /// Columns that are kept.
        columns: usize,
    },
}

impl TrainingTable {
    /// Makes an empty table that keeps the columns of `schema`.
    pub fn new(schema: &TableSchema) -> Self {
        let columns = schema.columns.iter().map(|column| KeptColumn {
            name: column.name.clone(),
            kind: column.kind,
            cells: KeptCells::new(column.kind),
        });
        let names = schema.columns.iter().map(|column| column.name.clone());
        let places = names.zip(0..).collect();
        Self { rows: 0, columns: columns.collect(), places }
    }

    /// How many rows are kept.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The type of `column`, if it is kept.
    pub fn kind(&self, column: &str) -> Option<ColumnType> {
        self.find(column).map(|kept| kept.kind)
    }

    /// Adds the rows of `frame`; on an error the table is as it was before.
    pub fn push(&mut self, frame: &Frame<'_>) -> Result<(), TableError> {
        let rows = self.rows.saturating_add(frame.rows);
        if rows.saturating_mul(self.columns.len().max(1)) > CELLS_MAX {
            return Err(TableError::TooLarge { columns: self.columns.len() });
        }
        let found: HashMap<&str, &Cells<'_>> =
            frame.columns.iter().map(|column| (column.name, &column.cells)).collect();
        let added: Vec<&Cells<'_>> = self
            .columns
            .iter()
            .map(|kept| kept.accepts(found.get(kept.name.as_str()).copied(), frame.rows))
            .collect::<Result<_, TableError>>()?;
        for (kept, cells) in self.columns.iter_mut().zip(added) {
            kept.cells.extend(cells);
        }
        self.rows = rows;
        Ok(())
    }

    /// The cells of `column` at `rows`, in that order, or `None` if the column is not kept.
    ///
    /// Panics if a row does not exist, as indexing does.
    pub fn cells(&self, column: &str, rows: &[usize]) -> Option<Cells<'_>> {
        self.find(column).map(|kept| kept.cells.gather(rows))
    }

    /// All columns at `rows`, in that order.
    pub fn frame(&self, rows: &[usize]) -> Frame<'_> {
        let columns = self
            .columns
            .iter()
            .map(|kept| FrameColumn { name: &kept.name, cells: kept.cells.gather(rows) });
        Frame { rows: rows.len(), columns: columns.collect() }
    }

    fn find(&self, column: &str) -> Option<&KeptColumn> {
        self.places.get(column).map(|place| &self.columns[*place])
    }
}

impl KeptColumn {
    /// The cells that a batch of `rows` has for this column, if they have its form.
    fn accepts<'f, 'a>(
        &self,
        cells: Option<&'f Cells<'a>>,
        rows: usize,
    ) -> Result<&'f Cells<'a>, TableError> {
        let column = || self.name.clone();
        let cells = cells.ok_or_else(|| TableError::MissingColumn { column: column() })?;
        if cells.len() != rows {
            return Err(TableError::Ragged { column: column(), wanted: rows, found: cells.len() });
        }
        let (wanted, found) = match (&self.cells, cells) {
            (KeptCells::Number { .. }, Cells::Text(values)) if !values.is_all_null() => {
                ("numbers", "text")
            }
            (KeptCells::Text { .. }, Cells::Number(numbers))
                if numbers.null_count() != numbers.values.len() =>
            {
                ("text", "numbers")
            }
            _ => return Ok(cells),
        };
        Err(TableError::Mistyped { column: column(), wanted, found })
    }
}

impl KeptCells {
    fn new(kind: ColumnType) -> Self {
        if kind.is_numeric() {
            Self::Number { values: Vec::new(), nulls: Vec::new() }
        } else {
            Self::Text { codes: Vec::new(), values: Vec::new(), codes_by_value: HashMap::new() }
        }
    }

    /// Appends cells that `accepts` has let through: a column of the other form holds nulls only.
    fn extend(&mut self, cells: &Cells<'_>) {
        match (self, cells) {
            (Self::Number { values, nulls }, Cells::Number(added)) => {
                let before = values.len();
                values.extend_from_slice(&added.values);
                if !added.nulls.is_empty() {
                    nulls.resize(before, false);
                    nulls.extend_from_slice(&added.nulls);
                } else if !nulls.is_empty() {
                    nulls.resize(values.len(), false);
                }
            }
            (Self::Number { values, nulls }, Cells::Text(added)) => {
                nulls.resize(values.len(), false);
                values.resize(values.len() + added.len(), f64::NAN);
                nulls.resize(values.len(), true);
            }
            (Self::Text { codes, .. }, Cells::Number(added)) => {
                codes.resize(codes.len() + added.values.len(), Texts::NULL);
            }
            (Self::Text { codes, values, codes_by_value }, Cells::Text(added)) => {
                codes.extend(added.iter().map(|cell| match cell {
                    None => Texts::NULL,
                    Some(text) => code_of(text, values, codes_by_value),
                }));
            }
        }
    }

    fn gather(&self, rows: &[usize]) -> Cells<'_> {
        match self {
            Self::Number { values, nulls } => Cells::Number(Numbers {
                values: Cow::Owned(rows.iter().map(|row| values[*row]).collect()),
                nulls: if nulls.is_empty() {
                    Vec::new()
                } else {
                    rows.iter().map(|row| nulls[*row]).collect()
                },
            }),
            Self::Text { codes, values, .. } => {
                let words = values.iter().map(String::as_str).collect();
                Cells::Text(Texts::new(words, rows.iter().map(|row| codes[*row]).collect()))
            }
        }
    }
}

/// The code of `text`, a new one if it was not seen before.
///
/// There are fewer than `CELLS_MAX` values, so a code never reaches [`Texts::NULL`].
fn code_of(text: &str, values: &mut Vec<String>, codes: &mut HashMap<String, u32>) -> u32 {
    if let Some(code) = codes.get(text) {
        return *code;
    }
    let code = u32::try_from(values.len()).unwrap_or(Texts::NULL);
    values.push(text.to_owned());
    codes.insert(text.to_owned(), code);
    code
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::table::ColumnSchema;

    fn schema() -> TableSchema {
        let column = |name: &str, kind| ColumnSchema { name: name.into(), kind };
        TableSchema {
            columns: vec![column("age", ColumnType::Integer), column("job", ColumnType::Text)],
        }
    }

    fn numbers(values: &[Option<f64>]) -> Cells<'static> {
        let nulls: Vec<bool> = values.iter().map(Option::is_none).collect();
        Cells::Number(Numbers {
            values: values.iter().map(|value| value.unwrap_or(f64::NAN)).collect(),
            nulls: if nulls.contains(&true) { nulls } else { Vec::new() },
        })
    }

    fn frame<'a>(age: Cells<'a>, job: Cells<'a>) -> Frame<'a> {
        let rows = age.len();
        let columns =
            vec![FrameColumn { name: "job", cells: job }, FrameColumn { name: "age", cells: age }];
        Frame { rows, columns }
    }

    fn ages(cells: &Cells<'_>) -> Vec<Option<f64>> {
        match cells {
            Cells::Number(found) => (0..found.values.len()).map(|row| found.value(row)).collect(),
            Cells::Text(_) => panic!("wanted numbers"),
        }
    }

    #[test]
    fn rows_come_back_as_they_were_pushed() {
        let mut table = TrainingTable::new(&schema());
        let batches = [
            frame(numbers(&[Some(30.0), Some(40.0)]), Cells::text(vec![Some("a"), None])),
            frame(numbers(&[None]), Cells::text(vec![Some("b")])),
            frame(numbers(&[Some(f64::NAN)]), Cells::text(vec![Some("a")])),
        ];
        for batch in &batches {
            table.push(batch).unwrap();
        }
        assert_eq!(table.rows(), 4);
        let found = table.frame(&[3, 2, 1, 0, 0]);
        let Some(Cells::Text(jobs)) = found.column("job") else { panic!("wanted text") };
        assert!(jobs.iter().eq([Some("a"), Some("b"), None, Some("a"), Some("a")]));
        let found = ages(found.column("age").unwrap());
        assert!(found[0].is_some_and(f64::is_nan), "NaN is data, not a null");
        assert_eq!(found[1..], [None, Some(40.0), Some(30.0), Some(30.0)]);
    }

    #[test]
    fn a_column_of_nulls_has_no_form() {
        let mut table = TrainingTable::new(&schema());
        table.push(&frame(numbers(&[Some(1.0)]), numbers(&[None]))).unwrap();
        table.push(&frame(Cells::text(vec![None]), Cells::text(vec![Some("a")]))).unwrap();
        assert_eq!(ages(&table.cells("age", &[0, 1]).unwrap()), [Some(1.0), None]);
    }

    #[test]
    fn batches_of_another_form_are_refused_whole() {
        let mut table = TrainingTable::new(&schema());
        let cases = [
            (Frame { rows: 0, columns: Vec::new() }, "column `age` is missing"),
            (
                frame(Cells::text(vec![Some("x")]), Cells::text(vec![None])),
                "column `age` holds text in a batch of training rows, wanted numbers",
            ),
            (
                frame(numbers(&[Some(1.0)]), numbers(&[Some(1.0)])),
                "column `job` holds numbers in a batch of training rows, wanted text",
            ),
            (
                frame(numbers(&[Some(1.0)]), Cells::text(vec![None, None])),
                "column `job` has 2 values in a batch of 1 training rows",
            ),
        ];
        for (batch, wanted) in cases {
            let told = table.push(&batch).unwrap_err().to_string();
            assert!(told.contains(wanted), "{told}");
            assert_eq!((table.rows(), table.frame(&[]).rows), (0, 0));
        }
    }

    #[test]
    fn a_table_that_would_not_fit_is_refused_before_it_is_copied() {
        let mut table = TrainingTable::new(&schema());
        let huge = Frame { rows: CELLS_MAX, columns: Vec::new() };
        assert_eq!(table.push(&huge), Err(TableError::TooLarge { columns: 2 }));
    }
}
