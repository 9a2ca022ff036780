//! The keys of `[data]`, `[features]` and `[model]`: what both scoring and training look at.
//!
//! Which columns exclude each other is a rule between keys and not said here.

use super::Shape::{
    Choice as OneFrom, Column, Input, Integer, Kind, List, Number, OneOf, Params, Scalar, Table,
};
use super::{Bounds, COLUMNS, Choice, Key, Shape};

pub(crate) static DATA: &[Key] = &[
    Key::new("source", Input, "Which files hold the rows: a glob or a template.").required(),
    Key::new(
        "format",
        OneFrom(&[
            Choice::now("parquet"),
            Choice::now("csv"),
            Choice::now("ndjson"),
            Choice::now("ipc"),
        ]),
        "The format of the files, where their extension does not say.",
    )
    .unset("by the extension"),
    Key::new("id", Column, "A text or integer column, unique within a tick.")
        .unset("`<relative path>#<row>`"),
    Key::new("time", Column, "The date or datetime column of a row."),
    Key::new("label", Column, "The column to learn.").unset("the job cannot train"),
    Key::new(
        "weight",
        Column,
        "How much a row counts in training; never a feature, nor needed to score.",
    )
    .unset("every row counts once"),
];

/// Columns of a feature list; an empty list is accepted where the other one is not empty.
const FEATURE_COLUMNS: Shape = List { of: &Column, count_min: 0 };

pub(crate) static FEATURES: &[Key] = &[
    Key::new("numeric", FEATURE_COLUMNS, "The columns that are used as numbers.")
        .unset("by the type in the file"),
    Key::new("categorical", FEATURE_COLUMNS, "The columns that are used as categories.")
        .unset("by the type in the file"),
    Key::new("exclude", COLUMNS, "The columns that are not used, instead of the two lists."),
    Key::new("impute", Table(IMPUTE), "What stands in for missing values."),
    Key::new(
        "scale",
        OneFrom(&[Choice::now("standard"), Choice::now("none")]),
        "Whether numbers are brought to mean 0 and standard deviation 1.",
    )
    .unset("`standard` where the kind needs it"),
    Key::new(
        "max_categories",
        Integer { min: 1, max: 10_000 },
        "How many categories of a column are told apart; the rest go to `__other__`.",
    )
    .or("50"),
];

static IMPUTE: &[Key] = &[
    Key::new(
        "numeric",
        OneOf(&[OneFrom(&[Choice::now("median"), Choice::now("mean")]), Number(Bounds::ANY)]),
        "What stands in for a number that is missing.",
    )
    .unset("`median`, or nothing where the kind takes missing numbers"),
    Key::new(
        "categorical",
        OneFrom(&[Choice::now("missing"), Choice::now("mode")]),
        "What stands in for a category that is missing.",
    )
    .or("\"missing\""),
];

pub(crate) static MODEL: &[Key] = &[
    Key::new(
        "task",
        OneFrom(&[Choice::now("binary"), Choice::now("multiclass"), Choice::now("regression")]),
        "What is predicted.",
    )
    .required(),
    Key::new("kind", Kind, "The method.").unset("`logistic`, or `linear` for a regression"),
    Key::new("params", Params, "The parameters of the kind."),
    Key::new("positive", Scalar, "Binary: the class whose probability is the score.")
        .unset("the class that sorts last"),
    Key::new(
        "calibrate",
        OneFrom(&[Choice::now("none"), Choice::now("isotonic"), Choice::now("platt")]),
        "How probabilities are calibrated.",
    )
    .or("\"none\""),
];
