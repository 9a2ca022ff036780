//! Ticks as a table: local time with its offset, UTC, the gap to the tick before, and what daylight
//! saving does.

use jiff::{SignedDuration, Zoned};

use crate::app::render::text::{Align, Cell, Paint, Table, Tone, format};

/// A tick in the zone in which it is shown.
#[derive(Debug)]
pub(crate) struct ShownTick<'a> {
    /// `None` for a cron expression that belongs to no job.
    pub(crate) job: Option<&'a str>,
    /// When, by the clock of `zone`.
    pub(crate) local: Zoned,
    /// The IANA name of the zone.
    pub(crate) zone: &'a str,
    /// Real time since the tick before it.
    pub(crate) gap: Option<SignedDuration>,
    /// What daylight saving does to it.
    pub(crate) note: Option<String>,
}

/// The table of `ticks`, moved to the right by `indent` columns; with their jobs if they have any.
pub(crate) fn table(ticks: &[ShownTick<'_>], indent: usize, paint: Paint) -> String {
    let left = Align::Left;
    let columns = [
        ("job", left),
        ("local", left),
        ("zone", left),
        ("utc", left),
        ("gap", Align::Right),
        ("", left),
    ];
    let skipped = usize::from(ticks.iter().all(|tick| tick.job.is_none()));
    let mut table = Table::new(&columns[skipped..]).indented(indent);
    for tick in ticks {
        let cells: [Cell; 6] = [
            tick.job.unwrap_or_default().into(),
            tick.local.strftime("%a %Y-%m-%d %H:%M:%S %:z").to_string().into(),
            tick.zone.into(),
            tick.local.timestamp().to_string().into(),
            tick.gap.map_or(format::NONE.to_owned(), format::gap).into(),
            Cell::toned(tick.note.as_deref().unwrap_or_default(), Tone::Warning),
        ];
        table.row(cells.into_iter().skip(skipped));
    }
    table.render(paint)
}
