//! The kinds of model that a job file may name, with their tasks and parameters.
//!
//! What a kind computes is not known here; a kind that cannot be fitted yet is listed, so that naming it
//! is told apart from a slip of the pen.

use super::Shape::{Choice as OneFrom, Integer, Number};
use super::{Bounds, Choice, Key, Shape, Support};

/// A kind of model as a job file knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// The tasks it can be used for.
    pub(crate) tasks: &'static [&'static str],
    pub(crate) params: &'static [Key],
    pub(crate) support: Support,
}

const CLASSES: &[&str] = &["binary", "multiclass"];
const NUMBERS: &[&str] = &["regression"];
const ALL: &[&str] = &["binary", "multiclass", "regression"];

pub(crate) static KINDS: &[Kind] = &[
    now("logistic", CLASSES, LOGISTIC),
    now("linear", NUMBERS, &[]),
    now("elastic_net", NUMBERS, ELASTIC_NET),
    now("gaussian_nb", CLASSES, GAUSSIAN_NB),
    now("dummy", ALL, &[]),
    now("decision_tree", ALL, DECISION_TREE),
    now("random_forest", ALL, RANDOM_FOREST),
    now("gradient_boosting", ALL, GRADIENT_BOOSTING),
    now("ftrl", &["binary"], FTRL),
    later("onnx", ALL),
];

/// The parameter of kinds of classification that says whether classes count alike. What it does is done before
/// any kind is asked.
const CLASS_WEIGHT: Key = Key::new(
    "class_weight",
    OneFrom(&[Choice::now("none"), Choice::now("balanced")]),
    "Whether rare classes count as much as frequent ones in training.",
)
.or("\"none\"");

static LOGISTIC: &[Key] = &[
    CLASS_WEIGHT,
    Key::new("alpha", Number(Bounds::NOT_NEGATIVE), "The weight of the L2 penalty.").or("1.0"),
    Key::new("max_iterations", Integer { min: 1, max: 1_000_000 }, "When the solver gives up.")
        .or("1000"),
    Key::new("tolerance", Number(Bounds::INSIDE), "When the solver has converged.").or("1e-7"),
];

static ELASTIC_NET: &[Key] = &[
    Key::new("alpha", Number(Bounds::NOT_NEGATIVE), "The weight of both penalties.").or("1.0"),
    Key::new("l1_ratio", Number(Bounds::SHARE), "The share of the L1 penalty.").or("0.5"),
    Key::new("max_iterations", Integer { min: 1, max: 1_000_000 }, "When the solver gives up.")
        .or("10000"),
    Key::new("tolerance", Number(Bounds::INSIDE), "When the solver has converged.").or("1e-7"),
];

static GAUSSIAN_NB: &[Key] = &[
    CLASS_WEIGHT,
    Key::new(
        "var_smoothing",
        Number(Bounds::SHARE),
        "The share of the largest variance that is added to every variance.",
    )
    .or("1e-9"),
];

const DEPTH: Shape = Integer { min: 1, max: 64 };
const ROWS: Shape = Integer { min: 1, max: 1_000_000_000 };
/// Above 0 and up to 1.
const PART: Shape = Number(Bounds { above_min: true, ..Bounds::SHARE });

static DECISION_TREE: &[Key] = &[
    CLASS_WEIGHT,
    Key::new("max_depth", DEPTH, "The most splits from the root to a leaf.").or("10"),
    Key::new("min_samples_leaf", ROWS, "The fewest rows of a leaf.").or("20"),
];

static RANDOM_FOREST: &[Key] = &[
    CLASS_WEIGHT,
    Key::new("trees", Integer { min: 1, max: 10_000 }, "How many trees are grown.").or("100"),
    Key::new("max_depth", DEPTH, "The most splits from the root to a leaf.").or("32"),
    Key::new("min_samples_leaf", ROWS, "The fewest rows of a leaf.")
        .unset("1, or more where there are many rows"),
    Key::new("max_features", PART, "The share of columns that each split may use.")
        .unset("the square root of their number for classes, all for a regression"),
];

static GRADIENT_BOOSTING: &[Key] = &[
    CLASS_WEIGHT,
    Key::new("max_iterations", Integer { min: 1, max: 10_000 }, "The most rounds of trees.")
        .or("100"),
    Key::new("learning_rate", PART, "What each tree is shrunk by.").or("0.1"),
    Key::new("max_leaf_nodes", Integer { min: 2, max: 4_096 }, "The most leaves of a tree.")
        .or("31"),
    Key::new("max_depth", DEPTH, "The most splits from the root to a leaf.").or("64"),
    Key::new("min_samples_leaf", ROWS, "The fewest rows of a leaf.").or("20"),
    Key::new("l2", Number(Bounds::from(0.0, 1e12)), "The weight of the penalty on leaves.")
        .or("0.0"),
    Key::new(
        "validation",
        Number(Bounds::from(0.0, 0.5)),
        "The share of more than 10,000 rows that is held out to tell when to stop.",
    )
    .or("0.1"),
    Key::new(
        "patience",
        Integer { min: 1, max: 10_000 },
        "Rounds without a gain on the rows held out after which growing ends.",
    )
    .or("10"),
];

static FTRL: &[Key] = &[
    Key::new(
        "alpha",
        Number(Bounds { above_min: true, ..Bounds::NOT_NEGATIVE }),
        "The learning rate of a weight that has not learned yet.",
    )
    .or("0.1"),
    Key::new("beta", Number(Bounds::NOT_NEGATIVE), "What holds the first steps back.").or("1.0"),
    Key::new("l1", Number(Bounds::NOT_NEGATIVE), "The weight of the L1 penalty.").or("0.0"),
    Key::new("l2", Number(Bounds::NOT_NEGATIVE), "The weight of the L2 penalty.").or("0.0"),
];

/// The kind called `name`.
pub(crate) fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// The kind of a model that names none.
pub(crate) fn default_kind(task: &str) -> &'static str {
    if task == "regression" { "linear" } else { "logistic" }
}

const fn now(name: &'static str, tasks: &'static [&'static str], params: &'static [Key]) -> Kind {
    Kind { name, tasks, params, support: Support::Now }
}

const fn later(name: &'static str, tasks: &'static [&'static str]) -> Kind {
    Kind { name, tasks, params: &[], support: Support::Later }
}
