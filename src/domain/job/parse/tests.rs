//! Whole files: sound ones, broken ones, and whatever chance makes of them.
//!
//! The files stand below `tests/it`, where the command line is tested with them as well.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::domain::job::code::{CODES, explanation};
use crate::domain::job::policy::{
    CompareRule, DriftAction, DriftColumns, DriftReference, DriftSpec, DriftTestName, GateSpec,
    GatesSpec, InconclusivePolicy, NoChampionPolicy, Persistence, RetrainReason, RetrainSpec,
    RolloutStrategy, Severity, WatchReason, WatchSpec,
};
use crate::domain::job::{
    CategoricalImpute, CheckAction, Expectation, FeatureSelection, FileFormat, ModelParams,
    NumericImpute, Scale, Split, Task, TestSize,
};
use crate::domain::project::Project;

/// The files below `tests/it/<folder>`, by name.
fn files(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it").join(folder);
    let mut out: Vec<(String, Vec<u8>)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into(), fs::read(path).unwrap()))
        .collect();
    out.sort();
    out
}

fn valid(name: &str) -> (Job, String) {
    let (_, bytes) = files("valid").into_iter().find(|(file, _)| file == name).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    (parse(name, text.as_bytes()).unwrap(), text)
}

fn render(problems: &[Problem]) -> String {
    let mut out = String::new();
    for problem in problems {
        writeln!(out, "{problem}").unwrap();
        if let Some(help) = &problem.help {
            writeln!(out, "  {help}").unwrap();
        }
    }
    out
}

/// The smallest job with more text after it.
fn smallest_with(more: &str) -> String {
    format!("{}\n{more}", valid("smallest.toml").1)
}

#[track_caller]
fn check(text: &str, wanted: &[&str]) {
    let problems = parse("f", text.as_bytes()).err().unwrap_or_default();
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(told, wanted, "{text}");
}

#[test]
fn the_smallest_job_has_every_default() {
    let (job, _) = valid("smallest.toml");
    assert_eq!(job.name.as_str(), "wine");
    assert!(job.enabled && job.schedule.is_none() && job.checks.is_empty());
    assert_eq!(job.features.selection, FeatureSelection::All);
    assert_eq!(job.features.impute_numeric, NumericImpute::Auto);
    assert_eq!(job.features.impute_categorical, CategoricalImpute::Missing);
    assert_eq!((job.features.scale, job.features.categories_max), (Scale::Auto, 50));
    let params = ModelParams::Logistic { alpha: 1.0, iterations_max: 1_000, tolerance: 1e-7 };
    assert_eq!((job.model.task, job.model.params), (Task::Binary, params));
    assert_eq!(job.score.output.as_str(), "scores/wine/tick={tick}");
    assert_eq!((job.score.input, job.score.threshold), (None, None));
    assert!((job.score.quarantine_max - 0.01).abs() < 1e-15);
    assert_eq!(job.train.split, Split::Random { test: 0.2 });
    assert_eq!((job.train.rows_min, job.train.seed, job.train.window), (200, 7, None));
}

#[test]
fn the_smallest_job_is_watched_over() {
    let (job, _) = valid("smallest.toml");
    let drift = DriftSpec {
        reference: DriftReference::Training,
        alpha: 0.01,
        floor: 0.1,
        share: 0.3,
        rows_min: 100,
        then: DriftAction::Warn,
        persist: Persistence { of: 1, ticks: 1 },
        columns: Vec::new(),
    };
    assert_eq!((job.drift, job.retrain), (drift, None));
    assert_eq!(job.gates, [GateSpec::of_task(Task::Binary)]);
    let together = GatesSpec {
        inconclusive: InconclusivePolicy::KeepChampion,
        no_champion: NoChampionPolicy::Promote,
        beat_dummy: true,
    };
    assert_eq!((job.gates_together, job.rollout), (together, RolloutStrategy::Immediate));
    let watch = WatchSpec {
        ticks: 7,
        rollback_on: WatchReason::ALL.to_vec(),
        disagreement_max: 0.1,
        failures_max: 0,
        rescore: true,
    };
    assert_eq!(job.watch, watch);
}

#[test]
fn every_policy_has_its_effect() {
    let (job, _) = valid("everything.toml");
    let days = |count: i64| SignedDuration::from_hours(24 * count);
    let columns = |name: &str, test, floor, ignore| DriftColumns {
        columns: vec![name.to_owned()],
        test,
        floor,
        ignore,
    };
    let drift = DriftSpec {
        reference: DriftReference::Rolling(days(28)),
        alpha: 0.05,
        floor: 0.2,
        share: 0.5,
        rows_min: 500,
        then: DriftAction::Quarantine,
        persist: Persistence { of: 3, ticks: 2 },
        columns: vec![
            columns("age", DriftTestName::Wasserstein, Some(0.3), false),
            columns("plan", DriftTestName::Psi, None, true),
        ],
    };
    assert_eq!(job.drift, drift);
    let on =
        vec![RetrainReason::Drift, RetrainReason::NewRows(50_000), RetrainReason::Age(days(30))];
    assert_eq!(job.retrain, Some(RetrainSpec { cron: None, on, cooldown: days(2) }));
    let superior = GateSpec {
        metric: "log_loss".to_owned(),
        compare: Some(CompareRule::NonInferiority),
        margin: Some(0.02),
        confidence: 0.99,
        slice: Some("plan".to_owned()),
        slice_rows_min: 100,
        severity: Severity::Warn,
        ..GateSpec::of_task(Task::Binary)
    };
    let limited = GateSpec {
        metric: "accuracy".to_owned(),
        min: Some(0.7),
        max: Some(1.0),
        compare: None,
        ..GateSpec::of_task(Task::Binary)
    };
    assert_eq!(job.gates, [superior, limited]);
    let together = GatesSpec {
        inconclusive: InconclusivePolicy::Promote,
        no_champion: NoChampionPolicy::Hold,
        beat_dummy: false,
    };
    assert_eq!((job.gates_together, job.rollout), (together, RolloutStrategy::Manual));
    let watch = WatchSpec {
        ticks: 3,
        rollback_on: vec![WatchReason::Disagreement, WatchReason::Error],
        disagreement_max: 0.2,
        failures_max: 1,
        rescore: false,
    };
    assert_eq!(job.watch, watch);
}

#[test]
fn every_key_has_its_effect() {
    let (job, _) = valid("everything.toml");
    assert_eq!(job.description.as_deref(), Some("Who leaves next month.\n"));
    assert!(!job.enabled);
    assert_eq!(job.schedule.as_ref().unwrap().timezone_name(), "Europe/Berlin");
    assert_eq!(job.data.format, Some(FileFormat::Parquet));
    assert_eq!(job.data.id.as_deref(), Some("customer id"));
    assert_eq!(job.data.time.as_deref(), Some("seen.at"));
    let numeric = vec!["age".to_owned(), "income".to_owned()];
    let categorical = vec!["plan".to_owned()];
    assert_eq!(job.features.selection, FeatureSelection::Only { numeric, categorical });
    assert_eq!(job.features.impute_numeric, NumericImpute::Value(-1.0));
    assert_eq!(job.features.impute_categorical, CategoricalImpute::Mode);
    assert_eq!((job.features.scale, job.features.categories_max), (Scale::None, 10));
    let params = ModelParams::Logistic { alpha: 0.5, iterations_max: 50, tolerance: 1e-8 };
    assert_eq!(job.model.params, params);
    assert_eq!(job.model.positive.as_deref(), Some("yes"));
    assert_eq!(job.score.output.as_str(), "scores/churn/{tick:%Y/%m/%d}");
    assert_eq!(job.score.columns, ["plan"]);
    assert_eq!(job.score.threshold, Some(0.5));
    let days = |count: i64| SignedDuration::from_hours(24 * count);
    assert_eq!(job.train.window, Some(days(364)));
    assert_eq!(job.train.split, Split::Time { test: TestSize::Span(days(14)), gap: days(1) });
    assert_eq!((job.train.rows_min, job.train.seed), (1_000, 42));
    let search = job.train.search.as_ref().unwrap();
    assert_eq!((search.folds, search.trials.len()), (4, 3));
    for trial in &search.trials {
        let ModelParams::Logistic { alpha, iterations_max: 50, tolerance } = trial.model.params
        else {
            panic!("{trial:?}")
        };
        assert_eq!(trial.setting, format!("alpha = {alpha:?}, tolerance = {tolerance:?}"));
    }
    let ids: Vec<&str> = job.checks.iter().map(|check| check.expectation.id()).collect();
    let wanted = [
        "not_null",
        "between",
        "in_set",
        "matches",
        "unique",
        "nulls_max",
        "mean_between",
        "rows_min",
        "rows_max",
        "fresh_within",
    ];
    assert_eq!(ids, wanted);
    assert_eq!(job.checks[0].then, CheckAction::Quarantine);
    assert_eq!(job.checks[1].expectation, Expectation::Between { min: 0.0, max: f64::INFINITY });
    let set = ["basic", "7", "1.5"].map(str::to_owned).to_vec();
    assert_eq!(job.checks[2].expectation, Expectation::InSet(set));
}

#[test]
fn tables_may_be_written_in_every_way_of_toml() {
    let (job, _) = valid("regression.toml");
    let params = ModelParams::ElasticNet {
        alpha: 1.0,
        l1_ratio: 1.0,
        iterations_max: 10_000,
        tolerance: 1e-7,
    };
    assert_eq!((job.model.task, job.model.params), (Task::Regression, params));
    assert_eq!(job.train.split, Split::Random { test: 0.2 });
    let crlf = valid("everything.toml").1.replace('\n', "\r\n");
    assert!(parse("f", crlf.as_bytes()).is_ok());
}

#[test]
fn a_split_follows_from_the_time_column() {
    let text = valid("smallest.toml").1.replace("label ", "time = \"at\"\nlabel ");
    let by_time = Split::Time { test: TestSize::Share(0.2), gap: SignedDuration::ZERO };
    assert_eq!(parse("f", text.as_bytes()).unwrap().train.split, by_time);
}

#[test]
fn numbers_are_read_at_their_edges() {
    let seed = |text: &str| {
        let text = smallest_with(&format!("[train]\nseed = {text}\n"));
        parse("f", text.as_bytes()).map(|job| job.train.seed)
    };
    assert_eq!(seed("9223372036854775807"), Ok(i64::MAX.unsigned_abs()));
    assert_eq!(seed("0x7fff_ffff"), Ok(0x7fff_ffff));
    assert_eq!(seed("+0"), Ok(0));
    assert!(seed("9223372036854775808").is_err());
    assert!(seed("-1").is_err());
    assert!(seed("7.0").is_err());
    check(
        &smallest_with("[features.impute]\nnumeric = inf"),
        &["f:11:11: out_of_range: `features.impute.numeric` wants a number, found the number inf"],
    );
}

#[test]
fn what_an_error_of_the_text_causes_is_not_told() {
    // The header is broken, so that `task` and everything after it are not where they belong.
    check(
        "name = \"a\"\n[data]\nsource = \"a.csv\"\nid = 3\n[model\ntask = 1\nx = 2\n[score]\ny = 3\n",
        &[
            "f:4:6: wrong_type: `data.id` wants the name of a column, found the number 3",
            "f:5:7: toml_syntax: unclosed table, wanted `]`",
        ],
    );
}

#[test]
fn problems_point_into_templates() {
    check(
        &smallest_with("input = \"data/{date}.csv\"\n"),
        &["f:10:16: template_form: `score.input`: `date` is not a field of a template"],
    );
    check(
        &smallest_with("input = \"\\u0064ata/{date}.csv\"\n"),
        &["f:10:9: template_form: `score.input`: `date` is not a field of a template"],
    );
}

#[test]
fn two_jobs_share_neither_name_nor_output() {
    let (_, one) = valid("smallest.toml");
    let other = one.replace("scores/wine", "scores/red");
    let port = |output: &str| {
        one.replace("\"wine\"", "\"port\"").replace("\"scores/wine\"", &format!("\"{output}\""))
    };
    let files: Vec<(String, Vec<u8>)> = [
        ("a", one.clone()),
        ("b", other),
        ("c", port("scores/wine/tick={tick}")),
        ("d", "x".to_owned()),
        ("e", port("scores/wine/port")),
        ("f", port("scores")),
        ("g", port("/srv/{tick}/port")),
    ]
    .map(|(file, text)| (file.to_owned(), text.into_bytes()))
    .to_vec();
    let (jobs, problems) = parse_all(&files, &["/srv".into()]);
    assert_eq!(jobs.iter().map(|(file, _)| file.as_str()).collect::<Vec<_>>(), ["a"]);
    insta::assert_snapshot!(render(&problems), @r#"
    b:1:8: name_taken: the name `wine` is taken by `a`
      give each job a name of its own
    c:8:10: output_taken: the output `scores/wine/tick={tick}` is taken by `a`
      give each job a folder of its own, such as `"scores/<job>"`
    d:1:2: toml_syntax: key with no value, wanted `=`
    e:1:8: name_taken: the name `port` is taken by `c`
      give each job a name of its own
    e:8:10: output_taken: the output `scores/wine/port/tick={tick}` lies inside that of `a`
      give each job a folder of its own, such as `"scores/<job>"`
    f:1:8: name_taken: the name `port` is taken by `c`
      give each job a name of its own
    f:8:10: output_taken: the output of `b` lies inside `scores/tick={tick}`
      give each job a folder of its own, such as `"scores/<job>"`
    g:1:8: name_taken: the name `port` is taken by `c`
      give each job a name of its own
    g:8:10: output_form: `score.output` = `"/srv/{tick}/port"` has a field in its first folder, and nothing to keep what it writes together
      begin it with a folder, as in `"scores/{tick:%Y-%m-%d}"`
    "#);
}

#[test]
fn every_broken_file_is_explained() {
    let mut out = String::new();
    for (file, bytes) in files("broken") {
        let problems = parse(&file, &bytes).unwrap_err();
        assert!(problems.iter().all(|problem| explanation(problem.code).is_some()), "{problems:?}");
        // One file holds more problems than anybody wants to read.
        out.push_str(&render(&problems[problems.len().saturating_sub(12)..]));
        out.push('\n');
    }
    insta::assert_snapshot!(out);
}

#[test]
fn every_code_has_a_file_that_shows_it() {
    let mut shown: BTreeSet<&str> = BTreeSet::new();
    for (file, bytes) in files("broken") {
        shown.extend(parse(&file, &bytes).unwrap_err().iter().map(|problem| problem.code));
    }
    // What no small job file can show.
    let large = parse("f", &vec![b'#'; 300_000]).unwrap_err();
    let long = parse("f", format!("owner = \"{}\"", "x".repeat(5_000)).as_bytes()).unwrap_err();
    let many = parse("f", smallest_with(&"[[check]]\n".repeat(1_001)).as_bytes()).unwrap_err();
    let project = Project::parse("f", b"[api]\nlisten = \"localhost\"\n").unwrap_err();
    let (_, text) = valid("smallest.toml");
    let pair = ["a", "b"].map(|file| (file.to_owned(), text.clone().into_bytes()));
    let between = parse_all(&pair, &[]).1;
    for problem in large.iter().chain(&long).chain(&many).chain(&project).chain(&between) {
        shown.insert(problem.code);
    }
    let known: BTreeSet<&str> = CODES.iter().map(|(code, _)| *code).collect();
    assert_eq!(shown, known);
}

/// Changes of a text: an offset and what stands there instead.
fn mutations() -> impl Strategy<Value = Vec<(prop::sample::Index, usize, String)>> {
    let piece = prop_oneof![
        Just(String::new()),
        "[\\[\\]{}\"'=.,#\n \\\\]{1,3}",
        "[a-z0-9_]{1,8}",
        any::<char>().prop_map(String::from),
        Just("\"\"\"".to_owned()),
        Just("[[check]]\n".to_owned()),
        Just("99999999999999999999".to_owned()),
        Just("{tick:%".to_owned()),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), 0_usize..8, piece), 1..12)
}

/// Whatever is read, a refusal names at least one problem, each at a place within the file.
fn check_total<T>(read: Result<T, Vec<Problem>>, bytes: &[u8]) -> Result<(), TestCaseError> {
    let Err(problems) = read else {
        return Ok(());
    };
    prop_assert!(!problems.is_empty());
    for problem in &problems {
        let span = problem.span.clone().unwrap();
        prop_assert!(span.start <= span.end && span.end <= bytes.len());
        prop_assert!(problem.line >= 1 && problem.column >= 1);
        prop_assert!(explanation(problem.code).is_some(), "{}", problem.code);
        prop_assert!(problem.message.len() < 2_000 && !problem.message.contains('\n'));
    }
    Ok(())
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        check_total(parse("f", &bytes), &bytes)?;
        check_total(Project::parse("f", &bytes), &bytes)?;
    }

    #[test]
    fn changed_jobs_never_panic(changes in mutations()) {
        let mut chars: Vec<char> = valid("everything.toml").1.chars().collect();
        for (at, removed, added) in changes {
            let start = at.index(chars.len() + 1).min(chars.len());
            let end = (start + removed).min(chars.len());
            chars.splice(start..end, added.chars());
        }
        let text: String = chars.into_iter().collect();
        check_total(parse("f", text.as_bytes()), text.as_bytes())?;
    }
}
