//! Which files of a template belong to ticks of the past.
//!
//! The template is written for tick after tick, the newest first, and takes the files that it names. Where a name
//! says when its tick must be, no other tick is tried for it: a file that belongs to none, such as one of a day on
//! which there is no tick, costs the ticks of that day, and a gap of years between two files costs nothing.

use jiff::Timestamp;

use crate::domain::schedule::Schedule;
use crate::domain::template::{Template, TickFields};
use crate::engine::error::{Cause, RunError};

/// Most ticks that are tried.
const TICKS_TRIED_MAX: usize = 1_000_000;

/// A file that a template could name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate<T> {
    /// The name, in the form that the template uses.
    pub(super) name: String,
    /// The file.
    pub(super) file: T,
}

/// A candidate and the first and last instant that its tick could be.
#[derive(Debug)]
struct Dated<T> {
    candidate: Candidate<T>,
    since: Timestamp,
    until: Timestamp,
}

/// The files of the ticks up to `latest`, those of the oldest tick first.
pub(super) fn files_of_ticks<T>(
    template: &Template,
    schedule: &Schedule,
    candidates: Vec<Candidate<T>>,
    latest: Timestamp,
) -> Result<Vec<T>, RunError> {
    let mut left = dated(template, schedule, candidates);
    let mut newest_first = Vec::new();
    let mut tick = schedule.latest_at_or_before(latest);
    for _ in 0..TICKS_TRIED_MAX {
        let Some(end) = tick.filter(|tick| *tick >= Timestamp::UNIX_EPOCH) else { break };
        // What belongs to later ticks, or to none, is given up: time goes one way here.
        left.retain(|dated| dated.since <= end);
        let Some(newest) = left.iter().map(|dated| dated.until).max() else { break };
        if newest < end {
            tick = schedule.latest_at_or_before(newest);
            continue;
        }
        let past = schedule.interval(end);
        if past.start.is_none() {
            break;
        }
        let fields = TickFields {
            tick: end,
            interval_start: past.start,
            interval_end: end,
            zone: schedule.timezone().clone(),
        };
        let pattern =
            template.render(&fields).map_err(|error| RunError::new("plan", Cause::Job, error))?;
        newest_first.push(take_matching(&mut left, &pattern, end)?);
        tick = past.start;
    }
    Ok(newest_first.into_iter().rev().flatten().collect())
}

/// The candidates that some tick could name, with the bounds of that tick, in order of name.
fn dated<T>(
    template: &Template,
    schedule: &Schedule,
    candidates: Vec<Candidate<T>>,
) -> Vec<Dated<T>> {
    let names = template.names();
    let mut out: Vec<Dated<T>> = candidates
        .into_iter()
        .filter_map(|candidate| {
            let Some(names) = &names else {
                let (since, until) = (Timestamp::MIN, Timestamp::MAX);
                return Some(Dated { candidate, since, until });
            };
            let span = names.span(&candidate.name)?;
            // The tick comes after the start of its interval, and no other tick lies between the two.
            let after_start = schedule.next_after(span.start.1).unwrap_or(Timestamp::MAX);
            let since = span.tick.0.max(span.start.0);
            let until = span.tick.1.min(after_start);
            (since <= until).then_some(Dated { candidate, since, until })
        })
        .collect();
    out.sort_by(|one, other| one.candidate.name.cmp(&other.candidate.name));
    out
}

/// Moves the files whose names match `pattern`, and whose tick could be `tick`, out of `left`.
fn take_matching<T>(
    left: &mut Vec<Dated<T>>,
    pattern: &str,
    tick: Timestamp,
) -> Result<Vec<T>, RunError> {
    let options = glob::MatchOptions { require_literal_separator: true, ..Default::default() };
    let glob = if pattern.contains(['*', '?', '[']) {
        let glob = glob::Pattern::new(pattern);
        Some(glob.map_err(|error| RunError::new("plan", Cause::Job, error))?)
    } else {
        None
    };
    let is_of_tick = |dated: &mut Dated<T>| {
        let name = &dated.candidate.name;
        let could_be = (dated.since..=dated.until).contains(&tick);
        could_be && glob.as_ref().map_or(name == pattern, |glob| glob.matches_with(name, options))
    };
    Ok(left.extract_if(.., is_of_tick).map(|dated| dated.candidate.file).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(template: &str, cron: &str, latest: &str, names: &[&str], wanted: &[&str]) {
        let template = Template::parse(template).unwrap();
        let schedule = Schedule::parse(cron, "UTC", None).unwrap();
        let names = names.iter().map(|name| (*name).to_owned());
        let candidates = names.map(|name| Candidate { file: name.clone(), name }).collect();
        let latest = latest.parse().unwrap();
        let found = files_of_ticks(&template, &schedule, candidates, latest).unwrap();
        assert_eq!(found, wanted, "{cron}");
    }

    #[test]
    fn files_come_in_the_order_of_their_ticks() {
        let names = ["d/2026-01-03.csv", "d/2026-01-01.csv", "d/2026-01-05.csv", "d/README.csv"];
        let wanted = ["d/2026-01-01.csv", "d/2026-01-03.csv"];
        check("d/{tick:%F}.csv", "0 4 * * *", "2026-01-04T04:00:00Z", &names, &wanted);
        // The night after the day.
        check("d/{interval_start:%F}.csv", "0 4 * * *", "2026-01-04T04:00:00Z", &names, &wanted);
        let names = ["d/2025/b.csv", "d/2025/a.csv", "d/2024/c.csv", "d/2026/x.txt"];
        let wanted = ["d/2024/c.csv", "d/2025/a.csv", "d/2025/b.csv"];
        check("d/{interval_start:%Y}/*.csv", "@yearly", "2026-03-01T00:00:00Z", &names, &wanted);
    }

    #[test]
    fn neither_a_stray_file_nor_a_gap_costs_the_ticks_of_years() {
        // More than a million ticks lie between the two files, and more between each of the others and any tick.
        let names = ["d/2026-02-09.csv", "d/2023-01-01.csv", "d/README.csv", "d/2019-02-30.csv"];
        let wanted = ["d/2023-01-01.csv", "d/2026-02-09.csv"];
        check("d/{tick:%F}.csv", "* * * * * *", "2026-02-10T00:00:00Z", &names, &wanted);
        // A day on which there is no tick.
        let names = ["d/2026-02-08.csv", "d/2026-02-06.csv"];
        let cron = "* * * * * 1-5";
        check("d/{tick:%F}.csv", cron, "2026-02-10T00:00:00Z", &names, &["d/2026-02-06.csv"]);
    }
}
