//! `nightshift.next/1`: upcoming ticks, with what daylight saving does to them.

use jiff::{Timestamp, Zoned};
use serde::Serialize;

/// Upcoming ticks of one job or of all, in the order of time.
#[derive(Debug, Serialize)]
pub(crate) struct NextDocument<'a> {
    schema: &'static str,
    ticks: Vec<TickDocument<'a>>,
}

/// One tick.
#[derive(Debug, Serialize)]
pub(crate) struct TickDocument<'a> {
    job: &'a str,
    utc: Timestamp,
    /// RFC 3339 with the offset of the zone asked for, or else of the job.
    local: String,
    zone: &'a str,
    /// What daylight saving does to it.
    note: Option<&'a str>,
}

impl<'a> NextDocument<'a> {
    /// The document of `ticks`, in their order.
    pub(crate) fn new(ticks: Vec<TickDocument<'a>>) -> Self {
        Self { schema: "nightshift.next/1", ticks }
    }
}

impl<'a> TickDocument<'a> {
    /// The document of a tick of `job` that stands at `local` in `zone`.
    pub(crate) fn new(job: &'a str, local: &Zoned, zone: &'a str, note: Option<&'a str>) -> Self {
        let local_text = local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
        Self { job, utc: local.timestamp(), local: local_text, zone, note }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_times_carry_their_offset() {
        let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
        let tick: Timestamp = "2026-07-01T00:30:00Z".parse().unwrap();
        let document = TickDocument::new("a", &tick.to_zoned(zone), "Europe/Berlin", None);
        assert_eq!(document.local, "2026-07-01T02:30:00+02:00");
        assert_eq!(document.utc, tick);
    }
}
