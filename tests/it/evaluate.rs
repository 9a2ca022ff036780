//! `nightshift evaluate`: metrics, comparisons and groups of any table of predictions.
//!
//! What the numbers must be is tested where they are made, and against other libraries in `oracle` and
//! `golden`; here they are made to be seen.

/// Against scikit-learn, fairlearn, statsmodels and a DeLong of its own, on the files of `../shared`.
mod golden;
/// Against scikit-learn and scipy, on predictions of the repository.
mod oracle;

use std::fmt::Write as _;

use crate::sandbox::{Output, Sandbox};

/// Sixty customers of whom the first two have no label; `old` ranks them worse than `new`.
fn customers() -> Sandbox {
    let mut table = String::from("id,city,left,new,old,word\n");
    for row in 0..60_u32 {
        let noise = f64::from(row * 37 % 61) / 61.0;
        let left = u32::from(f64::from(row * 17 % 59) / 59.0 > 0.6);
        let new = 0.1 + 0.3 * f64::from(left) + 0.5 * noise;
        let old = 0.1 + 0.1 * f64::from(left) + 0.7 * f64::from(row * 23 % 61) / 61.0;
        let label = if row < 2 { String::new() } else { left.to_string() };
        let city = ["Oslo", "Bergen", ""][row as usize % 3];
        writeln!(table, "{},{city},{label},{new:.4},{old:.4},x", row / 2).unwrap();
    }
    Sandbox::new().data("customers.csv", table)
}

fn evaluate(sandbox: &Sandbox, line: &str) -> Output {
    sandbox.run(["evaluate"].into_iter().chain(line.split(' ')))
}

#[test]
fn predictions_are_judged_compared_and_grouped() {
    let sandbox = customers();
    let line =
        "data/customers.csv --task binary --label left --score new --against old --group city";
    insta::assert_snapshot!(evaluate(&sandbox, line).redacted(), @r"
    exit 0
    --- stdout
    58 rows; 2 more were left out without `left`; positive is `1`, from 0.5 on
    metrics of new, intervals at 95 %
      roc_auc    0.9143 (0.8459 to 0.9826)
      pr_auc     0.8938 (0.8021 to 0.9678)
      log_loss   0.4554 (0.3958 to 0.5150)
      brier      0.1427 (0.1161 to 0.1694)
      ece        0.1783
      accuracy   0.7931 (0.6723 to 0.8775)
      precision  0.7391 (0.5353 to 0.8745)
      recall     0.7391 (0.5353 to 0.8745)
      f1         0.7391 (0.5789 to 0.8538)
    new against old, bounds at 95 % one-sided, positive is better
      metric     test       candidate  baseline  difference       low     high         p      mde
      roc_auc    delong        0.9143    0.6360      0.2783    0.1389   0.4176  0.001024   0.2107
      pr_auc     bootstrap     0.8938    0.6031      0.2906    0.1385   0.4426         -   0.2321
      log_loss   bootstrap     0.4554    0.6701      0.2147    0.1091   0.3181         -   0.1622
      brier      bootstrap     0.1427    0.2408     0.09803   0.04978   0.1472         -  0.07336
      ece        bootstrap     0.1783    0.1718   -0.006452  -0.08974  0.09190         -   0.1356
      accuracy   mcnemar       0.7931    0.5862      0.2069   0.06494   0.3417   0.02896   0.2079
      precision  bootstrap     0.7391    0.4815      0.2576   0.07509   0.4324         -   0.2682
      recall     bootstrap     0.7391    0.5652      0.1739  -0.05000   0.4000         -   0.3386
      f1         bootstrap     0.7391    0.5200      0.2191   0.05649   0.3842         -   0.2448
    by city
      value   rows  selected  true pos  false pos  roc_auc  log_loss  accuracy
      Bergen    19    0.4737    0.7778     0.2000   0.9333    0.4375    0.7895
      Oslo      19    0.4211    0.7500     0.1818   0.9205    0.4695    0.7895
      null      20    0.3000    0.6667     0.1429   0.8810    0.4590    0.8000
      demographic parity: difference 0.1737, ratio 0.6333; equalised odds: difference 0.1111
    ");
}

#[test]
fn neither_a_project_nor_a_state_is_needed_or_made() {
    let sandbox = customers();
    let elsewhere = sandbox.root().parent().unwrap().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::copy(sandbox.root().join("data/customers.csv"), elsewhere.join("a.csv")).unwrap();
    let mut command = sandbox.command();
    command.current_dir(&elsewhere).args(["evaluate", "../elsewhere/*.csv", "--task", "binary"]);
    let found = command.args(["--label", "left", "--score", "new"]).output().unwrap();
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 1);
}

#[test]
fn ids_that_repeat_are_resampled_together() {
    let sandbox = customers();
    let line =
        "data/customers.csv --task binary --label left --score new --against old --output json";
    let alone = evaluate(&sandbox, line).expect(0).json();
    let together = evaluate(&sandbox, &format!("{line} --id id")).expect(0).json();
    let tests = |document: &serde_json::Value| -> Vec<String> {
        let comparisons = document["comparisons"].as_array().unwrap().iter();
        comparisons.map(|found| found["test"].as_str().unwrap().to_owned()).collect()
    };
    assert!(tests(&alone).contains(&"delong".to_owned()));
    assert!(tests(&together).iter().all(|test| test == "bootstrap"));
    assert_eq!(alone["comparisons"][0]["difference"], together["comparisons"][0]["difference"]);
}

#[test]
fn classes_have_a_column_each() {
    let mut table = String::from("kind,p_b,p_a,p_c,q_a,q_b,q_c,p_note\n");
    for row in 0..30 {
        let kind = ["a", "b", "c"][row % 3];
        let p = [0.2 + 0.5 * f64::from(u8::from(row % 3 == 0)), 0.3, 0.1];
        let q = [0.3, 0.4, 0.3];
        writeln!(table, "{kind},{},{},{},{},{},{},note", p[1], p[0], p[2], q[0], q[1], q[2])
            .unwrap();
    }
    let sandbox = Sandbox::new().data("kinds.csv", table);
    let line = "data/kinds.csv --task multiclass --label kind --score p --against q --output json";
    let found = evaluate(&sandbox, line).expect(0).json();
    let close = |value: &serde_json::Value, wanted: f64| {
        let found = value.as_f64().unwrap();
        assert!((found - wanted).abs() < 1e-12, "{found} is not {wanted}");
    };
    // Class a is found, b where a is less likely, c never.
    close(&found["metrics"]["accuracy"]["value"], 2.0 / 3.0);
    let loss = -(0.7_f64.ln() + 0.3_f64.ln() + 0.1_f64.ln()) / 3.0;
    close(&found["metrics"]["log_loss"]["value"], loss);
    assert_eq!(found["comparisons"].as_array().unwrap().len(), 5);
    let wrong = line.replace("--against q", "--against r");
    let told = evaluate(&sandbox, &wrong).expect(2).json();
    assert!(told["causes"][0].as_str().unwrap().contains("there are 0 columns"), "{told:#}");
}

#[test]
fn numbers_are_judged_as_numbers() {
    let mut table = String::from("cnt,yhat,year\n");
    for row in 0..20 {
        writeln!(table, "{},{},{}", row, row + row % 2, 2011 + row % 2).unwrap();
    }
    let sandbox = Sandbox::new().data("bikes.csv", table);
    let line =
        "data/bikes.csv --task regression --label cnt --score yhat --group year --output json";
    let found = evaluate(&sandbox, line).expect(0).json();
    assert_eq!(found["metrics"]["mae"]["value"], 0.5);
    assert_eq!(found["groups"][0]["value"], "2011");
    assert_eq!(found["groups"][0]["metrics"]["mae"]["value"], 0.0);
    assert_eq!(found["groups"][1]["metrics"]["bias"]["value"], 1.0);
    assert!(found["disparity"].is_null() && found["positive"].is_null());
}

#[test]
fn one_class_leaves_out_what_needs_two() {
    let sandbox = Sandbox::new().data("one.csv", "y,p,q\n0,0.1,0.2\n0,0.3,0.2\n0,0.2,0.9\n");
    let line = "data/one.csv --task binary --label y --score p --against q --output json";
    let found = evaluate(&sandbox, line).expect(0).json();
    assert_eq!(found["positive"], "1");
    assert!(found["metrics"].get("roc_auc").is_none() && found["metrics"].get("brier").is_some());
    let area = &found["comparisons"][0];
    assert_eq!((&area["metric"], &area["low"]), (&"roc_auc".into(), &serde_json::Value::Null));
    let message = area["message"].as_str().unwrap();
    assert_eq!(
        message,
        "`roc_auc` would rest on 0 rows or ids of the rarest class, wanted at least 10"
    );
}

#[test]
fn what_cannot_be_judged_says_why() {
    let sandbox = customers()
        .data("odd.csv", "y,p,hole\nyes,1.5,\nyes,0.5,0.2\nno,0.1,0.3\n")
        .data("empty.csv", "y,p\n,0.5\n");
    let check = |line: &str, code: i32, wanted: &str| {
        let found = evaluate(&sandbox, line).expect(code);
        assert!(found.stderr.contains(wanted), "{line}: {}", found.stderr);
    };
    let binary = "data/customers.csv --task binary --label left --score";
    check(&format!("{binary} nwe"), 2, "there is no column `nwe`");
    check(&format!("{binary} nwe"), 2, "the columns are id, city, left, new, old, word");
    check(&format!("{binary} word"), 1, "column `word` is text, wanted numbers");
    check(&format!("{binary} new --confidence 1"), 2, "wanted a number above 0.5 and below 1");
    check(&format!("{binary} new --positive 2"), 2, "the classes are `0` and `1`, not `2`");
    check("data/none.csv --task binary --label y --score p", 1, "matches no file");
    let odd = "data/odd.csv --task binary --label y --score";
    check(&format!("{odd} p"), 1, "row 0 is scored 1.5, wanted a probability from 0 to 1");
    check(&format!("{odd} hole"), 1, "`hole` is null or NaN in 1 of 3 labelled rows");
    check("data/empty.csv --task binary --label y --score p", 1, "none of 1 rows has a label");
    check("data/odd.csv --task regression --label y --score p", 1, "the label is text");
}
