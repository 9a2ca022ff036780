//! One value of a file, by the shape that its key asks for.
//!
//! A value is looked at alone: whether its type is the one that is wanted, and whether it lies within the
//! limits of its shape. What a text must look like is said by [`text`].

use std::collections::BTreeSet;
use std::ops::Range;

use toml::de::{DeFloat, DeInteger, DeTable, DeValue};

use super::{Place, Reader, Spanned};
use crate::domain::job::keys::{Bounds, Key, Shape};
use crate::domain::job::section::{Item, Value};
use crate::domain::job::text::{self, Refusal};
use crate::domain::job::words::shorten;

/// Where a secret may be found.
const SECRET_SOURCES: &[&str] = &["env", "file", "credential"];

/// Most tables of one name, so that what they ask for has a limit too.
const TABLES_MAX: usize = 1_000;

impl Reader<'_> {
    /// Reads the value of the key `name` of the table at `place`; `None` if it is refused.
    pub(super) fn value(
        &mut self,
        shape: &Shape,
        found: &Spanned<DeValue<'_>>,
        place: &Place,
        name: &str,
    ) -> Option<Value> {
        let path = place.key(name);
        match (shape, found.get_ref()) {
            (Shape::OneOf(shapes), value) => {
                match shapes.iter().find(|shape| takes(shape, value)) {
                    Some(shape) => self.value(shape, found, place, name),
                    None => self.wrong_type(shape, found, &path),
                }
            }
            (Shape::Secret, _) => self.secret(found, &path),
            (Shape::Flag, DeValue::Boolean(flag)) => Some(Value::Flag(*flag)),
            (Shape::Integer { min, max }, DeValue::Integer(integer)) => {
                self.integer(shape, (*min, *max), (integer, found.span()), &path)
            }
            (Shape::Number(bounds), DeValue::Integer(_) | DeValue::Float(_)) => {
                let number = number(found.get_ref())?;
                self.number(shape, bounds, number, (found, &path))
            }
            (Shape::Range, DeValue::Array(ends)) => self.range(ends, found, &path),
            (Shape::Scalar, DeValue::Integer(_) | DeValue::Float(_)) => self.scalar(found, &path),
            (Shape::List { of, count_min }, DeValue::Array(given)) => {
                let items = self.list(of, given, place, name);
                if given.len() < *count_min {
                    self.too_few(*count_min, found.span(), &path);
                }
                self.check_repeated(&items, &path);
                Some(Value::List(items))
            }
            (Shape::Table(keys), DeValue::Table(table)) => {
                let place = place.table(name);
                Some(Value::Section(self.section(&place, keys, table, found.span())))
            }
            (Shape::Tables(keys), DeValue::Array(tables)) => {
                self.tables(keys, (tables, found.span()), &place.tables(name))
            }
            (Shape::SearchSpace, DeValue::Table(table)) => self.search_space(table, place, name),
            (shape, DeValue::String(text)) => match text::read(shape, text) {
                Some(Ok(value)) => Some(value),
                Some(Err(refusal)) => self.refused(refusal, found, &path),
                None => self.wrong_type(shape, found, &path),
            },
            _ => self.wrong_type(shape, found, &path),
        }
    }

    fn tables(
        &mut self,
        keys: &'static [Key],
        (tables, span): (&[Spanned<DeValue<'_>>], Range<usize>),
        place: &Place,
    ) -> Option<Value> {
        if tables.len() > TABLES_MAX {
            let (path, count) = (&place.path, tables.len());
            let message = format!("`{path}` wants at most {TABLES_MAX} tables, found {count}");
            self.faults.add(span, "too_many_tables", message);
            return None;
        }
        let mut out = Vec::new();
        for table in tables {
            if let DeValue::Table(inner) = table.get_ref() {
                out.push(self.section(place, keys, inner, table.span()));
            } else {
                self.wrong_type(&Shape::Table(keys), table, &place.path);
            }
        }
        Some(Value::Sections(out))
    }

    fn wrong_type(
        &mut self,
        shape: &Shape,
        found: &Spanned<DeValue<'_>>,
        path: &str,
    ) -> Option<Value> {
        let message =
            format!("`{path}` wants {}, found {}", shape.words(), describe(found.get_ref()));
        let help = match (shape, found.get_ref()) {
            (Shape::Tables(_), DeValue::Table(_)) => Some(format!("write `[[{path}]]`")),
            (Shape::Table(_), DeValue::Array(_)) => Some(format!("write `[{path}]`, once")),
            (Shape::List { .. }, DeValue::String(text)) => {
                Some(format!("write `[\"{}\"]`", shorten(text)))
            }
            (Shape::Flag, DeValue::String(text)) if matches!(text.as_ref(), "true" | "false") => {
                Some("leave out the quotes".to_owned())
            }
            (Shape::Scalar, DeValue::Boolean(flag)) => {
                Some(format!("booleans are numbers here, write `{}`", i32::from(*flag)))
            }
            (Shape::Duration { .. }, DeValue::Integer(integer)) => {
                Some(format!("durations have a unit, as in `\"{}s\"`", shorten(integer.as_str())))
            }
            _ => None,
        };
        match help {
            Some(help) => self.faults.add_with_help(found.span(), "wrong_type", message, help),
            None => self.faults.add(found.span(), "wrong_type", message),
        }
        None
    }

    /// Notes a text that was refused, pointing into it where the file shows it as it is.
    fn refused(
        &mut self,
        refusal: Refusal,
        found: &Spanned<DeValue<'_>>,
        path: &str,
    ) -> Option<Value> {
        let Refusal { code, message, help, at } = refusal;
        let span = found.span();
        let written = self.text.get(span.clone()).unwrap_or_default();
        let is_plain = found.get_ref().as_str().is_some_and(|text| {
            written.len() == text.len() + 2 && written.get(1..=text.len()) == Some(text)
        });
        let span = match at {
            Some(at) if is_plain => span.start + 1 + at.start..span.start + 1 + at.end,
            _ => span,
        };
        let message = format!("`{path}`{message}");
        match help {
            Some(help) => self.faults.add_with_help(span, code, message, help),
            None => self.faults.add(span, code, message),
        }
        None
    }

    fn integer(
        &mut self,
        shape: &Shape,
        (min, max): (i64, i64),
        (found, span): (&DeInteger<'_>, Range<usize>),
        path: &str,
    ) -> Option<Value> {
        let integer = i64::from_str_radix(found.as_str(), found.radix()).ok();
        if let Some(integer) = integer.filter(|integer| (min..=max).contains(integer)) {
            return Some(Value::Integer(integer));
        }
        let found = shorten(&found.to_string());
        let message = format!("`{path}` wants {}, found {found}", shape.words());
        self.faults.add(span, "out_of_range", message);
        None
    }

    fn number(
        &mut self,
        shape: &Shape,
        bounds: &Bounds,
        number: f64,
        (found, path): (&Spanned<DeValue<'_>>, &str),
    ) -> Option<Value> {
        if bounds.contains(number) {
            return Some(Value::Number(number));
        }
        let message =
            format!("`{path}` wants {}, found {}", shape.words(), describe(found.get_ref()));
        self.faults.add(found.span(), "out_of_range", message);
        None
    }

    /// Reads the two ends of a range; either may be infinite, not both.
    fn range(
        &mut self,
        ends: &[Spanned<DeValue<'_>>],
        found: &Spanned<DeValue<'_>>,
        path: &str,
    ) -> Option<Value> {
        let numbers: Vec<f64> = ends.iter().filter_map(|end| number(end.get_ref())).collect();
        let [min, max] = numbers[..] else {
            return self.wrong_type(&Shape::Range, found, path);
        };
        if ends.len() != 2 {
            return self.wrong_type(&Shape::Range, found, path);
        }
        let reason = if min.is_nan() || max.is_nan() {
            "`nan` is no end of a range"
        } else if min > max {
            "the first number is larger than the second"
        } else if min.is_infinite() && max.is_infinite() {
            "one end at least must be finite"
        } else {
            return Some(Value::Range(min, max));
        };
        let message = format!("`{path}` wants {}: {reason}", Shape::Range.words());
        let help = "a range that is open at one end is written `[0, inf]` or `[-inf, 0]`";
        self.faults.add_with_help(found.span(), "range_order", message, help);
        None
    }

    /// Reads a number that stands for a text: as a cell of a table prints.
    fn scalar(&mut self, found: &Spanned<DeValue<'_>>, path: &str) -> Option<Value> {
        let shape = Shape::Scalar;
        if let DeValue::Integer(integer) = found.get_ref() {
            let read = self.integer(&shape, (i64::MIN, i64::MAX), (integer, found.span()), path)?;
            return match read {
                Value::Integer(integer) => Some(Value::Text(integer.to_string())),
                other => Some(other),
            };
        }
        let number = number(found.get_ref())?;
        match self.number(&shape, &Bounds::ANY, number, (found, path))? {
            Value::Number(number) => Some(Value::Text(number.to_string())),
            other => Some(other),
        }
    }

    fn list(
        &mut self,
        of: &Shape,
        items: &[Spanned<DeValue<'_>>],
        place: &Place,
        name: &str,
    ) -> Vec<Item> {
        let mut out = Vec::new();
        for item in items {
            if self.faults.is_full() {
                break;
            }
            let value = self.value(of, item, place, name);
            out.extend(value.map(|value| Item { value, span: item.span() }));
        }
        out
    }

    fn too_few(&mut self, count_min: usize, span: Range<usize>, path: &str) {
        let message = format!("`{path}` wants at least {count_min} entry, found an empty list");
        self.faults.add_with_help(span, "empty_list", message, "leave the key out");
    }

    fn check_repeated(&mut self, items: &[Item], path: &str) {
        let mut seen = BTreeSet::new();
        for item in items {
            let text = match &item.value {
                Value::Text(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => continue,
            };
            if !seen.insert(text.clone()) {
                let message = format!("`{}` is in `{path}` twice", shorten(&text));
                let help = "leave one of them";
                self.faults.add_with_help(item.span.clone(), "repeated_value", message, help);
            }
        }
    }

    /// Reads a reference to a secret; what was found instead is never repeated.
    fn secret(&mut self, found: &Spanned<DeValue<'_>>, path: &str) -> Option<Value> {
        let help =
            "write `{ env = \"NAME\" }`, `{ file = \"/path\" }` or `{ credential = \"name\" }`";
        let DeValue::Table(table) = found.get_ref() else {
            let message = format!("`{path}` wants a reference, found a literal value");
            self.faults.add_with_help(found.span(), "secret_literal", message, help);
            return None;
        };
        let sources: Vec<_> = table.iter().collect();
        if let [(source, value)] = sources[..]
            && SECRET_SOURCES.contains(&source.get_ref().as_ref())
            && value.get_ref().as_str().is_some_and(|name| !name.is_empty())
        {
            return Some(Value::Unused);
        }
        let message = format!("`{path}` wants one of `env`, `file` and `credential`, with a name");
        self.faults.add_with_help(found.span(), "secret_form", message, help);
        None
    }

    /// Reads the values to try, each as if it were given in `[model.params]`.
    fn search_space(&mut self, table: &DeTable<'_>, place: &Place, name: &str) -> Option<Value> {
        // Without a kind there is a fault of its own.
        let kind = self.kind?;
        let place = place.table(name);
        let place = Place { title: format!("{} of kind `{}`", place.title, kind.name), ..place };
        let mut out = Vec::new();
        for (name, values) in table {
            let Some(key) = kind.params.iter().find(|key| key.name == name.get_ref()) else {
                self.unknown_key(&place, kind.params, name);
                continue;
            };
            let list = Shape::List { of: &key.shape, count_min: 1 };
            if let Some(Value::List(items)) = self.value(&list, values, &place, key.name) {
                out.push((key.name, items));
            }
        }
        Some(Value::Space(out))
    }
}

/// Whether a shape takes values of this type at all.
fn takes(shape: &Shape, value: &DeValue<'_>) -> bool {
    match value {
        DeValue::String(_) => matches!(shape, Shape::Choice(_) | Shape::Duration { .. }),
        DeValue::Integer(_) | DeValue::Float(_) => matches!(shape, Shape::Number(_)),
        DeValue::Table(_) => matches!(shape, Shape::Table(_)),
        DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) => false,
    }
}

/// The value as a float: an integer as the nearest one, a number too large as infinite.
fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(integer) => {
            let integer = i64::from_str_radix(integer.as_str(), integer.radix());
            Some(integer.map_or(f64::INFINITY, |integer| integer as f64))
        }
        DeValue::Float(float) => Some(float_of(float)),
        _ => None,
    }
}

fn float_of(float: &DeFloat<'_>) -> f64 {
    float.as_str().parse().unwrap_or(f64::NAN)
}

/// A value as messages call it.
fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the text `\"{}\"`", shorten(text)),
        DeValue::Integer(integer) => format!("the number {}", shorten(&integer.to_string())),
        DeValue::Float(float) => format!("the number {}", shorten(float.as_str())),
        DeValue::Boolean(flag) => format!("`{flag}`"),
        DeValue::Datetime(_) => "a date or time".to_owned(),
        DeValue::Array(items) if items.is_empty() => "an empty list".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
