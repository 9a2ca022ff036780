//! The keys of the tables that watch and govern a model: `[drift]`, `[monitor]`, `[retrain]`, `[[gate]]`,
//! `[gates]`, `[rollout]`, `[watch]` and `[notify]`.
//!
//! Keys that have no effect yet are checked in full all the same, so that a file that is written ahead of
//! time is sound when its time comes.

use super::Shape::{
    Choice as OneFrom, Column, Duration, Flag, Integer, List, Number, OneOf, RetrainReason, Secret,
    Table, Tables, Text,
};
use super::root::list_of;
use super::{Bounds, COLUMNS, Choice, Key, Shape};

pub(crate) static DRIFT: &[Key] = &[
    Key::new(
        "reference",
        OneOf(&[
            OneFrom(&[
                Choice::now("training"),
                Choice::now("previous"),
                Choice::now("same_weekday"),
            ]),
            Table(&[Key::new("rolling", Duration { min_secs: 1 }, "The last span.").required()]),
        ]),
        "What tonight's data are compared with.",
    )
    .or("\"training\""),
    Key::new("alpha", Number(Bounds::INSIDE), "The level after correction over the columns.")
        .or("0.01"),
    Key::new("floor", Number(Bounds::NOT_NEGATIVE), "The smallest effect that counts.").or("0.1"),
    Key::new("share", Number(Bounds::SHARE), "The share of columns that makes the data drift.")
        .or("0.3"),
    Key::new("rows_min", Integer { min: 1, max: i64::MAX }, "Fewer rows are insufficient.")
        .or("100"),
    Key::new(
        "then",
        OneFrom(&[Choice::now("report"), Choice::now("warn"), Choice::now("quarantine")]),
        "What drift leads to.",
    )
    .or("\"warn\""),
    Key::new("persist", Table(PERSIST), "How many ticks must drift before it acts."),
    Key::new("column", Tables(DRIFT_COLUMN), "What holds for some columns."),
];

static PERSIST: &[Key] = &[
    Key::new("of", Integer { min: 1, max: 1_000 }, "Of how many ticks.").required(),
    Key::new("ticks", Integer { min: 1, max: 1_000 }, "How many ticks.").required(),
];

static DRIFT_COLUMN: &[Key] = &[
    Key::new("columns", COLUMNS, "The columns it holds for.").required(),
    Key::new("test", OneFrom(TESTS), "How they are compared.").or("\"psi\""),
    Key::new("floor", Number(Bounds::NOT_NEGATIVE), "The smallest effect that counts."),
    Key::new("ignore", Flag, "Whether they are left out.").or("false"),
];

static TESTS: &[Choice] = &[
    Choice::now("psi"),
    Choice::now("ks"),
    Choice::now("chi_square"),
    Choice::now("jensen_shannon"),
    Choice::now("wasserstein"),
];

static METRICS: &[Choice] = &[
    Choice::now("roc_auc"),
    Choice::now("pr_auc"),
    Choice::now("log_loss"),
    Choice::now("brier"),
    Choice::now("accuracy"),
    Choice::now("precision"),
    Choice::now("recall"),
    Choice::now("f1"),
    Choice::now("f1_macro"),
    Choice::now("rmse"),
    Choice::now("mae"),
    Choice::now("median_absolute_error"),
    Choice::now("r2"),
    Choice::now("bias"),
];

pub(crate) static MONITOR: &[Key] = &[
    Key::new("metrics", list_of(&OneFrom(METRICS)), "The metrics.").unset("the task's metrics"),
    Key::new("slices", COLUMNS, "The columns whose values are looked at one by one."),
    Key::new("estimate", Flag, "Whether performance is estimated before labels arrive."),
    Key::new(
        "fairness",
        Table(&[Key::new("group", Column, "The column that holds the groups.").required()]),
        "Between which groups results are compared.",
    ),
];

pub(crate) static RETRAIN: &[Key] = &[
    Key::new("cron", Text, "When to retrain, in the zone of the schedule."),
    Key::new("on", list_of(&RetrainReason), "What leads to retraining.").or("[\"drift\"]"),
    Key::new(
        "cooldown",
        Duration { min_secs: 0 },
        "The least time between two retrainings, those that fail included.",
    )
    .or("\"24h\""),
];

pub(crate) static GATE: &[Key] = &[
    Key::new("metric", OneFrom(METRICS), "What is measured.").required(),
    Key::new("min", Number(Bounds::ANY), "The lowest value that passes."),
    Key::new("max", Number(Bounds::ANY), "The highest value that passes."),
    Key::new(
        "compare",
        OneFrom(&[
            Choice::now("non_inferiority"),
            Choice::now("superiority"),
            Choice::now("point"),
        ]),
        "How it is compared with the champion.",
    ),
    Key::new("margin", Number(Bounds::NOT_NEGATIVE), "How much worse is not worse.")
        .unset("0.01, of metrics in the unit of the label 0.01 of the champion's value, of bias 0.01 of its rmse"),
    Key::new(
        "confidence",
        Number(Bounds { above_min: true, below_max: true, ..Bounds::from(0.5, 1.0) }),
        "The one-sided confidence of the comparison.",
    )
    .or("0.95"),
    Key::new("slice", Column, "The column whose values are judged one by one."),
    Key::new("slice_rows_min", Integer { min: 1, max: i64::MAX }, "Smaller slices are not judged.")
        .or("200"),
    Key::new(
        "severity",
        OneFrom(&[Choice::now("block"), Choice::now("warn")]),
        "Whether a failure keeps the candidate back.",
    )
    .or("\"block\""),
];

pub(crate) static GATES: &[Key] = &[
    Key::new(
        "inconclusive",
        OneFrom(&[Choice::now("keep_champion"), Choice::later("shadow"), Choice::now("promote")]),
        "What an inconclusive gate leads to.",
    )
    .or("\"keep_champion\""),
    Key::new(
        "no_champion",
        OneFrom(&[Choice::now("promote"), Choice::now("hold")]),
        "What becomes of a candidate where there is no champion.",
    )
    .or("\"promote\""),
    Key::new("beat_dummy", Flag, "Whether a candidate must beat the constant predictor.")
        .or("true"),
];

pub(crate) static ROLLOUT: &[Key] = &[
    Key::new(
        "strategy",
        OneFrom(&[
            Choice::now("immediate"),
            Choice::now("manual"),
            Choice::later("shadow"),
            Choice::later("canary"),
            Choice::later("ab"),
        ]),
        "How a blessed candidate becomes champion.",
    )
    .or("\"immediate\""),
    Key::new("ticks", Integer { min: 1, max: 10_000 }, "How many runs it is tried for.").later(),
    Key::new("ticks_max", Integer { min: 1, max: 10_000 }, "After how many runs trying ends.")
        .later(),
    Key::new(
        "steps",
        List { of: &Number(Bounds { above_min: true, ..Bounds::SHARE }), count_min: 1 },
        "The shares of ids that the challenger takes over, one after the other.",
    )
    .later(),
    Key::new("by", Column, "The column by which ids are assigned.").later(),
];

const ROLLBACK_REASON: Shape = OneFrom(&[
    Choice::now("check"),
    Choice::now("score_drift"),
    Choice::now("disagreement"),
    Choice::later("performance"),
    Choice::now("error"),
]);

pub(crate) static WATCH: &[Key] = &[
    Key::new("ticks", Integer { min: 0, max: 10_000 }, "How many committed runs are watched.")
        .or("7"),
    Key::new("rollback_on", list_of(&ROLLBACK_REASON), "Which findings count.").unset("all"),
    Key::new("disagreement_max", Number(Bounds::NOT_NEGATIVE), "How much may differ from before.")
        .or("0.1"),
    Key::new("failures_max", Integer { min: 0, max: 10_000 }, "How many findings are borne.")
        .or("0"),
    Key::new(
        "rescore",
        Flag,
        "Whether an automatic rollback corrects what was published since the promotion.",
    )
    .or("true"),
];

const EVENT: Shape = OneFrom(&[
    Choice::now("failure"),
    Choice::now("recovery"),
    Choice::now("drift"),
    Choice::now("rejection"),
    Choice::now("promotion"),
    Choice::now("rollback"),
    Choice::now("missed"),
]);

pub(crate) static NOTIFY: &[Key] = &[
    Key::new("on", list_of(&EVENT), "Which events are told.").required(),
    Key::new("to", Tables(TARGET), "Who is told.").required(),
];

static TARGET: &[Key] = &[Key::new("webhook", Secret, "The address that is called.").required()];
