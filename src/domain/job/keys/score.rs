//! The keys of `[score]`, `[train]` and `[[check]]`: what is read, held out and expected.
//!
//! Which expectations need a column, and that there is one for each `[[check]]`, is not said here.

use super::Shape::{
    Choice as OneFrom, Column, Duration, Flag, Input, Integer, List, Number, OneOf, Output, Range,
    Regex, Scalar, SearchSpace, Table,
};
use super::{Bounds, COLUMNS, Choice, Key};

pub(crate) static SCORE: &[Key] = &[
    Key::new("input", Input, "Which files are scored; given, no time filter is applied.")
        .unset("`data.source`, rows of the data interval by `data.time`"),
    Key::new("output", Output, "The folder of the scores.").required(),
    Key::new("columns", COLUMNS, "The columns that are copied beside the id."),
    Key::new("threshold", Number(Bounds::SHARE), "Binary: adds the column `decision`."),
    Key::new(
        "quarantine_max",
        Number(Bounds::SHARE),
        "The share of rows that may be set aside before the run fails.",
    )
    .or("0.01"),
];

pub(crate) static TRAIN: &[Key] = &[
    Key::new("input", Input, "Which files are trained on.").unset("`data.source`"),
    Key::new("window", Duration { min_secs: 1 }, "How far back from the tick, by `data.time`.")
        .unset("everything"),
    Key::new("split", Table(SPLIT), "Which rows are held out.")
        .unset("by time if there is `data.time`, else random, test 0.2"),
    Key::new("labels", Table(LABELS), "Labels that arrive late and are joined.")
        .unset("the label is in the input")
        .later(),
    Key::new("rows_min", Integer { min: 1, max: i64::MAX }, "Fewer rows are not trained on.")
        .or("200"),
    Key::new("seed", Integer { min: 0, max: i64::MAX }, "The seed of everything random.").or("7"),
    Key::new("search", Table(SEARCH), "Parameters of the kind that are tried out.")
        .unset("`[model.params]` as they are"),
];

static SPLIT: &[Key] = &[
    Key::new(
        "by",
        OneFrom(&[Choice::now("time"), Choice::now("random")]),
        "Whether the newest rows are held out, or a random share.",
    )
    .required(),
    Key::new(
        "test",
        OneOf(&[Number(Bounds::INSIDE), Duration { min_secs: 1 }]),
        "How much is held out: a share, or by time a span.",
    )
    .or("0.2"),
    Key::new("gap", Duration { min_secs: 0 }, "By time: how much before the test is left out.")
        .unset("`0s`"),
];

static LABELS: &[Key] = &[
    Key::new("source", Input, "Which files hold the labels.").required(),
    Key::new("on", Column, "The column that labels and rows share.").required(),
    Key::new("matures_after", Duration { min_secs: 0 }, "How late a label may arrive.").required(),
];

static SEARCH: &[Key] = &[
    Key::new(
        "method",
        OneFrom(&[Choice::now("grid"), Choice::now("random")]),
        "Whether every combination is tried, or some.",
    )
    .or("\"grid\""),
    Key::new("trials", Integer { min: 1, max: 10_000 }, "How many combinations are tried at most.")
        .unset("`grid`: all, `random`: 20"),
    Key::new("folds", Integer { min: 2, max: 100 }, "How many folds each trial is judged by.")
        .or("3"),
    Key::new("space", SearchSpace, "The values of each parameter.").required(),
];

pub(crate) static CHECK: &[Key] = &[
    Key::new("column", Column, "The column that is looked at.").unset("the table as a whole"),
    Key::new("not_null", Flag, "Per row: there is a value."),
    Key::new("between", Range, "Per row: the number lies in the range, ends included."),
    Key::new("in_set", List { of: &Scalar, count_min: 1 }, "Per row: the value is one of these."),
    Key::new("matches", Regex, "Per row: the whole value matches a regular expression."),
    Key::new("unique", Flag, "Per row: no earlier row has the value."),
    Key::new("nulls_max", Number(Bounds::SHARE), "The largest share of nulls."),
    Key::new("mean_between", Range, "The mean lies in the range, ends included."),
    Key::new("rows_min", Integer { min: 0, max: i64::MAX }, "The fewest rows."),
    Key::new("rows_max", Integer { min: 0, max: i64::MAX }, "The most rows."),
    Key::new(
        "fresh_within",
        Duration { min_secs: 1 },
        "How much older than the tick the newest row may be, by `data.time`.",
    ),
    Key::new(
        "then",
        OneFrom(&[Choice::now("fail"), Choice::now("warn"), Choice::now("quarantine")]),
        "What happens when the expectation fails.",
    )
    .or("\"fail\""),
];
