//! The table of keys: every key that a file may hold, with its shape, default, meaning and support.
//!
//! The parser, the nearest-name search and the JSON Schema all read this table, so that they cannot
//! differ. What several keys must be together (an order, a pair that excludes each other) is not said
//! here but in [`rules`](crate::domain::job::rules).

/// `[data]`, `[features]` and `[model]`.
pub(crate) mod data;
/// The kinds of model and their parameters.
pub(crate) mod kinds;
/// What watches and governs a model: drift to notifications.
pub(crate) mod policy;
/// The top of a job file, `[schedule]` and `[run]`.
pub(crate) mod root;
/// `[score]`, `[train]` and `[[check]]`.
pub(crate) mod score;

/// One key of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) default: Default,
    /// One sentence for the schema and for `explain`.
    pub(crate) doc: &'static str,
    pub(crate) support: Support,
}

/// What holds when a key is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Default {
    /// The key may not be absent.
    Required,
    /// A value, written as in TOML.
    Toml(&'static str),
    /// No value; the words say what follows from that.
    Unset(&'static str),
}

/// Whether a key, a choice or a kind has its effect in this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Support {
    Now,
    /// It is checked like any other and then refused, because ignoring it would be worse.
    Later,
}

/// What the value of a key must be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// The name of a job.
    JobName,
    /// Text that is not empty.
    Text,
    /// The name of a column.
    Column,
    /// A regular expression.
    Regex,
    /// True or false.
    Flag,
    /// A whole number within both limits.
    Integer {
        min: i64,
        max: i64,
    },
    Number(Bounds),
    /// A span of time of at least this many seconds.
    Duration {
        min_secs: i64,
    },
    /// A size in bytes, at least 1.
    Size,
    Choice(&'static [Choice]),
    /// The name of a kind of model.
    Kind,
    /// Parameters of the kind that stands beside them.
    Params,
    /// A path with wildcards and fields of the tick.
    Input,
    /// A folder with fields of the tick.
    Output,
    /// A folder below the project root.
    Folder,
    /// An absolute folder.
    Root,
    /// A path below the project, or an absolute one.
    Place,
    /// An address and a port.
    Listen,
    /// `drift`, `performance`, `new_rows:<n>` or `age:<duration>`.
    RetrainReason,
    /// Where a secret is found; never the secret itself.
    Secret,
    /// Text or a number, compared as text.
    Scalar,
    /// The lower and the upper end of a range, either of which may be infinite.
    Range,
    /// Lists of values to try, by the name of a parameter.
    SearchSpace,
    /// A set, written as a list: entries of one shape, none of them twice.
    List {
        of: &'static Shape,
        count_min: usize,
    },
    /// The first of these that takes the type of the value.
    OneOf(&'static [Shape]),
    Table(&'static [Key]),
    /// Any number of tables.
    Tables(&'static [Key]),
}

/// One value of a closed set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice {
    pub(crate) name: &'static str,
    pub(crate) support: Support,
}

/// The numbers that are accepted. NaN and infinities never are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) min: f64,
    pub(crate) max: f64,
    /// Whether `min` itself is refused.
    pub(crate) above_min: bool,
    /// Whether `max` itself is refused.
    pub(crate) below_max: bool,
}

impl Key {
    /// A key that may be absent, with no value then.
    pub(crate) const fn new(name: &'static str, shape: Shape, doc: &'static str) -> Self {
        Self { name, shape, default: Default::Unset("none"), doc, support: Support::Now }
    }

    pub(crate) const fn required(self) -> Self {
        Self { default: Default::Required, ..self }
    }

    /// With a default, written as in TOML.
    pub(crate) const fn or(self, toml: &'static str) -> Self {
        Self { default: Default::Toml(toml), ..self }
    }

    /// With words for what holds when the key is absent.
    pub(crate) const fn unset(self, words: &'static str) -> Self {
        Self { default: Default::Unset(words), ..self }
    }

    /// Not supported yet.
    pub(crate) const fn later(self) -> Self {
        Self { support: Support::Later, ..self }
    }
}

impl Choice {
    pub(crate) const fn now(name: &'static str) -> Self {
        Self { name, support: Support::Now }
    }

    pub(crate) const fn later(name: &'static str) -> Self {
        Self { name, support: Support::Later }
    }
}

impl Bounds {
    /// Any finite number.
    pub(crate) const ANY: Self = Self::from(f64::MIN, f64::MAX);
    /// 0 to 1.
    pub(crate) const SHARE: Self = Self::from(0.0, 1.0);
    /// 0 to 1, neither of them.
    pub(crate) const INSIDE: Self = Self { above_min: true, below_max: true, ..Self::SHARE };
    /// 0 or more.
    pub(crate) const NOT_NEGATIVE: Self = Self::from(0.0, f64::MAX);

    /// Both ends included.
    pub(crate) const fn from(min: f64, max: f64) -> Self {
        Self { min, max, above_min: false, below_max: false }
    }

    pub(crate) fn contains(&self, number: f64) -> bool {
        let high_enough = if self.above_min { number > self.min } else { number >= self.min };
        let low_enough = if self.below_max { number < self.max } else { number <= self.max };
        number.is_finite() && high_enough && low_enough
    }

    /// The end of a sentence about numbers: ` above 0`, ` from 0 to 1`.
    fn words(&self) -> String {
        let Self { min, max, above_min, below_max } = *self;
        match (min > f64::MIN, max < f64::MAX) {
            (false, false) => String::new(),
            (true, false) if above_min => format!(" above {min}"),
            (true, false) => format!(" of at least {min}"),
            (false, true) if below_max => format!(" below {max}"),
            (false, true) => format!(" of at most {max}"),
            (true, true) => match (above_min, below_max) {
                (false, false) => format!(" from {min} to {max}"),
                (true, false) => format!(" above {min} and up to {max}"),
                (false, true) => format!(" from {min} to below {max}"),
                (true, true) => format!(" above {min} and below {max}"),
            },
        }
    }
}

/// A list of different columns, at least one.
pub(crate) const COLUMNS: Shape = Shape::List { of: &Shape::Column, count_min: 1 };

impl Shape {
    /// The values of a closed set; empty for every other shape.
    pub(crate) fn choices(&self) -> Vec<Choice> {
        match self {
            Self::Choice(choices) => choices.to_vec(),
            Self::Kind => kinds::KINDS
                .iter()
                .map(|kind| Choice { name: kind.name, support: kind.support })
                .collect(),
            _ => Vec::new(),
        }
    }

    /// What is wanted, in words: `a number from 0 to 1`.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::JobName => "the name of a job".to_owned(),
            Self::Text => "text".to_owned(),
            Self::Column => "the name of a column".to_owned(),
            Self::Regex => "a regular expression".to_owned(),
            Self::Flag => "`true` or `false`".to_owned(),
            Self::Integer { min, max: i64::MAX } => format!("a whole number of at least {min}"),
            Self::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Self::Number(bounds) => format!("a number{}", bounds.words()),
            Self::Duration { .. } => "a duration such as `\"24h\"`".to_owned(),
            Self::Size => "a size such as `\"4GiB\"`".to_owned(),
            Self::Choice(_) | Self::Kind => {
                let names: Vec<String> =
                    self.choices().iter().map(|choice| format!("`\"{}\"`", choice.name)).collect();
                if names.len() == 1 {
                    names.concat()
                } else {
                    format!("one of {}", names.join(", "))
                }
            }
            Self::Params => "a table of parameters".to_owned(),
            Self::Input => "a path such as `\"data/*.parquet\"`".to_owned(),
            Self::Output | Self::Folder => "a folder such as `\"scores/wine\"`".to_owned(),
            Self::Root => "an absolute folder such as `\"/srv/data\"`".to_owned(),
            Self::Place => "a path such as `\"state\"` or `\"/var/lib/nightshift\"`".to_owned(),
            Self::Listen => "an address such as `\"127.0.0.1:8700\"`".to_owned(),
            Self::RetrainReason => {
                "`\"drift\"`, `\"performance\"`, `\"new_rows:<n>\"` or `\"age:<duration>\"`"
                    .to_owned()
            }
            Self::Secret => "a reference such as `{ env = \"NAME\" }`".to_owned(),
            Self::Scalar => "text or a number".to_owned(),
            Self::Range => "two numbers, as in `[0, 120]`".to_owned(),
            Self::SearchSpace => "a table of lists, as in `{ alpha = [0.1, 1.0] }`".to_owned(),
            Self::List { of, .. } => format!("a list of {}", plural(of)),
            Self::OneOf(shapes) => shapes.iter().map(Self::words).collect::<Vec<_>>().join(", or "),
            Self::Table(_) => "a table".to_owned(),
            Self::Tables(_) => "a list of tables".to_owned(),
        }
    }
}

/// What a list of a shape holds, in words.
fn plural(shape: &Shape) -> String {
    match shape {
        Shape::Column => "column names".to_owned(),
        Shape::Number(bounds) => format!("numbers{}", bounds.words()),
        Shape::Scalar => "texts or numbers".to_owned(),
        Shape::Secret => "references".to_owned(),
        Shape::Root => "absolute folders".to_owned(),
        shape => shape.words(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_said_and_kept() {
        let cases: &[(Bounds, &str, &[f64], &[f64])] = &[
            (Bounds::ANY, "", &[-1e300, 0.0], &[f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
            (Bounds::SHARE, " from 0 to 1", &[0.0, 1.0], &[-1e-9, 1.1, f64::NAN]),
            (Bounds::INSIDE, " above 0 and below 1", &[0.5], &[0.0, 1.0]),
            (Bounds::NOT_NEGATIVE, " of at least 0", &[0.0], &[-1.0]),
        ];
        for (bounds, words, inside, outside) in cases {
            assert_eq!(bounds.words(), *words);
            assert!(inside.iter().all(|number| bounds.contains(*number)), "{words}");
            assert!(!outside.iter().any(|number| bounds.contains(*number)), "{words}");
        }
    }
}
