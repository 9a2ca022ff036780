//! Forests of more than two classes: a leaf says the share of each class among its rows.
//!
//! The gain is the sum over classes of what the squares about the share lose, which is Gini's impurity.
//! Categories are put in the order of the share of the class that is most frequent in the node: for more
//! than two classes no order is sure to hold the best parting.

use super::bins::{CODES, MISSING};
use super::depth_first::{Column, Found, Node, Target};
use super::split::{CodeSet, Rule, Split, SplitLimits, left_codes, middle};
use super::sums::{Scale, Sums, largest};

/// The classes and weights of the rows of a table, weights in units.
#[derive(Debug)]
pub(in crate::learn::model) struct Classes<'a> {
    index: &'a [u32],
    weights: Vec<i64>,
    count: usize,
    scale: Scale,
}

impl<'a> Classes<'a> {
    /// Weighs the classes `index`, of which there are `count`, by `weights`.
    pub(in crate::learn::model) fn new(index: &'a [u32], count: usize, weights: &[f64]) -> Self {
        let scale = Scale::new(largest(weights), weights.len());
        let weights = weights.iter().map(|weight| scale.units(*weight)).collect();
        Self { index, weights, count, scale }
    }

    /// Cells of one code: the weight of each class, and how many rows.
    fn width(&self) -> usize {
        self.count + 1
    }
}

/// The weight of each class, and how many rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::learn::model) struct ClassSums {
    weights: Vec<i64>,
    rows: i64,
}

/// The best place to part codes in some order.
struct Best {
    gain: f64,
    count: usize,
    left: Sums,
    missing_left: bool,
}

impl ClassSums {
    fn weight(&self) -> i64 {
        self.weights.iter().sum()
    }

    fn add(&mut self, cells: &[i64]) {
        self.weights.iter_mut().zip(cells).for_each(|(sum, cell)| *sum = sum.wrapping_add(*cell));
        self.rows = self.rows.wrapping_add(cells[self.weights.len()]);
    }

    /// The gain of having `self` on the left, and what is there.
    fn gain(&self, total: &Self, limits: &SplitLimits) -> (f64, Sums) {
        let (weight, left_weight) = (total.weight(), self.weight());
        let left = Sums { value: 0, weight: left_weight, rows: self.rows };
        let right = Sums { value: 0, weight: weight - left_weight, rows: total.rows - self.rows };
        if !limits.allows(left, right) {
            return (f64::NEG_INFINITY, left);
        }
        let (all, part) = (weight as f64, left_weight as f64);
        let square =
            |(left, total): (&i64, &i64)| (*left as f64 * all - *total as f64 * part).powi(2);
        let squares: f64 = self.weights.iter().zip(&total.weights).map(square).sum();
        (squares / (part * (all - part) * all), left)
    }
}

impl Target for Classes<'_> {
    type Terms = Vec<(u32, i64)>;
    type Histogram = Vec<i64>;
    type Total = ClassSums;

    fn histogram(&self) -> Vec<i64> {
        vec![0; CODES * self.width()]
    }

    fn gather(&self, rows: &[u32], terms: &mut Vec<(u32, i64)>) -> ClassSums {
        let mut total = ClassSums { weights: vec![0; self.count], rows: 0 };
        terms.clear();
        terms.extend(rows.iter().map(|row| {
            let (class, weight) = (self.index[*row as usize], self.weights[*row as usize]);
            total.weights[class as usize] = total.weights[class as usize].wrapping_add(weight);
            total.rows += 1;
            (class, weight)
        }));
        total
    }

    fn is_pure(&self, total: &ClassSums) -> bool {
        total.weights.iter().filter(|weight| **weight > 0).count() < 2
    }

    fn search(&self, column: Column<'_>, node: &Node<'_, Self>, histogram: &mut Vec<i64>) -> Found {
        let Node { terms, total, limits } = *node;
        let width = self.width();
        let mut codes = CodeSet::default();
        for (row, (class, weight)) in column.rows.iter().zip(terms) {
            let code = column.codes[*row as usize];
            codes.insert(code);
            let cells = &mut histogram[usize::from(code) * width..][..width];
            cells[*class as usize] = cells[*class as usize].wrapping_add(*weight);
            cells[self.count] = cells[self.count].wrapping_add(1);
        }
        let cells = |code: u8| &histogram[usize::from(code) * width..][..width];
        let found = if codes.codes().nth(1).is_none() {
            None
        } else if column.is_category {
            Some(by_category(&cells, codes, total, limits))
        } else {
            Some(by_number(&cells, codes, total, limits))
        };
        for code in codes.codes() {
            histogram[usize::from(code) * width..][..width].fill(0);
        }
        found.map_or(Found::Constant, |found| found.map_or(Found::Nothing, Found::Split))
    }

    fn leaf(&self, total: &ClassSums, out: &mut Vec<f64>) -> f64 {
        let weight = total.weight();
        let share = |class: &i64| if weight > 0 { *class as f64 / weight as f64 } else { 0.0 };
        out.extend(total.weights.iter().map(share));
        self.scale.number(weight)
    }
}

/// The best place to part `order`, with the missing on either side if it is not in the order.
fn parted<'h>(
    cells: &impl Fn(u8) -> &'h [i64],
    order: &[u8],
    missing: Option<&[i64]>,
    total: &ClassSums,
    limits: &SplitLimits,
) -> Option<Best> {
    let mut below = ClassSums { weights: vec![0; total.weights.len()], rows: 0 };
    let mut best: Option<Best> = None;
    let mut look = |below: &ClassSums, count: usize, missing_left: bool| {
        let (gain, left) = below.gain(total, limits);
        if gain > best.as_ref().map_or(limits.gain_above, |best| best.gain) {
            best = Some(Best { gain, count, left, missing_left });
        }
    };
    for (place, code) in order.iter().enumerate() {
        below.add(cells(*code));
        look(&below, place + 1, false);
        if let Some(missing) = missing {
            let mut with_missing = below.clone();
            with_missing.add(missing);
            look(&with_missing, place + 1, true);
        }
    }
    best
}

fn by_number<'h>(
    cells: &impl Fn(u8) -> &'h [i64],
    codes: CodeSet,
    total: &ClassSums,
    limits: &SplitLimits,
) -> Option<Split> {
    let order: Vec<u8> = codes.codes().filter(|code| *code != MISSING).collect();
    let missing = codes.contains(MISSING).then(|| cells(MISSING));
    let best = parted(cells, &order, missing, total, limits)?;
    let cut = match order.get(best.count) {
        Some(next) => middle(order[best.count - 1], *next),
        None => u8::MAX,
    };
    let is_left_larger = 2 * best.left.rows >= total.rows;
    let missing_left = if missing.is_some() { best.missing_left } else { is_left_larger };
    let rule = Rule::Number { cut, missing_left };
    Some(Split { gain: best.gain, column: 0, rule, left: best.left })
}

fn by_category<'h>(
    cells: &impl Fn(u8) -> &'h [i64],
    codes: CodeSet,
    total: &ClassSums,
    limits: &SplitLimits,
) -> Option<Split> {
    let largest = total.weights.iter().max();
    let class = total.weights.iter().position(|weight| Some(weight) == largest)?;
    let share = |code: &u8| {
        let cells = cells(*code);
        let weight: i64 = cells[..total.weights.len()].iter().sum();
        cells[class] as f64 / weight as f64
    };
    let is_large = |code: &u8| cells(*code)[total.weights.len()] >= limits.category_rows_min;
    let mut order: Vec<u8> = codes.codes().filter(is_large).collect();
    order.sort_by(|a, b| share(a).total_cmp(&share(b)).then(a.cmp(b)));
    let best = parted(cells, &order, None, total, limits)?;
    let is_left_larger = 2 * best.left.rows >= total.rows;
    let rule = Rule::Category(left_codes(&order[..best.count], codes, is_left_larger));
    Some(Split { gain: best.gain, column: 0, rule, left: best.left })
}
