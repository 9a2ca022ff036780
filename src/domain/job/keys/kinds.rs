//! The kinds of model that a job file may name, with their tasks and parameters.
//!
//! What a kind computes is not known here; a kind that cannot be fitted yet is listed, so that naming it
//! is told apart from a slip of the pen.

use super::Shape::{Choice as OneFrom, Integer, Number};
use super::{Bounds, Choice, Key, Support};

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
    later("decision_tree", ALL),
    later("random_forest", ALL),
    later("gradient_boosting", ALL),
    later("ftrl", &["binary"]),
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
