//! Random expressions in UTC against croner 4, and against the second evaluator of `plain`.
//!
//! The three read cron on their own. `plain` has to agree in everything. croner may differ for the
//! reasons of [`REASONS`] and no other: each says which expressions it is about and what becomes of
//! them, and a difference counts for the first that fits. The test prints how often each was met.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::sync::LazyLock;

use croner::errors::CronError;
use croner::{CivilDateTime, Cron, CronDateTime, Resolution, Weekday};
use jiff::Timestamp;
use jiff::tz::Offset;
use nightshift::domain::schedule::{DayMatch, Part, Schedule};
use regex::Regex;

use super::draw::{Draw, cases, seed};
use super::plain::Plain;
use super::tell;

/// How far ticks are compared: forty years, in seconds.
const HORIZON: i64 = 40 * 8766 * 3600;
/// How many ticks of an expression are compared.
const TICKS: usize = 5;

/// In what the two differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Difference {
    /// We refuse what has no tick in forty years.
    NeverDue,
    /// We ask for `day_match`, and croner takes `or`.
    DayMatch,
    /// We refuse the text.
    WeRefuse,
    /// croner refuses the text.
    CronerRefuses,
    /// The ticks differ.
    Ticks,
}
use Difference::{CronerRefuses, DayMatch as AsksDayMatch, NeverDue, Ticks, WeRefuse};

/// What a difference is due to.
struct Reason {
    what: &'static str,
    difference: Difference,
    /// An expression in capital letters to which this applies.
    text: &'static str,
    /// How often it is met in a daily run.
    daily: u64,
}

const fn reason(
    difference: Difference,
    what: &'static str,
    text: &'static str,
    daily: u64,
) -> Reason {
    Reason { what, difference, text, daily }
}

/// Names where croner alone takes them: in another field, or as a part of something longer.
const MISPLACED: &str = concat!(
    r"^(\S+ ){0,2}\S*[A-Z]{3}|[0-9A-Z#][A-Z]{3}|[A-Z]{3}[0-9A-Z]",
    r"|^(\S+ ){3}\S*(SUN|MON|TUE|WED|THU|FRI|SAT)",
    r"| \S*(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)\S*$",
);

const REASONS: [Reason; 14] = [
    reason(NeverDue, "no tick in forty years: a search that fails there", "", 191),
    reason(
        AsksDayMatch,
        "both day fields are restricted and one begins with `*`: means `or` there",
        "",
        8653,
    ),
    reason(WeRefuse, "an empty item of a list is passed over there", r"(^| |,),|,( |$)", 576),
    reason(
        WeRefuse,
        "`+` before the day of the week means `and` there, `day_match` says it here",
        r" \+\S*$",
        85,
    ),
    reason(
        WeRefuse,
        "a name is replaced by its number wherever it stands there: `JAN * * * *`",
        MISPLACED,
        153,
    ),
    reason(WeRefuse, "`?` becomes `*` anywhere in a day field there: `?/5`", r"\?", 140),
    reason(WeRefuse, "what follows `W` is not read there: `15W3`", r"W[^ ,]", 72),
    reason(
        WeRefuse,
        "`#` may follow a range or a step there, and `L` may follow `#`",
        r"[-/]\S*#|#\d*L|#0+[1-5]",
        119,
    ),
    reason(WeRefuse, "`L` twice counts as once there: `5LL`", r"\dL\d*L", 0),
    reason(WeRefuse, "`L` alone is a day of the week that never comes there", r"[ ,]L(,\S*)?$", 98),
    reason(CronerRefuses, "`*` in a list with others: refused there", r"[*?],|,[*?]", 818),
    reason(CronerRefuses, "a step beyond 65,535 does not fit there", r"/\d{5,}", 460),
    reason(Ticks, "`L` beside `LW` is lost there", r" (\S*,)?(L,(\S*,)?LW|LW,(\S*,)?L)[ ,]", 4),
    reason(Ticks, "`SUN-SUN` is the whole week there, and Sunday here", "SUN-SUN", 60),
];

static PATTERNS: LazyLock<Vec<Regex>> =
    LazyLock::new(|| REASONS.iter().map(|reason| Regex::new(reason.text).unwrap()).collect());

/// A second of UTC, for croner.
#[derive(Debug, Clone)]
struct Utc(i64);

impl CronDateTime for Utc {
    fn to_civil(&self) -> CivilDateTime {
        let local = Offset::UTC.to_datetime(Timestamp::from_second(self.0).unwrap());
        let [month, day, hour, minute, second] =
            [local.month(), local.day(), local.hour(), local.minute(), local.second()]
                .map(|part| u32::try_from(part).unwrap());
        CivilDateTime::from_ymd_hms(local.year().into(), month, day, hour, minute, second).unwrap()
    }

    fn civil_weekday(&self) -> Weekday {
        Weekday::from_days_from_sunday(u32::try_from((self.0.div_euclid(86_400) + 4) % 7).unwrap())
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let [month, day, hour, minute, second] =
            [civil.month(), civil.day(), civil.hour(), civil.minute(), civil.second()]
                .map(|part| i8::try_from(part).unwrap());
        let year = i16::try_from(civil.year()).unwrap();
        let local = jiff::civil::datetime(year, month, day, hour, minute, second, 0);
        Ok(Resolution::Single(Self(Offset::UTC.to_timestamp(local).unwrap().as_second())))
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        self.0.checked_add(seconds).map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

fn ticks_of_croner(cron: &Cron, after: i64) -> Vec<i64> {
    let next = |after: i64| cron.find_next_occurrence(&Utc(after), false).ok().map(|tick| tick.0);
    std::iter::successors(next(after), |tick| next(*tick))
        .take_while(|tick| *tick <= after + HORIZON)
        .take(TICKS)
        .collect()
}

/// Our ticks, which have to be the same backwards.
fn ticks_of_ours(schedule: &Schedule, after: i64) -> Vec<i64> {
    let at = |second: i64| Timestamp::from_second(second).unwrap();
    let ticks: Vec<Timestamp> =
        schedule.ticks(at(after), at(after + HORIZON)).take(TICKS).collect();
    let last = ticks.last().copied().unwrap_or(at(after));
    let mut backwards: Vec<Timestamp> = schedule.ticks(at(after), last).rev().collect();
    backwards.reverse();
    assert_eq!(backwards, ticks, "`{}` after {}", schedule.cron(), at(after));
    ticks.into_iter().map(Timestamp::as_second).collect()
}

/// Day fields that not everybody reads.
const ODD: [&str; 12] =
    ["L,LW", "SUN-SUN", "1,,2", "1,", "+MON", "?/5", "15W3", "1-5#2", "L", "*,5", "5#L", "JAN"];

/// An expression of five fields: most in the grammar, the rest nearly.
fn any_cron(draw: &mut Draw) -> String {
    let mut cron = draw.cron();
    if draw.percent(25) {
        let changed = draw.changed(&cron);
        if changed.split_ascii_whitespace().count() == 5 {
            cron = changed;
        }
    }
    if draw.percent(2) {
        let place = if draw.percent(50) { 2 } else { 4 };
        let mut fields: Vec<&str> = cron.split_ascii_whitespace().collect();
        fields[place] = draw.one_of(&ODD);
        cron = fields.join(" ");
    }
    if draw.percent(1) { cron.replacen('*', "*/70000", 1) } else { cron }
}

/// How the two differ in `cron`, if they do. Panics where we differ from `plain`.
fn difference(cron: &str, after: i64) -> Option<Difference> {
    let mut ours = Schedule::parse(cron, "UTC", None);
    let is_asked = matches!(&ours, Err(problem) if problem.part == Part::DayMatch);
    let day_match = is_asked.then_some(DayMatch::Or);
    if is_asked {
        assert!(Plain::read(cron, None).is_none(), "`{cron}` is accepted by `plain`");
        ours = Schedule::parse(cron, "UTC", day_match);
    }
    let theirs: Option<Cron> = cron.parse().ok();
    let plain = Plain::read(cron, day_match);
    let (ours, plain) = match (ours, plain) {
        (Ok(ours), Some(plain)) => (ours, plain),
        (Err(problem), Some(plain)) => {
            assert!(problem.message.contains("no tick in forty years"), "`{cron}`: {problem}");
            let probed_from = 1_767_225_600;
            let ticks = plain.in_utc(probed_from - 1, probed_from + HORIZON, 1);
            assert!(ticks.is_empty(), "`{cron}` is refused, and has a tick at {ticks:?}");
            return theirs.map(|_| NeverDue);
        }
        (Err(_), None) => return theirs.map(|_| WeRefuse),
        (Ok(_), None) => panic!("`{cron}` is refused by `plain`, and accepted here"),
    };
    let ticks = ticks_of_ours(&ours, after);
    assert_eq!(ticks, plain.in_utc(after, after + HORIZON, TICKS), "`{cron}` after {after}");
    match theirs {
        None if is_asked => None,
        None => Some(CronerRefuses),
        Some(theirs) if ticks_of_croner(&theirs, after) != ticks => Some(Ticks),
        Some(_) => is_asked.then_some(AsksDayMatch),
    }
}

#[test]
fn every_difference_from_croner_has_a_known_reason() {
    let cases = cases(100_000);
    let mut counts = [0_u64; REASONS.len()];
    let mut unexplained = String::new();
    for case in 0..cases {
        let mut draw = Draw::new(case);
        let cron = any_cron(&mut draw);
        let after = draw.instant().as_second();
        let Some(found) = difference(&cron, after) else { continue };
        let text = cron.to_uppercase().split_whitespace().collect::<Vec<_>>().join(" ");
        let fits = |(reason, pattern): (&Reason, &Regex)| {
            reason.difference == found && pattern.is_match(&text)
        };
        match REASONS.iter().zip(PATTERNS.iter()).position(fits) {
            Some(place) => counts[place] += 1,
            None => writeln!(unexplained, "`{cron}`: {found:?}").unwrap(),
        }
    }
    let differing: u64 = counts.iter().sum();
    tell(&format!("{cases} expressions, seed {}, {differing} differ from croner:", seed()));
    for (count, reason) in counts.iter().zip(&REASONS) {
        tell(&format!("{count:>8}  {:?}: {}", reason.difference, reason.what));
    }
    assert!(unexplained.is_empty(), "not among the reasons:\n{unexplained}");
    if (cases, seed()) == (100_000, 20_260_105) {
        assert_eq!(counts, REASONS.map(|reason| reason.daily), "`daily` of the reasons");
    }
}
