//! What `nightshift evaluate` prints against scikit-learn and scipy, on predictions that are written down with
//! their numbers.
//!
//! The numbers are in `data/oracle/evaluate.json`, made by `data/oracle/make_evaluate.py`.

use serde_json::Value;

use super::evaluate;
use crate::sandbox::Sandbox;

const ORACLE: &str = include_str!("../../../data/oracle/evaluate.json");

/// Columns of equal length as csv.
fn table(columns: &Value) -> String {
    let columns = columns.as_object().unwrap();
    let names: Vec<&str> = columns.keys().map(String::as_str).collect();
    let cells: Vec<&Vec<Value>> = columns.values().map(|cells| cells.as_array().unwrap()).collect();
    let field = |cell: &Value| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned);
    let mut out = vec![names.join(",")];
    for row in 0..cells[0].len() {
        let fields: Vec<String> = cells.iter().map(|column| field(&column[row])).collect();
        out.push(fields.join(","));
    }
    out.join("\n") + "\n"
}

/// Compares each number of `wanted` with the one that `found` has under the same name; how many there are.
#[track_caller]
fn compare<'a>(wanted: &Value, found: impl Fn(&str) -> &'a Value, what: &str) -> usize {
    let wanted = wanted.as_object().unwrap();
    for (name, wanted) in wanted {
        let found = found(name);
        let (number, wanted) = (found.as_f64(), wanted.as_f64().unwrap());
        let is_near = number.is_some_and(|found| (found - wanted).abs() <= 1e-9);
        assert!(is_near, "{what}, {name}: {found}, not {wanted}");
    }
    wanted.len()
}

/// The element of a list whose `key` is `name`.
#[track_caller]
fn of<'a>(list: &'a Value, key: &str, name: &str) -> &'a Value {
    let found = list.as_array().unwrap().iter().find(|element| element[key] == name);
    found.unwrap_or_else(|| panic!("no {key} is {name}: {list:#}"))
}

#[test]
fn every_printed_number_is_that_of_scikit_learn() {
    let oracle: Value = serde_json::from_str(ORACLE).unwrap();
    let mut looked_at = 0;
    for case in oracle["tables"].as_array().unwrap() {
        let task = case["task"].as_str().unwrap();
        let sandbox = Sandbox::new().data("scored.csv", table(&case["columns"]));
        for (model, other) in [("first", "second"), ("second", "first")] {
            let grouped = if task == "binary" { " --group group" } else { "" };
            let line = format!(
                "data/scored.csv --task {task} --label y --score {model} --against {other}{grouped} --output json"
            );
            let found = evaluate(&sandbox, &line).expect(0).json();
            let (wanted, what) = (&case["wanted"][model], format!("{task}, {model}"));
            looked_at += compare(&wanted["metrics"], |id| &found["metrics"][id]["value"], &what);
            for (group, wanted) in wanted["groups"].as_object().into_iter().flatten() {
                let found = of(&found["groups"], "value", group);
                looked_at += compare(wanted, |rate| &found[rate]["value"], &what);
            }
            if wanted["disparity"].is_object() {
                looked_at += compare(&wanted["disparity"], |gap| &found["disparity"][gap], &what);
            }
            if model == "second" {
                for (metric, wanted) in case["comparisons"].as_object().unwrap() {
                    let found = of(&found["comparisons"], "metric", metric);
                    looked_at +=
                        compare(wanted, |field| &found[field], &format!("{what}, {metric}"));
                }
            }
        }
    }
    assert!(looked_at > 60, "{looked_at} numbers");
}
