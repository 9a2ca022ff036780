//! `nightshift.next/1`: upcoming ticks, with what daylight saving does to them.

use jiff::Timestamp;
use serde::Serialize;

use crate::adapters::zone_data::ZoneData;
use crate::app::render::text::ticks::ShownTick;

/// Upcoming ticks of one job or of all, in the order of time.
#[derive(Debug, Serialize)]
pub(crate) struct NextDocument<'a> {
    schema: &'static str,
    ticks: Vec<TickDocument<'a>>,
    /// What is allowed but probably not meant, of the job that was asked for.
    lints: &'a [String],
    zone_data: ZoneDataDocument<'a>,
}

/// One tick.
#[derive(Debug, Serialize)]
pub(crate) struct TickDocument<'a> {
    /// Absent where a cron expression belongs to no job.
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<&'a str>,
    utc: Timestamp,
    /// RFC 3339 with the offset of the zone asked for, or else of the job.
    local: String,
    zone: &'a str,
    /// Real time since the tick before it.
    gap_seconds: Option<i64>,
    /// What daylight saving does to it.
    note: Option<&'a str>,
}

/// The time zone data that the ticks were computed from.
#[derive(Debug, Serialize)]
struct ZoneDataDocument<'a> {
    source: &'a str,
    version: Option<&'a str>,
}

impl<'a> NextDocument<'a> {
    /// The document of `ticks`, in their order.
    pub(crate) fn new(
        ticks: &'a [ShownTick<'a>],
        lints: &'a [String],
        zone_data: &'a ZoneData,
    ) -> Self {
        Self {
            schema: "nightshift.next/1",
            ticks: ticks.iter().map(TickDocument::new).collect(),
            lints,
            zone_data: ZoneDataDocument {
                source: &zone_data.source,
                version: zone_data.version.as_deref(),
            },
        }
    }
}

impl<'a> TickDocument<'a> {
    /// The document of `tick`.
    pub(crate) fn new(tick: &'a ShownTick<'a>) -> Self {
        Self {
            job: tick.job,
            utc: tick.local.timestamp(),
            local: tick.local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            zone: tick.zone,
            gap_seconds: tick.gap.map(|gap| gap.as_secs()),
            note: tick.note.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_times_carry_their_offset() {
        let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
        let utc: Timestamp = "2026-07-01T00:30:00Z".parse().unwrap();
        let local = utc.to_zoned(zone);
        let tick = ShownTick { job: None, local, zone: "Europe/Berlin", gap: None, note: None };
        let document = TickDocument::new(&tick);
        assert_eq!(document.local, "2026-07-01T02:30:00+02:00");
        assert_eq!((document.utc, document.gap_seconds), (utc, None));
    }
}
