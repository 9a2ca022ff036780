//! From the bytes of a file to a table of TOML, with every fault of the text itself.
//!
//! The toml crate goes on after an error as well as it can. What it then finds, or misses, near the error
//! is not worth telling, so a [`Document`] knows where it is damaged and takes such faults back.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::de::{DeTable, Error};

use crate::domain::job::nesting::{self, KEY_PARTS_MAX, Unclosed};
use crate::domain::job::problem::{Fault, Faults, line_starts};
use crate::domain::job::words::shorten;

/// The largest file that is read.
pub(crate) const SIZE_MAX_BYTES: usize = 256 * 1024;

/// A text of TOML, read as far as it can be.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    pub(crate) text: &'a str,
    pub(crate) table: DeTable<'a>,
    /// Where each line begins.
    lines: Vec<usize>,
    /// The lines that hold an error, counted from 1.
    damaged: BTreeSet<usize>,
    /// From here on, nothing is where it was meant to be.
    sound_until: usize,
}

impl Document<'_> {
    /// Whether the text is TOML, so that what is not there is missing.
    pub(crate) fn is_sound(&self) -> bool {
        self.damaged.is_empty()
    }

    /// Leaves the faults that are not a consequence of an error of the text.
    pub(crate) fn without_consequences(&self, mut faults: Faults) -> Faults {
        if !self.is_sound() {
            faults.retain(|fault| {
                fault.code != "missing_key"
                    && fault.start < self.sound_until
                    && !self.damaged.contains(&self.line_of(fault.start))
            });
        }
        faults
    }
}

/// Reads `bytes`; `None` if they are no text that could be TOML.
pub(crate) fn read<'a>(bytes: &'a [u8], faults: &mut Faults) -> Option<Document<'a>> {
    if bytes.len() > SIZE_MAX_BYTES {
        let message = format!(
            "the file has {} bytes, wanted at most {SIZE_MAX_BYTES} (256 KiB)",
            bytes.len()
        );
        faults.add(0..0, "file_too_large", message);
        return None;
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            not_utf8(bytes, error.valid_up_to(), faults);
            return None;
        }
    };
    let nesting = nesting::scan(text);
    if let Some(at) = nesting.too_deep {
        let message = format!("this key has more than {KEY_PARTS_MAX} parts");
        faults.add(at..at + 1, "too_deep", message);
        return None;
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut document = Document {
        text,
        table: table.into_inner(),
        lines: line_starts(bytes),
        damaged: BTreeSet::new(),
        sound_until: usize::MAX,
    };
    document.note_bytes(faults);
    if let Some(unclosed) = nesting.unclosed {
        document.note_unclosed(&unclosed, faults);
    }
    document.note_errors(&errors, faults);
    Some(document)
}

impl Document<'_> {
    /// Notes bytes that a text editor does not show.
    fn note_bytes(&mut self, faults: &mut Faults) {
        if self.text.starts_with('\u{feff}') {
            faults.add_with_help(
                0..3,
                "byte_order_mark",
                "the file begins with a byte order mark".to_owned(),
                "save it as UTF-8 without one",
            );
        }
        if let Some(at) = self.text.find('\0') {
            let message = "the file holds a NUL byte".to_owned();
            faults.add_with_help(at..at + 1, "nul_byte", message, "remove it");
            self.damaged.insert(self.line_of(at));
        }
    }

    fn note_unclosed(&mut self, unclosed: &Unclosed, faults: &mut Faults) {
        let Unclosed { start, what } = *unclosed;
        let message = format!("the {what} that begins here is not closed");
        faults.add(start..start + 1, "toml_syntax", message);
        self.damaged.insert(self.line_of(start));
        self.sound_until = self.sound_until.min(start);
    }

    /// Notes the errors of the parser, at most one for each line.
    fn note_errors(&mut self, errors: &[Error], faults: &mut Faults) {
        let mut errors: Vec<(Range<usize>, &str)> = errors
            .iter()
            .map(|error| (error.span().unwrap_or_default(), error.message()))
            .collect();
        errors.sort_by_key(|(span, _)| (span.start, span.end));
        for (span, message) in errors {
            if faults.is_full() {
                break;
            }
            let fault = self.fault_of(span.clone(), message);
            if fault.code == "duplicate_key" {
                faults.add_with_help(span, fault.code, fault.message, "leave one of them");
                continue;
            }
            let is_first = self.damaged.insert(self.line_of(span.start));
            if span.start >= self.sound_until || !is_first {
                continue;
            }
            if message.starts_with("unclosed") {
                self.sound_until = self.sound_until.min(span.start);
            }
            faults.add(span, fault.code, fault.message);
        }
    }

    /// Says an error of the parser in our words, where the parser's say too little.
    fn fault_of(&self, span: Range<usize>, message: &str) -> Fault {
        let found = shorten(self.text.get(span.clone()).unwrap_or_default());
        let (description, wanted) = message.split_once(", expected ").unwrap_or((message, ""));
        let description = match description.strip_prefix("invalid ") {
            Some("basic string" | "literal string") => "text is malformed".to_owned(),
            Some("multi-line basic string" | "multi-line literal string") => {
                "long text is malformed".to_owned()
            }
            Some(what) => format!("{what} is malformed"),
            None => description.to_owned(),
        };
        let (code, message) = match description.as_str() {
            "duplicate key" => ("duplicate_key", format!("`{found}` is given twice")),
            "string values must be quoted" if span.is_empty() => {
                ("toml_syntax", "a value is wanted after `=`".to_owned())
            }
            "string values must be quoted" => {
                ("toml_syntax", format!("text wants quotes: `\"{found}\"`, found `{found}`"))
            }
            "cannot recurse further; max recursion depth met" | "recursion limit" => {
                ("too_deep", "lists and tables are nested too deep here".to_owned())
            }
            _ if wanted.is_empty() || wanted == "nothing" => ("toml_syntax", description),
            _ => ("toml_syntax", format!("{description}, wanted {wanted}")),
        };
        Fault { start: span.start, end: span.end, code, message, help: None }
    }

    /// The number of the line around an offset, from 1.
    fn line_of(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at)
    }
}

fn not_utf8(bytes: &[u8], at: usize, faults: &mut Faults) {
    let looks_like_utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    let help = if looks_like_utf16 {
        "it looks like UTF-16: save it as UTF-8"
    } else {
        "save the file as UTF-8"
    };
    let found = bytes.get(at).copied().unwrap_or_default();
    let message = format!("the byte 0x{found:02x} is not UTF-8");
    faults.add_with_help(at..at + 1, "not_utf8", message, help);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], wanted: &[&str]) {
        let mut faults = Faults::default();
        let document = read(bytes, &mut faults);
        drop(document);
        let told: Vec<String> =
            faults.into_problems("f", bytes).iter().map(ToString::to_string).collect();
        assert_eq!(told, wanted);
    }

    #[test]
    fn one_fault_of_the_text_is_told_once() {
        check(b"", &[]);
        check(
            b"a = [1, 2\nb = 3\n[c]\nd = 1",
            &["f:1:5: toml_syntax: the list that begins here is not closed"],
        );
        check(
            b"a = \nb = 1\nc = hello",
            &[
                "f:1:5: toml_syntax: a value is wanted after `=`",
                "f:3:5: toml_syntax: text wants quotes: `\"hello\"`, found `hello`",
            ],
        );
        check(
            b"a = 1\na = 2\n[x]\n[x]\n",
            &[
                "f:2:1: duplicate_key: `a` is given twice",
                "f:4:2: duplicate_key: `x` is given twice",
            ],
        );
        check(b"[data\na = 1\n[b]\nc = d", &["f:1:6: toml_syntax: unclosed table, wanted `]`"]);
        check(b"a = 'x\0y'\n", &["f:1:7: nul_byte: the file holds a NUL byte"]);
        check(
            b"\xef\xbb\xbfa = 1",
            &["f:1:1: byte_order_mark: the file begins with a byte order mark"],
        );
        check(b"a = 1\nb = '\xff'", &["f:2:6: not_utf8: the byte 0xff is not UTF-8"]);
    }

    #[test]
    fn depth_and_size_have_limits() {
        let deep = format!("a = {}{}", "[".repeat(10_000), "]".repeat(10_000));
        check(deep.as_bytes(), &["f:1:85: too_deep: lists and tables are nested too deep here"]);
        let dotted = format!("{}a = 1", "a.".repeat(70));
        check(dotted.as_bytes(), &["f:1:16: too_deep: this key has more than 8 parts"]);
        let open = "{a.a.a.a.a.a.a.a=".repeat(10_000);
        check(
            format!("a = {open}").as_bytes(),
            &["f:1:5: toml_syntax: the table that begins here is not closed"],
        );
        let large = vec![b' '; SIZE_MAX_BYTES + 1];
        check(
            &large,
            &["f:1:1: file_too_large: the file has 262145 bytes, wanted at most 262144 (256 KiB)"],
        );
    }
}
