//! The building blocks of text output: aligned tables without borders, and text that is safe to print.
//!
//! Whatever comes from a file, a table or a name goes through [`inline`] or [`safe`], so that data can
//! neither move the cursor nor forge a line of output.

use std::borrow::Cow;

/// Two versions side by side.
pub(crate) mod diff;
/// Comparisons with a reference.
pub(crate) mod drift;
/// Metrics and comparisons of a table of predictions.
pub(crate) mod evaluate;
/// Why one row has its score.
pub(crate) mod explanation;
/// Counts, sizes, durations and instants as people read them.
pub(crate) mod format;
/// What became of ticks.
pub(crate) mod ledger;
/// Many ticks in one table.
pub(crate) mod nights;
/// What a run would do.
pub(crate) mod plan;
/// Versions, aliases and their history.
pub(crate) mod registry;
/// A run and the runs around it.
pub(crate) mod run;
/// Ticks.
pub(crate) mod ticks;

/// A meaning that colour supports; the text must make sense without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Names of sections and things.
    Strong,
    /// What few readers look for.
    Faint,
    /// As it should be.
    Good,
    /// Worth a look.
    Warning,
    /// Needs somebody to act.
    Bad,
}

/// Puts text in colour, or leaves it as it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint {
    /// Whether escape sequences are wanted.
    pub(crate) color: bool,
}

impl Paint {
    /// `text`, in the colour of `tone` if colour is wanted.
    pub(crate) fn tone(self, tone: Tone, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Strong => "1",
            Tone::Faint => "2",
            Tone::Good => "32",
            Tone::Warning => "33",
            Tone::Bad => "31",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// Where the text of a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// One cell: its text and the tone it is shown in.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    tone: Option<Tone>,
}

impl Cell {
    /// A cell in the colour of `tone`.
    pub(crate) fn toned(text: impl AsRef<str>, tone: Tone) -> Self {
        Self { text: inline(text.as_ref()).into_owned(), tone: Some(tone) }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: inline(text.as_ref()).into_owned(), tone: None }
    }
}

/// Rows of aligned columns, two spaces apart, under a line of headings if there are any.
#[derive(Debug)]
pub(crate) struct Table {
    headings: Vec<&'static str>,
    aligns: Vec<Align>,
    rows: Vec<Vec<Cell>>,
    indent: usize,
}

impl Table {
    /// A table with headings.
    pub(crate) fn new(columns: &[(&'static str, Align)]) -> Self {
        Self {
            headings: columns.iter().map(|(heading, _)| *heading).collect(),
            aligns: columns.iter().map(|(_, align)| *align).collect(),
            rows: Vec::new(),
            indent: 0,
        }
    }

    /// A table without headings.
    pub(crate) fn aligned(aligns: &[Align]) -> Self {
        Self { headings: Vec::new(), aligns: aligns.to_vec(), rows: Vec::new(), indent: 0 }
    }

    /// A table of names and values, without headings.
    pub(crate) fn fields() -> Self {
        Self::aligned(&[Align::Left, Align::Left])
    }

    /// Moves every line to the right by `columns`.
    pub(crate) fn indented(mut self, columns: usize) -> Self {
        self.indent = columns;
        self
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Adds a row of a faint name and its value.
    pub(crate) fn field(&mut self, name: &str, value: impl Into<Cell>) {
        self.row([Cell::toned(name, Tone::Faint), value.into()]);
    }

    /// Whether no row was added.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines, each with its line break; nothing for a table without rows.
    pub(crate) fn render(&self, paint: Paint) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let widths = self.widths();
        let mut out = String::new();
        if !self.headings.is_empty() {
            let headings: Vec<Cell> =
                self.headings.iter().map(|text| Cell::toned(text, Tone::Faint)).collect();
            self.push_line(&mut out, &headings, &widths, paint);
        }
        for row in &self.rows {
            self.push_line(&mut out, row, &widths, paint);
        }
        out
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.headings.iter().map(|text| chars(text)).collect();
        for row in &self.rows {
            for (place, cell) in row.iter().enumerate() {
                let width = chars(&cell.text);
                match widths.get_mut(place) {
                    Some(widest) => *widest = width.max(*widest),
                    None => widths.push(width),
                }
            }
        }
        widths
    }

    fn push_line(&self, out: &mut String, row: &[Cell], widths: &[usize], paint: Paint) {
        let mut line = " ".repeat(self.indent);
        for (place, (cell, width)) in row.iter().zip(widths).enumerate() {
            let padding = " ".repeat(width.saturating_sub(chars(&cell.text)));
            let text = cell.tone.map_or_else(|| cell.text.clone(), |t| paint.tone(t, &cell.text));
            if place > 0 {
                line.push_str("  ");
            }
            match self.aligns.get(place).copied().unwrap_or(Align::Left) {
                Align::Left => line.extend([text, padding]),
                Align::Right => line.extend([padding, text]),
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

/// `text` for one line of output: line breaks and every control character become visible escapes.
pub(crate) fn inline(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        push_visible(&mut out, c);
    }
    Cow::Owned(out)
}

/// `text` for the terminal: line breaks, tabs and colour stay, every other control character becomes a
/// visible escape.
pub(crate) fn safe(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| is_unsafe(c) && c != '\n') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = color_sequence(rest).unwrap_or(0);
        if length > 0 {
            out.push_str(&rest[..length]);
            rest = &rest[length..];
            continue;
        }
        if matches!(c, '\n' | '\t') {
            out.push(c);
        } else {
            push_visible(&mut out, c);
        }
        rest = &rest[c.len_utf8()..];
    }
    Cow::Owned(out)
}

/// The bytes of the colour sequence that `text` starts with: `ESC [ digits and semicolons m`.
fn color_sequence(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    parameters[end..].starts_with('m').then_some(2 + end + 1)
}

/// Control characters of either set, and those that change the direction of what follows.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn push_visible(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\t' => out.push_str("\\t"),
        '\r' => out.push_str("\\r"),
        other if is_unsafe(other) => out.extend(other.escape_unicode()),
        other => out.push(other),
    }
}

/// How many columns `text` takes; every character counts as one.
fn chars(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Paint = Paint { color: false };

    #[test]
    fn columns_are_aligned_and_lines_have_no_trailing_blanks() {
        let mut table =
            Table::new(&[("job", Align::Left), ("rows", Align::Right), ("", Align::Left)]);
        table.row(["a".into(), "1,599".into(), "".into()]);
        table.row(["longer".into(), "7".into(), "x".into()]);
        assert_eq!(table.render(PLAIN), "job      rows\na       1,599\nlonger      7  x\n");
    }

    #[test]
    fn colour_does_not_change_the_alignment() {
        let mut table = Table::fields();
        table.row([Cell::toned("ok", Tone::Good), "a".into()]);
        table.row(["fail".into(), "b".into()]);
        let painted = table.render(Paint { color: true });
        assert_eq!(painted, "\u{1b}[32mok\u{1b}[0m    a\nfail  b\n");
    }

    #[test]
    fn an_empty_table_is_empty_text() {
        assert_eq!(Table::new(&[("job", Align::Left)]).render(PLAIN), "");
    }

    #[test]
    fn data_cannot_forge_lines_or_move_the_cursor() {
        for (text, wanted) in [
            ("plain ü", "plain ü"),
            ("a\nb", "a\\nb"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("\u{9b}1A", "\\u{9b}1A"),
            ("\u{202e}gpj", "\\u{202e}gpj"),
            ("\r\0", "\\r\\u{0}"),
        ] {
            assert_eq!(inline(text), wanted);
        }
    }

    #[test]
    fn only_colour_passes_to_the_terminal() {
        for (text, wanted) in [
            ("a\n\tb", "a\n\tb"),
            ("\u{1b}[1;31mred\u{1b}[0m", "\u{1b}[1;31mred\u{1b}[0m"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("\u{1b}", "\\u{1b}"),
            ("ends \u{1b}[3", "ends \\u{1b}[3"),
        ] {
            assert_eq!(safe(text), wanted);
        }
    }
}
