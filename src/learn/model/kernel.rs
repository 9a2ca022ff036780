//! Sums and products along columns, written so that the compiler can use vector instructions.
//!
//! Each has a fixed order of additions, so that the same slices give the same bits.

/// Sums kept apart in [`dot`], as many as hide the latency of an addition.
const SUMS: usize = 8;

/// `out[i] += weight · (values[i] − centre)`.
pub(super) fn add_scaled(out: &mut [f64], values: &[f64], centre: f64, weight: f64) {
    for (out, value) in out.iter_mut().zip(values) {
        *out += weight * (value - centre);
    }
}

/// `Σ factors[i] · (values[i] − centre)`.
pub(super) fn dot(factors: &[f64], values: &[f64], centre: f64) -> f64 {
    let mut sums = [0.0; SUMS];
    let (factor_chunks, value_chunks) = (factors.chunks_exact(SUMS), values.chunks_exact(SUMS));
    let rest = factor_chunks.remainder().iter().zip(value_chunks.remainder());
    let tail: f64 = rest.map(|(factor, value)| factor * (value - centre)).sum();
    for (factors, values) in factor_chunks.zip(value_chunks) {
        for lane in 0..SUMS {
            sums[lane] += factors[lane] * (values[lane] - centre);
        }
    }
    sums.iter().sum::<f64>() + tail
}

/// The probability with log odds `margin`, and the log of `1 + exp(−|margin|)`, which its log loss needs.
pub(super) fn logistic(margin: f64) -> (f64, f64) {
    let odds = (-margin.abs()).exp();
    let smaller = odds / (1.0 + odds);
    let probability = if margin >= 0.0 { 1.0 / (1.0 + odds) } else { smaller };
    (probability, odds.ln_1p())
}

/// Turns margins into probabilities in place and returns the log of the sum of their exponentials.
pub(super) fn softmax(margins: &mut [f64]) -> f64 {
    let largest = margins.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut total = 0.0;
    for margin in margins.iter_mut() {
        *margin = (*margin - largest).exp();
        total += *margin;
    }
    for exponential in margins.iter_mut() {
        *exponential /= total;
    }
    largest + total.ln()
}

/// As [`softmax`] for each row of `out`, which holds one output after the other.
pub(super) fn softmax_rows(out: &mut [f64], rows: usize) {
    let outputs = out.len() / rows.max(1);
    let mut margins = vec![0.0; outputs];
    for row in 0..rows {
        for (output, margin) in margins.iter_mut().enumerate() {
            *margin = out[output * rows + row];
        }
        softmax(&mut margins);
        for (output, probability) in margins.iter().enumerate() {
            out[output * rows + row] = *probability;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_product_counts_every_element() {
        for len in [0u32, 1, 7, 8, 9, 31] {
            let factors: Vec<f64> = (0..len).map(f64::from).collect();
            let values: Vec<f64> = factors.iter().map(|factor| factor + 2.0).collect();
            let wanted: f64 = factors.iter().map(|factor| factor * factor).sum();
            assert!((dot(&factors, &values, 2.0) - wanted).abs() < 1e-9);
        }
    }

    #[test]
    fn probabilities_hold_at_any_margin() {
        for margin in [-1e308, -800.0, -36.0, -1.0, 0.0, 1.0, 36.0, 800.0, 1e308] {
            let (probability, log) = logistic(margin);
            let (other, _) = logistic(-margin);
            assert!((0.0..=1.0).contains(&probability) && log.is_finite());
            assert!((probability + other - 1.0).abs() < 1e-15);
        }
        assert!(logistic(-700.0).0 > 0.0, "small probabilities are not rounded to 0");
    }

    #[test]
    fn logits_that_differ_by_more_than_35_keep_their_loss() {
        let mut margins = [0.0, -40.0, -700.0];
        let log_sum = softmax(&mut margins);
        assert!((log_sum - 4.248_354_255_291_589e-18).abs() < 1e-16);
        assert!((margins[1] / (-40.0f64).exp() - 1.0).abs() < 1e-12);
        assert!((margins[2] / (-700.0f64).exp() - 1.0).abs() < 1e-12);
        let mut rows = [1.0, 1000.0, 1.0, -1000.0];
        softmax_rows(&mut rows, 2);
        assert_eq!(rows.to_vec(), [0.5, 1.0, 0.5, 0.0]);
    }
}
