//! From the text of a cron expression to the sets of values it admits.
//!
//! Where implementations of cron disagree about a text (`0/15`, `*/10` beside a day of the week, a
//! range that runs backwards), it is refused with what to write instead: a schedule that means
//! something else than its author thinks is found too late. Nothing here knows about time zones.

use super::bits::Bits;
use super::calendar::{DayPattern, DaysOfMonth, DaysOfWeek};
use super::clock::ClockPattern;
use super::field::Field;
use super::stretch::{Discipline, Pattern};
use super::{DayMatch, Part, ScheduleProblem};

/// Longest expression that is read.
const EXPRESSION_BYTES_MAX: usize = 128;

const NICKNAMES: &[(&str, &str)] = &[
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// What to do about `H` and `~`, which draw a time anew for each job or each start.
const NO_DRAWING: &str = "a schedule does not draw its times: write a number";

/// Reads an expression of five fields, six with seconds first, or a nickname.
pub(super) fn expression(
    text: &str,
    day_match: Option<DayMatch>,
) -> Result<Pattern, ScheduleProblem> {
    let fields = fields(text)?;
    let [second, minute, hour, day_of_month, month, day_of_week] = fields;
    let clock = ClockPattern {
        seconds: plain_list(Field::Second, second)?,
        minutes: plain_list(Field::Minute, minute)?,
        hours: plain_list(Field::Hour, hour)?,
    };
    let of_month = days_of_month(day_of_month)?;
    let months = plain_list(Field::Month, month)?;
    let of_week = days_of_week(day_of_week)?;
    let combine = combination(day_of_month, day_of_week, day_match)?;
    let is_wildcard = [second, minute, hour].iter().any(|field| field.starts_with('*'));
    let discipline = if is_wildcard { Discipline::Wildcard } else { Discipline::Fixed };
    Ok(Pattern { clock, days: DayPattern { months, of_month, of_week, combine }, discipline })
}

/// Splits an expression into its six fields; the second is 0 where it is not written.
pub(super) fn fields(text: &str) -> Result<[&str; 6], ScheduleProblem> {
    if text.len() > EXPRESSION_BYTES_MAX {
        let message = format!(
            "the expression is too long: {} bytes, at most {EXPRESSION_BYTES_MAX}",
            text.len()
        );
        return Err(whole(message, "write ranges and steps instead of lists"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        let message = "the expression may hold only printable ASCII characters, on one line";
        return Err(whole(message.to_owned(), "one schedule has one expression"));
    }
    let text = text.trim();
    let text = if text.starts_with('@') { nickname(text)? } else { text };
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    if let Some(first) = words.first().filter(|word| names_zone(word)) {
        let mut problem = bad_value(Field::Second, first);
        problem.help = Some("remove it and use the key `timezone`".to_owned());
        return Err(problem);
    }
    match words[..] {
        [minute, hour, day_of_month, month, day_of_week] => {
            Ok(["0", minute, hour, day_of_month, month, day_of_week])
        }
        [second, minute, hour, day_of_month, month, day_of_week] => {
            Ok([second, minute, hour, day_of_month, month, day_of_week])
        }
        _ => {
            let help = match words.len() {
                7 => "years are not supported: remove the seventh field",
                _ => "write [second] minute hour day-of-month month day-of-week",
            };
            Err(whole(format!("expected 5 or 6 fields, got {}", words.len()), help))
        }
    }
}

/// Whether `word` is a prefix like `CRON_TZ=Europe/Berlin`.
fn names_zone(word: &str) -> bool {
    let key = word.split_once('=').map_or("", |(key, _)| key);
    key.eq_ignore_ascii_case("TZ") || key.eq_ignore_ascii_case("CRON_TZ")
}

fn nickname(text: &str) -> Result<&'static str, ScheduleProblem> {
    if let Some((_, fields)) = NICKNAMES.iter().find(|(name, _)| *name == text) {
        return Ok(fields);
    }
    let help = match text.split(' ').next() {
        Some("@every") => "a schedule follows the clock: write `*/5 * * * *` for every 5 minutes",
        Some("@reboot") => "a schedule follows the clock, not the machine: write when it is due",
        _ => "write one of `@yearly`, `@monthly`, `@weekly`, `@daily`, `@hourly`, or five fields",
    };
    Err(whole(format!("`{text}` is not a nickname that cron expressions have"), help))
}

/// How the two day fields combine, see crontab(5); where cron implementations disagree, `day_match`
/// has to say it.
fn combination(
    day_of_month: &str,
    day_of_week: &str,
    day_match: Option<DayMatch>,
) -> Result<DayMatch, ScheduleProblem> {
    let both = [day_of_month, day_of_week];
    if both.iter().any(|field| matches!(*field, "*" | "?")) {
        return Ok(DayMatch::And);
    }
    match day_match {
        Some(given) => Ok(given),
        None if both.iter().any(|field| field.starts_with(['*', '?'])) => Err(ScheduleProblem {
            part: Part::DayMatch,
            field: "",
            message: "day-of-month and day-of-week are both restricted and one starts with *: \
                      set day_match"
                .to_owned(),
            help: Some(
                "`day_match = \"and\"` is for days that match both, `day_match = \"or\"` for days \
                 that match either"
                    .to_owned(),
            ),
        }),
        None => Ok(DayMatch::Or),
    }
}

fn days_of_month(text: &str) -> Result<DaysOfMonth, ScheduleProblem> {
    let field = Field::DayOfMonth;
    let mut out = DaysOfMonth::default();
    for item in items(field, text)? {
        if item.eq_ignore_ascii_case("L") {
            out.includes_last = true;
        } else if item.eq_ignore_ascii_case("LW") {
            out.includes_last_weekday = true;
        } else if let Some(day) = item.strip_suffix(['W', 'w']).filter(|day| !day.contains('-')) {
            out.nearest_weekday.insert(value(field, day)?);
        } else {
            out.plain = out.plain.union(plain_item(field, item)?);
        }
    }
    Ok(out)
}

fn days_of_week(text: &str) -> Result<DaysOfWeek, ScheduleProblem> {
    let field = Field::DayOfWeek;
    let mut out = DaysOfWeek::default();
    for item in items(field, text)? {
        if let Some((day, nth)) = item.split_once('#') {
            let day = value(field, day)? % 7;
            let place = match nth {
                "1" => 0,
                "2" => 1,
                "3" => 2,
                "4" => 3,
                "5" => 4,
                _ => {
                    let message = format!("# needs 1-5 after it, found `{nth}`");
                    return Err(problem(field, message, Some("write `5L` for the last Friday")));
                }
            };
            out.nth[place].insert(day);
        } else if let Some(day) = item.strip_suffix(['L', 'l']).filter(|day| !day.contains('-')) {
            out.last.insert(value(field, day)? % 7);
        } else {
            out.plain = out.plain.union(plain_item(field, item)?);
        }
    }
    if out.plain.contains(7) {
        out.plain.remove(7);
        out.plain.insert(0);
    }
    Ok(out)
}

/// Reads a field that has nothing but values, ranges and steps.
fn plain_list(field: Field, text: &str) -> Result<Bits, ScheduleProblem> {
    items(field, text)?.try_fold(Bits::EMPTY, |out, item| Ok(out.union(plain_item(field, item)?)))
}

fn items(field: Field, text: &str) -> Result<impl Iterator<Item = &str>, ScheduleProblem> {
    if text.split(',').any(str::is_empty) {
        let message = "empty list item".to_owned();
        return Err(problem(field, message, Some("remove the comma that stands alone")));
    }
    Ok(text.split(','))
}

/// Reads `*`, `?`, `N`, `A-B`, `*/S` or `A-B/S`.
fn plain_item(field: Field, item: &str) -> Result<Bits, ScheduleProblem> {
    let (base, step) = match item.split_once('/') {
        Some((base, step_text)) => (base, Some((step_text, step(field, step_text)?))),
        None => (item, None),
    };
    let (lowest, highest) = field.range();
    let every = step.map_or(1, |(_, every)| every);
    if base == "*" || (base == "?" && step.is_none() && field.is_of_days()) {
        return Ok(Bits::stepped(lowest, highest, every));
    }
    if base == "?" && step.is_none() {
        let message = "? not allowed: it stands for `*` in the two day fields only".to_owned();
        return Err(problem(field, message, Some("write `*`")));
    }
    if let Some((low, high)) = base.split_once('-') {
        let (first, mut last) = (value(field, low)?, value(field, high)?);
        // `SAT-SUN` ends on the Sunday after, whose number is 7.
        if field == Field::DayOfWeek && first > 0 && high.eq_ignore_ascii_case("SUN") {
            last = 7;
        }
        if first > last {
            let help = match (field, last) {
                (Field::DayOfWeek, 0) => format!("write `{first}-7`"),
                _ => format!("write `{first}-{highest},{lowest}-{last}`"),
            };
            let message = format!("range {low}-{high} runs backwards");
            return Err(problem(field, message, Some(&help)));
        }
        return Ok(Bits::stepped(first, last, every));
    }
    match step {
        None => value(field, base).map(|single| Bits::stepped(single, single, 1)),
        Some((step, _)) => {
            let instead = if base.is_empty() {
                format!("*/{step}")
            } else {
                format!("{}-{highest}/{step}", value(field, base)?)
            };
            let message = format!("step needs a range or *, write {instead}");
            Err(problem(
                field,
                message,
                Some("implementations disagree about a step after a value"),
            ))
        }
    }
}

fn step(field: Field, text: &str) -> Result<u8, ScheduleProblem> {
    match number(text) {
        // A larger step than any field has values admits the first value only, as this one does.
        Some(step) if step > 0 => Ok(u8::try_from(step).unwrap_or(u8::MAX)),
        _ => Err(problem(
            field,
            format!("found step `{text}`, wanted a whole number of 1 or more"),
            None,
        )),
    }
}

fn value(field: Field, text: &str) -> Result<u8, ScheduleProblem> {
    if let Some(number) = field.word(text) {
        return Ok(number);
    }
    let Some(number) = number(text) else { return Err(bad_value(field, text)) };
    let (lowest, highest) = field.range();
    u8::try_from(number)
        .ok()
        .filter(|number| (lowest..=highest).contains(number))
        .ok_or_else(|| problem(field, format!("{number} out of range {lowest}-{highest}"), None))
}

/// Decimal digits only: no sign, no blank, no exponent.
fn number(text: &str) -> Option<u32> {
    let is_decimal = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_decimal { text.parse().ok() } else { None }
}

fn bad_value(field: Field, text: &str) -> ScheduleProblem {
    let message = format!("found `{text}`, wanted {}", field.wanted());
    let help = match text.as_bytes() {
        [b'H' | b'h'] | [b'H' | b'h', b'(', ..] => Some(NO_DRAWING),
        bytes if bytes.contains(&b'~') => Some(NO_DRAWING),
        b"" => Some("a range is written `1-5`"),
        _ => None,
    };
    problem(field, message, help)
}

fn problem(field: Field, message: String, help: Option<&str>) -> ScheduleProblem {
    let help = help.map(ToOwned::to_owned);
    ScheduleProblem { part: Part::Cron, field: field.name(), message, help }
}

fn whole(message: String, help: &str) -> ScheduleProblem {
    ScheduleProblem { part: Part::Cron, field: "", message, help: Some(help.to_owned()) }
}
