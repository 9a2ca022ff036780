//! What a text of TOML opens and does not close, and how deep its keys go, before it is parsed.
//!
//! The toml crate limits the depth of lists and tables, and the parts of each dotted key, but not their
//! product: `{a.a.a = {a.a.a = ...}}` would make a value so deep that dropping it ends the stack. And
//! after a bracket that is never closed it finds fault with every line that follows. This scan knows
//! strings and comments the way the crate's lexer does, and nothing else of the grammar.

use std::ops::Range;

/// Most parts that a dotted key may have.
pub(crate) const KEY_PARTS_MAX: usize = 8;

/// What the scan found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Nesting {
    /// The first dot that gives a key too many parts.
    pub(crate) too_deep: Option<usize>,
    /// What is open at the end of the text, outermost.
    pub(crate) unclosed: Option<Unclosed>,
}

/// Something that begins and never ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unclosed {
    pub(crate) start: usize,
    /// `list`, `table` or `text`.
    pub(crate) what: &'static str,
}

/// Reads `text` once.
pub(crate) fn scan(text: &str) -> Nesting {
    let bytes = text.as_bytes();
    let mut out = Nesting::default();
    let mut open: Vec<Unclosed> = Vec::new();
    let mut dots = 0;
    let mut in_value = false;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' | b'\'' => {
                let Range { start, end } = string(bytes, at);
                if is_unclosed(bytes, start, end) && open.is_empty() {
                    out.unclosed = Some(Unclosed { start, what: "text" });
                }
                at = end;
                continue;
            }
            b'#' => {
                at = end_of_line(bytes, at);
                continue;
            }
            b'[' => open.push(Unclosed { start: at, what: "list" }),
            b'{' => open.push(Unclosed { start: at, what: "table" }),
            b']' | b'}' => {
                open.pop();
            }
            b'\n' if !in_value => open.clear(),
            _ => {}
        }
        match byte {
            b'=' => in_value = true,
            b'\n' if open.is_empty() => in_value = false,
            _ => {}
        }
        match byte {
            b'.' => dots += 1,
            b'=' | b',' | b'\n' | b'[' | b']' | b'{' | b'}' => dots = 0,
            _ => {}
        }
        if dots == KEY_PARTS_MAX && out.too_deep.is_none() {
            out.too_deep = Some(at);
        }
        at += 1;
    }
    if in_value && out.unclosed.is_none() {
        out.unclosed = open.into_iter().next();
    }
    out
}

/// The bytes of the string that begins at `start`; one of a single line ends with the line.
fn string(bytes: &[u8], start: usize) -> Range<usize> {
    let quote = bytes[start];
    let triple = [quote; 3];
    let is_long = bytes[start..].starts_with(&triple);
    let mut at = start + if is_long { 3 } else { 1 };
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if quote == b'"' => at += 1 + usize::from(escapes(bytes.get(at + 1))),
            b'\n' if !is_long => return start..at,
            byte if *byte == quote && !is_long => return start..at + 1,
            byte if *byte == quote && bytes[at..].starts_with(&triple) => {
                let more =
                    bytes[at + 3..].iter().take(2).take_while(|byte| **byte == quote).count();
                return start..at + 3 + more;
            }
            _ => at += 1,
        }
    }
    start..bytes.len()
}

/// Whether a backslash takes the byte after it along.
fn escapes(next: Option<&u8>) -> bool {
    matches!(next, Some(b'\\' | b'"'))
}

/// Whether the long string in `start..end` goes to the end of the text without its closing quotes.
fn is_unclosed(bytes: &[u8], start: usize, end: usize) -> bool {
    let triple = [bytes[start]; 3];
    let found = &bytes[start..end];
    found.starts_with(&triple)
        && end == bytes.len()
        && (found.len() < 6 || !found.ends_with(&triple))
}

fn end_of_line(bytes: &[u8], start: usize) -> usize {
    let rest = &bytes[start..];
    let length = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
    length.map_or(bytes.len(), |length| start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, too_deep: Option<usize>, unclosed: Option<(usize, &'static str)>) {
        let unclosed = unclosed.map(|(start, what)| Unclosed { start, what });
        assert_eq!(scan(text), Nesting { too_deep, unclosed }, "{text:?}");
    }

    #[test]
    fn what_is_open_at_the_end_is_found() {
        check("", None, None);
        check("a = [1, 2\nb = 3\n[c]\nd = 1", None, Some((4, "list")));
        check("a = {x = 1\n[c]\n", None, Some((4, "table")));
        check("a = [\n 1, # ]\n \"]\",\n]\nb = 2", None, None);
        check("[data\na = 1\n[score]\nb = 2", None, None);
        check("a = '''x\nb = [1", None, Some((4, "text")));
        check("a = \"\"\"x\"\"\"\"\"\nb = [", None, Some((18, "list")));
        check("a = \"[\nb = 1", None, None);
        check("a = \"\\\"[\\\\\"\nb = 1", None, None);
        check("a = '\\'\nb = '['", None, None);
        check("a = ]\nb = }", None, None);
    }

    #[test]
    fn keys_have_a_limited_number_of_parts() {
        check("a.b.c.d.e.f.g.h = 1", None, None);
        check("a.b.c.d.e.f.g.h.i = 1", Some(15), None);
        check("[a.b.c.d.e.f.g.h.i]", Some(16), None);
        check("x = { \"a\" . b.c.d.e.f.g.h.'i' = 1 }", Some(25), None);
        check("a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 1.0]", None, None);
        check("a = \"1.2.3.4.5.6.7.8.9.10\" # 1.2.3.4.5.6.7.8.9", None, None);
    }
}
