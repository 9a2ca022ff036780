//! What became of the ticks of a job, as a table.

use crate::app::render::text::format::{NONE, counted, instant};
use crate::app::render::text::{Align, Cell, Paint, Table, Tone};
use crate::domain::run::{RunKind, State};
use crate::domain::ticks::Fate;
use crate::engine::ticks::{ToldTick, ToldTicks};

/// The ledger of a job, latest first.
pub(crate) fn table(told: &ToldTicks, paint: Paint) -> String {
    let mut out = String::new();
    if let Some(pause) = &told.paused {
        let line = format!("paused since {}: {}", instant(pause.at), pause.reason);
        out.push_str(&paint.tone(Tone::Warning, &super::inline(&line)));
        out.push_str("\n\n");
    }
    if told.lines.is_empty() {
        return out + &format!("no tick of `{}` is on record yet\n", told.job);
    }
    let left = Align::Left;
    let mut table = Table::new(&[
        ("tick", left),
        ("decision", left),
        ("run", left),
        ("state", left),
        ("why", left),
    ]);
    for line in &told.lines {
        let state = line.state.map_or(NONE, State::id);
        table.row([
            when(line).into(),
            Cell::toned(&line.decision, tone(line)),
            line.run.as_ref().map_or(NONE, |run| run.as_str()).into(),
            Cell::toned(state, state_tone(line.state)),
            line.reason.as_str().into(),
        ]);
    }
    out + &table.render(paint)
}

fn when(line: &ToldTick) -> String {
    let kind = if line.kind == RunKind::Train { " (train)" } else { "" };
    if line.first == line.last {
        return format!("{}{kind}", instant(line.first));
    }
    let count = line
        .count
        .map_or_else(String::new, |count| format!(": {}", counted(count, "tick", "ticks")));
    format!("{} to {}{count}{kind}", instant(line.first), instant(line.last))
}

fn tone(line: &ToldTick) -> Tone {
    match Fate::parse(&line.decision) {
        Some(Fate::Run | Fate::OverlapQueued) => Tone::Strong,
        Some(Fate::Coalesced | Fate::Paused | Fate::Settled) | None => Tone::Faint,
        Some(_) => Tone::Warning,
    }
}

fn state_tone(state: Option<State>) -> Tone {
    match state {
        Some(State::Committed) => Tone::Good,
        Some(State::Failed | State::Dead | State::Corrupt) => Tone::Bad,
        _ => Tone::Faint,
    }
}
