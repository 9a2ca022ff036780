//! A file of the repository as the rules read it: its text, and its code without comments and strings.
//!
//! Rules about code must not be misled by prose, so [`SourceFile::code`] blanks comments and the
//! contents of literals and keeps every line where it is. This is a scanner of Rust's surface, not a
//! parser: it knows where comments and literals begin and end, and nothing else.

use std::path::Path;

/// A text file, by its path relative to the root of the repository.
#[derive(Debug, Clone)]
pub(crate) struct SourceFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl SourceFile {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    pub(crate) fn extension(&self) -> Option<&str> {
        Path::new(&self.path).extension()?.to_str()
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.extension() == Some("rs")
    }

    /// The room of a file below `src`; `main.rs` belongs to `app`, `lib.rs` to none.
    pub(crate) fn room(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        match inside.split(['/', '.']).next() {
            Some("main") => Some("app"),
            Some("lib") | None => None,
            room => room,
        }
    }

    /// The text with comments gone and literals emptied; line numbers are those of the file.
    pub(crate) fn code(&self) -> String {
        without_comments_and_literals(&self.text)
    }

    /// [`Self::code`] up to the unit tests, which by custom are the end of the file.
    pub(crate) fn shipped_code(&self) -> String {
        if self.path.ends_with("/tests.rs") {
            return String::new();
        }
        let code = self.code();
        let lines: Vec<&str> = code.lines().collect();
        // A module in a file of its own, `mod traps;`, ends nothing here.
        let tests = lines.windows(2).position(|pair| {
            let begins = pair[1].trim().starts_with("mod ") && !pair[1].trim().ends_with(';');
            pair[0].trim() == "#[cfg(test)]" && begins
        });
        lines[..tests.unwrap_or(lines.len())].join("\n")
    }
}

/// Where a scan stands.
enum Place {
    Code,
    LineComment,
    BlockComment {
        depth: usize,
    },
    Text,
    /// Ends at a quote and as many hashes.
    RawText {
        hashes: usize,
    },
}

fn without_comments_and_literals(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let mut out = String::with_capacity(text.len());
    let mut place = Place::Code;
    let mut index = 0;
    while index < chars.len() {
        let (here, next) = (at(index), at(index + 1));
        if here == '\n' {
            out.push('\n');
        }
        let mut step = 1;
        match place {
            Place::Code => match (here, next) {
                ('/', '/') => place = Place::LineComment,
                ('/', '*') => (place, step) = (Place::BlockComment { depth: 1 }, 2),
                ('"', _) => {
                    out.push('"');
                    place = Place::Text;
                }
                ('r', '"' | '#')
                    if !at(index.wrapping_sub(1)).is_alphanumeric()
                        || at(index.wrapping_sub(1)) == 'b' =>
                {
                    let hashes = chars[index + 1..].iter().take_while(|c| **c == '#').count();
                    if at(index + 1 + hashes) == '"' {
                        out.push('"');
                        (place, step) = (Place::RawText { hashes }, hashes + 2);
                    } else {
                        out.push(here);
                    }
                }
                ('\'', '\\') => {
                    let rest = chars[index + 3..].iter().position(|c| *c == '\'');
                    step = 4 + rest.unwrap_or_default();
                }
                ('\'', _) if at(index + 2) == '\'' => step = 3,
                ('\n', _) => {}
                _ => out.push(here),
            },
            Place::LineComment if here == '\n' => place = Place::Code,
            Place::BlockComment { depth } => match (here, next) {
                ('*', '/') if depth == 1 => {
                    out.push(' ');
                    (place, step) = (Place::Code, 2);
                }
                ('*', '/') => (place, step) = (Place::BlockComment { depth: depth - 1 }, 2),
                ('/', '*') => (place, step) = (Place::BlockComment { depth: depth + 1 }, 2),
                _ => {}
            },
            Place::Text if here == '\\' => {
                if next == '\n' {
                    out.push('\n');
                }
                step = 2;
            }
            Place::Text if here == '"' => {
                out.push('"');
                place = Place::Code;
            }
            Place::RawText { hashes }
                if here == '"' && (1..=hashes).all(|step| at(index + step) == '#') =>
            {
                out.push('"');
                (place, step) = (Place::Code, hashes + 1);
            }
            Place::LineComment | Place::Text | Place::RawText { .. } => {}
        }
        index += step;
    }
    out
}

#[track_caller]
fn check(text: &str, code: &str) {
    assert_eq!(without_comments_and_literals(text), code);
}

#[test]
fn comments_and_literals_are_blanked_in_place() {
    check("a // b\nc", "a \nc");
    check("a /* b /* c */\n d */ e", "a \n  e");
    check(r#"f("polars::x", 'a')"#, r#"f("", )"#);
    check(r#"f("a\"b // c") // d"#, r#"f("") "#);
    check("f(r\"\\\", '\"', '\\'', '\\u{1f}')", "f(\"\", , , )");
    check("r#\"a \"b\" // \n\"#; for<'a> &'a x", "\"\n\"; for<'a> &'a x");
    check("\"a \\\n b\"; c", "\"\n\"; c");
    check("br\"x\"; bar#y; rust", "b\"\"; bar#y; rust");
}

#[test]
fn tests_are_not_shipped() {
    let file = SourceFile::new(
        "src/learn/x.rs",
        "a\n#[cfg(test)]\nfn b() {}\n#[cfg(test)]\nmod tests {\nc\n}\n",
    );
    assert_eq!(file.shipped_code(), "a\n#[cfg(test)]\nfn b() {}");
    let file = SourceFile::new("src/learn/x.rs", "#[cfg(test)]\nmod traps;\nb\n");
    assert_eq!(file.shipped_code(), "#[cfg(test)]\nmod traps;\nb");
    assert_eq!(SourceFile::new("src/learn/x/tests.rs", "a").shipped_code(), "");
}

#[test]
fn rooms_are_the_first_folder() {
    let room = |path: &str| SourceFile::new(path, "").room().map(ToOwned::to_owned);
    assert_eq!(room("src/domain.rs").as_deref(), Some("domain"));
    assert_eq!(room("src/learn/drift/psi.rs").as_deref(), Some("learn"));
    assert_eq!(room("src/main.rs").as_deref(), Some("app"));
    assert_eq!((room("src/lib.rs"), room("tests/it/main.rs")), (None, None));
}
