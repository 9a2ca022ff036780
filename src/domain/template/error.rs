//! Why a text is no template, or why a template cannot be rendered: in words, with what can be written instead.

use std::error::Error;
use std::fmt;
use std::ops::Range;

use jiff::Timestamp;

use super::format::CONVERSIONS;

/// Why a text is no template, or why a template cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateError {
    /// A field of another name.
    FieldUnknown {
        /// The name that was found.
        name: String,
        /// Where it stands in the text, in bytes.
        at: Range<usize>,
    },
    /// An opening brace without a closing one.
    FieldUnclosed {
        /// Where the brace stands in the text, in bytes.
        at: Range<usize>,
    },
    /// A closing brace without an opening one.
    BraceAlone {
        /// Where the brace stands in the text, in bytes.
        at: Range<usize>,
    },
    /// A format that is empty or holds a conversion that is not one of those supported.
    Conversion {
        /// The conversion with its percent sign; empty for an empty format.
        found: String,
        /// Where the format stands in the text, in bytes.
        at: Range<usize>,
    },
    /// `interval_start` is asked for, and the run has no previous tick.
    NoIntervalStart,
    /// The formatter cannot write the instant in this format.
    Unwritable {
        /// The format that cannot write it.
        format: String,
        /// The instant.
        instant: Timestamp,
    },
}

impl TemplateError {
    /// Where the fault is in the text, in bytes, if it is a fault of the text.
    pub fn at(&self) -> Option<Range<usize>> {
        match self {
            Self::FieldUnknown { at, .. }
            | Self::FieldUnclosed { at }
            | Self::BraceAlone { at }
            | Self::Conversion { at, .. } => Some(at.clone()),
            Self::NoIntervalStart | Self::Unwritable { .. } => None,
        }
    }

    /// What can be written instead.
    pub fn help(&self) -> String {
        match self {
            Self::FieldUnknown { .. } => {
                "the fields are `tick`, `interval_start` and `interval_end`".to_owned()
            }
            Self::FieldUnclosed { .. } => {
                "close it, as in `{tick:%Y-%m-%d}`; a brace itself is written `{{`".to_owned()
            }
            Self::BraceAlone { .. } => "a brace itself is written `}}`".to_owned(),
            Self::Conversion { .. } => format!(
                "write a format such as `{{tick:%Y-%m-%d}}`; the conversions are {}",
                CONVERSIONS.chars().map(|c| format!("`%{c}`")).collect::<Vec<_>>().join(" ")
            ),
            Self::NoIntervalStart => "give the job a schedule, or use `tick`".to_owned(),
            Self::Unwritable { .. } => "use `%Y`, `%m`, `%d`, `%H`, `%M`, `%S`".to_owned(),
        }
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FieldUnknown { name, .. } => {
                write!(f, "`{}` is not a field of a template", name.escape_debug())
            }
            Self::FieldUnclosed { .. } => f.write_str("the field that begins here is not closed"),
            Self::BraceAlone { .. } => f.write_str("this brace closes no field"),
            Self::Conversion { found, .. } if found.is_empty() => {
                f.write_str("the format of the field is empty")
            }
            Self::Conversion { found, .. } => {
                write!(f, "`{}` is not a conversion of a format", found.escape_debug())
            }
            Self::NoIntervalStart => f.write_str("the run has no previous tick to begin from"),
            Self::Unwritable { format, instant } => {
                write!(f, "`{format}` cannot write the instant {instant}")
            }
        }
    }
}

impl Error for TemplateError {}
