//! Paths that hold fields of the tick: `scores/{interval_start:%Y-%m-%d}`.
//!
//! There are three fields, `tick`, `interval_start` and `interval_end`, and nothing else: no nesting, no
//! environment, no expressions. A field with a format is written in the zone of the schedule; a field
//! without one in UTC, to the second or, where the instant is not on one, to the microsecond, so that no two
//! instants are written alike. `{{` and `}}` stand for a brace. The formats are checked when a template is
//! parsed, so that rendering fails only for instants that a format cannot write. Whether the text is a path
//! that may be used is not known here.

/// Why a text is no template.
mod error;
/// What formats may hold, and what they tell.
mod format;
/// Which names a template could have given, and when.
mod names;
/// What a path tells of the instants of its run.
mod telling;

use std::fmt;

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

pub use self::error::TemplateError;
pub use self::names::{Names, Span};
pub use self::telling::Instants;

/// How a field without a format is written, in UTC, at a whole second: as a folder name that sorts by time.
const SECOND_FORMAT: &str = "%Y-%m-%dT%H%M%SZ";

/// The same between two seconds. Nothing is finer than a microsecond, as the store keeps it.
const MICROSECOND_FORMAT: &str = "%Y-%m-%dT%H%M%S.%6fZ";

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

    /// Whether the path depends on the tick at all.
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

impl Part {
    /// The part as it is written in a template.
    fn text(&self) -> String {
        match self {
            Self::Literal(literal) => literal.replace('{', "{{").replace('}', "}}"),
            Self::Field { field, format: None } => format!("{{{}}}", field.name()),
            Self::Field { field, format: Some(format) } => format!("{{{}:{format}}}", field.name()),
        }
    }
}

impl Field {
    fn name(self) -> &'static str {
        match self {
            Self::Tick => "tick",
            Self::IntervalStart => "interval_start",
            Self::IntervalEnd => "interval_end",
        }
    }
}

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
        format::check(format).map_err(|found| TemplateError::Conversion {
            found,
            at: format_start..start + inner.len(),
        })?;
    }
    Ok(Part::Field { field, format: format.map(str::to_owned) })
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
        None if instant.subsec_nanosecond() == 0 => (SECOND_FORMAT, TimeZone::UTC),
        None => (MICROSECOND_FORMAT, TimeZone::UTC),
    };
    strtime::format(format, &instant.to_zoned(zone))
        .map_err(|_| TemplateError::Unwritable { format: format.to_owned(), instant })
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::format::CONVERSIONS;
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
    fn no_two_instants_are_written_alike() {
        let template = Template::parse("{tick}").unwrap();
        let at = |text: &str| {
            let tick: Timestamp = text.parse().unwrap();
            template.render(&TickFields { tick, ..fields() }).unwrap()
        };
        assert_eq!(at("2026-04-01T00:00:00Z"), "2026-04-01T000000Z");
        assert_eq!(at("2026-04-01T00:00:00.120045Z"), "2026-04-01T000000.120045Z");
        assert_eq!(at("2026-04-01T00:00:00.000001Z"), "2026-04-01T000000.000001Z");
    }

    #[test]
    fn a_folder_of_the_tick_is_added_once() {
        let template = Template::parse("scores/wine").unwrap().with_tick();
        assert_eq!(template, Template::parse("scores/wine/tick={tick}").unwrap());
        assert_eq!(template.clone().with_tick(), template);
        assert_eq!(template.example(), "scores/wine/tick=1970-01-01T000000Z");
    }
}
