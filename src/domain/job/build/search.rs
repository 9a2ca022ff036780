//! From a search space to the trials of a search.
//!
//! Combinations are numbered as a counter counts, the last parameter fastest. A grid takes all of them; a
//! random search draws numbers without replacement, by a generator that is the same on every machine.

use std::collections::BTreeSet;

use crate::domain::job::build;
use crate::domain::job::search::{SearchSpec, TRIALS, Trial, combinations};
use crate::domain::job::section::{Item, Section, Value};
use crate::domain::stable;

/// The search of `train`, for what `model` says.
pub(super) fn search(train: &Section, model: &Section, seed: u64) -> Option<SearchSpec> {
    let search = train.section("search");
    let space = search.space("space");
    let all = combinations(space.iter().map(|(_, values)| values.len()))?;
    let asked = search.integer("trials").and_then(|trials| u64::try_from(trials).ok());
    let numbers = match search.text("method")? {
        "random" => draw(all, asked.unwrap_or(TRIALS).min(all), seed),
        _ => (0..all).collect(),
    };
    let trials = numbers.into_iter().map(|number| trial(space, number, model));
    let folds = search.integer("folds")?.try_into().ok()?;
    Some(SearchSpec { folds, trials: trials.collect::<Option<_>>()? })
}

/// `count` different numbers below `all`, in the order in which they were drawn.
fn draw(all: u64, count: u64, seed: u64) -> Vec<u64> {
    if count == all {
        return (0..all).collect();
    }
    let (mut taken, mut out, mut tries) = (BTreeSet::new(), Vec::new(), 0_u64);
    while (out.len() as u64) < count {
        let number = stable::number(&["search", &seed.to_string(), &tries.to_string()]) % all;
        tries += 1;
        if taken.insert(number) {
            out.push(number);
        }
    }
    out
}

/// The combination with this number.
fn trial(space: &[(&'static str, Vec<Item>)], mut number: u64, model: &Section) -> Option<Trial> {
    let mut chosen = Vec::with_capacity(space.len());
    for (name, values) in space.iter().rev() {
        let size = values.len() as u64;
        let item = values.get(usize::try_from(number % size).ok()?)?;
        number /= size;
        chosen.push((*name, &item.value));
    }
    chosen.reverse();
    let given = model.section("params").clone();
    let params = chosen.iter().fold(given, |all, (name, value)| all.with(name, (*value).clone()));
    let model = build::model(&model.with("params", Value::Section(params)))?;
    let setting: Vec<String> =
        chosen.iter().map(|(name, value)| format!("{name} = {}", written(value))).collect();
    Some(Trial { model, setting: setting.join(", ") })
}

/// A value as a job file writes it.
fn written(value: &Value) -> String {
    match value {
        Value::Flag(flag) => flag.to_string(),
        Value::Integer(integer) => integer.to_string(),
        Value::Number(number) => format!("{number:?}"),
        Value::Text(text) => format!("{text:?}"),
        _ => "?".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_drawn_without_replacement_and_never_change() {
        assert_eq!(draw(4, 4, 1), [0, 1, 2, 3]);
        let drawn = draw(1_000_000, 500, 7);
        assert_eq!(drawn, draw(1_000_000, 500, 7));
        assert_ne!(drawn, draw(1_000_000, 500, 8));
        let different: BTreeSet<u64> = drawn.iter().copied().collect();
        assert_eq!(different.len(), 500);
        assert!(different.iter().all(|number| *number < 1_000_000));
        assert_eq!(draw(5, 4, 7).len(), 4);
    }
}
