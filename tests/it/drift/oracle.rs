//! What `nightshift drift` prints against scipy and numpy, on tables that are written down with their numbers.
//!
//! The numbers are in `data/oracle/drift.json`, made by `data/oracle/make_drift.py`.

use serde_json::Value;

use super::{column, compare};

const ORACLE: &str = include_str!("../../../data/oracle/drift.json");

/// From here on a p-value must agree to so many digits; below it is small on both sides.
const P_MIN: f64 = 1e-12;

/// One side of all columns as csv; null is an empty field.
fn table(columns: &[Value], side: &str) -> String {
    let names: Vec<&str> = columns.iter().map(|column| column["name"].as_str().unwrap()).collect();
    let cells: Vec<&Vec<Value>> =
        columns.iter().map(|column| column[side].as_array().unwrap()).collect();
    let field = |cell: &Value| match cell {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        number => number.to_string(),
    };
    let mut out = vec![names.join(",")];
    for row in 0..cells[0].len() {
        let fields: Vec<String> = cells.iter().map(|column| field(&column[row])).collect();
        out.push(fields.join(","));
    }
    out.join("\n") + "\n"
}

#[track_caller]
fn near(found: f64, wanted: f64, what: &str) {
    assert!(
        (found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0),
        "{what}: {found}, not {wanted}"
    );
}

#[test]
fn every_printed_number_is_that_of_scipy() {
    let oracle: Value = serde_json::from_str(ORACLE).unwrap();
    let columns = oracle["columns"].as_array().unwrap();
    let document =
        compare(&table(columns, "reference"), &table(columns, "current"), " --exit-zero", 0);
    let mut looked_at = 0;
    for wanted in columns {
        let name = wanted["name"].as_str().unwrap();
        let tests = column(&document, name)["tests"].as_array().unwrap();
        for (test, wanted) in wanted["wanted"].as_object().unwrap() {
            let found = tests.iter().find(|found| found["test"] == test.as_str());
            let found = found.unwrap_or_else(|| panic!("{name}: no {test}: {tests:#?}"));
            for (field, wanted) in wanted.as_object().unwrap() {
                let what = format!("{name}, {field} of {test}");
                let (found, wanted) = (found[field].as_f64().unwrap(), wanted.as_f64().unwrap());
                near(found, wanted, &what);
                if field == "p_value" && wanted >= P_MIN {
                    near(found / wanted, 1.0, &what);
                }
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 40, "{looked_at} numbers");
}
