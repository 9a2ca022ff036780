//! How much two versions differ on the same rows, row by row: what a gate sees on held-out rows, and the
//! watch every night.
//!
//! Decisions are compared where there are any, and scores where they are one number a row. Tallies of
//! batches merge, in batch order, so threads make no difference. No labels are needed.

use crate::domain::watch::Disagreement;
use crate::learn::artifact::Scores;
use crate::learn::profile::moments::Moments;

/// The 95 % quantile of the standard normal distribution: bounds here are one-sided.
const Z: f64 = 1.644_853_626_951_472_2;

/// The differences of two versions on the rows seen so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Agreement {
    rows: u64,
    /// Rows whose decision differs; `None` without decisions.
    flips: Option<u64>,
    /// The absolute differences of the scores, where there is one score a row.
    distances: Moments,
}

impl Agreement {
    /// Takes in the scores of a batch, of rows with `keep` only where it is given.
    ///
    /// A decision is the likeliest class, or with one score a row whether it reaches `threshold`.
    pub fn update(
        &mut self,
        ours: &Scores,
        theirs: &Scores,
        threshold: Option<f64>,
        keep: Option<&[bool]>,
    ) {
        let is_kept = |row: usize| keep.is_none_or(|keep| keep[row]);
        match (ours, theirs) {
            (Scores::Value(ours), Scores::Value(theirs)) => {
                let pairs = ours.iter().zip(theirs).enumerate();
                let pairs: Vec<(f64, f64)> =
                    pairs.filter(|(row, _)| is_kept(*row)).map(|(_, (a, b))| (*a, *b)).collect();
                let distances: Vec<f64> = pairs.iter().map(|(a, b)| (a - b).abs()).collect();
                self.distances.merge(&Moments::of(&distances));
                self.rows += pairs.len() as u64;
                if let Some(threshold) = threshold {
                    let differs = |(a, b): &&(f64, f64)| (*a >= threshold) != (*b >= threshold);
                    self.add_flips(pairs.iter().filter(differs).count());
                }
            }
            (Scores::Classes(ours), Scores::Classes(theirs)) => {
                let rows = ours.first().map_or(0, Vec::len);
                let kept = (0..rows).filter(|row| is_kept(*row));
                let likeliest = |columns: &[Vec<f64>], row: usize| {
                    (1..columns.len()).fold(0, |best, class| {
                        if columns[class][row] > columns[best][row] { class } else { best }
                    })
                };
                let mut flips = 0;
                for row in kept {
                    self.rows += 1;
                    flips += usize::from(likeliest(ours, row) != likeliest(theirs, row));
                }
                self.add_flips(flips);
            }
            // Versions of different tasks have nothing to compare.
            (Scores::Value(_), Scores::Classes(_)) | (Scores::Classes(_), Scores::Value(_)) => {}
        }
    }

    fn add_flips(&mut self, flips: usize) {
        *self.flips.get_or_insert(0) += flips as u64;
    }

    /// How many rows were compared.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many decisions differ; `None` without decisions.
    pub fn flips(&self) -> Option<u64> {
        self.flips
    }

    /// The share of rows whose decision differs, 0 to 1, with the lower end of Wilson's score interval
    /// (1927); `None` without decisions or rows.
    pub fn flip_rate(&self) -> Option<Disagreement> {
        let flips = self.flips.filter(|_| self.rows > 0)?;
        let n = self.rows as f64;
        let value = flips as f64 / n;
        let scale = 1.0 + Z * Z / n;
        let centre = (value + Z * Z / (2.0 * n)) / scale;
        let half = Z / scale * (value * (1.0 - value) / n + Z * Z / (4.0 * n * n)).sqrt();
        let low = if flips == 0 { 0.0 } else { (centre - half).max(0.0) };
        Some(Disagreement { value, low })
    }

    /// The mean absolute difference of the scores in units of `spread`, from 0, with the lower end of its
    /// normal interval; `None` without rows, or if the spread is not above 0.
    ///
    /// `spread` is the standard deviation of the scores of `previous` on its held-out rows.
    pub fn score_distance(&self, spread: f64) -> Option<Disagreement> {
        if self.distances.count == 0 || spread.is_nan() || spread <= 0.0 {
            return None;
        }
        let value = self.distances.mean / spread;
        let variance = self.distances.variance_sample().unwrap_or(f64::INFINITY);
        let error = (variance / self.distances.count as f64).sqrt() / spread;
        Some(Disagreement { value, low: (value - Z * error).max(0.0) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_and_decisions_are_compared_row_by_row() {
        let mut found = Agreement::default();
        let ours = Scores::Value(vec![0.1, 0.6, 0.9, 0.4]);
        let theirs = Scores::Value(vec![0.1, 0.4, 0.9, 0.9]);
        found.update(&ours, &theirs, Some(0.5), Some(&[true, true, true, false]));
        assert_eq!((found.rows(), found.flips()), (3, Some(1)));
        let distance = found.score_distance(0.1).unwrap();
        assert!((distance.value - 2.0 / 3.0).abs() < 1e-12 && distance.low < distance.value);
        assert_eq!(found.score_distance(0.0), None);
        found.update(&ours, &theirs, Some(0.5), None);
        assert_eq!((found.rows(), found.flips()), (7, Some(3)));
    }

    #[test]
    fn likeliest_classes_are_compared() {
        let mut found = Agreement::default();
        let ours = Scores::Classes(vec![vec![0.5, 0.2], vec![0.5, 0.8]]);
        let theirs = Scores::Classes(vec![vec![0.1, 0.2], vec![0.9, 0.8]]);
        found.update(&ours, &theirs, None, None);
        assert_eq!((found.rows(), found.flips()), (2, Some(1)));
        assert_eq!(found.score_distance(1.0), None);
    }

    /// Wanted: the lower end of Wilson's interval at 90 %, by statsmodels' `proportion_confint`.
    #[test]
    fn bounds_are_one_sided() {
        let found = Agreement { rows: 200, flips: Some(30), ..Agreement::default() };
        let rate = found.flip_rate().unwrap();
        assert!((rate.value - 0.15).abs() < 1e-12);
        assert!((rate.low - 0.113_2).abs() < 5e-4, "{}", rate.low);
        assert_eq!(Agreement::default().flip_rate(), None);
    }

    #[test]
    fn batches_merge() {
        let scores = |shift: f64| {
            Scores::Value((0..1000_u32).map(|row| f64::from(row % 97) / 97.0 + shift).collect())
        };
        let mut whole = Agreement::default();
        whole.update(&scores(0.0), &scores(0.2), None, None);
        assert_eq!((whole.rows(), whole.flips()), (1000, None));
        assert!((whole.score_distance(0.2).unwrap().value - 1.0).abs() < 1e-9);
    }
}
