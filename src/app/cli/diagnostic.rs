//! Problems of files as people read them: the line, a caret under what is wrong, and what to do.
//!
//! The only place that names miette. The form is the same on a terminal and in a file, so that output
//! can be compared; only colour depends on where it goes.

use std::collections::BTreeMap;
use std::fmt;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode,
    ThemeCharacters, ThemeStyles,
};

use crate::app::render::text::inline;
use crate::domain::job::problem::Problem;

/// Every problem with its place in the text it was found in.
pub(crate) fn render(
    problems: &[&Problem],
    sources: &BTreeMap<String, Vec<u8>>,
    width: usize,
    color: bool,
) -> String {
    let styles = if color { ThemeStyles::ansi() } else { ThemeStyles::none() };
    let theme = GraphicalTheme { characters: ThemeCharacters::ascii(), styles };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(width)
        .with_links(false)
        .with_context_lines(1);
    let mut out = String::new();
    for problem in problems {
        let shown = Shown::new(problem, sources.get(&problem.file));
        if handler.render_report(&mut out, &shown).is_err() {
            // The frame could not be drawn; the words must not be lost with it.
            out.extend([format!("{problem}\n")]);
        }
    }
    out
}

/// A problem with the text around it, ready to be drawn.
#[derive(Debug)]
struct Shown<'a> {
    problem: &'a Problem,
    message: String,
    help: Option<String>,
    source: Option<NamedSource<String>>,
    label: Option<LabeledSpan>,
}

impl<'a> Shown<'a> {
    fn new(problem: &'a Problem, bytes: Option<&Vec<u8>>) -> Self {
        let (mut source, mut label) = (None, None);
        if let (Some(bytes), Some(span)) = (bytes, &problem.span) {
            let text = Drawable::new(bytes, span.start, span.end);
            label = Some(LabeledSpan::new(None, text.start, text.end - text.start));
            source = Some(NamedSource::new(inline(&problem.file), text.text));
        }
        Self {
            problem,
            message: inline(&problem.message).into_owned(),
            help: problem.help.as_deref().map(|help| inline(help).into_owned()),
            source,
            label,
        }
    }
}

/// A file as text that can be drawn: what is not UTF-8 or would move the cursor is replaced, and the
/// span is moved along.
struct Drawable {
    text: String,
    start: usize,
    end: usize,
}

impl Drawable {
    fn new(bytes: &[u8], start: usize, end: usize) -> Self {
        let start = start.min(bytes.len());
        let end = end.clamp(start, bytes.len());
        let mut text = drawable(&bytes[..start]);
        let drawn_start = text.len();
        text.push_str(&drawable(&bytes[start..end]));
        let drawn_end = text.len();
        text.push_str(&drawable(&bytes[end..]));
        Self { text, start: drawn_start, end: drawn_end }
    }
}

fn drawable(bytes: &[u8]) -> String {
    let replaced = |c: char| {
        let stays = matches!(c, '\n' | '\t') || inline(c.encode_utf8(&mut [0; 4])).len() <= 4;
        if stays { c } else { char::REPLACEMENT_CHARACTER }
    };
    // A carriage return before a line break is part of the line break.
    String::from_utf8_lossy(bytes).replace("\r\n", "\n").chars().map(replaced).collect()
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if self.source.is_none() {
            write!(f, " ({})", inline(&self.problem.file))?;
        }
        Ok(())
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.problem.code))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.label.clone().map(|label| Box::new(std::iter::once(label)) as Box<_>)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8], span: Option<std::ops::Range<usize>>) -> String {
        let problem = Problem {
            file: "jobs/wine.toml".to_owned(),
            span,
            line: 2,
            column: 1,
            code: "unknown_key",
            message: "there is no key `lable`".to_owned(),
            help: Some("the nearest key is `label`".to_owned()),
        };
        let sources = BTreeMap::from([("jobs/wine.toml".to_owned(), bytes.to_vec())]);
        render(&[&problem], &sources, 100, false)
    }

    #[test]
    fn a_problem_stands_under_its_line() {
        let text = shown(b"name = \"wine\"\nlable = \"quality\"\n\n[data]\n", Some(14..19));
        insta::assert_snapshot!(text, @r#"
        unknown_key

          x there is no key `lable`
           ,-[jobs/wine.toml:2:1]
         1 | name = "wine"
         2 | lable = "quality"
           : ^^^^^
         3 | 
           `----
          help: the nearest key is `label`
        "#);
    }

    #[test]
    fn a_problem_of_a_whole_file_names_the_file() {
        let text = shown(b"", None);
        assert!(text.contains("there is no key `lable` (jobs/wine.toml)"), "{text}");
    }

    #[test]
    fn any_bytes_and_any_span_can_be_drawn() {
        for bytes in [&b""[..], b"\xff\xfe\0\n", b"a\r\nb", b"\x1b[2J = 1", "ä\u{202e}ö".as_bytes()]
        {
            for start in 0..=bytes.len() + 2 {
                for end in [start, start + 1, usize::MAX] {
                    let text = shown(bytes, Some(start..end));
                    assert!(text.contains("lable") && !text.contains('\u{1b}'), "{text}");
                }
            }
        }
    }
}
