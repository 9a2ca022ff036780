//! Forests of values: a number for each row, or 1 and 0 for two classes.
//!
//! A leaf says the mean of its rows, which for two classes is the share of the second one.

use super::bins::CODES;
use super::depth_first::{Column, Found, Node, Target};
use super::split::{CodeSet, by_category, by_number};
use super::sums::{RowTerm, Scale, Sums, largest};

/// The weights and weighted values of the rows of a table, in units.
#[derive(Debug)]
pub(in crate::learn::model) struct Values<'a> {
    wanted: &'a [f64],
    terms: Vec<RowTerm>,
    centre: f64,
    value_scale: Scale,
    weight_scale: Scale,
}

/// The sums over the rows of a node, and whether all have the same value.
#[derive(Debug, Clone, Copy)]
pub(in crate::learn::model) struct ValueSums {
    sums: Sums,
    is_constant: bool,
}

/// Rows of a node up to which codes that occur are noted one by one.
const FEW_ROWS: usize = 128;

impl<'a> Values<'a> {
    /// Weighs `values` by `weights`.
    ///
    /// Numbers are taken relative to their mean, so that digits are not spent on what all have in common;
    /// classes as they are, so that shares are quotients of whole numbers.
    pub(in crate::learn::model) fn new(values: &'a [f64], weights: &[f64]) -> Self {
        let rows = values.len();
        let weight_scale = Scale::new(largest(weights), rows);
        let is_share = values.iter().all(|value| [0.0, 1.0].contains(value));
        let total: f64 = weights.iter().sum();
        let sum: f64 = values.iter().zip(weights).map(|(value, weight)| value * weight).sum();
        let centre = if is_share || total <= 0.0 { 0.0 } else { sum / total };
        let weighted = |(value, weight): (&f64, &f64)| (value - centre) * weight;
        let value_scale = if is_share {
            weight_scale
        } else {
            let magnitude = values
                .iter()
                .zip(weights)
                .map(weighted)
                .fold(0.0, |largest: f64, value| largest.max(value.abs()));
            Scale::new(magnitude, rows)
        };
        let term = |(value, weight): (&f64, &f64)| RowTerm {
            value: value_scale.units(weighted((value, weight))),
            weight: weight_scale.units(*weight),
        };
        let terms = values.iter().zip(weights).map(term).collect();
        Self { wanted: values, terms, centre, value_scale, weight_scale }
    }
}

/// A histogram that is all zeros between searches.
pub(in crate::learn::model) type ValueHistogram = Box<[Sums; CODES]>;

impl Target for Values<'_> {
    type Terms = Vec<RowTerm>;
    type Histogram = ValueHistogram;
    type Total = ValueSums;

    fn histogram(&self) -> ValueHistogram {
        Box::new([Sums::default(); CODES])
    }

    fn gather(&self, rows: &[u32], terms: &mut Vec<RowTerm>) -> ValueSums {
        let mut sums = Sums::default();
        let first = rows.first().map_or(0.0, |row| self.wanted[*row as usize]);
        let mut is_constant = true;
        terms.clear();
        terms.extend(rows.iter().map(|row| {
            let term = self.terms[*row as usize];
            sums.add_row(term);
            is_constant &= self.wanted[*row as usize].total_cmp(&first).is_eq();
            term
        }));
        ValueSums { sums, is_constant }
    }

    fn is_pure(&self, total: &ValueSums) -> bool {
        total.is_constant
    }

    fn search(
        &self,
        column: Column<'_>,
        node: &Node<'_, Self>,
        histogram: &mut ValueHistogram,
    ) -> Found {
        let Node { terms, total, limits } = *node;
        let mut codes = CodeSet::default();
        if column.rows.len() <= FEW_ROWS {
            for (row, term) in column.rows.iter().zip(terms) {
                let code = column.codes[*row as usize];
                codes.insert(code);
                histogram[usize::from(code)].add_row(*term);
            }
        } else {
            for (row, term) in column.rows.iter().zip(terms) {
                histogram[usize::from(column.codes[*row as usize])].add_row(*term);
            }
            for (code, sums) in (0..=u8::MAX).zip(histogram.iter()) {
                if sums.rows > 0 {
                    codes.insert(code);
                }
            }
        }
        let found = if codes.codes().nth(1).is_none() {
            Found::Constant
        } else {
            let by = if column.is_category { by_category } else { by_number };
            by(histogram, codes, total.sums, limits).map_or(Found::Nothing, Found::Split)
        };
        codes.codes().for_each(|code| histogram[usize::from(code)] = Sums::default());
        found
    }

    fn leaf(&self, total: &ValueSums, out: &mut Vec<f64>) -> f64 {
        let cover = self.weight_scale.number(total.sums.weight);
        let sum = self.value_scale.number(total.sums.value);
        out.push(self.centre + if cover > 0.0 { sum / cover } else { 0.0 });
        cover
    }
}
