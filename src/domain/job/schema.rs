//! The JSON Schema of a job file, from the same table of keys that the parser reads.
//!
//! Editors complete and check job files with it (`nightshift generate schema`). It says of each key what
//! the table says: shape, default, meaning, support. Rules between keys are left to `validate`, which
//! has the last word.

use serde_json::{Map, Value, json};
use toml::de::DeValue;

use crate::domain::duration;
use crate::domain::identity::JobName;
use crate::domain::job::keys::kinds::KINDS;
use crate::domain::job::keys::root::JOB;
use crate::domain::job::keys::{Bounds, Default, Key, Shape, Support};

/// The schema of a whole job file, JSON Schema 2020-12.
pub fn json_schema() -> Value {
    let mut out = table(JOB);
    out.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    out.insert("title".to_owned(), json!("nightshift job"));
    Value::Object(out)
}

/// A table with these keys and no others.
fn table(keys: &[Key]) -> Map<String, Value> {
    let properties: Map<String, Value> =
        keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let required: Vec<&str> =
        keys.iter().filter(|key| key.default == Default::Required).map(|key| key.name).collect();
    let mut out = Map::new();
    out.insert("type".to_owned(), json!("object"));
    out.insert("properties".to_owned(), Value::Object(properties));
    out.insert("additionalProperties".to_owned(), json!(false));
    if !required.is_empty() {
        out.insert("required".to_owned(), json!(required));
    }
    if keys.iter().any(|key| matches!(key.shape, Shape::Params)) {
        out.insert("allOf".to_owned(), Value::Array(params_by_kind()));
    }
    out
}

fn property(key: &Key) -> Value {
    let mut out = shape(&key.shape);
    let default = match key.default {
        Default::Unset(words) if words != "none" => format!(" Default: {words}."),
        _ => String::new(),
    };
    let support = match key.support {
        Support::Now => "",
        Support::Later => " Not supported yet: a file that has it is refused.",
    };
    out.insert("description".to_owned(), json!(format!("{}{default}{support}", key.doc)));
    if let Default::Toml(toml) = key.default {
        out.extend(DeValue::parse(toml).ok().and_then(|value| {
            json_of(value.get_ref()).map(|default| ("default".to_owned(), default))
        }));
    }
    Value::Object(out)
}

fn shape(shape: &Shape) -> Map<String, Value> {
    let value = match shape {
        Shape::JobName => {
            let pattern = format!("^[a-z][a-z0-9_-]{{0,{}}}$", JobName::CHARS_MAX - 1);
            json!({ "type": "string", "pattern": pattern })
        }
        Shape::Text
        | Shape::Column
        | Shape::Input
        | Shape::Output
        | Shape::Folder
        | Shape::Root
        | Shape::Place
        | Shape::Listen => json!({ "type": "string", "minLength": 1 }),
        Shape::Regex => json!({ "type": "string", "minLength": 1, "format": "regex" }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Integer { min, max: i64::MAX } => json!({ "type": "integer", "minimum": min }),
        Shape::Integer { min, max } => {
            json!({ "type": "integer", "minimum": min, "maximum": max })
        }
        Shape::Number(bounds) => number(bounds),
        Shape::Duration { .. } => {
            let example = duration::show(jiff::SignedDuration::from_hours(24));
            json!({ "type": "string", "pattern": "^[0-9]+[smhdw]$", "examples": [example] })
        }
        Shape::Size => json!({ "type": "string", "pattern": "^[0-9]+([KMGT]i?)?B$" }),
        Shape::Choice(_) | Shape::Kind => {
            let names: Vec<&str> = shape.choices().iter().map(|choice| choice.name).collect();
            json!({ "type": "string", "enum": names })
        }
        Shape::Params => json!({ "type": "object" }),
        Shape::RetrainReason => json!({
            "type": "string",
            "pattern": "^(drift|performance|new_rows:[0-9]+|age:[0-9]+[smhdw])$",
        }),
        Shape::Secret => json!({
            "type": "object",
            "properties": {
                "env": { "type": "string", "minLength": 1 },
                "file": { "type": "string", "minLength": 1 },
                "credential": { "type": "string", "minLength": 1 },
            },
            "additionalProperties": false,
            "minProperties": 1,
            "maxProperties": 1,
        }),
        Shape::Scalar => json!({ "type": ["string", "number"] }),
        Shape::Range => {
            json!({ "type": "array", "items": { "type": "number" }, "minItems": 2, "maxItems": 2 })
        }
        Shape::SearchSpace => json!({
            "type": "object",
            "additionalProperties": { "type": "array", "minItems": 1 },
        }),
        Shape::List { of, count_min } => json!({
            "type": "array",
            "items": self::shape(of),
            "minItems": count_min,
            "uniqueItems": true,
        }),
        Shape::OneOf(shapes) => {
            json!({ "anyOf": shapes.iter().map(self::shape).collect::<Vec<_>>() })
        }
        Shape::Table(keys) => Value::Object(table(keys)),
        Shape::Tables(keys) => json!({ "type": "array", "items": table(keys) }),
    };
    match value {
        Value::Object(object) => object,
        _ => unreachable!("every arm above makes an object"),
    }
}

fn number(bounds: &Bounds) -> Value {
    let mut out = Map::new();
    out.insert("type".to_owned(), json!("number"));
    if bounds.min > f64::MIN {
        let word = if bounds.above_min { "exclusiveMinimum" } else { "minimum" };
        out.insert(word.to_owned(), json!(bounds.min));
    }
    if bounds.max < f64::MAX {
        let word = if bounds.below_max { "exclusiveMaximum" } else { "maximum" };
        out.insert(word.to_owned(), json!(bounds.max));
    }
    Value::Object(out)
}

/// What `params` may hold, for each kind that has parameters or knows that it has none.
fn params_by_kind() -> Vec<Value> {
    KINDS
        .iter()
        .filter(|kind| kind.support == Support::Now)
        .map(|kind| {
            json!({
                "if": { "properties": { "kind": { "const": kind.name } }, "required": ["kind"] },
                "then": { "properties": { "params": table(kind.params) } },
            })
        })
        .collect()
}

/// A default as JSON; `None` for what JSON cannot say.
fn json_of(value: &DeValue<'_>) -> Option<Value> {
    match value {
        DeValue::String(text) => Some(json!(text)),
        DeValue::Boolean(flag) => Some(json!(flag)),
        DeValue::Integer(integer) => integer.as_str().parse::<i64>().ok().map(|found| json!(found)),
        DeValue::Float(float) => float.as_str().parse::<f64>().ok().map(|found| json!(found)),
        DeValue::Array(items) => items
            .iter()
            .map(|item| json_of(item.get_ref()))
            .collect::<Option<Vec<_>>>()
            .map(Value::Array),
        DeValue::Datetime(_) | DeValue::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_says_what_the_table_of_keys_says() {
        let schema = json_schema();
        assert_eq!(schema["required"], json!(["name", "data", "model", "score"]));
        assert_eq!(schema["additionalProperties"], json!(false));
        let properties = &schema["properties"];
        assert_eq!(
            properties["score"]["properties"]["quarantine_max"],
            json!({
                "type": "number",
                "minimum": 0.0,
                "maximum": 1.0,
                "description": "The share of rows that may be set aside before the run fails.",
                "default": 0.01,
            })
        );
        assert_eq!(
            properties["model"]["properties"]["task"]["enum"],
            json!(["binary", "multiclass", "regression"])
        );
        assert_eq!(properties["check"]["items"]["properties"]["then"]["default"], json!("fail"));
        let later = properties["monitor"]["description"].as_str().unwrap();
        assert!(later.ends_with("Not supported yet: a file that has it is refused."), "{later}");
    }

    #[test]
    fn the_whole_schema_is_as_it_was() {
        insta::assert_json_snapshot!(json_schema());
    }
}
