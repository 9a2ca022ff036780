//! How things that a user wrote are quoted in a message, and which known name they come nearest to.
//!
//! Whatever a file holds, a message stays on one line, holds no control character and does not grow with
//! the file.

/// Most characters of a user's text that a message repeats.
const CHARS_MAX: usize = 40;

/// Names longer than this are nobody's slip of the pen.
const NAME_CHARS_MAX: usize = 40;

/// A user's text for a message: on one line, without control characters, cut if it is long.
pub(crate) fn shorten(text: &str) -> String {
    let mut out = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == CHARS_MAX {
            out.push_str("...");
            break;
        }
        match c {
            '"' | '\'' => out.push(c),
            c => out.extend(c.escape_debug()),
        }
    }
    out
}

/// The name that `found` was most likely meant to be, if there is one.
pub(crate) fn nearest<'a>(
    found: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let length = found.chars().count();
    if length > NAME_CHARS_MAX {
        return None;
    }
    let found = found.to_lowercase();
    let distances = names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&found, name), name))
        .filter(|(distance, name)| {
            *distance <= (length.max(name.len()) / 3).max(1) && *distance < name.len()
        });
    distances.min().map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_unprintable_text_is_tamed() {
        assert_eq!(shorten("it's \"a\"\n\t\u{1b}[0m"), "it's \"a\"\\n\\t\\u{1b}[0m");
        assert_eq!(shorten(&"ä".repeat(41)), format!("{}...", "ä".repeat(40)));
        assert_eq!(shorten(&"ä".repeat(40)), "ä".repeat(40));
    }

    #[test]
    fn slips_of_the_pen_are_recognised() {
        let names = ["source", "format", "id", "time", "label", "max_categories"];
        let cases = [
            ("sources", Some("source")),
            ("soruce", Some("source")),
            ("LABEL", Some("label")),
            ("lable", Some("label")),
            ("ids", Some("id")),
            ("max_category", Some("max_categories")),
            ("weight", None),
            ("x", None),
            ("", None),
        ];
        for (found, wanted) in cases {
            assert_eq!(nearest(found, names), wanted, "{found}");
        }
        assert_eq!(nearest(&"source".repeat(10_000), names), None);
    }
}
