//! Time zones by their IANA names, spelled as IANA spells them.
//!
//! A name is refused if it means something else on another machine (`Local`, `localtime`) or only
//! looks like a zone (`GMT+2`). The zone data come from the system's database through jiff, and for a
//! name that the system lacks from the copy that jiff bundles, so that a file is accepted everywhere
//! or nowhere. They are the one thing in `domain` that is read from outside, since a zone is a fact
//! about the world and has a version.

use std::sync::LazyLock;

use jiff::tz::{self, TimeZone, TimeZoneDatabase};

use super::{Part, ScheduleProblem};

/// Longest zone name that is looked up; IANA's longest has 38 characters.
const NAME_BYTES_MAX: usize = 64;

/// Folders and links of a system's database that are no IANA names: other time scales and local
/// choices.
const NOT_IANA: &[&str] = &["posix/", "right/", "posixrules", "localtime", "Etc/Unknown"];

static BUNDLED: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Looks up the zone called `name`.
pub(super) fn named(name: &str) -> Result<TimeZone, ScheduleProblem> {
    let well_formed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+-/".contains(&byte);
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(well_formed) {
        let shown: String = name.escape_debug().take(NAME_BYTES_MAX).collect();
        return Err(problem(
            format!("found `{shown}`, wanted the IANA name of a time zone"),
            Some("write a name like `Europe/Berlin`, or `UTC`".to_owned()),
        ));
    }
    if name.eq_ignore_ascii_case("local") {
        return Err(problem(
            format!("`{name}` would mean another zone on every machine"),
            Some("write the zone's name, like `Europe/Berlin`".to_owned()),
        ));
    }
    let is_iana = !NOT_IANA.iter().any(|prefix| name.starts_with(prefix));
    let found = tz::db().get(name).or_else(|_| BUNDLED.get(name)).ok().filter(|_| is_iana);
    let Some(zone) = found else {
        let message = format!("there is no time zone `{name}`");
        return Err(problem(message, Some(suggestion(name))));
    };
    match zone.iana_name() {
        Some(known) if known != name => Err(problem(
            format!("there is no time zone `{name}`: names are spelled as IANA spells them"),
            Some(format!("write `{known}`")),
        )),
        _ => Ok(zone),
    }
}

/// What to write instead of `name`, which names no zone.
fn suggestion(name: &str) -> String {
    let hours = name.strip_prefix("GMT").or_else(|| name.strip_prefix("UTC"));
    if let Some(hours) = hours.filter(|rest| rest.starts_with(['+', '-'])) {
        let (sign, number) = hours.split_at(1);
        let mirrored = if sign == "+" { '-' } else { '+' };
        if number.parse::<u8>().is_ok_and(|number| (1..=12).contains(&number)) {
            let number = number.trim_start_matches('0');
            return format!(
                "a place has daylight saving and an offset has not: write a place like \
                 `Europe/Berlin`, or `Etc/GMT{mirrored}{number}` (IANA counts westwards)"
            );
        }
    }
    let mut nearest: Option<(f64, String)> = None;
    for known in BUNDLED.available() {
        let likeness = strsim::jaro_winkler(&known.as_str().to_lowercase(), &name.to_lowercase());
        if nearest.as_ref().is_none_or(|(best, _)| likeness > *best) {
            nearest = Some((likeness, known.as_str().to_owned()));
        }
    }
    match nearest {
        Some((likeness, known)) if likeness >= 0.85 => format!("the nearest name is `{known}`"),
        _ => "write a name like `Europe/Berlin`, or `UTC`".to_owned(),
    }
}

fn problem(message: String, help: Option<String>) -> ScheduleProblem {
    ScheduleProblem { part: Part::Timezone, field: "timezone", message, help }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_iana_are_found_under_their_own_spelling() {
        for name in
            ["UTC", "Europe/Berlin", "EST5EDT", "Asia/Calcutta", "Etc/GMT+2", "Pacific/Apia"]
        {
            assert_eq!(named(name).unwrap().iana_name(), Some(name));
        }
    }

    #[track_caller]
    fn check(name: &str, wanted: &str) {
        let found = named(name).unwrap_err();
        assert_eq!((found.part, found.field), (Part::Timezone, "timezone"));
        let told = format!("{}; {}", found.message, found.help.unwrap_or_default());
        assert!(told.contains(wanted), "{name:?}: {told}");
    }

    #[test]
    fn every_other_name_is_refused_with_a_correction() {
        check("Europe/berlin", "write `Europe/Berlin`");
        check("utc", "write `UTC`");
        check("Europe/Berln", "the nearest name is `Europe/Berlin`");
        check("Local", "write the zone's name");
        check("LOCAL", "write the zone's name");
        check("GMT+2", "`Etc/GMT-2`");
        check("UTC-05", "`Etc/GMT+5`");
        check("posix/Europe/Berlin", "no time zone");
        check("right/UTC", "no time zone");
        check("localtime", "no time zone");
        check("", "found ``, wanted");
        check("../../etc/passwd", "found `../../etc/passwd`, wanted");
        check("/etc/localtime", "no time zone");
        check("Europe/Berlin\0", "found `Europe/Berlin\\0`, wanted");
        check("Ｅurope/Berlin", "wanted");
        check(&"A".repeat(1_000_000), "wanted");
    }
}
