//! The values of one column of a sample, as a column of numbers or of texts.
//!
//! They are stored value by value, each with its kind, so that a file says of every value what it is; a
//! column that has any text is one of texts, and what is a number in it counts as null.

use serde::{Deserialize, Serialize};

use crate::domain::frame::{Cells, Numbers};
use crate::learn::profile::float::Exact;
use crate::learn::profile::text::shortened;

/// Values in the order of the rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Vec<Stored>", into = "Vec<Stored>")]
pub(in crate::learn::profile) enum Values {
    /// Numbers, NaN where a null is. `nulls` may be empty if there is none, and is once [`Values::keep`] was called.
    Numbers {
        numbers: Vec<f64>,
        nulls: Vec<bool>,
    },
    Texts(Vec<Option<Box<str>>>),
}

/// A value as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Stored {
    Null,
    Number(Exact),
    Text(Box<str>),
}

impl Default for Values {
    fn default() -> Self {
        Self::Numbers { numbers: Vec::new(), nulls: Vec::new() }
    }
}

/// Numbers are equal if their bits are, so NaN equals itself.
impl PartialEq for Values {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Texts(ours), Self::Texts(theirs)) => ours == theirs,
            (
                Self::Numbers { numbers, nulls },
                Self::Numbers { numbers: their_numbers, nulls: their_nulls },
            ) => {
                let bits = |number: &f64| number.to_bits();
                nulls == their_nulls && numbers.iter().map(bits).eq(their_numbers.iter().map(bits))
            }
            _ => false,
        }
    }
}

impl Values {
    /// How many there are, nulls included.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Numbers { numbers, .. } => numbers.len(),
            Self::Texts(texts) => texts.len(),
        }
    }

    /// Appends the values that `cells` has in `rows`; nulls if the column is absent.
    pub(in crate::learn::profile) fn extend(&mut self, cells: Option<&Cells<'_>>, rows: &[usize]) {
        match cells {
            Some(Cells::Text(found)) => {
                let texts = rows.iter().map(|row| found.value(*row));
                self.texts().extend(texts.map(|text| text.map(|text| shortened(text).into())));
            }
            Some(Cells::Number(found)) => self.extend_numbers(Some(found), rows),
            None => self.extend_numbers(None, rows),
        }
    }

    fn extend_numbers(&mut self, found: Option<&Numbers<'_>>, rows: &[usize]) {
        let value = |row: &usize| found.and_then(|found| found.value(*row));
        match self {
            Self::Texts(texts) => texts.extend(rows.iter().map(|_| None)),
            Self::Numbers { numbers, nulls } => {
                let before = numbers.len();
                numbers.extend(rows.iter().map(|row| value(row).unwrap_or(f64::NAN)));
                if !nulls.is_empty() || found.is_none_or(|found| !found.nulls.is_empty()) {
                    nulls.resize(before, false);
                    nulls.extend(rows.iter().map(|row| value(row).is_none()));
                }
            }
        }
    }

    /// Appends the values of `other`.
    pub(super) fn append(&mut self, other: &Self) {
        self.extend(Some(&other.cells()), &(0..other.len()).collect::<Vec<_>>());
    }

    /// Keeps the values of `rows`, each named at most once, in that order.
    pub(super) fn keep(&mut self, rows: &[usize]) {
        *self = match self {
            Self::Texts(texts) => {
                Self::of_texts(rows.iter().map(|row| texts[*row].take()).collect())
            }
            Self::Numbers { numbers, nulls } => {
                let is_null = |row: &usize| nulls.get(*row).copied();
                Self::of_numbers(
                    rows.iter().map(|row| numbers[*row]).collect(),
                    rows.iter().map_while(is_null).collect(),
                )
            }
        };
    }

    /// A copy of the first `rows` values, or of all if there are fewer.
    pub(super) fn first(&self, rows: usize) -> Self {
        let rows = rows.min(self.len());
        match self {
            Self::Texts(texts) => Self::of_texts(texts[..rows].to_vec()),
            Self::Numbers { numbers, nulls } => {
                let nulls = nulls.iter().copied().take(rows).collect();
                Self::of_numbers(numbers[..rows].to_vec(), nulls)
            }
        }
    }

    /// A column of numbers, with as many flags or none.
    fn of_numbers(numbers: Vec<f64>, nulls: Vec<bool>) -> Self {
        Self::Numbers { numbers, nulls: if nulls.contains(&true) { nulls } else { Vec::new() } }
    }

    /// A column of texts, or one of numbers that are all null if there is no text.
    fn of_texts(texts: Vec<Option<Box<str>>>) -> Self {
        if texts.iter().any(Option::is_some) {
            return Self::Texts(texts);
        }
        Self::Numbers { numbers: vec![f64::NAN; texts.len()], nulls: vec![true; texts.len()] }
    }

    /// As a column of a frame.
    pub(super) fn cells(&self) -> Cells<'_> {
        match self {
            Self::Texts(texts) => Cells::text(texts.iter().map(Option::as_deref)),
            Self::Numbers { numbers, nulls } => {
                Cells::Number(Numbers { values: numbers.as_slice().into(), nulls: nulls.clone() })
            }
        }
    }

    /// The texts; numbers that were there are nulls from now on.
    fn texts(&mut self) -> &mut Vec<Option<Box<str>>> {
        if let Self::Numbers { numbers, .. } = self {
            *self = Self::Texts(vec![None; numbers.len()]);
        }
        match self {
            Self::Texts(texts) => texts,
            Self::Numbers { .. } => unreachable!("they were turned into texts"),
        }
    }
}

impl From<Vec<Stored>> for Values {
    fn from(stored: Vec<Stored>) -> Self {
        if stored.iter().any(|value| matches!(value, Stored::Text(_))) {
            let text = |value| match value {
                Stored::Text(text) => Some(text),
                Stored::Null | Stored::Number(_) => None,
            };
            return Self::Texts(stored.into_iter().map(text).collect());
        }
        let number = |value: &Stored| match value {
            Stored::Number(number) => number.0,
            Stored::Null | Stored::Text(_) => f64::NAN,
        };
        let is_null = |value: &Stored| !matches!(value, Stored::Number(_));
        Self::of_numbers(stored.iter().map(number).collect(), stored.iter().map(is_null).collect())
    }
}

impl From<Values> for Vec<Stored> {
    fn from(values: Values) -> Self {
        match values {
            Values::Texts(texts) => {
                texts.into_iter().map(|text| text.map_or(Stored::Null, Stored::Text)).collect()
            }
            Values::Numbers { numbers, nulls } => {
                let is_null = |row| nulls.get(row).copied().unwrap_or(false);
                let stored = numbers.into_iter().enumerate().map(|(row, number)| {
                    if is_null(row) { Stored::Null } else { Stored::Number(Exact(number)) }
                });
                stored.collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(values: &[Option<f64>]) -> Values {
        let nulls = values.iter().map(Option::is_none).collect();
        // What stands where a null is must not matter.
        let values: Vec<f64> = values.iter().map(|value| value.unwrap_or(7.0)).collect();
        let cells = Cells::Number(Numbers { values: values.as_slice().into(), nulls });
        of(&cells)
    }

    fn of(cells: &Cells<'_>) -> Values {
        let mut values = Values::default();
        values.extend(Some(cells), &(0..cells.len()).collect::<Vec<_>>());
        values
    }

    #[track_caller]
    fn check(values: &Values, expect: &str) {
        assert_eq!(serde_json::to_string(values).unwrap(), expect);
        let back: Values = serde_json::from_str(expect).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), expect);
        assert_eq!(back.len(), values.len());
    }

    #[test]
    fn every_value_is_stored_with_its_kind() {
        let mut values = numbers(&[Some(1.5), None, Some(f64::NAN)]);
        check(&values, r#"[{"Number":1.5},"Null",{"Number":"nan"}]"#);
        values.keep(&[2, 0]);
        assert!(matches!(&values, Values::Numbers { nulls, .. } if nulls.is_empty()));
        check(&values, r#"[{"Number":"nan"},{"Number":1.5}]"#);
        check(&of(&Cells::text([Some(""), None])), r#"[{"Text":""},"Null"]"#);
        let mut absent = Values::default();
        absent.extend(None, &[3, 5]);
        check(&absent, r#"["Null","Null"]"#);
    }

    #[test]
    fn the_first_values_are_a_copy() {
        let values = numbers(&[Some(1.0), None]);
        check(&values.first(1), r#"[{"Number":1.0}]"#);
        assert!(matches!(values.first(1), Values::Numbers { nulls, .. } if nulls.is_empty()));
        assert!(values.first(3) == values);
        let mut texts = of(&Cells::text([None, Some("a")]));
        check(&texts.first(1), r#"["Null"]"#);
        let nulls = texts.first(1);
        assert!(matches!(nulls.cells(), Cells::Number(numbers) if numbers.nulls == [true]));
        texts.keep(&[0]);
        assert!(texts == nulls && texts == serde_json::from_str(r#"["Null"]"#).unwrap());
    }

    #[test]
    fn values_of_any_kind_are_put_together() {
        let texts = of(&Cells::text([Some("a"), None]));
        let (some, none) = (numbers(&[Some(1.0)]), numbers(&[None]));
        for (first, second, expect) in [
            (&some, &none, r#"[{"Number":1.0},"Null"]"#),
            (&none, &some, r#"["Null",{"Number":1.0}]"#),
            (&some, &some, r#"[{"Number":1.0},{"Number":1.0}]"#),
            (&none, &texts, r#"["Null",{"Text":"a"},"Null"]"#),
            (&some, &texts, r#"["Null",{"Text":"a"},"Null"]"#),
            (&texts, &some, r#"[{"Text":"a"},"Null","Null"]"#),
        ] {
            let mut values = first.clone();
            values.append(second);
            check(&values, expect);
            if let Cells::Text(found) = texts.cells()
                && matches!(second, Values::Texts(_))
            {
                let mut values = first.clone();
                values.extend(Some(&Cells::Text(found)), &[0, 1]);
                check(&values, expect);
            }
        }
    }

    #[test]
    fn a_stored_number_among_texts_is_a_null() {
        let mixed: Values = serde_json::from_str(r#"[{"Number":1.0},{"Text":"a"}]"#).unwrap();
        let Cells::Text(texts) = mixed.cells() else { panic!("not texts") };
        assert!(texts.iter().eq([None, Some("a")]));
    }
}
