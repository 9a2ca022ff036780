//! Which texts may be paths of a project.
//!
//! A path is taken as it is written: nothing is expanded, no component goes up, so what a job can reach
//! can be read off its file. Whether an absolute path lies below one of the `data_roots`, and whether
//! links lead out of it, is for those who open it to see.

/// Most bytes of a component, as file systems have it.
const COMPONENT_BYTES_MAX: usize = 255;

/// Most bytes of a path.
const PATH_BYTES_MAX: usize = 1_024;

/// Why a text may not be a path, as what follows its name in a sentence, and what to do; `None` if it may.
pub(crate) fn refusal(path: &str) -> Option<(String, &'static str)> {
    if path.is_empty() {
        return Some(("is empty".to_owned(), "name a file or folder below the project root"));
    }
    if path.len() > PATH_BYTES_MAX {
        let message = format!("has {} bytes, wanted at most {PATH_BYTES_MAX}", path.len());
        return Some((message, "move the folder nearer to the project root"));
    }
    if path.contains("://") {
        return Some(("is an address".to_owned(), "only files are read; write their path"));
    }
    let refused = path.chars().find(|c| c.is_control() || matches!(c, '\\' | '~' | '$'));
    if let Some(refused) = refused {
        let help = match refused {
            '\\' => "separate folders with `/`",
            '~' | '$' => "nothing is expanded; write the path itself",
            _ => "remove it",
        };
        return Some((format!("holds the character `{}`", refused.escape_default()), help));
    }
    let relative = path.strip_prefix('/').unwrap_or(path);
    relative.split('/').find_map(refusal_of_component)
}

fn refusal_of_component(component: &str) -> Option<(String, &'static str)> {
    match component {
        "" => Some((
            "has an empty component".to_owned(),
            "write one `/` between folders and none at the end",
        )),
        "." => Some(("has the component `.`".to_owned(), "leave the component out")),
        ".." => Some((
            "has the component `..`".to_owned(),
            "write the path from the project root; folders outside are named in `data_roots`",
        )),
        long if long.len() > COMPONENT_BYTES_MAX => {
            let found = long.len();
            let message =
                format!("has a component of {found} bytes, wanted at most {COMPONENT_BYTES_MAX}");
            Some((message, "choose a shorter name"))
        }
        _ => None,
    }
}

/// Why a path may not be a glob; `None` if it may (which it need not be).
pub(crate) fn refusal_of_glob(path: &str) -> Option<(String, &'static str)> {
    let has_partial_stars =
        path.split('/').any(|component| component.contains("**") && component != "**");
    if has_partial_stars {
        return Some((
            "has `**` beside other characters".to_owned(),
            "write `**` as a component of its own, as in `data/**/*.csv`",
        ));
    }
    let mut rest = path;
    while let Some((_, class)) = rest.split_once('[') {
        // The first character of a class, after a `!`, belongs to it even if it is a bracket.
        let class = class.strip_prefix('!').unwrap_or(class);
        let first = class.chars().next().map_or(0, char::len_utf8);
        match class[first..].split_once(']') {
            Some((inside, after)) if !inside.contains('/') => rest = after,
            _ => {
                return Some((
                    "has a `[` that is not closed".to_owned(),
                    "close the class, as in `[0-9]`; a bracket itself is written `[[]`",
                ));
            }
        }
    }
    None
}

/// Whether a path has wildcards.
pub(crate) fn is_glob(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// The extension of the files that a path or a glob names, if it gives one.
pub(crate) fn extension(path: &str) -> Option<&str> {
    let (stem, extension) = path.rsplit('/').next()?.rsplit_once('.')?;
    (!stem.is_empty() && !is_glob(extension)).then_some(extension)
}

/// The folder that holds what a path names.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Whether a glob could match a path. A class in brackets is taken for any one character.
pub(crate) fn could_match(glob: &str, path: &str) -> bool {
    let globs: Vec<&str> = glob.split('/').collect();
    let components: Vec<&str> = path.split('/').collect();
    could_match_all(
        &globs,
        &components,
        |glob| *glob == "**",
        |glob, component| {
            let glob = characters(glob);
            let component: Vec<char> = component.chars().collect();
            could_match_all(
                &glob,
                &component,
                |c| *c == '*',
                |wanted, found| *wanted == '?' || wanted == found,
            )
        },
    )
}

/// The characters of a component of a glob, with each class in brackets as a `?`.
fn characters(glob: &str) -> Vec<char> {
    let mut out = Vec::new();
    let mut in_class = false;
    for c in glob.chars() {
        match c {
            '[' if !in_class => {
                in_class = true;
                out.push('?');
            }
            ']' => in_class = false,
            c if !in_class => out.push(c),
            _ => {}
        }
    }
    out
}

/// Matches a sequence with wildcards, each of which stands for any number of entries: goes on greedily,
/// and back to the last wildcard where that fails.
fn could_match_all<G, T>(
    globs: &[G],
    found: &[T],
    is_star: impl Fn(&G) -> bool,
    matches: impl Fn(&G, &T) -> bool,
) -> bool {
    let (mut glob, mut at) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while at < found.len() {
        if globs.get(glob).is_some_and(&is_star) {
            retry = Some((glob + 1, at));
            glob += 1;
        } else if globs.get(glob).is_some_and(|wanted| matches(wanted, &found[at])) {
            glob += 1;
            at += 1;
        } else if let Some((after_star, start)) = retry {
            retry = Some((after_star, start + 1));
            (glob, at) = (after_star, start + 1);
        } else {
            return false;
        }
    }
    globs[glob..].iter().all(is_star)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, wanted: Option<&str>) {
        let found = refusal(path).map(|(message, _)| message);
        assert_eq!(found.as_deref(), wanted, "{path:?}");
    }

    #[test]
    fn paths_are_taken_as_written() {
        for path in ["a", "data/wine/*.csv", "/srv/data/x", "a b/ü.csv", "...", "a..b", ".hidden"]
        {
            check(path, None);
        }
        check("", Some("is empty"));
        check("/", Some("has an empty component"));
        check("a//b", Some("has an empty component"));
        check("a/", Some("has an empty component"));
        check("./a", Some("has the component `.`"));
        check("../a", Some("has the component `..`"));
        check("a/../b", Some("has the component `..`"));
        check("~/a", Some("holds the character `~`"));
        check("$HOME/a", Some("holds the character `$`"));
        check("${env:X}/a", Some("holds the character `$`"));
        check("a\\b", Some("holds the character `\\\\`"));
        check("a\0b", Some("holds the character `\\u{0}`"));
        check("a\nb", Some("holds the character `\\n`"));
        check("s3://bucket/a", Some("is an address"));
        check(&"ä".repeat(128), Some("has a component of 256 bytes, wanted at most 255"));
        check(&"a/".repeat(600), Some("has 1200 bytes, wanted at most 1024"));
    }

    #[test]
    fn globs_are_whole() {
        for glob in ["a/*.csv", "**/a", "a/**", "a[0-9]?", "[]]", "[!]a]", "[[]"] {
            assert_eq!(refusal_of_glob(glob), None, "{glob}");
        }
        for glob in ["a**/b", "***", "a[", "a[]", "a[!]", "a[b/c]"] {
            assert!(refusal_of_glob(glob).is_some(), "{glob}");
        }
    }

    #[test]
    fn globs_match_what_they_could() {
        let cases = [
            ("a/*.csv", "a/b.csv", true),
            ("a/*.csv", "a/b/c.csv", false),
            ("a/**/*.csv", "a/b.csv", true),
            ("a/**/*.csv", "a/b/c/d.csv", true),
            ("**", "a/b", true),
            ("a/day=*/p-[0-9]?.csv", "a/day=1/p-12.csv", true),
            ("*a*a*a", "aaaa", true),
            ("*a*b*a", "aaaa", false),
            ("a/b", "a/b", true),
            ("a", "a/b", false),
        ];
        for (glob, path, wanted) in cases {
            assert_eq!(could_match(glob, path), wanted, "{glob} {path}");
        }
    }

    #[test]
    fn extensions_are_told_only_where_they_are_certain() {
        let cases = [
            ("a/b.csv", Some("csv")),
            ("a.d/b", None),
            ("*.parquet", Some("parquet")),
            ("a.*", None),
            ("a.cs?", None),
            (".csv", None),
            ("a.csv.gz", Some("gz")),
        ];
        for (path, wanted) in cases {
            assert_eq!(extension(path), wanted, "{path}");
        }
        assert_eq!((parent("a/b/c"), parent("a")), ("a/b", ""));
    }
}
