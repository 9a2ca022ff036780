//! How much each row counts in fitting: sample weights, read and checked, and class weights.
//!
//! A weight says how many rows a row stands for. Kinds see weights of mean 1 and their sum, so that neither
//! overflows nor depends on the unit where the method does not. Rows of weight 0 are taken out before, and
//! where every weight is 1 there are none: both are then exactly the fit of the rows alone. Held-out metrics
//! are not weighted, and scoring needs no weight.

use crate::domain::frame::Cells;

/// Weights of the rows of a design: finite and above 0, not all of them 1.
#[derive(Debug, Clone, PartialEq)]
pub struct RowWeights {
    given: Vec<f64>,
    relative: Vec<f64>,
    total: f64,
}

/// Why weights cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WeightError {
    /// The column is text.
    #[error("the weights are text, wanted numbers")]
    Text,
    /// Some rows have no weight that could be used.
    #[error(
        "{count} of {rows} labelled rows have a weight that is {what} (the first is row {first_row} of the \
         training rows), wanted a finite number of 0 or more; mend it where the data are made (0 leaves a \
         row out), or leave `data.weight` out"
    )]
    Unusable {
        /// How many.
        count: usize,
        /// Labelled rows.
        rows: usize,
        /// `null`, `NaN`, `infinite` or `negative`, of the first such row.
        what: &'static str,
        /// The first such row, from 0, among all rows that were read.
        first_row: usize,
    },
    /// No row counts.
    #[error(
        "all {rows} rows to train on have the weight 0, wanted some above 0; give rows a weight where the \
         data are made, or leave `data.weight` out"
    )]
    AllZero {
        /// Rows to fit on.
        rows: usize,
    },
    /// The sum or the mean cannot be computed with.
    #[error(
        "the weights of {rows} rows to train on add up to {total}, which cannot be computed with; divide \
         them all by one number where the data are made"
    )]
    OutOfScale {
        /// Rows to fit on.
        rows: usize,
        /// The sum, as text.
        total: String,
    },
}

/// The weights in `cells`, which are those of the labelled rows `rows`, one for each.
pub fn read_weights(cells: &Cells<'_>, rows: &[usize]) -> Result<Vec<f64>, WeightError> {
    let Cells::Number(numbers) = cells else { return Err(WeightError::Text) };
    let fault = |place: usize| match numbers.value(place) {
        None => Some("null"),
        Some(weight) if weight.is_nan() => Some("NaN"),
        Some(weight) if weight.is_infinite() => Some("infinite"),
        Some(weight) if weight < 0.0 => Some("negative"),
        Some(_) => None,
    };
    let mut faults = (0..rows.len()).filter_map(|place| Some((place, fault(place)?)));
    if let Some((place, what)) = faults.next() {
        let (count, first_row) = (1 + faults.count(), rows[place]);
        return Err(WeightError::Unusable { count, rows: rows.len(), what, first_row });
    }
    // An `-0` is a 0.
    Ok((0..rows.len())
        .filter_map(|place| numbers.value(place))
        .map(|weight| weight + 0.0)
        .collect())
}

/// For each row the weight of its class, `n / (classes · count)`, times its own weight.
///
/// `n` and `count` are sums of the rows' own weights, as in scikit-learn's `class_weight = "balanced"`
/// (`compute_class_weight` with `sample_weight`), so that a weight of 2 is the row twice here as well.
pub fn balanced(index: &[u32], classes: usize, weights: Option<&[f64]>) -> Vec<f64> {
    let own = |row: usize| weights.map_or(1.0, |weights| weights[row]);
    let mut counts = vec![0.0; classes];
    for (row, class) in index.iter().enumerate() {
        counts[*class as usize] += own(row);
    }
    let total: f64 = counts.iter().sum();
    let weight = |(row, class): (usize, &u32)| {
        own(row) * (total / (classes as f64 * counts[*class as usize]))
    };
    index.iter().enumerate().map(weight).collect()
}

impl RowWeights {
    /// The given weights, all finite and above 0; `None` if every one of them is 1.
    pub fn new(weights: Vec<f64>) -> Result<Option<Self>, WeightError> {
        debug_assert!(
            weights.iter().all(|weight| *weight > 0.0),
            "rows of weight 0 are taken out before"
        );
        if weights.iter().all(|weight| weight.to_bits() == 1f64.to_bits()) {
            return Ok(None);
        }
        let rows = weights.len();
        let total: f64 = weights.iter().sum();
        let mean = total / rows as f64;
        if !(total.is_finite() && mean.is_normal()) {
            return Err(WeightError::OutOfScale { rows, total: total.to_string() });
        }
        let relative = weights.iter().map(|weight| weight / mean).collect();
        Ok(Some(Self { given: weights, relative, total }))
    }

    /// The weights as they were given.
    pub fn given(&self) -> &[f64] {
        &self.given
    }

    /// The weights, scaled to a mean of 1.
    pub fn relative(&self) -> &[f64] {
        &self.relative
    }

    /// The sum of the weights as they were given: how many rows they stand for.
    pub fn total(&self) -> f64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::frame::Numbers;

    fn cells(values: &[Option<f64>]) -> Cells<'static> {
        Cells::Number(Numbers {
            values: values.iter().map(|value| value.unwrap_or_default()).collect(),
            nulls: values.iter().map(Option::is_none).collect(),
        })
    }

    #[track_caller]
    fn check_error(values: &[Option<f64>], wanted: &str) {
        let rows: Vec<usize> = (0..values.len()).map(|place| place + 10).collect();
        let told = read_weights(&cells(values), &rows).unwrap_err().to_string();
        assert!(told.starts_with(wanted), "{told}");
    }

    #[test]
    fn weights_that_cannot_be_used_say_where_and_what_to_do() {
        let found = read_weights(&cells(&[Some(2.0), Some(-0.0), Some(0.5)]), &[0, 1, 2]).unwrap();
        assert_eq!(found.iter().map(|weight| weight.to_bits()).nth(1), Some(0));
        check_error(
            &[Some(1.0), None, Some(f64::NAN)],
            "2 of 3 labelled rows have a weight that is null (the first is row 11 of the",
        );
        check_error(&[Some(f64::NAN)], "1 of 1 labelled rows have a weight that is NaN");
        check_error(&[Some(f64::INFINITY)], "1 of 1 labelled rows have a weight that is infinite");
        check_error(&[Some(-1e-9)], "1 of 1 labelled rows have a weight that is negative");
        let text = Cells::text(vec![Some("2")]);
        assert_eq!(read_weights(&text, &[0]), Err(WeightError::Text));
        for weights in [vec![1e308, 1e308], vec![5e-324, 5e-324]] {
            let told = RowWeights::new(weights).unwrap_err().to_string();
            assert!(told.contains("divide them all by one number"), "{told}");
        }
    }

    #[test]
    fn weights_of_1_are_none_and_others_have_mean_1() {
        assert_eq!(RowWeights::new(vec![1.0; 3]), Ok(None));
        let found = RowWeights::new(vec![1e-6, 3e-6]).unwrap().unwrap();
        assert_eq!((found.relative(), found.total()), ([0.5, 1.5].as_slice(), 4e-6));
    }

    /// The wanted numbers are those of scikit-learn 1.9.1: `compute_class_weight("balanced", ...)`.
    #[test]
    fn classes_are_balanced_by_the_weights_of_their_rows() {
        assert_eq!(balanced(&[0, 1, 1, 1], 2, None), [2.0, 2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0]);
        let weighted = balanced(&[0, 1, 1], 2, Some(&[4.0, 1.0, 3.0]));
        assert_eq!(weighted, [4.0, 1.0, 3.0]);
        let thrice = balanced(&[0, 1, 2, 2], 3, Some(&[3.0, 2.0, 0.5, 0.5]));
        assert_eq!(thrice, [2.0, 2.0, 1.0, 1.0]);
    }
}
