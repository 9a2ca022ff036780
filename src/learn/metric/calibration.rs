//! The expected calibration error: whether probabilities come true as often as they say.
//!
//! Rows are put into bins once; a bootstrap then only adds up their gaps.

/// Bins of equal width.
const BINS: u8 = 10;

/// For each row its bin, and by how much its outcome exceeds its probability.
#[derive(Debug, Clone)]
pub struct Calibration {
    rows: Vec<(u8, f64)>,
}

impl Calibration {
    /// Puts rows into bins of their probability.
    pub fn new(truth: &[bool], probability: &[f64]) -> Self {
        let row = |(truth, p): (&bool, &f64)| {
            let reaches = |edge: &u8| p * f64::from(BINS) >= f64::from(*edge);
            let bin = (1..BINS).take_while(reaches).last().unwrap_or(0);
            (bin, f64::from(u8::from(*truth)) - p)
        };
        Self { rows: truth.iter().zip(probability).map(row).collect() }
    }

    /// The expected calibration error over ten equal-width bins (Naeini, Cooper and Hauskrecht, 2015), 0 to
    /// 1, smaller is better; `None` without rows.
    pub fn error(&self) -> Option<f64> {
        self.of(&vec![1; self.rows.len()])
    }

    /// The error of rows with weights; `None` if they have none.
    pub fn of(&self, weights: &[u8]) -> Option<f64> {
        let mut bins = [0.0; BINS as usize];
        let mut rows = 0.0;
        for ((bin, gap), weight) in self.rows.iter().zip(weights) {
            let weight = f64::from(*weight);
            bins[usize::from(*bin)] += weight * gap;
            rows += weight;
        }
        (rows > 0.0).then(|| bins.iter().map(|gap| gap.abs()).sum::<f64>() / rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probability_on_an_edge_belongs_to_the_bin_above_and_1_to_the_last() {
        let found = Calibration::new(&[true; 5], &[0.0, 0.099, 0.1, 0.95, 1.0]);
        let bins: Vec<u8> = found.rows.iter().map(|(bin, _)| *bin).collect();
        assert_eq!(bins, [0, 0, 1, 9, 9]);
    }

    #[test]
    fn gaps_of_one_bin_cancel_and_those_of_two_add_up() {
        assert_eq!(Calibration::new(&[true, false], &[0.5, 0.5]).error(), Some(0.0));
        assert_eq!(Calibration::new(&[true, false], &[0.75, 0.25]).error(), Some(0.25));
        let found = Calibration::new(&[true, false], &[0.75, 0.5]);
        assert_eq!(found.of(&[4, 0]), Some(0.25));
        assert_eq!(found.of(&[0, 0]), None);
    }
}
