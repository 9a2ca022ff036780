//! A table of a file after its keys were checked one by one.
//!
//! Every value here has the shape that the table of keys asks for, and defaults are filled in. A key
//! whose value was refused is still known to have been given, so that nobody is told that it is missing.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::SignedDuration;

use crate::domain::template::Template;

/// A checked value.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Flag(bool),
    Integer(i64),
    Number(f64),
    Text(String),
    Duration(SignedDuration),
    Template(Template),
    Range(f64, f64),
    List(Vec<Item>),
    Section(Section),
    Sections(Vec<Section>),
    /// Parameters, each with the values to try.
    Space(Vec<(&'static str, Vec<Item>)>),
    /// A value of a key that has no effect yet, and was checked all the same.
    Unused,
}

/// An entry of a list.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) value: Value,
    pub(crate) span: Range<usize>,
}

/// A checked table.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    /// Where the table begins; empty if it is not in the file.
    span: Range<usize>,
    entries: BTreeMap<&'static str, Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    /// Where key and value stand; `None` for a default.
    places: Option<(Range<usize>, Range<usize>)>,
    /// `None` for a value that was refused.
    value: Option<Value>,
}

static EMPTY: Section = Section { span: 0..0, entries: BTreeMap::new() };

impl Section {
    pub(crate) fn new(span: Range<usize>) -> Self {
        Self { span, entries: BTreeMap::new() }
    }

    /// Adds a key of the file, with its value unless that was refused.
    pub(crate) fn add(
        &mut self,
        name: &'static str,
        key: Range<usize>,
        place: Range<usize>,
        value: Option<Value>,
    ) {
        self.entries.insert(name, Entry { places: Some((key, place)), value });
    }

    /// Adds the default of a key that is not in the file.
    pub(crate) fn add_default(&mut self, name: &'static str, value: Option<Value>) {
        self.entries.insert(name, Entry { places: None, value });
    }

    /// Whether the file has the key, with whatever value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries.get(name).is_some_and(|entry| entry.places.is_some())
    }

    /// Where the value of a key stands, or else where the table begins.
    pub(crate) fn span(&self, name: &str) -> Range<usize> {
        let places = self.entries.get(name).and_then(|entry| entry.places.as_ref());
        places.map_or_else(|| self.start(), |(_, value)| value.clone())
    }

    /// Where a key stands, or else where the table begins.
    pub(crate) fn key_span(&self, name: &str) -> Range<usize> {
        let places = self.entries.get(name).and_then(|entry| entry.places.as_ref());
        places.map_or_else(|| self.start(), |(key, _)| key.clone())
    }

    /// Where the table begins.
    pub(crate) fn start(&self) -> Range<usize> {
        self.span.clone()
    }

    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        match self.value(name)? {
            Value::Flag(flag) => Some(*flag),
            _ => None,
        }
    }

    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        match self.value(name)? {
            Value::Integer(integer) => Some(*integer),
            _ => None,
        }
    }

    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        match self.value(name)? {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.value(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn duration(&self, name: &str) -> Option<SignedDuration> {
        match self.value(name)? {
            Value::Duration(duration) => Some(*duration),
            _ => None,
        }
    }

    pub(crate) fn template(&self, name: &str) -> Option<&Template> {
        match self.value(name)? {
            Value::Template(template) => Some(template),
            _ => None,
        }
    }

    pub(crate) fn range(&self, name: &str) -> Option<(f64, f64)> {
        match self.value(name)? {
            Value::Range(min, max) => Some((*min, *max)),
            _ => None,
        }
    }

    /// The entries of a list; empty if there is none.
    pub(crate) fn list(&self, name: &str) -> &[Item] {
        match self.value(name) {
            Some(Value::List(items)) => items,
            _ => &[],
        }
    }

    /// The texts of a list, with their places.
    pub(crate) fn texts(&self, name: &str) -> Vec<(&str, Range<usize>)> {
        self.list(name)
            .iter()
            .filter_map(|item| match &item.value {
                Value::Text(text) => Some((text.as_str(), item.span.clone())),
                _ => None,
            })
            .collect()
    }

    /// The parameters of a search space, each with its values; none if there is no space.
    pub(crate) fn space(&self, name: &str) -> &[(&'static str, Vec<Item>)] {
        match self.value(name) {
            Some(Value::Space(space)) => space,
            _ => &[],
        }
    }

    /// The same table with another value of a key.
    pub(crate) fn with(&self, name: &'static str, value: Value) -> Self {
        let mut out = self.clone();
        out.add_default(name, Some(value));
        out
    }

    /// A table below this one; an empty one if there is none.
    pub(crate) fn section(&self, name: &str) -> &Self {
        match self.value(name) {
            Some(Value::Section(section)) => section,
            _ => &EMPTY,
        }
    }

    /// The tables of a list of tables.
    pub(crate) fn sections(&self, name: &str) -> &[Self] {
        match self.value(name) {
            Some(Value::Sections(sections)) => sections,
            _ => &[],
        }
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.entries.get(name)?.value.as_ref()
    }
}
