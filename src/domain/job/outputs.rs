//! Where the outputs of the jobs of a project lie to one another: no two are one, and none lies inside another.
//!
//! Whoever reads the scores of a job reads all that lies below their folder; scores of another job in there would be
//! read as its own. What holds no field is compared as it is written; a field may be any text, so that two folders
//! that could have one name are taken for one.

use std::collections::BTreeMap;

use crate::domain::template::Template;

/// The outputs so far, each with the file of its job.
#[derive(Debug, Default)]
pub(crate) struct Outputs<'a> {
    /// By the folder above the first field. Outputs that share one differ below it.
    by_root: BTreeMap<String, Vec<Output<'a>>>,
}

#[derive(Debug)]
struct Output<'a> {
    /// The folders from the first field on.
    folders: Vec<String>,
    file: &'a str,
}

/// How two outputs clash, and the file of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clash<'a> {
    /// They are one, or could be.
    Same(&'a str),
    /// The new one lies inside the other.
    Inside(&'a str),
    /// The other lies inside the new one.
    Around(&'a str),
}

impl<'a> Outputs<'a> {
    /// How `output` clashes with those before; adds it.
    pub(crate) fn add(&mut self, output: &Template, file: &'a str) -> Option<Clash<'a>> {
        let (root, folders) = parts(output);
        let clash = self.clash(&root, &folders);
        self.by_root.entry(root).or_default().push(Output { folders, file });
        clash
    }

    fn clash(&self, root: &str, folders: &[String]) -> Option<Clash<'a>> {
        let beside = self.by_root.get(root).into_iter().flatten();
        if let Some(other) = beside.into_iter().find(|other| could_nest(&other.folders, folders)) {
            return Some(match folders.len().cmp(&other.folders.len()) {
                std::cmp::Ordering::Less => Clash::Around(other.file),
                std::cmp::Ordering::Equal => Clash::Same(other.file),
                std::cmp::Ordering::Greater => Clash::Inside(other.file),
            });
        }
        let mut folders_above = root.match_indices('/').map(|(end, _)| &root[..end]);
        let above = folders_above.find_map(|above| self.by_root.get(above)?.first());
        if let Some(other) = above {
            return Some(Clash::Inside(other.file));
        }
        let below = format!("{root}/");
        let (name, others) = self.by_root.range(below.clone()..).next()?;
        let other = others.first().filter(|_| name.starts_with(&below))?;
        Some(Clash::Around(other.file))
    }
}

impl Clash<'_> {
    /// The problem in words, for the output that was added.
    pub(crate) fn told(self, output: &Template) -> String {
        match self {
            Self::Same(other) => format!("the output `{output}` is taken by `{other}`"),
            Self::Inside(other) => format!("the output `{output}` lies inside that of `{other}`"),
            Self::Around(other) => format!("the output of `{other}` lies inside `{output}`"),
        }
    }
}

/// The folder above the first field, and the folders from there on, with a `*` for each field.
fn parts(output: &Template) -> (String, Vec<String>) {
    let glob = output.glob();
    let folders: Vec<&str> = glob.split('/').collect();
    let fields = folders.iter().position(|folder| folder.contains('*')).unwrap_or(folders.len());
    let below = folders[fields..].iter().map(|folder| (*folder).to_owned());
    (folders[..fields].join("/"), below.collect())
}

/// Whether one path could be the other, or lead to it.
fn could_nest(one: &[String], other: &[String]) -> bool {
    one.iter().zip(other).all(|(one, other)| could_be_one(one.as_bytes(), other.as_bytes()))
}

/// Whether two names with a `*` for any text could be one: what stands before the first `*` and after the last one of
/// each must fit. What stands between two is not looked at.
fn could_be_one(one: &[u8], other: &[u8]) -> bool {
    let is_star = |byte: &u8| *byte == b'*';
    if !one.iter().any(is_star) && !other.iter().any(is_star) {
        return one == other;
    }
    let fits = |pairs: &mut dyn Iterator<Item = (&u8, &u8)>| {
        let mut pairs = pairs.take_while(|(one, other)| !is_star(one) && !is_star(other));
        pairs.all(|(one, other)| one == other)
    };
    fits(&mut one.iter().zip(other)) && fits(&mut one.iter().rev().zip(other.iter().rev()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(first: &str, second: &str, wanted: Option<Clash<'static>>) {
        let [first, second] =
            [first, second].map(|text| Template::parse(text).unwrap().with_tick());
        let mut outputs = Outputs::default();
        assert_eq!(outputs.add(&first, "a"), None);
        assert_eq!(outputs.add(&second, "b"), wanted, "{first} {second}");
    }

    #[test]
    fn outputs_are_one_or_nest_or_do_not_touch() {
        check("scores/wine", "scores/port", None);
        check("scores/wine", "scores/wines", None);
        check("scores/wine", "scores/wine", Some(Clash::Same("a")));
        check("scores/wine", "scores/wine/{tick:%F}", Some(Clash::Same("a")));
        check("scores/wine", "scores/wine/red", Some(Clash::Inside("a")));
        check("scores/wine", "scores", Some(Clash::Around("a")));
        check("scores", "scores/wine", Some(Clash::Inside("a")));
        check("scores/{tick:%F}", "scores/wine", Some(Clash::Inside("a")));
        check("scores/{tick:%F}", "scores/{tick:%Y}/red", Some(Clash::Inside("a")));
        check("scores/{tick:%Y}/red", "scores/{tick:%F}", Some(Clash::Around("a")));
        check("scores/{tick:%F}/red", "scores/{tick:%F}/white", None);
        check("scores/{tick:%F}/red", "scores/{tick}/red", Some(Clash::Same("a")));
        check("scores/red-{tick:%F}", "scores/white-{tick:%F}", None);
        check("scores/{tick:%F}-red", "scores/{tick:%F}-white", None);
        check("scores/red-{tick:%F}", "scores/{tick:%F}-white", Some(Clash::Same("a")));
        check("/srv/scores/wine", "scores/wine", None);
    }

    #[test]
    fn names_of_which_one_begins_another_do_not_hide_what_lies_inside() {
        let mut outputs = Outputs::default();
        let template = |text: &str| Template::parse(text).unwrap().with_tick();
        for (file, output) in [("a", "s-1"), ("b", "s/wine/red"), ("c", "s.x"), ("d", "s0")] {
            assert_eq!(outputs.add(&template(output), file), None);
        }
        assert_eq!(outputs.add(&template("s"), "e"), Some(Clash::Around("b")));
    }
}
