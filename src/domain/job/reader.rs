//! Reads a table of TOML by the table of keys, and notes every fault.
//!
//! Each key is looked at by itself: whether it is known, whether its value has the shape, whether it is
//! supported. The reader goes as deep as the table of keys does, never as deep as the file.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::domain::job::keys::kinds::{self, Kind};
use crate::domain::job::keys::{Default, Key, Shape, Support};
use crate::domain::job::problem::Faults;
use crate::domain::job::section::{Section, Value};
use crate::domain::job::words::{nearest, shorten};

/// Single values, by shape.
mod value;

/// Reads one file.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    /// Every key of the file.
    root: &'static [Key],
    /// The file as messages call it: `a job file`.
    title: &'static str,
    /// The kind of model that the file names, once its `[model]` was read.
    kind: Option<&'static Kind>,
    pub(crate) faults: Faults,
}

/// Where in a file a table is.
#[derive(Debug, Clone)]
struct Place {
    /// The dotted path, empty for the file itself.
    path: String,
    /// The table as messages call it: `` `[data]` ``.
    title: String,
}

impl Place {
    fn key(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn table(&self, name: &str) -> Self {
        let path = self.key(name);
        Self { title: format!("`[{path}]`"), path }
    }

    fn tables(&self, name: &str) -> Self {
        let path = self.key(name);
        Self { title: format!("`[[{path}]]`"), path }
    }
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str, root: &'static [Key], title: &'static str) -> Self {
        Self { text, root, title, kind: None, faults: Faults::default() }
    }

    /// Reads the table of the whole file.
    pub(crate) fn file(&mut self, table: &DeTable<'_>) -> Section {
        let place = Place { path: String::new(), title: self.title.to_owned() };
        self.section(&place, self.root, table, 0..0)
    }

    /// Reads a table that begins at `start`.
    fn section(
        &mut self,
        place: &Place,
        keys: &'static [Key],
        table: &DeTable<'_>,
        start: Range<usize>,
    ) -> Section {
        for (name, _) in table {
            if !self.faults.is_full() && !keys.iter().any(|key| key.name == name.get_ref()) {
                self.unknown_key(place, keys, name);
            }
        }
        let mut out = Section::new(start);
        for key in keys {
            match table.get_key_value(key.name) {
                Some((name, found)) => self.given(place, key, (name.span(), found), &mut out),
                None => self.absent(place, key, &mut out),
            }
        }
        out
    }

    /// Reads a key of the file.
    fn given(
        &mut self,
        place: &Place,
        key: &'static Key,
        (name, found): (Range<usize>, &Spanned<DeValue<'_>>),
        out: &mut Section,
    ) {
        let value = match (key.shape, found.get_ref()) {
            (Shape::Params, DeValue::Table(table)) => {
                self.params(&place.table(key.name), out, table, found.span())
            }
            _ => self.value(&key.shape, found, place, key.name),
        };
        if key.support == Support::Later {
            let title = match key.shape {
                Shape::Table(_) => place.table(key.name).title,
                Shape::Tables(_) => place.tables(key.name).title,
                _ => format!("`{}`", place.key(key.name)),
            };
            self.faults.add_with_help(
                name.clone(),
                "not_supported_yet",
                format!("{title} is not supported yet"),
                "leave it out until a version of nightshift supports it",
            );
        }
        out.add(key.name, name, found.span(), value);
    }

    /// Fills in the default of a key that is not there, or says that it is missing.
    fn absent(&mut self, place: &Place, key: &'static Key, out: &mut Section) {
        if key.support == Support::Later {
            return;
        }
        match (key.default, key.shape) {
            (Default::Toml(toml), shape) => out.add_default(key.name, self.default(&shape, toml)),
            (Default::Required, shape) => {
                let (what, help) = match shape {
                    Shape::Table(keys) => {
                        let title = place.table(key.name).title;
                        (title.clone(), format!("add {title} with {}", required(keys)))
                    }
                    shape => {
                        let name = key.name;
                        let path = place.key(name);
                        (format!("`{path}`"), format!("add `{name} = ...`, {}", shape.words()))
                    }
                };
                let message = format!("{what} is missing");
                self.faults.add_with_help(out.start(), "missing_key", message, help);
            }
            (Default::Unset(_), Shape::Table(keys)) => {
                out.add_default(key.name, Some(Value::Section(self.defaults(keys))));
            }
            (Default::Unset(_), Shape::Params) => {
                self.kind = kind_of(out);
                let params = self.kind.map(|kind| self.defaults(kind.params));
                out.add_default(key.name, params.map(Value::Section));
            }
            (Default::Unset(_), _) => {}
        }
    }

    /// The section of a table that is not in the file: nothing but defaults.
    fn defaults(&mut self, keys: &'static [Key]) -> Section {
        let mut out = Section::new(0..0);
        for key in keys.iter().filter(|key| key.support == Support::Now) {
            match (key.default, key.shape) {
                (Default::Toml(toml), shape) => {
                    out.add_default(key.name, self.default(&shape, toml));
                }
                (Default::Unset(_), Shape::Table(keys)) => {
                    out.add_default(key.name, Some(Value::Section(self.defaults(keys))));
                }
                _ => {}
            }
        }
        out
    }

    /// The value of a default, which is written as in TOML; a test reads every one.
    fn default(&self, shape: &Shape, toml: &'static str) -> Option<Value> {
        let value = DeValue::parse(toml).ok()?;
        let mut reader = Reader::new(toml, self.root, self.title);
        let place = Place { path: String::new(), title: String::new() };
        reader.value(shape, &value, &place, "default")
    }

    /// Reads the parameters of the kind of model that `model` names.
    fn params(
        &mut self,
        place: &Place,
        model: &Section,
        table: &DeTable<'_>,
        start: Range<usize>,
    ) -> Option<Value> {
        self.kind = kind_of(model);
        let kind = self.kind?;
        let place = Place {
            path: place.path.clone(),
            title: format!("{} of kind `{}`", place.title, kind.name),
        };
        Some(Value::Section(self.section(&place, kind.params, table, start)))
    }

    fn unknown_key(&mut self, place: &Place, keys: &[Key], name: &Spanned<DeString<'_>>) {
        let found = shorten(name.get_ref());
        let message = format!("`{found}` is not a key of {}", place.title);
        match self.help_for_unknown(place, keys, name.get_ref()) {
            Some(help) => self.faults.add_with_help(name.span(), "unknown_key", message, help),
            None => self.faults.add(name.span(), "unknown_key", message),
        }
    }

    fn help_for_unknown(&self, place: &Place, keys: &[Key], name: &str) -> Option<String> {
        let elsewhere = places_of(self.root, name);
        let near = nearest(name, keys.iter().map(|key| key.name));
        match (near, elsewhere.as_slice()) {
            (Some(near), _) => Some(format!("did you mean `{near}`?")),
            (None, [_, ..]) => Some(format!("`{name}` belongs {}", elsewhere.join(" or "))),
            (None, []) if keys.is_empty() => None,
            (None, []) if place.path.is_empty() && keys.len() > 12 => None,
            (None, []) => {
                let names: Vec<String> = keys.iter().map(|key| format!("`{}`", key.name)).collect();
                Some(format!("its keys are {}", names.join(", ")))
            }
        }
    }
}

/// The kind of model that `[model]` names or leaves to its default; `None` if either was refused.
fn kind_of(model: &Section) -> Option<&'static Kind> {
    let name = match model.text("kind") {
        Some(kind) => kind,
        None if model.has("kind") => return None,
        None => kinds::default_kind(model.text("task")?),
    };
    kinds::kind(name)
}

/// The keys that a table cannot do without, in words.
fn required(keys: &[Key]) -> String {
    let names = keys.iter().filter(|key| key.default == Default::Required);
    names.map(|key| format!("`{}`", key.name)).collect::<Vec<_>>().join(" and ")
}

/// The places of keys with this name, as the end of a sentence that begins with "it belongs".
fn places_of(root: &'static [Key], name: &str) -> Vec<String> {
    let mut out = Vec::new();
    if root.iter().any(|key| key.name == name) {
        out.push("at the top of the file, before the first table".to_owned());
    }
    let top = Place { path: String::new(), title: String::new() };
    for key in root {
        let (place, keys) = match key.shape {
            Shape::Table(keys) => (top.table(key.name), keys),
            Shape::Tables(keys) => (top.tables(key.name), keys),
            _ => continue,
        };
        if keys.iter().any(|key| key.name == name) {
            out.push(format!("to {}", place.title));
        }
        for inner in keys {
            if let Shape::Table(keys) = inner.shape
                && keys.iter().any(|key| key.name == name)
            {
                out.push(format!("to {}", place.table(inner.name).title));
            }
        }
    }
    let is_param = |kind: &&kinds::Kind| kind.params.iter().any(|key| key.name == name);
    let has_kinds = root.iter().any(|key| key.name == "model");
    let kinds = kinds::KINDS.iter().filter(is_param).filter(|_| has_kinds);
    out.extend(kinds.map(|kind| format!("to `[model.params]` of kind `{}`", kind.name)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::job::keys::root::JOB;

    /// Calls `look` with every key of the tables below `keys`.
    fn each_key(keys: &'static [Key], look: &mut impl FnMut(&'static Key)) {
        for key in keys {
            look(key);
            match key.shape {
                Shape::Table(keys) | Shape::Tables(keys) => each_key(keys, look),
                _ => {}
            }
        }
    }

    #[test]
    fn every_default_has_the_shape_of_its_key() {
        let mut count = 0;
        let mut look = |key: &'static Key| {
            if let Default::Toml(toml) = key.default {
                let reader = Reader::new("", JOB, "a job file");
                assert!(reader.default(&key.shape, toml).is_some(), "{} = {toml}", key.name);
                count += 1;
            }
        };
        each_key(JOB, &mut look);
        for kind in kinds::KINDS {
            each_key(kind.params, &mut look);
        }
        assert!(count > 40, "{count}");
    }

    #[test]
    fn every_key_is_named_once_and_explained() {
        let check = |keys: &'static [Key]| {
            let mut names: Vec<&str> = keys.iter().map(|key| key.name).collect();
            names.sort_unstable();
            let count = names.len();
            names.dedup();
            assert_eq!(names.len(), count, "{names:?}");
        };
        check(JOB);
        each_key(JOB, &mut |key| {
            assert!(key.doc.ends_with('.'), "{}", key.name);
            if let Shape::Table(keys) | Shape::Tables(keys) = key.shape {
                check(keys);
            }
        });
    }
}
