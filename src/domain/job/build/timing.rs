//! From the checked tables `[schedule]` and `[run]` to plain values.
//!
//! Everything was checked before, so a value is absent only where a fault has already said why.

use crate::domain::job::section::Section;
use crate::domain::job::timing::{Catchup, Limits, Overlap, Retry, Timing};

pub(super) fn timing(schedule: &Section) -> Option<Timing> {
    let overlap = match schedule.text("overlap")? {
        "queue_one" => Overlap::QueueOne,
        "queue_all" => Overlap::QueueAll,
        "replace" => Overlap::Replace,
        "allow" => Overlap::Allow(schedule.integer("max_concurrent")?.try_into().ok()?),
        _ => Overlap::Skip,
    };
    Some(Timing {
        catchup: Catchup::parse(schedule.text("catchup")?)?,
        catchup_window: schedule.duration("catchup_window")?,
        catchup_max: schedule.integer("catchup_max")?.try_into().ok()?,
        misfire_grace: schedule.duration("misfire_grace")?,
        jitter: schedule.duration("jitter")?,
        overlap,
        depends_on_past: schedule.flag("depends_on_past")?,
        wait_for: schedule.duration("wait_for")?,
    })
}

pub(super) fn limits(run: &Section) -> Option<Limits> {
    Some(Limits {
        timeout: run.duration("timeout")?,
        kill_grace: run.duration("kill_grace")?,
        memory_max: run.integer("memory_max").and_then(|bytes| bytes.try_into().ok()),
        threads: run.integer("threads").and_then(|count| count.try_into().ok()),
        retry: retry(run.section("retry"))?,
        pause_after_failures: run.integer("pause_after_failures")?.try_into().ok()?,
    })
}

fn retry(retry: &Section) -> Option<Retry> {
    Some(Retry {
        attempts: retry.integer("attempts")?.try_into().ok()?,
        base: retry.duration("base")?,
        factor: retry.number("factor")?,
        max: retry.duration("max")?,
        jitter: retry.number("jitter")?,
        max_elapsed: retry.duration("max_elapsed")?,
    })
}
