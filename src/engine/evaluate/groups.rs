//! The metrics for each value of a column.
//!
//! Groups are in the order of their values, nulls last, so that the same table gives the same answer.

use std::collections::BTreeMap;

use crate::domain::frame::Cells;
use crate::engine::error::{Cause, RunError};
use crate::engine::evaluate::rows::{Rows, Target, column};
use crate::engine::evaluate::{EvaluateRequest, Group, metrics};
use crate::learn::metric::Resampling;
use crate::learn::metric::binary::Confusion;
use crate::learn::metric::fairness::Rates;

/// Most groups that are told apart.
const GROUPS_MAX: usize = 1_000;

/// The metrics of each group; none if no group is asked for.
pub(super) fn evaluate(request: &EvaluateRequest, rows: &Rows) -> Result<Vec<Group>, RunError> {
    let Some(name) = &request.group else { return Ok(Vec::new()) };
    let cells = column(&rows.table, name, &rows.labelled)?;
    let groups = places(&cells);
    if groups.len() > GROUPS_MAX {
        let found = groups.len();
        let message = format!("`{name}` has {found} values, wanted at most {GROUPS_MAX} groups");
        return Err(RunError::new("group the rows", Cause::Request, message));
    }
    groups.into_iter().map(|(value, places)| group(request, rows, value, &places)).collect()
}

fn group(
    request: &EvaluateRequest,
    rows: &Rows,
    value: Option<String>,
    places: &[usize],
) -> Result<Group, RunError> {
    let target = rows.target.gather(places);
    let columns: Vec<Vec<f64>> = rows
        .score
        .iter()
        .map(|column| places.iter().map(|place| column[*place]).collect())
        .collect();
    let rates = match &target {
        Target::Binary(truth) => {
            Some(Rates::of(&Confusion::at(request.threshold, truth, &columns[0])))
        }
        Target::Multiclass(_) | Target::Regression(_) => None,
    };
    let ids: Vec<u64> = places.iter().map(|place| rows.ids[*place]).collect();
    let resampling = Resampling::new(&ids, request.seed);
    let found = metrics(request, &target, &columns, &resampling);
    let metrics = found.map_err(RunError::data("evaluate"))?;
    Ok(Group { value, rows: places.len() as u64, metrics, rates })
}

/// The places of each value: numbers by size, text by bytes, nulls last.
fn places(cells: &Cells<'_>) -> Vec<(Option<String>, Vec<usize>)> {
    let mut nulls = Vec::new();
    let mut out = match cells {
        Cells::Text(values) => {
            let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
            for (place, value) in values.iter().enumerate() {
                value.map_or(&mut nulls, |text| groups.entry(text).or_default()).push(place);
            }
            groups.into_iter().map(|(text, places)| (Some(text.to_owned()), places)).collect()
        }
        Cells::Number(numbers) => {
            let mut ordered: Vec<(f64, usize)> = Vec::new();
            for place in 0..numbers.values.len() {
                match numbers.value(place) {
                    // Adding 0 turns -0 into 0.
                    Some(value) => ordered.push((value + 0.0, place)),
                    None => nulls.push(place),
                }
            }
            ordered.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let same = |a: &(f64, usize), b: &(f64, usize)| a.0.total_cmp(&b.0).is_eq();
            let chunks = ordered.chunk_by(same);
            let places = |chunk: &[(f64, usize)]| chunk.iter().map(|(_, place)| *place).collect();
            chunks.map(|chunk| (Some(chunk[0].0.to_string()), places(chunk))).collect::<Vec<_>>()
        }
    };
    if !nulls.is_empty() {
        out.push((None, nulls));
    }
    out
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::domain::frame::Numbers;

    fn check(cells: &Cells<'_>, wanted: &[(Option<&str>, &[usize])]) {
        let found = places(cells);
        let found: Vec<(Option<&str>, &[usize])> =
            found.iter().map(|(value, places)| (value.as_deref(), places.as_slice())).collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn groups_are_in_the_order_of_their_values() {
        let text = Cells::text(vec![Some("b"), None, Some("a"), Some("b")]);
        check(&text, &[(Some("a"), &[2]), (Some("b"), &[0, 3]), (None, &[1])]);
        let numbers = Cells::Number(Numbers {
            values: Cow::Borrowed(&[10.0, 9.0, f64::NAN, 10.0, -0.0, 0.0]),
            nulls: vec![false, false, true, false, false, false],
        });
        let wanted: [(Option<&str>, &[usize]); 4] =
            [(Some("0"), &[4, 5]), (Some("9"), &[1]), (Some("10"), &[0, 3]), (None, &[2])];
        check(&numbers, &wanted);
        check(&Cells::text(Vec::new()), &[]);
    }
}
