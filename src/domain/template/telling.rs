//! What a path tells of the instants of its run, as far as its conversions say.
//!
//! Whether the ticks of one schedule have paths of their own depends on the schedule too, and is not known here: a
//! template that tells the date is enough for one tick a day.

use super::format::{self, Token};
use super::{Field, Part, Template};

/// Which instants of a run a path depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instants {
    /// The tick, which is also the end of its interval; or none.
    Tick,
    /// The start of its interval.
    Start,
    /// Both.
    Both,
}

impl Template {
    /// Whether no two instants give one path: a field without a format names the instant itself.
    pub fn tells_instants(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Field { format: None, .. }))
    }

    /// Whether no two whole seconds give one path, as far as the conversions alone say.
    pub fn tells_seconds(&self) -> bool {
        let is_told = self.formats().any(format::tells_second) && self.is_unambiguous();
        self.tells_instants() || is_told
    }

    /// Whether no two dates give one path, as far as the conversions alone say.
    pub fn tells_dates(&self) -> bool {
        self.tells_instants() || self.formats().any(format::tells_date)
    }

    /// Whether what the fields have written can be read back from a path in one way only.
    pub fn is_unambiguous(&self) -> bool {
        let tokens: Vec<Token> = self.parts.iter().flat_map(Part::tokens).collect();
        format::is_unambiguous(&tokens)
    }

    /// Which instants of a run the path depends on.
    pub fn instants(&self) -> Instants {
        let has_start = self.uses_interval_start();
        match (self.fields().any(|field| field != Field::IntervalStart), has_start) {
            (true, true) => Instants::Both,
            (false, true) => Instants::Start,
            (_, false) => Instants::Tick,
        }
    }

    /// Templates that tell more than this one, those that tell the least more first: the last format goes on to
    /// hours, minutes, seconds and the offset, from what it tells of the date or else from the whole date.
    pub fn finer(&self) -> Vec<Self> {
        let is_format = |part: &Part| matches!(part, Part::Field { format: Some(_), .. });
        let Some(last) = self.parts.iter().rposition(is_format) else { return Vec::new() };
        let Part::Field { field, format: Some(found) } = &self.parts[last] else {
            return Vec::new();
        };
        let mut out = Vec::new();
        for date in [found.as_str(), "%F"] {
            for (steps, has_offset) in (0..=3).flat_map(|steps| [(steps, false), (steps, true)]) {
                let finer = format::finer(date, steps, has_offset);
                let mut parts = self.parts.clone();
                parts[last] = Part::Field { field: *field, format: Some(finer) };
                let text = parts.iter().map(Part::text).collect();
                out.push(Self { text, parts });
            }
        }
        out.dedup();
        out.retain(|finer| finer != self);
        out
    }

    fn formats(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Field { format: Some(format), .. } => Some(format.as_str()),
            Part::Field { format: None, .. } | Part::Literal(_) => None,
        })
    }
}

impl Part {
    fn tokens(&self) -> Vec<Token> {
        match self {
            Self::Literal(literal) => literal.chars().map(Token::Literal).collect(),
            Self::Field { format: None, .. } => vec![Token::Fixed],
            Self::Field { format: Some(format), .. } => format::tokens(format),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finer_templates_tell_more() {
        let finer = |text: &str| -> Vec<String> {
            let finer = Template::parse(text).unwrap().finer();
            finer.iter().map(|template| template.as_str().to_owned()).collect()
        };
        assert_eq!(
            finer("a/{{x}}/{tick:%F}")[..3],
            ["a/{{x}}/{tick:%F%z}", "a/{{x}}/{tick:%FT%H}", "a/{{x}}/{tick:%FT%H%z}"]
        );
        assert!(finer("a/{interval_start:%m-%d}").contains(&"a/{interval_start:%F}".to_owned()));
        assert_eq!(finer("a/{tick}"), Vec::<String>::new());
        for text in finer("a/{tick:%m}") {
            assert_eq!(Template::parse(&text).unwrap().as_str(), text);
        }
    }
}
