//! What the domain classifier sees: columns of numbers of all rows, those of the reference first.
//!
//! Numbers count by their rank among the rows of both sides, so that one outlier hides nothing and the scale
//! of a column says nothing. A change of spread shows in the squares of ranks, a change of correlation in
//! their products. What is learned from rows here, ranks and frequent texts, does not know the sides.

use rayon::prelude::*;

use super::Side;
use crate::domain::frame::Cells;
use crate::domain::job::CategoricalImpute;
use crate::learn::features::{CategoryTransform, all_equal};

/// Most columns before squares and products; what exceeds it is not looked at.
const WIDTH_MAX: usize = 200;
/// Columns of the tables that are looked at side by side: enough for the threads, few to look at in vain.
const SIDE_BY_SIDE: usize = 16;
/// Most columns of numbers that have squares and products.
const PRODUCTS_MAX: usize = 10;
/// Most texts of a column that are told apart.
const LEVELS_MAX: usize = 10;

/// The columns of the matrix that vary, of the columns called `names` that both sides have in one form.
pub(super) fn matrix(reference: &Side<'_>, current: &Side<'_>, names: &[&str]) -> Vec<Vec<f64>> {
    let mut out = Vec::new();
    let mut ranked = Vec::new();
    let looked_at = names.chunks(SIDE_BY_SIDE).flat_map(|names| {
        let names = names.par_iter();
        names.filter_map(|name| look_at(reference, current, name)).collect::<Vec<_>>()
    });
    for Seen { columns, ranks } in looked_at {
        out.extend(columns);
        ranked.extend(ranks);
        if out.len() >= WIDTH_MAX {
            break;
        }
    }
    ranked.retain(|column| !all_equal(column));
    if ranked.len() <= PRODUCTS_MAX {
        for (place, one) in ranked.iter().enumerate() {
            let products = ranked[place..].iter().map(|other| product(one, other));
            out.extend(products);
        }
    }
    out.retain(|column| !all_equal(column));
    out
}

/// What the classifier sees of one column of the tables.
struct Seen {
    columns: Vec<Vec<f64>>,
    /// The ranks, if it is one of numbers.
    ranks: Option<Vec<f64>>,
}

/// Nothing if the two sides do not both have the column in one form.
fn look_at(reference: &Side<'_>, current: &Side<'_>, name: &str) -> Option<Seen> {
    let (before, now) = reference.frame.column(name).zip(current.frame.column(name))?;
    let sides = [(before, reference.rows()), (now, current.rows())];
    if let [Some(before), Some(now)] = sides.map(|(cells, rows)| numbers(cells, rows)) {
        let values = [before, now].concat();
        let ranks = ranks(&values);
        let missing = values.iter().map(|value| f64::from(u8::from(value.is_none()))).collect();
        Some(Seen { columns: vec![missing, ranks.clone()], ranks: Some(ranks) })
    } else if let [Some(before), Some(now)] = sides.map(|(cells, rows)| texts(cells, rows)) {
        Some(Seen { columns: levels([before, now].concat()), ranks: None })
    } else {
        None
    }
}

/// The finite values of the first `rows` cells; `None` for texts.
fn numbers(cells: &Cells<'_>, rows: usize) -> Option<Vec<Option<f64>>> {
    let Cells::Number(numbers) = cells else { return None };
    let finite = |row| numbers.value(row).filter(|value| value.is_finite());
    Some((0..rows).map(finite).collect())
}

/// The texts of the first `rows` cells; `None` for numbers, unless all are null, which has no form.
fn texts<'a>(cells: &Cells<'a>, rows: usize) -> Option<Vec<Option<&'a str>>> {
    match cells {
        Cells::Text(texts) => Some(texts.iter().take(rows).collect()),
        Cells::Number(numbers) => {
            (0..rows).all(|row| numbers.value(row).is_none()).then(|| vec![None; rows])
        }
    }
}

/// Ranks with mean 0 and, without ties, standard deviation 1; equal values share the middle of theirs, and
/// what is missing is in the middle of all.
fn ranks(values: &[Option<f64>]) -> Vec<f64> {
    let mut known: Vec<(f64, usize)> =
        values.iter().zip(0..).filter_map(|(value, row)| Some(((*value)? + 0.0, row))).collect();
    known.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let count = known.len() as f64;
    let mut out = vec![0.0; values.len()];
    let mut below = 0;
    for tied in known.chunk_by(|a, b| a.0 >= b.0) {
        let middle = below as f64 + tied.len() as f64 / 2.0;
        for (_, row) in tied {
            out[*row] = (middle / count - 0.5) * 12_f64.sqrt();
        }
        below += tied.len();
    }
    out
}

/// A column of 0 and 1 for each frequent text, one for all others, one for what is missing.
fn levels(texts: Vec<Option<&str>>) -> Vec<Vec<f64>> {
    let cells = Cells::text(texts);
    let fitted = CategoryTransform::fit("", &cells, CategoricalImpute::Missing, LEVELS_MAX);
    let (Ok(fitted), Cells::Text(texts)) = (fitted, &cells) else { return Vec::new() };
    let code = |text: Option<&str>| match text {
        None => fitted.null_code(),
        Some(text) => {
            let level = fitted.levels().binary_search_by(|level| level.as_str().cmp(text));
            level.map_or(fitted.other_code(), |level| u32::try_from(level).unwrap_or(u32::MAX))
        }
    };
    let codes: Vec<u32> = texts.iter().map(code).collect();
    let is_at = |place: u32| codes.iter().map(|code| f64::from(u8::from(*code == place))).collect();
    (0..).take(fitted.width()).map(is_at).collect()
}

fn product(one: &[f64], other: &[f64]) -> Vec<f64> {
    one.iter().zip(other).map(|(one, other)| one * other).collect()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::domain::frame::{Frame, FrameColumn, Numbers};

    fn number(values: &[f64]) -> Cells<'static> {
        Cells::Number(Numbers { values: Cow::Owned(values.to_vec()), nulls: Vec::new() })
    }

    #[track_caller]
    fn check(before: Cells<'_>, now: Cells<'_>, wanted: &[&[f64]]) {
        let hashes: Vec<u64> = (0..10).collect();
        let [before, now] = [before, now].map(|cells| {
            let rows = cells.len();
            let frame = Frame { rows, columns: vec![FrameColumn { name: "x", cells }] };
            Side { frame, id_hashes: hashes.clone().into(), table_rows: rows as u64 }
        });
        assert_eq!(matrix(&before, &now, &["x", "absent"]), wanted);
    }

    #[test]
    fn numbers_are_ranked_over_both_sides() {
        let unit = 12_f64.sqrt();
        let ranks = [-0.375, 0.25, 0.25, -0.125, 0.0].map(|rank| rank * unit);
        let missing = [0.0, 0.0, 0.0, 0.0, 1.0];
        let squares = ranks.map(|rank| rank * rank);
        let before = number(&[1.0, 1e9, 1e9]);
        check(before, number(&[2.0, f64::NAN]), &[&missing, &ranks, &squares]);
    }

    #[test]
    fn columns_are_in_the_order_of_their_names_up_to_the_largest_width() {
        // Column `k` is null in the rows whose bit is set in `k`.
        let column = |k: usize, rows: std::ops::Range<usize>| {
            let nulls: Vec<bool> = rows.clone().map(|row| k >> row & 1 == 1).collect();
            let value = |(row, null): (usize, &bool)| if *null { f64::NAN } else { row as f64 };
            Cells::Number(Numbers { values: rows.zip(&nulls).map(value).collect(), nulls })
        };
        let names: Vec<String> = (1..=150).map(|k: usize| k.to_string()).collect();
        let side = |rows: std::ops::Range<usize>| {
            let columns = names.iter().zip(1..);
            let columns = columns
                .map(|(name, k)| FrameColumn { name, cells: column(k, rows.clone()) })
                .collect();
            Side { frame: Frame { rows: 4, columns }, id_hashes: vec![0; 4].into(), table_rows: 4 }
        };
        let mut asked: Vec<&str> = names.iter().map(String::as_str).collect();
        asked.insert(40, "absent");
        let found = matrix(&side(0..4), &side(4..8), &asked);
        assert_eq!(found.len(), WIDTH_MAX);
        for (k, missing) in (1..).zip(found.iter().step_by(2)) {
            let wanted: Vec<f64> = (0..8).map(|row| f64::from(k >> row & 1)).collect();
            assert_eq!(*missing, wanted, "{k}");
        }
    }

    #[test]
    fn texts_have_a_column_each_and_nulls_one_more() {
        let before = Cells::text(vec![Some("a"), Some("b")]);
        let nulls = Numbers { values: Cow::Owned(vec![f64::NAN]), nulls: vec![true] };
        let wanted: [&[f64]; 3] = [&[1.0, 0.0, 0.0], &[0.0, 1.0, 0.0], &[0.0, 0.0, 1.0]];
        check(before.clone(), Cells::Number(nulls), &wanted);
        check(before, number(&[1.0]), &[]);
        check(Cells::text(vec![Some("a")]), Cells::text(vec![Some("a")]), &[]);
    }
}
