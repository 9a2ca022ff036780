//! What a text must be, by the shape that its key asks for.
//!
//! Every shape that is written as text is read here, so that its form, its limits and the words of its
//! refusal stand together. Where the text stands in a file is not known here.

use std::ops::Range;

use regex::RegexBuilder;

use crate::domain::duration::{self, QuantityError};
use crate::domain::identity::JobName;
use crate::domain::job::keys::{Shape, Support};
use crate::domain::job::path;
use crate::domain::job::section::Value;
use crate::domain::job::words::{nearest, shorten};
use crate::domain::template::Template;

/// Most memory that a compiled regular expression may take.
pub(crate) const REGEX_SIZE_MAX_BYTES: usize = 1 << 20;

/// Most bytes of a name, an address or a sentence.
const TEXT_BYTES_MAX: usize = 4_096;

/// Why a text is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    /// What follows the name of the key in the message: ` wants ..., found ...`.
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    /// Which part of the text is meant, in bytes; `None` for all of it.
    pub(crate) at: Option<Range<usize>>,
}

/// Reads a text as `shape` asks; `None` if the shape takes no text.
pub(crate) fn read(shape: &Shape, text: &str) -> Option<Result<Value, Refusal>> {
    let read: Result<Value, Refusal> = match shape {
        Shape::JobName => job_name(text),
        Shape::Text | Shape::Column | Shape::Scalar => plain(shape, text),
        Shape::Regex => regular_expression(text),
        Shape::Duration { min_secs } => duration(*min_secs, text),
        Shape::Size => size(text),
        Shape::Choice(_) | Shape::Kind => choice(shape, text),
        Shape::Input => input(text),
        Shape::Output => output(text),
        Shape::Folder => folder(text),
        Shape::Root => root(text),
        Shape::Place => place(text),
        Shape::Listen => listen(text),
        Shape::RetrainReason => retrain_reason(text),
        _ => return None,
    };
    Some(read)
}

impl Refusal {
    fn new(code: &'static str, message: String) -> Self {
        Self { code, message, help: None, at: None }
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    fn at(self, at: Option<Range<usize>>) -> Self {
        Self { at, ..self }
    }

    fn unwanted(code: &'static str, shape: &Shape, text: &str) -> Self {
        Self::new(code, format!(" wants {}, found `\"{}\"`", shape.words(), shorten(text)))
    }
}

fn job_name(text: &str) -> Result<Value, Refusal> {
    if JobName::new(text).is_some() {
        return Ok(Value::Text(text.to_owned()));
    }
    let help = "a name begins with a letter from a to z and goes on with up to 62 of these, digits, `_` \
                and `-`";
    Err(Refusal::unwanted("name_form", &Shape::JobName, text).help(help))
}

fn plain(shape: &Shape, text: &str) -> Result<Value, Refusal> {
    if text.is_empty() {
        return Err(Refusal::new("empty_text", format!(" wants {}, found none", shape.words())));
    }
    if text.len() > TEXT_BYTES_MAX {
        let found = text.len();
        let message = format!(" wants at most {TEXT_BYTES_MAX} bytes, found {found}");
        return Err(Refusal::new("text_too_long", message));
    }
    Ok(Value::Text(text.to_owned()))
}

fn regular_expression(text: &str) -> Result<Value, Refusal> {
    plain(&Shape::Regex, text)?;
    let compile = |text: &str| RegexBuilder::new(text).size_limit(REGEX_SIZE_MAX_BYTES).build();
    // It will be asked to match a whole value, and must then still be within the limit.
    let whole = |_| compile(&format!("\\A(?:{text}\n)\\z"));
    match compile(text).and_then(whole) {
        Ok(_) => Ok(Value::Text(text.to_owned())),
        Err(regex::Error::CompiledTooBig(_)) => {
            let message = " is a regular expression that takes too much memory".to_owned();
            Err(Refusal::new("regex_form", message).help("use smaller repetitions"))
        }
        Err(error) => {
            let told = error.to_string();
            let reason = told.lines().last().unwrap_or_default().trim_start_matches("error: ");
            let message = format!(" is not a regular expression: {reason}");
            Err(Refusal::new("regex_form", message))
        }
    }
}

fn duration(min_secs: i64, text: &str) -> Result<Value, Refusal> {
    let wanted = Shape::Duration { min_secs };
    let refusal = |error: QuantityError| {
        let found = Refusal::unwanted("duration_form", &wanted, text);
        let help = match error {
            QuantityError::NoUnit => "write the unit too, as in `\"90m\"`".to_owned(),
            QuantityError::TooLarge => format!("the longest is {} days", duration::DAYS_MAX),
            _ => "write a whole number and `s`, `m`, `h`, `d` or `w`, as in `\"90m\"`".to_owned(),
        };
        Refusal { message: format!("{}: {error}", found.message), ..found }.help(help)
    };
    let found = duration::parse(text).map_err(refusal)?;
    if found.as_secs() < min_secs {
        let message = format!(" wants at least `\"{min_secs}s\"`, found `\"{text}\"`");
        return Err(Refusal::new("out_of_range", message));
    }
    Ok(Value::Duration(found))
}

fn size(text: &str) -> Result<Value, Refusal> {
    let refusal = |reason: &dyn std::fmt::Display| {
        let found = Refusal::unwanted("size_form", &Shape::Size, text);
        Refusal { message: format!("{}: {reason}", found.message), ..found }.help(
            "write a whole number and `KB`, `MB`, `GB`, `TB` (of 1,000) or `KiB`, `MiB`, `GiB`, `TiB` \
             (of 1,024)",
        )
    };
    match duration::parse_size(text) {
        Ok(0) => Err(refusal(&"it is zero")),
        Ok(bytes) => Ok(Value::Integer(i64::try_from(bytes).unwrap_or(i64::MAX))),
        Err(error) => Err(refusal(&error)),
    }
}

fn choice(shape: &Shape, text: &str) -> Result<Value, Refusal> {
    let choices = shape.choices();
    match choices.iter().find(|choice| choice.name == text) {
        Some(choice) if choice.support == Support::Now => Ok(Value::Text(text.to_owned())),
        Some(_) => {
            let supported: Vec<String> = choices
                .iter()
                .filter(|choice| choice.support == Support::Now)
                .map(|choice| format!("`\"{}\"`", choice.name))
                .collect();
            let message = format!(" = `\"{text}\"` is not supported yet");
            let help = format!("supported now: {}", supported.join(", "));
            Err(Refusal::new("not_supported_yet", message).help(help))
        }
        None => {
            let refusal = Refusal::unwanted("not_a_choice", shape, text);
            let near = nearest(text, choices.iter().map(|choice| choice.name));
            Err(Refusal { help: near.map(|near| format!("did you mean `\"{near}\"`?")), ..refusal })
        }
    }
}

fn template(text: &str) -> Result<Template, Refusal> {
    let found = Template::parse(text).map_err(|error| {
        Refusal::new("template_form", format!(": {error}")).help(error.help()).at(error.at())
    })?;
    match path::refusal(&found.example()) {
        Some(refusal) => Err(path_refusal(text, refusal)),
        None => Ok(found),
    }
}

fn input(text: &str) -> Result<Value, Refusal> {
    let found = template(text)?;
    match path::refusal_of_glob(&found.glob()) {
        Some(refusal) => Err(path_refusal(text, refusal)),
        None => Ok(Value::Template(found)),
    }
}

fn output(text: &str) -> Result<Value, Refusal> {
    let found = template(text)?;
    if path::is_glob(text) {
        let refusal = ("has a wildcard".to_owned(), "name one folder");
        return Err(path_refusal(text, refusal));
    }
    Ok(Value::Template(found.with_tick()))
}

fn folder(text: &str) -> Result<Value, Refusal> {
    let refusal = path::refusal(text).or_else(|| {
        let message = || ("is absolute".to_owned(), "name a folder below the project root");
        text.starts_with('/').then(message)
    });
    match refusal {
        Some(refusal) => Err(path_refusal(text, refusal)),
        None => Ok(Value::Text(text.to_owned())),
    }
}

fn root(text: &str) -> Result<Value, Refusal> {
    let refusal = path::refusal(text).or_else(|| {
        let message = || ("is relative".to_owned(), "begin it with `/`");
        (!text.starts_with('/')).then(message)
    });
    match refusal {
        Some(refusal) => Err(path_refusal(text, refusal)),
        None => Ok(Value::Text(text.to_owned())),
    }
}

fn place(text: &str) -> Result<Value, Refusal> {
    match path::refusal(text) {
        Some(refusal) => Err(path_refusal(text, refusal)),
        None => Ok(Value::Text(text.to_owned())),
    }
}

fn path_refusal(text: &str, (reason, help): (String, &str)) -> Refusal {
    let message = format!(" = `\"{}\"` {reason}", shorten(text));
    Refusal::new("path_form", message).help(help)
}

fn listen(text: &str) -> Result<Value, Refusal> {
    match text.parse::<std::net::SocketAddr>() {
        Ok(_) => Ok(Value::Unused),
        Err(_) => Err(Refusal::unwanted("address_form", &Shape::Listen, text)),
    }
}

fn retrain_reason(text: &str) -> Result<Value, Refusal> {
    if text == "performance" {
        let message = " = `\"performance\"` is not supported yet".to_owned();
        let help = "supported now: `\"drift\"`, `\"new_rows:<n>\"`, `\"age:<duration>\"`";
        return Err(Refusal::new("not_supported_yet", message).help(help));
    }
    let is_form = match text.split_once(':') {
        None => text == "drift",
        Some(("new_rows", rows)) => rows.parse::<u64>().is_ok_and(|rows| rows > 0),
        Some(("age", age)) => duration::parse(age).is_ok_and(|age| age.is_positive()),
        Some(_) => false,
    };
    if is_form {
        return Ok(Value::Text(text.to_owned()));
    }
    Err(Refusal::unwanted("not_a_choice", &Shape::RetrainReason, text)
        .help("as in `\"new_rows:50000\"` or `\"age:30d\"`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(shape: &Shape, text: &str, wanted: Option<(&str, &str)>) {
        let found = read(shape, text).unwrap().err();
        let found = found.as_ref().map(|refusal| (refusal.code, refusal.message.as_str()));
        assert_eq!(found, wanted, "{text}");
    }

    #[test]
    fn durations_have_a_form_and_a_least() {
        let shape = Shape::Duration { min_secs: 60 };
        check(&shape, "1m", None);
        check(&shape, "59s", Some(("out_of_range", " wants at least `\"60s\"`, found `\"59s\"`")));
        check(
            &shape,
            "5",
            Some((
                "duration_form",
                " wants a duration such as `\"24h\"`, found `\"5\"`: it has no unit",
            )),
        );
    }

    #[test]
    fn regular_expressions_compile_within_limits() {
        check(&Shape::Regex, "[a-z]+@[a-z]+", None);
        check(
            &Shape::Regex,
            "(a",
            Some(("regex_form", " is not a regular expression: unclosed group")),
        );
        check(
            &Shape::Regex,
            r"(\pL{900}){900}",
            Some(("regex_form", " is a regular expression that takes too much memory")),
        );
        assert_eq!(
            read(&Shape::Regex, &"(".repeat(4_000)).unwrap().unwrap_err().code,
            "regex_form"
        );
    }

    #[test]
    fn choices_that_come_later_are_told_apart_from_slips() {
        check(&Shape::Kind, "dummy", None);
        check(
            &Shape::Kind,
            "onnx",
            Some(("not_supported_yet", " = `\"onnx\"` is not supported yet")),
        );
        let slip = read(&Shape::Kind, "lineer").unwrap().unwrap_err();
        assert_eq!(slip.code, "not_a_choice");
        assert_eq!(slip.help.as_deref(), Some("did you mean `\"linear\"`?"));
    }

    #[test]
    fn folders_of_scores_get_a_folder_of_the_tick() {
        let Ok(Value::Template(found)) = output("scores/wine") else { panic!("a template") };
        assert_eq!(found.as_str(), "scores/wine/tick={tick}");
        assert_eq!(output("scores/*").unwrap_err().code, "path_form");
        assert_eq!(output("scores/{tick:..}").unwrap_err().code, "path_form");
        assert_eq!(output("scores/{run}").unwrap_err().at, Some(8..11));
    }

    #[test]
    fn reasons_to_retrain_are_a_closed_set() {
        for good in ["drift", "new_rows:50000", "age:30d"] {
            check(&Shape::RetrainReason, good, None);
        }
        assert_eq!(retrain_reason("performance").unwrap_err().code, "not_supported_yet");
        for refused in ["", "age", "age:0s", "age:30", "new_rows:0", "new_rows:-1", "drift:1"] {
            assert!(retrain_reason(refused).is_err(), "{refused}");
        }
    }
}
