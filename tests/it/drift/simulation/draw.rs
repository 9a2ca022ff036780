//! Columns of a known distribution, and how far one must move to be known to have drifted.
//!
//! A value is a function of a uniform number, so that a sample and the population itself are made by the
//! same code: the population is what evenly spaced numbers give.

use std::borrow::Cow;

use nightshift::domain::frame::{Cells, Numbers};
use nightshift::learn::drift::{ColumnPair, find};
use rand::Rng as _;
use rand_xoshiro::Xoshiro256PlusPlus;
use statrs::distribution::{ContinuousCDF as _, Normal};

/// Rows that stand for a population.
const POPULATION: u32 = 20_000;

const NAMES: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Shape {
    /// Standard normal numbers.
    Normal,
    /// The same, this share of them null.
    Holes(f64),
    /// Normal numbers in steps of half a standard deviation: about 13 values, many in one.
    Discrete,
    /// Ten texts, the last ten times as frequent as the first.
    Categories,
}

impl Shape {
    /// The value at `uniform`, from 0 to 1, of a column that has moved by `shift`.
    fn number(self, uniform: f64, shift: f64) -> f64 {
        let normal = Normal::standard().inverse_cdf(uniform) + shift;
        if self == Self::Discrete { (2.0 * normal).round() / 2.0 } else { normal }
    }

    fn text(uniform: f64, shift: f64) -> &'static str {
        let weights: Vec<f64> =
            (1..=10).map(|k| f64::from(k) * (shift * f64::from(k)).exp()).collect();
        let mut left = uniform * weights.iter().sum::<f64>();
        for (name, weight) in NAMES.iter().zip(&weights) {
            left -= weight;
            if left < 0.0 {
                return name;
            }
        }
        NAMES[9]
    }

    fn column(self, uniforms: &[f64], shift: f64) -> Cells<'static> {
        if self == Self::Categories {
            let text = |uniform: &f64| Some(Self::text(*uniform, shift));
            return Cells::text(uniforms.iter().map(text));
        }
        let values = uniforms.iter().map(|uniform| self.number(*uniform, shift)).collect();
        Cells::Number(Numbers { values: Cow::Owned(values), nulls: Vec::new() })
    }

    /// A sample of `rows`, moved by `shift`.
    pub(super) fn draw(
        self,
        rows: usize,
        shift: f64,
        random: &mut Xoshiro256PlusPlus,
    ) -> Cells<'static> {
        let uniforms: Vec<f64> = (0..rows).map(|_| random.gen_range(f64::EPSILON..1.0)).collect();
        match (self, self.column(&uniforms, shift)) {
            (Self::Holes(share), Cells::Number(numbers)) => {
                let nulls = (0..rows).map(|_| random.gen_bool(share)).collect();
                Cells::Number(Numbers { nulls, ..numbers })
            }
            (_, cells) => cells,
        }
    }

    /// The shift at which psi of the population is `wanted`.
    pub(super) fn shift_of(self, wanted: f64) -> f64 {
        let uniforms: Vec<f64> =
            (0..POPULATION).map(|row| (f64::from(row) + 0.5) / f64::from(POPULATION)).collect();
        let before = self.column(&uniforms, 0.0);
        let psi = find("psi").unwrap();
        let (mut low, mut high) = (0.0, 2.0);
        for _ in 0..30 {
            let middle = f64::midpoint(low, high);
            let pair = ColumnPair::of(&before, &self.column(&uniforms, middle)).unwrap();
            let found = psi.measure(&pair).unwrap().effect;
            (low, high) = if found < wanted { (middle, high) } else { (low, middle) };
        }
        high
    }
}

/// A column in which the first value is another one.
pub(super) fn with_first(cells: &Cells<'static>, value: f64) -> Cells<'static> {
    let Cells::Number(numbers) = cells else { panic!("wanted numbers") };
    let mut out = numbers.clone();
    out.values.to_mut()[0] = value;
    Cells::Number(out)
}

#[test]
fn a_shift_is_as_large_as_asked() {
    // Without bins, psi of a normal column that moves by d is d squared; bins see a little less.
    assert!((Shape::Normal.shift_of(0.25) - 0.51).abs() < 0.02);
    assert!(Shape::Categories.shift_of(0.25) > 0.05);
    assert!(Shape::Discrete.shift_of(0.25) > 0.4);
}
