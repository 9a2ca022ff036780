//! Paths that hold fields of the tick: `scores/{interval_start:%Y-%m-%d}`.
//!
//! There are three fields, `tick`, `interval_start` and `interval_end`, and nothing else: no nesting, no
//! environment, no expressions. A field with a format is written in the zone of the schedule; a field
//! without one in UTC, in the fixed form of [`UTC_FORMAT`]. `{{` and `}}` stand for a brace. The formats
//! are checked when a template is parsed, so that rendering fails only for instants that a format cannot
//! write. Whether the text is a path that may be used is not known here.

/// Which names a template could have given, and when.
mod names;

use std::error::Error;
use std::fmt;
use std::ops::Range;

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

pub use self::names::{Names, Span};

/// How a field without a format is written, in UTC: as a folder name that sorts by time.
pub const UTC_FORMAT: &str = "%Y-%m-%dT%H%M%SZ";

/// The conversions that a format may hold: those whose result is plain text of known form in any zone.
const CONVERSIONS: &str = "YyCmdjHIMSpsGgVUWuwqaAbBFTRzZ%";

/// A path with fields of the tick, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

/// What is filled into the fields of a template.
#[derive(Debug, Clone)]
pub struct TickFields {
    /// The nominal instant of the run.
    pub tick: Timestamp,
    /// The previous tick of the schedule; `None` where there is none.
    pub interval_start: Option<Timestamp>,
    /// The end of the data interval: the tick, for a scheduled run.
    pub interval_end: Timestamp,
    /// The zone of the schedule, for fields that have a format.
    pub zone: TimeZone,
}

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

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Field { field: Field, format: Option<String> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Tick,
    IntervalStart,
    IntervalEnd,
}

impl Template {
    /// Reads a text with fields in braces.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut at = 0;
        while let Some(next) = text[at..].chars().next() {
            let rest = &text[at + next.len_utf8()..];
            match next {
                '{' | '}' if rest.starts_with(next) => {
                    literal.push(next);
                    at += 2;
                }
                '}' => return Err(TemplateError::BraceAlone { at: at..at + 1 }),
                '{' => {
                    let length =
                        rest.find('}').ok_or(TemplateError::FieldUnclosed { at: at..at + 1 })?;
                    if !literal.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut literal)));
                    }
                    parts.push(parse_field(&rest[..length], at + 1)?);
                    at += length + 2;
                }
                _ => {
                    literal.push(next);
                    at += next.len_utf8();
                }
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether two ticks can give two paths.
    pub fn has_fields(&self) -> bool {
        self.fields().next().is_some()
    }

    /// Whether a run without a previous tick cannot render it.
    pub fn uses_interval_start(&self) -> bool {
        self.fields().any(|field| field == Field::IntervalStart)
    }

    /// Whether it asks for either end of the data interval.
    pub fn uses_interval(&self) -> bool {
        self.fields().any(|field| field != Field::Tick)
    }

    /// The path for one run.
    pub fn render(&self, values: &TickFields) -> Result<String, TemplateError> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => out.push_str(literal),
                Part::Field { field, format } => {
                    out.push_str(&write_field(*field, format.as_deref(), values)?);
                }
            }
        }
        Ok(out)
    }

    /// A glob that matches every path the template can give: a `*` for each field, or as many with
    /// slashes between them as its format has parts. What is not a field stays as it is.
    pub fn glob(&self) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Literal(literal) => literal.clone(),
            Part::Field { format, .. } => {
                let slashes = format.as_deref().unwrap_or_default().matches('/').count();
                format!("{}*", "*/".repeat(slashes))
            }
        });
        parts.collect()
    }

    /// The path of an example tick, to look at its form.
    pub fn example(&self) -> String {
        let tick = Timestamp::UNIX_EPOCH;
        let zone = TimeZone::UTC;
        let values = TickFields { tick, interval_start: Some(tick), interval_end: tick, zone };
        self.render(&values).unwrap_or_else(|_| self.glob())
    }

    /// The same, with a folder of the tick below it if it has no field: `scores/wine/tick={tick}`.
    #[must_use]
    pub fn with_tick(mut self) -> Self {
        if !self.has_fields() {
            self.parts = vec![
                Part::Literal(format!("{}/tick=", self.example())),
                Part::Field { field: Field::Tick, format: None },
            ];
            self.text.push_str("/tick={tick}");
        }
        self
    }

    fn fields(&self) -> impl Iterator<Item = Field> {
        self.parts.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Field { field, .. } => Some(*field),
        })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
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

/// Reads what stands between two braces, the first of which is just before `start`.
fn parse_field(inner: &str, start: usize) -> Result<Part, TemplateError> {
    let (name, format) = match inner.split_once(':') {
        Some((name, format)) => (name, Some(format)),
        None => (inner, None),
    };
    let field = match name {
        "tick" => Field::Tick,
        "interval_start" => Field::IntervalStart,
        "interval_end" => Field::IntervalEnd,
        _ => {
            let at = start..start + name.len();
            return Err(TemplateError::FieldUnknown { name: name.to_owned(), at });
        }
    };
    if let Some(format) = format {
        let format_start = start + name.len() + 1;
        check_format(format).map_err(|found| TemplateError::Conversion {
            found,
            at: format_start..start + inner.len(),
        })?;
    }
    Ok(Part::Field { field, format: format.map(str::to_owned) })
}

/// Checks a format; the error is the first conversion in it that is not supported.
fn check_format(format: &str) -> Result<(), String> {
    if format.is_empty() {
        return Err(String::new());
    }
    let mut chars = format.chars();
    while let Some(next) = chars.next() {
        if next != '%' {
            continue;
        }
        let mut found = String::from('%');
        let mut conversion = chars.next();
        if conversion == Some('-') {
            found.push('-');
            conversion = chars.next();
        }
        found.extend(conversion);
        if !conversion.is_some_and(|conversion| CONVERSIONS.contains(conversion)) {
            return Err(found);
        }
    }
    // The list above is the rule; that the formatter agrees is tried on an example.
    let example = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    strtime::format(format, &example).map(drop).map_err(|_| format.to_owned())
}

fn write_field(
    field: Field,
    format: Option<&str>,
    values: &TickFields,
) -> Result<String, TemplateError> {
    let instant = match field {
        Field::Tick => values.tick,
        Field::IntervalStart => values.interval_start.ok_or(TemplateError::NoIntervalStart)?,
        Field::IntervalEnd => values.interval_end,
    };
    let (format, zone) = match format {
        Some(format) => (format, values.zone.clone()),
        None => (UTC_FORMAT, TimeZone::UTC),
    };
    strtime::format(format, &instant.to_zoned(zone))
        .map_err(|_| TemplateError::Unwritable { format: format.to_owned(), instant })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> TickFields {
        TickFields {
            tick: "2026-01-05T23:30:00Z".parse().unwrap(),
            interval_start: Some("2026-01-04T23:30:00Z".parse().unwrap()),
            interval_end: "2026-01-05T23:30:00Z".parse().unwrap(),
            zone: TimeZone::get("Europe/Berlin").unwrap(),
        }
    }

    #[track_caller]
    fn check(text: &str, rendered: &str, glob: &str) {
        let template = Template::parse(text).unwrap();
        assert_eq!(template.render(&fields()).as_deref(), Ok(rendered), "{text}");
        assert_eq!(template.glob(), glob, "{text}");
        assert_eq!(template.as_str(), text);
    }

    #[track_caller]
    fn check_refused(text: &str, message: &str, at: Range<usize>) {
        let error = Template::parse(text).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.at()), (message, Some(at)), "{text}");
    }

    #[test]
    fn fields_are_written_in_the_zone_or_in_utc() {
        check("data/*.csv", "data/*.csv", "data/*.csv");
        check("{tick:%Y-%m-%d}", "2026-01-06", "*");
        check("a/tick={tick}/b", "a/tick=2026-01-05T233000Z/b", "a/tick=*/b");
        check("{interval_start:%F}..{interval_end:%F}", "2026-01-05..2026-01-06", "*..*");
        check("{tick:%Y/%m/%-d}/x", "2026/01/6/x", "*/*/*/x");
        check("ä{{tick}}{tick:%H:%M %%}", "ä{tick}00:30 %", "ä{tick}*");
        check("", "", "");
    }

    #[test]
    fn faults_are_named_with_their_place() {
        check_refused("a/{tock:%Y}", "`tock` is not a field of a template", 3..7);
        check_refused("{}", "`` is not a field of a template", 1..1);
        check_refused("{ tick }", "` tick ` is not a field of a template", 1..7);
        check_refused("ä{tick", "the field that begins here is not closed", 2..3);
        check_refused("{{tick}", "this brace closes no field", 6..7);
        check_refused("{tick:}", "the format of the field is empty", 6..6);
        check_refused("{tick:%Y-%Q}", "`%Q` is not a conversion of a format", 6..11);
        check_refused("{tick:%}", "`%` is not a conversion of a format", 6..7);
        check_refused("{tick:%-}", "`%-` is not a conversion of a format", 6..8);
        check_refused("{tick:%200Y}", "`%2` is not a conversion of a format", 6..11);
        check_refused("{{{env:HOME}", "`env` is not a field of a template", 3..6);
    }

    #[test]
    fn every_conversion_is_known_to_the_formatter() {
        for conversion in CONVERSIONS.chars() {
            for flag in ["", "-"] {
                let text = format!("{{tick:%{flag}{conversion}}}");
                let rendered = Template::parse(&text).and_then(|found| found.render(&fields()));
                assert!(rendered.is_ok_and(|text| !text.is_empty()), "{text}");
            }
        }
    }

    #[test]
    fn rendering_says_what_is_missing() {
        let template = Template::parse("{interval_start:%F}").unwrap();
        assert!(template.uses_interval_start() && template.uses_interval());
        let values = TickFields { interval_start: None, ..fields() };
        assert_eq!(template.render(&values), Err(TemplateError::NoIntervalStart));

        let template = Template::parse("{interval_end:%F}").unwrap();
        assert!(!template.uses_interval_start() && template.uses_interval());
    }

    #[test]
    fn a_folder_of_the_tick_is_added_once() {
        let template = Template::parse("scores/wine").unwrap().with_tick();
        assert_eq!(template, Template::parse("scores/wine/tick={tick}").unwrap());
        assert_eq!(template.clone().with_tick(), template);
        assert_eq!(template.example(), "scores/wine/tick=1970-01-01T000000Z");
    }
}
