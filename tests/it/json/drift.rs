//! `nightshift.drift/1` against the contract.

use super::Shape::{Each, Fields, Maybe, Number, Text, Time, Whole, Word};
use super::{Shape, check, project};
use crate::sandbox::Sandbox;

static DRIFT: Shape = Fields(&[
    ("schema", Word(&["nightshift.drift/1"])),
    ("job", Maybe(&Text)),
    ("run", Maybe(&Text)),
    ("tick", Maybe(&Time)),
    ("version", Maybe(&Whole)),
    ("against", Text),
    (
        "columns",
        Each(&Fields(&[
            ("column", Text),
            ("type", Word(&["number", "text"])),
            ("subject", Maybe(&Word(&["feature", "label", "score"]))),
            ("importance", Maybe(&Number)),
            ("verdict", Word(&["stable", "drifted", "insufficient_data", "broken"])),
            ("broken", Maybe(&Text)),
            (
                "tests",
                Each(&Fields(&[
                    ("test", Word(&["psi", "ks", "chi_square", "jensen_shannon", "wasserstein"])),
                    ("effect", Maybe(&Number)),
                    ("statistic", Maybe(&Number)),
                    ("p_value", Maybe(&Number)),
                    ("p_adjusted", Maybe(&Number)),
                    ("floor", Number),
                    ("alpha", Number),
                    ("n_reference", Whole),
                    ("n_current", Whole),
                ])),
            ),
        ])),
    ),
    ("left_out", Each(&Text)),
    ("share", Maybe(&Number)),
    ("share_max", Number),
    ("rows_min", Whole),
    ("verdict", Word(&["stable", "drifted", "insufficient_data"])),
    (
        "domain_classifier",
        Maybe(&Fields(&[
            ("metric", Word(&["roc_auc"])),
            ("value", Maybe(&Number)),
            ("low", Maybe(&Number)),
            ("high", Maybe(&Number)),
            ("limit", Number),
            ("verdict", Word(&["pass", "warn", "inconclusive"])),
            ("message", Text),
        ])),
    ),
]);

#[test]
fn the_document_of_a_comparison_is_as_the_contract_says() {
    let sandbox = Sandbox::new()
        .data("a.csv", "x,y,z\n1,a,1\n2,b,\n3,a,\n")
        .data("b.csv", "x,y\n1,a\n,b\n2,\n");
    let tables = "drift --reference data/a.csv --current data/b.csv";
    let found = check(&sandbox, &format!("{tables} --rows-min 3"), 10, &DRIFT);
    assert_eq!((&found["columns"][0]["verdict"], &found["job"]), (&"broken".into(), &().into()));
    check(&sandbox, tables, 10, &DRIFT);

    let sandbox = project();
    let ran = sandbox.run(["run", "churn", "--output", "json"]).expect(0).json();
    let found = check(&sandbox, "drift churn", 0, &DRIFT);
    assert_eq!((&found["run"], &found["version"]), (&ran["run"], &1.into()));
}
