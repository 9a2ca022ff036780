//! Whether a project that opens its record is the one that wrote it last, was moved, or is a copy.
//!
//! A copy brings the record of its original along, and with it what the original has published in folders that
//! both can write to. So the record remembers where the folder of the project stood, and who finds it
//! elsewhere asks what is at that place now. What is there is looked at by somebody else.

/// Where the folder of a project stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The name of the machine.
    pub host: String,
    /// The boot of its kernel: containers of one machine share it, whatever they are called.
    pub boot: String,
    /// The mount namespace: what a path leads to is seen alike by those who share it.
    pub namespace: String,
    /// The folder.
    pub path: String,
    /// The device that it is on.
    pub device: String,
    /// Its number there. A folder that is moved on its device keeps both.
    pub inode: String,
}

/// What is at the place on record, seen from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// The folder of that number: the original.
    TheOriginal,
    /// Another folder, with the record of this project in it.
    TheRecord,
    /// Something that has nothing to do with this project.
    AnotherThing,
    /// It cannot be looked at.
    Unseen,
}

/// What a project is to its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The one that wrote it last, or the first one.
    AtHome,
    /// The same, at another place.
    Moved,
    /// A copy of one that is still there.
    Copied,
    /// One or the other.
    Unsure(Doubt),
}

/// Why it cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// The place on record is on another machine.
    OtherHost,
    /// The place on record is seen from another mount namespace, that of a container for instance.
    OtherNamespace,
    /// The place on record holds a folder with the same record.
    SameRecord,
    /// The place on record cannot be looked at.
    Unseen,
}

impl Doubt {
    /// The rest of a sentence that begins with the place on record.
    pub fn explain(self) -> &'static str {
        match self {
            Self::OtherHost => "is on another machine",
            Self::OtherNamespace => "was seen from another mount namespace, a container perhaps",
            Self::SameRecord => "holds another folder with the same record",
            Self::Unseen => "cannot be looked at",
        }
    }
}

impl Place {
    /// Whether it is the same folder, by whatever path and from whichever container it is seen.
    fn is_same_folder(&self, other: &Self) -> bool {
        (&self.device, &self.inode) == (&other.device, &other.inode)
    }

    fn is_same_host(&self, other: &Self) -> bool {
        self.boot == other.boot || self.host == other.host
    }
}

/// What the project at `here` is to a record that was written at `recorded` last, where `found` is now.
///
/// Devices are numbered anew at each boot, so that the same path on the same machine is home, too.
pub fn standing(recorded: Option<&Place>, here: &Place, found: Found) -> Standing {
    let Some(recorded) = recorded else { return Standing::AtHome };
    if !recorded.is_same_host(here) {
        return Standing::Unsure(Doubt::OtherHost);
    }
    if recorded.is_same_folder(here) {
        return Standing::AtHome;
    }
    let is_same_view = recorded.namespace == here.namespace;
    if is_same_view && recorded.path == here.path {
        return Standing::AtHome;
    }
    match found {
        Found::TheOriginal => Standing::Copied,
        Found::TheRecord => Standing::Unsure(Doubt::SameRecord),
        Found::Unseen => Standing::Unsure(Doubt::Unseen),
        Found::Nothing | Found::AnotherThing if is_same_view => Standing::Moved,
        Found::Nothing | Found::AnotherThing => Standing::Unsure(Doubt::OtherNamespace),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place {
            host: "night".to_owned(),
            boot: "b1".to_owned(),
            namespace: "n1".to_owned(),
            path: "/srv/a".to_owned(),
            device: "8:1".to_owned(),
            inode: "77".to_owned(),
        }
    }

    #[track_caller]
    fn check(change: impl Fn(&mut Place), found: Found, expect: Standing) {
        let mut here = place();
        change(&mut here);
        assert_eq!(standing(Some(&place()), &here, found), expect, "{here:?} {found:?}");
    }

    fn elsewhere(here: &mut Place) {
        here.path = "/srv/b".to_owned();
        here.inode = "78".to_owned();
    }

    #[test]
    fn what_a_project_is_to_its_record() {
        use Standing::{AtHome, Copied, Moved, Unsure};
        assert_eq!(standing(None, &place(), Found::Unseen), AtHome);
        // By another path, after another boot, in a container of the same machine.
        check(|here| here.path = "/mnt/a".to_owned(), Found::TheOriginal, AtHome);
        check(|here| here.boot = "b2".to_owned(), Found::TheOriginal, AtHome);
        check(|here| here.host = "pod-1".to_owned(), Found::TheOriginal, AtHome);
        check(|here| here.namespace = "n2".to_owned(), Found::Nothing, AtHome);
        check(
            |here| (here.boot, here.device) = ("b2".to_owned(), "8:2".to_owned()),
            Found::AnotherThing,
            AtHome,
        );
        check(elsewhere, Found::Nothing, Moved);
        check(elsewhere, Found::AnotherThing, Moved);
        check(elsewhere, Found::TheOriginal, Copied);
        check(elsewhere, Found::TheRecord, Unsure(Doubt::SameRecord));
        check(elsewhere, Found::Unseen, Unsure(Doubt::Unseen));
        let in_container = |here: &mut Place| {
            elsewhere(here);
            here.namespace = "n2".to_owned();
        };
        check(in_container, Found::Nothing, Unsure(Doubt::OtherNamespace));
        check(in_container, Found::TheOriginal, Copied);
        // The same path in a container is another place.
        let baked_in = |here: &mut Place| {
            (here.namespace, here.inode) = ("n2".to_owned(), "78".to_owned());
        };
        check(baked_in, Found::AnotherThing, Unsure(Doubt::OtherNamespace));
        let other_host = |here: &mut Place| {
            (here.host, here.boot) = ("day".to_owned(), "b9".to_owned());
        };
        check(other_host, Found::TheOriginal, Unsure(Doubt::OtherHost));
    }
}
