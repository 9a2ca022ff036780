//! The rules of `score.output`: each tick has a folder of its own, and nobody else reads or writes there.
//!
//! What one job can say of itself is judged here; where the outputs of two jobs lie to one another is the business of
//! `domain::job::outputs`.

use std::ops::Range;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::job::path;
use crate::domain::job::problem::Faults;
use crate::domain::job::section::Section;
use crate::domain::job::words::shorten;
use crate::domain::schedule::{Known, Schedule};
use crate::domain::template::{Instants, Template, TickFields};

/// How the folders beside an output are called, in which runs stage what they will publish: globs never enter one.
const BESIDE: &str = ".nightshift";

/// Applies every rule; `inputs` are the templates that are read, with their names.
pub(super) fn apply(
    job: &Section,
    inputs: &[(&'static str, &Template)],
    schedule: Option<&Schedule>,
    faults: &mut Faults,
) {
    let score = job.section("score");
    let Some(output) = score.template("output") else { return };
    let span = score.span("output");
    read_again(output, inputs, &span, faults);
    if let Some((message, help)) = refusal_of_folders(output) {
        let message = format!("`score.output` = `\"{}\"` {message}", shorten(output.as_str()));
        faults.add_with_help(span.clone(), "output_form", message, help);
    }
    match schedule {
        Some(schedule) => shared_by_ticks(output, schedule, span, faults),
        None if !job.has("schedule") && !output.uses_interval() => {
            shared_by_instants(output, span, faults);
        }
        // What is wrong with the schedule, or that there is none, was told.
        None => {}
    }
}

/// Scores must not land where a later run would read them as its input.
fn read_again(
    output: &Template,
    inputs: &[(&'static str, &Template)],
    span: &Range<usize>,
    faults: &mut Faults,
) {
    let folder = output.as_str().strip_suffix("/tick={tick}").unwrap_or(output.as_str());
    let part = format!("{}/part-0-0000.parquet", output.example());
    let clash = inputs.iter().find(|(_, input)| {
        let is_same = [path::parent(input.as_str()), input.as_str()].contains(&folder);
        is_same || path::could_match(&input.glob(), &part)
    });
    if let Some((path, _)) = clash {
        let message = format!("`score.output` lies where `{path}` would read it as input");
        let help = "choose a folder that no input names, such as `\"scores/<job>\"`";
        faults.add_with_help(span.clone(), "output_is_input", message, help);
    }
}

/// Why the folders of an output may not be called so, whatever the project says; `None` if they may.
fn refusal_of_folders(output: &Template) -> Option<(String, &'static str)> {
    let glob = output.glob();
    let mut folders = glob.trim_start_matches('/').split('/');
    let is_field = |folder: &str| folder.contains('*');
    if folders.clone().next().is_some_and(is_field) {
        return Some(first_is_field());
    }
    folders.find(|folder| folder.ends_with(BESIDE)).map(|folder| {
        let message = format!("has the folder `{folder}`, a name of those in which runs stage");
        (message, "choose a name that does not end in `.nightshift`")
    })
}

/// The same for an absolute output below one of the `data_roots`, where the first folder is the one in the root.
pub(crate) fn refusal_below_roots<R: AsRef<Path>>(
    output: &Template,
    data_roots: &[R],
) -> Option<(String, &'static str)> {
    let glob = output.glob();
    let below = |root: &R| Path::new(&glob).strip_prefix(root.as_ref()).ok();
    // The first folder below the innermost root.
    let below = data_roots.iter().filter_map(below).min_by_key(|rest| rest.components().count())?;
    let first = below.components().next()?;
    let is_field = first.as_os_str().to_string_lossy().contains('*');
    is_field.then(first_is_field)
}

fn first_is_field() -> (String, &'static str) {
    let message = "has a field in its first folder, and nothing to keep what it writes together";
    (message.to_owned(), "begin it with a folder, as in `\"scores/{tick:%Y-%m-%d}\"`")
}

/// Each tick of a schedule has a folder of its own.
fn shared_by_ticks(
    output: &Template,
    schedule: &Schedule,
    span: Range<usize>,
    faults: &mut Faults,
) {
    let Some([first, second]) = alike_for(output, schedule) else { return };
    let folder = path_of(output, schedule, first).unwrap_or_default();
    let message = format!(
        "`score.output` gives two ticks of the schedule one folder: {first} and {second} both have `{}`",
        shorten(&folder)
    );
    let finer = output.finer().into_iter().find(|finer| alike_for(finer, schedule).is_none());
    let mut help = match finer {
        Some(finer) => format!("write `\"{finer}\"`"),
        None => "use `{tick}` without a format, which names the instant".to_owned(),
    };
    let zone = schedule.timezone();
    if zone.to_datetime(first) == zone.to_datetime(second) {
        help.push_str(", or `timezone = \"UTC\"`: clocks that are put back show one hour twice");
    }
    faults.add_with_help(span, "output_shared", message, help);
}

/// Without a schedule any instant is a tick, and only the instant itself tells two of them apart.
fn shared_by_instants(output: &Template, span: Range<usize>, faults: &mut Faults) {
    if output.tells_instants() {
        return;
    }
    let message = format!(
        "`score.output` = `\"{}\"` gives many ticks one folder: without `[schedule]` a tick is any instant",
        shorten(output.as_str())
    );
    let help = "use `{tick}` without a format, or add a `[schedule]` whose ticks it tells apart";
    faults.add_with_help(span, "output_shared", message, help);
}

/// Two ticks of a schedule for which a template gives one path.
fn alike_for(template: &Template, schedule: &Schedule) -> Option<[Timestamp; 2]> {
    if template.tells_seconds() {
        return None;
    }
    let instants = template.instants();
    let is_plain = instants != Instants::Both && template.is_unambiguous();
    // Of two dates, one that one field tells is told.
    let known = Known { dates_differ: template.tells_dates() && is_plain, is_plain };
    let zone = schedule.timezone();
    match instants {
        Instants::Start => {
            // The starts of intervals are the ticks of the schedule as well, each of the one after it.
            let text = |start| render(template, zone, start, Some(start));
            let [first, second] = schedule.two_alike(known, &text)?;
            Some([schedule.next_after(first)?, schedule.next_after(second)?])
        }
        Instants::Tick => {
            let text = |tick| render(template, zone, tick, None);
            schedule.two_alike(known, &text)
        }
        Instants::Both => {
            let text = |tick| render(template, zone, tick, schedule.previous_before(tick));
            schedule.two_alike(known, &text)
        }
    }
}

fn path_of(template: &Template, schedule: &Schedule, tick: Timestamp) -> Option<String> {
    render(template, schedule.timezone(), tick, schedule.previous_before(tick))
}

fn render(
    template: &Template,
    zone: &TimeZone,
    tick: Timestamp,
    start: Option<Timestamp>,
) -> Option<String> {
    let zone = zone.clone();
    let fields = TickFields { tick, interval_start: start, interval_end: tick, zone };
    template.render(&fields).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(output: &str, cron: &str, zone: &str) -> Option<(String, String)> {
        let template = Template::parse(output).unwrap().with_tick();
        let schedule = Schedule::parse(cron, zone, None).unwrap();
        let mut faults = Faults::default();
        shared_by_ticks(&template, &schedule, 0..0, &mut faults);
        let problem = faults.into_problems("f", b"").pop()?;
        Some((problem.message, problem.help.unwrap_or_default()))
    }

    #[track_caller]
    fn check(output: &str, cron: &str, zone: &str, wanted: Option<[&str; 2]>) {
        let found = told(output, cron, zone);
        let Some([ticks, help]) = wanted else {
            assert_eq!(found, None, "{output} {cron} {zone}");
            return;
        };
        let (message, found) = found.unwrap_or_else(|| panic!("{output} {cron} {zone}: accepted"));
        assert!(
            message.contains(ticks) && found.contains(help),
            "{output} {cron}: {message}; {found}"
        );
    }

    #[test]
    fn two_ticks_of_one_folder_are_named_with_what_to_write() {
        check("s/a", "* * * * * *", "Europe/Berlin", None);
        check("s/{tick:%F}", "30 4 * * *", "Europe/Berlin", None);
        let ticks = "2026-01-01T00:00:00Z and 2026-01-01T01:00:00Z both have `s/2026-01-01`";
        let help = "write `\"s/{tick:%FT%H}\"`";
        check("s/{tick:%F}", "0 * * * *", "UTC", Some([ticks, help]));
        // The correction holds in the repeated hour as well.
        let ticks = "2025-12-31T23:00:00Z and 2026-01-01T00:00:00Z";
        check("s/{tick:%F}", "0 * * * *", "Europe/Berlin", Some([ticks, "{tick:%FT%H%z}"]));
        let help = "write `\"s/{tick:%FT%H%z}\"`, or `timezone = \"UTC\"`";
        let ticks = "2026-10-25T00:00:00Z and 2026-10-25T01:00:00Z";
        check("s/{tick:%FT%H}", "0 * * * *", "Europe/Berlin", Some([ticks, help]));
        check("s/{tick:%FT%H%z}", "0 * * * *", "Europe/Berlin", None);
        check("s/{tick:%Y/%m/%d}", "0 */6 * * *", "UTC", Some(["T06:00", "{tick:%Y/%m/%dT%H}"]));
        check("s/{tick:%m-%d}", "0 4 * * *", "UTC", Some(["2027-01-01T04:00", "{tick:%F}"]));
    }

    #[test]
    fn starts_of_intervals_are_ticks_too() {
        check("s/{interval_start:%F}", "30 4 * * *", "UTC", None);
        // The ticks are those after the two starts.
        let ticks = "2026-01-01T01:00:00Z and 2026-01-01T02:00:00Z both have `s/2026-01-01`";
        check("s/{interval_start:%F}", "0 * * * *", "UTC", Some([ticks, "%FT%H}"]));
    }

    #[test]
    fn several_fields_are_read_together() {
        check("s/{tick:%Y}/{tick:%m}/{tick:%d}", "30 4 * * *", "UTC", None);
        check("s/{tick:%F}/{interval_start:%H}", "0 * * * *", "UTC", None);
        // Either end of the interval is shown twice in one night, both together are not.
        let output = "s/{interval_start:%FT%H}--{interval_end:%FT%H}";
        check(output, "0 * * * *", "Europe/Berlin", None);
        check("s/{tick:%Y}/{interval_start:%m}", "30 4 * * *", "UTC", Some(["2026-01-02", "%F"]));
        // Eleven and one, and one and eleven.
        check("s/{tick:%Y-%-m%-d}", "30 4 * * *", "UTC", Some(["2026-01-11", "write"]));
        check("s/{tick:%Y-%-m-%-d}", "30 4 * * *", "UTC", None);
    }

    #[test]
    fn folders_have_names_that_keep_their_distance() {
        let refused = |output: &str| {
            refusal_of_folders(&Template::parse(output).unwrap().with_tick()).map(|(why, _)| why)
        };
        for output in
            ["scores", "scores/{tick}", "/srv/x/{tick:%F}", "a.nightshift.d/x", "a/.night"]
        {
            assert_eq!(refused(output), None, "{output}");
        }
        for output in ["{tick:%F}", "a-{tick:%F}/wine", "/{tick:%F}/wine"] {
            assert!(refused(output).is_some_and(|why| why.contains("first folder")), "{output}");
        }
        for output in ["scores.nightshift", "a/b.nightshift/{tick}", "a/{tick}.nightshift"] {
            assert!(refused(output).is_some_and(|why| why.contains(".nightshift`")), "{output}");
        }
        let below = |output: &str| {
            let template = Template::parse(output).unwrap().with_tick();
            refusal_below_roots(&template, &["/srv", "/srv/lake"]).is_some()
        };
        assert!(below("/srv/{tick:%F}/wine") && below("/srv/lake/{tick:%F}"));
        assert!(!below("/srv/lake/wine/{tick:%F}") && !below("/srv/wine") && !below("/mnt/{tick}"));
        assert!(!below("scores/{tick:%F}"));
    }
}
