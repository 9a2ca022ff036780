//! The exact test of a table of two rows and two columns, for counts too small for chi-square.

use statrs::function::factorial::ln_binomial;

use super::Cell;

/// Tables whose probability is this much above that of the one found still count as no likelier: they
/// differ by rounding only.
const ROUNDING: f64 = 1e-7;

/// Fisher's exact p-value, two-sided: given all margins, the probability of every table that is no
/// likelier than the one found (Fisher, 1934). 0 to 1; small says that the two rows differ.
pub fn fisher_exact(first: Cell, second: Cell) -> f64 {
    let (in_first, in_second) = (first.total(), second.total());
    let current = first.current.saturating_add(second.current);
    let all = in_first.saturating_add(in_second);
    // `taken` of the current rows are in the first column; the margins say the rest.
    let ln_probability = |taken: u64| {
        ln_binomial(in_first, taken) + ln_binomial(in_second, current - taken)
            - ln_binomial(all, current)
    };
    let found = ln_probability(first.current) + ROUNDING;
    let fewest = current.saturating_sub(in_second);
    let most = in_first.min(current);
    let no_likelier = (fewest..=most).map(ln_probability).filter(|ln_p| *ln_p <= found);
    no_likelier.map(f64::exp).sum::<f64>().min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The wanted values are those of `scipy.stats.fisher_exact`.
    #[test]
    fn the_values_are_those_of_scipy() {
        let check = |table: [[u64; 2]; 2], wanted: f64| {
            let cell =
                |column: usize| Cell { reference: table[0][column], current: table[1][column] };
            let found = fisher_exact(cell(0), cell(1));
            assert!((found - wanted).abs() < 1e-9, "{table:?}: {found}");
        };
        check([[8, 2], [1, 5]], 0.034_965_034_965_034_99);
        check([[0, 1000], [3, 397]], 0.023_198_667_349_762_4);
        check([[10, 10], [10, 10]], 1.0);
        check([[0, 5], [0, 7]], 1.0);
        check([[3, 0], [0, 3]], 0.1);
    }
}
