//! `nightshift.evaluate/1` against the contract.

use super::Shape::{Each, Fields, Maybe, Named, Number, Text, Whole, Word};
use super::{METRIC, Shape, check};
use crate::sandbox::Sandbox;

static EVALUATE: Shape = Fields(&[
    ("schema", Word(&["nightshift.evaluate/1"])),
    ("task", Word(&["binary", "multiclass", "regression"])),
    ("rows", Whole),
    ("rows_without_label", Whole),
    ("label", Text),
    ("score", Text),
    ("against", Maybe(&Text)),
    ("positive", Maybe(&Text)),
    ("threshold", Number),
    ("confidence", Number),
    ("metrics", Named(&METRIC)),
    (
        "comparisons",
        Each(&Fields(&[
            ("metric", Text),
            ("test", Maybe(&Word(&["delong", "mcnemar", "bootstrap"]))),
            ("candidate", Maybe(&Number)),
            ("baseline", Maybe(&Number)),
            ("difference", Maybe(&Number)),
            ("low", Maybe(&Number)),
            ("high", Maybe(&Number)),
            ("p_value", Maybe(&Number)),
            ("standard_error", Maybe(&Number)),
            ("mde", Maybe(&Number)),
            ("message", Maybe(&Text)),
        ])),
    ),
    (
        "groups",
        Each(&Fields(&[
            ("value", Maybe(&Text)),
            ("rows", Whole),
            ("selection_rate", Maybe(&METRIC)),
            ("true_positive_rate", Maybe(&METRIC)),
            ("false_positive_rate", Maybe(&METRIC)),
            ("metrics", Named(&METRIC)),
        ])),
    ),
    (
        "disparity",
        Maybe(&Fields(&[
            ("demographic_parity_difference", Maybe(&Number)),
            ("demographic_parity_ratio", Maybe(&Number)),
            ("equalized_odds_difference", Maybe(&Number)),
        ])),
    ),
]);

#[test]
fn the_document_of_predictions_is_as_the_contract_says() {
    let sandbox = Sandbox::new().data("p.csv", "y,p,q,g\n1,0.7,0.6,a\n0,0.2,0.4,b\n1,0.3,0.6,\n");
    let found = check(
        &sandbox,
        "evaluate data/p.csv --task binary --label y --score p --against q --group g",
        0,
        &EVALUATE,
    );
    assert_eq!(found["groups"].as_array().unwrap().len(), 3);
    let line = "evaluate data/p.csv --task regression --label y --score p";
    let found = check(&sandbox, line, 0, &EVALUATE);
    assert_eq!(found["comparisons"], serde_json::json!([]));
}
