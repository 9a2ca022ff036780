//! Drift of all columns together in one number: whether a classifier tells tonight's rows from the reference.
//!
//! A classifier two-sample test (Friedman 2003; Lopez-Paz and Oquab, *Revisiting classifier two-sample
//! tests*, ICLR 2017). It sees what no single column shows, a correlation that changed for instance, and says
//! nothing about which column it was. It informs: the verdict about the table is that of its columns. Rows
//! are samples of equal standing, so a night costs the same however long it is.

/// What the classifier sees of the rows.
mod matrix;

use std::borrow::Cow;

use rayon::prelude::*;

use self::matrix::matrix;
use super::Cell;
use super::evidence::is_enough;
use super::judge::Rule;
use crate::domain::frame::Frame;
use crate::domain::job::ModelParams;
use crate::learn::compare::normal;
use crate::learn::features::Design;
use crate::learn::metric::interval::error_of_classes;
use crate::learn::metric::ranking::Ranking;
use crate::learn::model::{FitError, Target, Training, kind};
use crate::learn::profile::sample::Sample;
use crate::learn::split::place;

/// Its name in findings and in `explain`.
pub const ID: &str = "domain_classifier";

/// Markdown, as that of a drift test.
pub const EXPLAIN: &str = "# domain_classifier\n\n\
    Drift of all features together in one number: the area under the ROC curve (`roc_auc`) of a classifier \
    that tries to tell tonight's rows from the rows that the version was trained on. 0.5: the two cannot be told \
    apart; 1: every row can. It finds what no single column shows, such as two columns that no longer go together.\n\n\
    At most 2,000 rows a side are looked at, a uniform sample. The classifier is a ridge-penalised logistic \
    regression on the ranks of the numbers, on categories, on what is missing and, of up to 10 columns of numbers, \
    on squares and products of ranks. Each fifth of the rows is scored by a classifier that was fitted on the other \
    four; rows of one id are in the same fifth. The area is the share of pairs of rows in the same fifth, one of each \
    side, that are in the right order; its interval, at 1 - `drift.alpha`, is DeLong's with twice the variance, \
    since the parts are not independent.\n\n\
    A shift of psi 0.25 in one column of five comes to 0.62 among 500 rows, a correlation that goes from 0 to 0.8 to \
    0.73: single columns are for the tests of columns.\n\n\
    Warns from 0.65 on where the interval lies above 0.5. It only informs: neither the verdict about the data nor a \
    retraining nor the exit code follows from it. Where `drift.reference` names earlier ticks, which keep no rows, \
    it still compares with the training rows.";

/// Most rows of each side that are looked at.
pub const ROWS_MAX: usize = 2_000;
/// Parts that the rows are cut into; each is scored by a classifier that has not seen it.
const FOLDS: u64 = 5;
/// Fewest rows of each side in a part: one row has no variance.
const FOLD_ROWS_MIN: usize = 2;
/// Weight of the ridge penalty beside the sum of the log losses.
const RIDGE: f64 = 10.0;
/// The ranks of rows, which are all that counts, do not change beyond this.
const TOLERANCE: f64 = 1e-5;
const ITERATIONS_MAX: u64 = 500;
/// Keeps the parts apart from other uses of the same hashes.
const SEED: u64 = 0x646f_6d61_696e;

/// Rows of one side, the first [`ROWS_MAX`] of which are looked at.
#[derive(Debug)]
pub struct Side<'a> {
    /// A uniform sample of a table.
    pub frame: Frame<'a>,
    /// A hash of the id of each row.
    pub id_hashes: Cow<'a, [u64]>,
    /// Rows of the table.
    pub table_rows: u64,
}

/// How well the two sides can be told apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Separation {
    /// The area under the ROC curve, 0 to 1: 0.5 for sides that are alike, larger for more different ones.
    pub area: f64,
    /// Lower end of its interval at 1 - alpha.
    pub low: f64,
    /// Upper end of the same interval.
    pub high: f64,
    /// Rows that were looked at.
    pub rows: Cell,
}

/// Why the two sides were not compared.
#[derive(Debug, thiserror::Error)]
pub enum Obstacle {
    /// A side is too small.
    #[error("insufficient: {} rows against {} are too few to be judged", .rows.current, .rows.reference)]
    TooFewRows {
        /// Rows of both tables.
        rows: Cell,
    },
    /// No column of both sides has two different values.
    #[error("no column that both have varies among their rows")]
    NoColumns,
    /// The classifier could not be fitted.
    #[error(transparent)]
    Fit(#[from] FitError),
}

/// What one part says.
struct Fold {
    area: f64,
    error: f64,
    /// Pairs of a row of each side.
    pairs: f64,
}

impl<'a> Side<'a> {
    /// The rows of a sample of a table with so many.
    pub fn of(sample: &'a Sample, table_rows: u64) -> Self {
        Self { frame: sample.frame(), id_hashes: Cow::Borrowed(sample.id_hashes()), table_rows }
    }

    fn rows(&self) -> usize {
        self.frame.rows.min(self.id_hashes.len()).min(ROWS_MAX)
    }
}

/// Tries to tell `current` from `reference` by the columns called `names`, the most telling first where
/// there are more than can be looked at.
///
/// The areas of the parts are averaged, weighted by their pairs, and not pooled: within a part all scores are
/// of one classifier, so without drift its area is 0.5 in expectation, exactly. A part with more rows of a side
/// is scored by a classifier that has seen fewer of them, which takes pooled scores below 0.5: to 0.487 on
/// average in 1,000 draws of 100 rows a side, and to 0.498 if the scores of each part are centred first.
///
/// Within a part the variance is `DeLong`'s, but the parts are not independent, so that intervals from
/// cross-validation are too narrow (Bates, Hastie and Tibshirani, *Cross-validation: what does it estimate and
/// how well does it do it?*, JASA 2023). Without drift, what row i has taught the classifier that scores row j
/// is noise, and j has taught the classifier that scores i the same: a sum in which every such term is there
/// twice has twice the variance. So twice the variance is used, which is right without drift (measured: 1.9
/// times) and wide where the sides differ.
pub fn separate(
    reference: &Side<'_>,
    current: &Side<'_>,
    names: &[&str],
    rule: &Rule,
) -> Result<Separation, Obstacle> {
    let rows = Cell { reference: reference.table_rows, current: current.table_rows };
    let too_few = || Obstacle::TooFewRows { rows };
    if !is_enough(rows, rule.rows_min) {
        return Err(too_few());
    }
    let columns = matrix(reference, current, names);
    if columns.is_empty() {
        return Err(Obstacle::NoColumns);
    }
    let (before, now) = (reference.rows(), current.rows());
    let hashes = reference.id_hashes[..before].iter().chain(&current.id_hashes[..now]);
    let parts: Vec<u64> = hashes.map(|hash| place(SEED, *hash) % FOLDS).collect();
    let folds: Vec<Option<Fold>> = (0..FOLDS)
        .into_par_iter()
        .map(|part| fold(&columns, &parts, part, before))
        .collect::<Result<_, FitError>>()?;
    let folds = folds.into_iter().collect::<Option<Vec<Fold>>>().ok_or_else(too_few)?;
    let pairs: f64 = folds.iter().map(|fold| fold.pairs).sum();
    let mean = |of: fn(&Fold) -> f64| folds.iter().map(|fold| fold.pairs * of(fold)).sum::<f64>();
    let area = mean(|fold| fold.area) / pairs;
    let variance = 2.0 * mean(|fold| fold.pairs * fold.error * fold.error) / (pairs * pairs);
    let half = if variance > 0.0 {
        normal::quantile(1.0 - rule.alpha / 2.0) * variance.sqrt()
    } else {
        0.0
    };
    let [low, high] = [area - half, area + half].map(|bound| bound.clamp(0.0, 1.0));
    let rows = Cell { reference: before as u64, current: now as u64 };
    Ok(Separation { area, low, high, rows })
}

/// The area of the rows in `part`, scored by a classifier of all others; `None` if a side has too few of
/// them. Rows from `before` on are those of the current side.
fn fold(
    columns: &[Vec<f64>],
    parts: &[u64],
    part: u64,
    before: usize,
) -> Result<Option<Fold>, FitError> {
    let (held_out, others): (Vec<usize>, Vec<usize>) =
        (0..parts.len()).partition(|row| parts[*row] == part);
    let side = |row: &usize| usize::from(*row >= before);
    let truth: Vec<usize> = held_out.iter().map(side).collect();
    let positives = truth.iter().sum::<usize>();
    let negatives = truth.len() - positives;
    if positives.min(negatives) < FOLD_ROWS_MIN {
        return Ok(None);
    }
    let weights = weights(columns, &others, before)?;
    let score = |row: &usize| {
        columns.iter().zip(&weights).map(|(column, weight)| weight * column[*row]).sum::<f64>()
    };
    let scores: Vec<f64> = held_out.iter().map(score).collect();
    let ranking = Ranking::new(&scores, |place| truth[place] == 1);
    let Some(area) = ranking.area() else { return Ok(None) };
    let mut influence = vec![0.0; scores.len()];
    ranking.add_influence(area, &mut influence);
    let error = error_of_classes(&truth, &influence, 2).unwrap_or(0.0);
    Ok(Some(Fold { area, error, pairs: positives as f64 * negatives as f64 }))
}

/// The weights of a classifier that is fitted on `rows`.
fn weights(columns: &[Vec<f64>], rows: &[usize], before: usize) -> Result<Vec<f64>, FitError> {
    let pick = |column: &Vec<f64>| rows.iter().map(|row| column[*row]).collect();
    let design = Design::from_columns(&columns.iter().map(pick).collect::<Vec<Vec<f64>>>());
    let index: Vec<u32> = rows.iter().map(|row| u32::from(*row >= before)).collect();
    let params = ModelParams::Logistic {
        alpha: RIDGE,
        iterations_max: ITERATIONS_MAX,
        tolerance: TOLERANCE,
    };
    let unfit = || FitError::Unfit { kind: "logistic" };
    let logistic = kind("logistic").ok_or_else(unfit)?;
    let fitted = logistic.fit(&params, &Training::new(&design, Target::binary(&index)), SEED)?;
    let outputs = fitted.model.weights().ok_or_else(unfit)?;
    outputs.into_iter().next().map(|(_, weights)| weights).ok_or_else(unfit)
}

/// A uniform choice of at most [`ROWS_MAX`] of the rows of a table without ids, and a hash of each.
pub fn rows_to_compare(rows: usize) -> (Vec<usize>, Vec<u64>) {
    let mut chosen: Vec<usize> = (0..rows).collect();
    let hash = |row: &usize| place(SEED, *row as u64);
    if rows > ROWS_MAX {
        chosen.select_nth_unstable_by_key(ROWS_MAX, hash);
        chosen.truncate(ROWS_MAX);
        chosen.sort_unstable();
    }
    let hashes = chosen.iter().map(hash).collect();
    (chosen, hashes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::frame::{Cells, FrameColumn, Numbers};

    const RULE: Rule = Rule { alpha: 0.01, share: 0.3, rows_min: 100 };

    fn numbers(values: Vec<Option<f64>>) -> Cells<'static> {
        let nulls = values.iter().map(Option::is_none).collect();
        let values = values.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect();
        Cells::Number(Numbers { values, nulls })
    }

    fn side(columns: Vec<(&'static str, Cells<'static>)>, first_id: u64) -> Side<'static> {
        let rows = columns.first().map_or(0, |(_, cells)| cells.len());
        let columns = columns.into_iter().map(|(name, cells)| FrameColumn { name, cells });
        let id_hashes = (first_id..).take(rows).collect();
        Side {
            frame: Frame { rows, columns: columns.collect() },
            id_hashes,
            table_rows: rows as u64,
        }
    }

    /// Rows of a reference, or rows in which `y` follows `x`.
    fn made_up(rows: u32, follows: bool) -> Vec<(&'static str, Cells<'static>)> {
        let all = || {
            (0..rows)
                .map(|row| (row, f64::from(if follows { 41 * row % 97 } else { 37 * row % 101 })))
        };
        let x = |(_, x): (u32, f64)| Some(if follows { x + 12.0 } else { x });
        let (cycle, words) = if follows { (7, 4) } else { (11, 5) };
        let y = |(row, x): (u32, f64)| {
            let y = if follows { x + f64::from(13 * row % 29) } else { f64::from(61 * row % 89) };
            (row % cycle != 3).then_some(y)
        };
        let word = |(row, _): (u32, f64)| Some(["a", "b", "c"][(7 * row % words % 3) as usize]);
        vec![
            ("x", numbers(all().map(x).collect())),
            ("y", numbers(all().map(y).collect())),
            ("word", Cells::text(all().map(word))),
        ]
    }

    /// Ranks of both sides over the same parts; `LogisticRegression(C=0.1)` of scikit-learn 1.9.1 on ranks, their
    /// squares and product, the missing of `y` and one column for each word; `roc_auc_score` of each part,
    /// variances from placements as `DeLong` et al. define them, and `scipy.stats.norm.ppf(0.995)`.
    #[test]
    fn the_area_is_that_of_scikit_learn() {
        let (before, now) = (side(made_up(120, false), 0), side(made_up(100, true), 1_000));
        let found = separate(&before, &now, &["x", "y", "word"], &RULE).unwrap();
        let near = |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-9, "{found}");
        near(found.area, 0.789_721_627_408_993_5);
        near(found.low, 0.675_586_899_525_704_7);
        near(found.high, 0.903_856_355_292_282_4);
        assert_eq!(found.rows, Cell { reference: 120, current: 100 });
    }

    #[test]
    fn rows_that_are_the_same_cannot_be_told_apart() {
        let sides = [0, 0].map(|first| side(made_up(300, false), first));
        let found = separate(&sides[0], &sides[1], &["x", "y", "word"], &RULE).unwrap();
        // A row and its copy are in one part and tie there.
        assert!((found.area - 0.5).abs() < 1e-12 && found.low <= 0.5, "{found:?}");
    }

    #[test]
    fn rows_that_have_nothing_in_common_can_all_be_told_apart() {
        let before = side(vec![("x", numbers(vec![Some(1.0); 100]))], 0);
        for now in [Some(2.0), None] {
            let now = side(vec![("x", numbers(vec![now; 100]))], 500);
            let found = separate(&before, &now, &["x"], &RULE).unwrap();
            assert_eq!([found.area, found.low, found.high].map(|area| area >= 1.0), [true; 3]);
        }
    }

    #[test]
    fn what_cannot_be_compared_says_why() {
        let told = |before: Side<'_>, now: Side<'_>| {
            separate(&before, &now, &["x", "absent"], &RULE).unwrap_err().to_string()
        };
        let constant =
            |rows: usize, value: Option<f64>| side(vec![("x", numbers(vec![value; rows]))], 0);
        let few = "insufficient: 99 rows against 100 are too few to be judged";
        assert_eq!(told(constant(100, Some(1.0)), constant(99, Some(1.0))), few);
        let same = "no column that both have varies among their rows";
        assert_eq!(told(constant(100, Some(1.0)), constant(200, Some(1.0))), same);
        assert_eq!(told(constant(100, None), constant(100, None)), same);
        let texts = side(vec![("x", Cells::text(vec![Some("a"); 100]))], 0);
        assert_eq!(told(constant(100, Some(1.0)), texts), same);
        // A table of one id has all its rows in one part.
        let mut of_one_id = side(made_up(100, true), 0);
        of_one_id.id_hashes = vec![7; 100].into();
        let few = "insufficient: 100 rows against 100 are too few to be judged";
        assert_eq!(told(side(made_up(100, false), 0), of_one_id), few);
        let empty = Rule { rows_min: 0, ..RULE };
        assert!(separate(&constant(0, None), &constant(0, None), &["x"], &empty).is_err());
    }

    #[test]
    fn the_rows_of_a_long_table_are_chosen_evenly() {
        let (rows, hashes) = rows_to_compare(100_000);
        assert_eq!((rows.len(), hashes.len()), (ROWS_MAX, ROWS_MAX));
        let mean = rows.iter().sum::<usize>() / ROWS_MAX;
        assert!((48_000..52_000).contains(&mean), "{mean}");
        assert_eq!(rows_to_compare(3).0, [0, 1, 2]);
    }
}
