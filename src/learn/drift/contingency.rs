//! Two-row tables of counts: whether the reference and the current rows are spread over the cells alike.
//!
//! Both rows are samples, so this is the test of homogeneity on the contingency table. The goodness of fit
//! of the current counts to the reference's shares, which takes the reference for exact, would call a
//! third of the nights drifted that are not (1,000 rows on each side, five equal cells, level 5 %).

use statrs::function::gamma::gamma_ur;

use super::fisher::fisher_exact;
use super::{Cell, totals};

/// Expected counts below this make chi-square too rough (Cochran, 1954).
const EXPECTED_MIN: f64 = 5.0;

/// Pearson's statistic of a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChiSquared {
    /// The sum of (found - expected)² / expected over all counts; 0 for rows alike, no upper bound.
    pub statistic: f64,
    /// Cells that are not empty, less one.
    pub degrees: u64,
    /// The probability of a statistic at least as large by chance, 0 to 1; small says that the rows differ.
    pub p_value: f64,
}

/// The chi-square test of homogeneity, without a correction for continuity; `None` if a side has no row.
///
/// Cells that are empty on both sides do not count. With one cell left nothing can differ: the statistic
/// is 0 and the p-value 1.
pub fn chi_squared(cells: &[Cell]) -> Option<ChiSquared> {
    let all = totals(cells);
    if all.reference == 0 || all.current == 0 {
        return None;
    }
    let rows = all.total() as f64;
    let mut statistic = 0.0;
    let mut filled = 0_u64;
    for cell in cells.iter().filter(|cell| cell.total() > 0) {
        filled += 1;
        for (found, side) in [(cell.reference, all.reference), (cell.current, all.current)] {
            let expected = cell.total() as f64 * (side as f64 / rows);
            statistic += (found as f64 - expected) * (found as f64 - expected) / expected;
        }
    }
    let degrees = filled.saturating_sub(1);
    // The incomplete gamma function is not asked at 0, where nothing differs.
    let p_value = match degrees {
        0 => 1.0,
        _ if statistic <= 0.0 => 1.0,
        _ => gamma_ur(degrees as f64 / 2.0, statistic / 2.0),
    };
    Some(ChiSquared { statistic, degrees, p_value })
}

/// The evidence that the rows differ: chi-square where every expected count is at least 5, with rare cells
/// pooled until that is so, else Fisher's exact test of the most frequent cell against the rest.
///
/// Which cells are pooled depends on the margins alone, not on how the rows fill them, so the level of
/// the test holds. `None` if a side has no row.
pub fn homogeneity(cells: &[Cell]) -> Option<ChiSquared> {
    let all = totals(cells);
    if all.reference == 0 || all.current == 0 {
        return None;
    }
    let smaller = all.reference.min(all.current) as f64;
    let total_min = EXPECTED_MIN * all.total() as f64 / smaller;
    let is_frequent = |cell: &Cell| cell.total() as f64 >= total_min;
    let mut rising: Vec<Cell> = cells.iter().copied().filter(|cell| cell.total() > 0).collect();
    rising.sort_by_key(Cell::total);
    let rare = rising.partition_point(|cell| !is_frequent(cell));
    let mut pool = totals(&rising[..rare]);
    let mut frequent = rising.split_off(rare).into_iter().peekable();
    while pool.total() > 0 && !is_frequent(&pool) {
        match frequent.next() {
            Some(next) => pool = totals(&[pool, next]),
            None => break,
        }
    }
    let pooled = Some(pool).filter(|pool| pool.total() > 0);
    let kept: Vec<Cell> = pooled.into_iter().chain(frequent).collect();
    if kept.len() > 1 {
        return chi_squared(&kept);
    }
    // One cell at most is left of what may have been several: ask an exact test.
    let mut falling: Vec<Cell> = cells.iter().copied().filter(|cell| cell.total() > 0).collect();
    falling.sort_by_key(|cell| std::cmp::Reverse(cell.total()));
    let (largest, rest) = falling.split_first()?;
    let two = [*largest, totals(rest)];
    let exact = if rest.is_empty() { 1.0 } else { fisher_exact(two[0], two[1]) };
    chi_squared(&two).map(|found| ChiSquared { p_value: exact, ..found })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(reference: &[u64], current: &[u64]) -> Vec<Cell> {
        let pairs = reference.iter().zip(current);
        pairs
            .map(|(reference, current)| Cell { reference: *reference, current: *current })
            .collect()
    }

    #[track_caller]
    fn near(found: f64, wanted: f64) {
        assert!((found - wanted).abs() < 1e-9 * wanted.abs().max(1.0), "{found} is not {wanted}");
    }

    /// The wanted values are those of `scipy.stats.chi2_contingency(.., correction=False)`.
    #[test]
    fn the_values_are_those_of_scipy() {
        let found = chi_squared(&cells(&[60, 30, 10], &[40, 40, 20])).unwrap();
        near(found.statistic, 8.761_904_761_904_763);
        near(found.p_value, 0.012_513_435_382_574_78);
        assert_eq!(found.degrees, 2);
        assert_eq!(homogeneity(&cells(&[60, 30, 10], &[40, 40, 20])), Some(found));
    }

    #[test]
    fn rare_cells_are_pooled_and_nothing_is_lost() {
        let sparse = cells(&[500, 480, 2, 1, 3, 1], &[250, 240, 3, 4, 2, 6]);
        let merged = cells(&[500, 480, 7], &[250, 240, 15]);
        assert_eq!(homogeneity(&sparse), chi_squared(&merged));
        // The pooled rare cells are still too few, so the next rarest joins them.
        let sparser = cells(&[500, 480, 30, 1], &[250, 240, 10, 1]);
        assert_eq!(homogeneity(&sparser), chi_squared(&cells(&[31, 480, 500], &[11, 240, 250])));
    }

    #[test]
    fn too_few_rows_for_chi_square_have_an_exact_test() {
        let found = homogeneity(&cells(&[8, 2], &[1, 5])).unwrap();
        near(found.p_value, 0.034_965_034_965_034_99);
        let found = homogeneity(&cells(&[2000, 0], &[3, 1])).unwrap();
        near(found.p_value, 4.0 / 2004.0);
    }

    #[test]
    fn what_cannot_differ_does_not() {
        near(homogeneity(&cells(&[100, 0], &[70, 0])).unwrap().p_value, 1.0);
        near(homogeneity(&cells(&[1], &[1])).unwrap().p_value, 1.0);
        assert_eq!(homogeneity(&cells(&[10, 5], &[0, 0])), None);
        assert_eq!(chi_squared(&[]), None);
    }
}
