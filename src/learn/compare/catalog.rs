//! The table of comparisons: their ids, and the text that `explain` shows.
//!
//! Which of them is used follows from the metric and from the ids of the rows; nobody chooses.

/// A way to compare two models on the same rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Test {
    /// The name in JSON, messages and `explain`.
    pub id: &'static str,
    /// Markdown: what it compares, how, and what it takes for granted.
    pub explain: &'static str,
}

/// Every comparison.
pub static COMPARISONS: &[&Test] = &[&DELONG, &MCNEMAR, &BOOTSTRAP];

pub(super) static DELONG: Test = Test {
    id: "delong",
    explain: "Compares two areas under the ROC curve (`roc_auc`) on the same rows. Each row pulls either \
              area by its placement: the share of rows of the other class that it is on the right side \
              of. The variance of the difference comes from the differences of these pulls, class by \
              class with n - 1 (DeLong, DeLong and Clarke-Pearson, 1988; placements from ranks: Sun and \
              Xu, 2014). With several classes the pulls of each class against the rest are averaged. \
              Interval and p-value are normal. Rows must be independent: where ids repeat, the areas are \
              compared by `bootstrap`. Wants 10 rows of each class. Where the variance rests on fewer than \
              about 7 rows of a class, as where both models separate the classes perfectly, the interval is \
              wider: rows alike leave open that a share of z^2 / (n + z^2) is ranked the other way round.",
};

pub(super) static MCNEMAR: Test = Test {
    id: "mcnemar",
    explain: "Compares two accuracies on the same rows. Only rows count that one model decides right and \
              the other wrong: b for the candidate, c for the baseline; the difference is (b - c) / n. \
              The p-value is McNemar's exact one, two-sided: b is binomial with one half among b + c \
              rows if the models are equally good. The interval is the score interval of Tango (1998), \
              which holds its level where b + c is small, also at b + c = 0. Rows must be independent: \
              where ids repeat, accuracies are compared by `bootstrap`.",
};

pub(super) static BOOTSTRAP: Test = Test {
    id: "bootstrap",
    explain: "Compares any other metric of two models on the same rows. In each of 2,000 replicates every \
              row gets a Poisson weight with mean 1, the same for both models, and the difference is \
              computed again; rows of one id get one weight together (cluster bootstrap). The interval \
              runs between percentiles of the differences, the standard error is their standard \
              deviation; there is no p-value. The seed makes it repeatable, on any number of threads. \
              `ece` is too high on few rows, most of all for the better calibrated model, so its bounds \
              lean towards no difference and a gate on it passes too much; gate on `brier` or `log_loss` \
              instead. Wants at least 10 independent rows or ids (of each class for metrics in which \
              classes count alike, not of the most frequent class for `log_loss`, `brier` and `ece`), and a \
              metric that is defined in at least half of the replicates. Resamples that all say the same \
              get the width that `delong` has for rows alike, or have no interval where a metric has no \
              ends.",
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::metric;

    #[test]
    fn every_comparison_is_explained_and_is_no_metric() {
        for test in COMPARISONS {
            assert!(test.explain.len() > 200, "{}", test.id);
            assert_eq!(metric::find(test.id), None, "{}", test.id);
        }
    }
}
