//! When a job runs and within which limits, as settings.

use crate::domain::job::Job;
use crate::domain::job::timing::{Catchup, Overlap, Retry};

/// Adds what `[schedule]` says beside its expression, if there is one.
pub(super) fn add_schedule(job: &Job, add: &mut impl FnMut(&str, Option<String>)) {
    let timing = &job.timing;
    if job.schedule.is_none() {
        return;
    }
    add("schedule.catchup", Some(timing.catchup.id().to_owned()));
    add("schedule.catchup_window", Some(format!("{:#}", timing.catchup_window)));
    if timing.catchup == Catchup::All {
        add("schedule.catchup_max", Some(timing.catchup_max.to_string()));
    }
    add("schedule.misfire_grace", Some(format!("{:#}", timing.misfire_grace)));
    add("schedule.jitter", Some(format!("{:#}", timing.jitter)));
    let overlap = match timing.overlap {
        Overlap::Skip => "skip".to_owned(),
        Overlap::QueueOne => "queue_one".to_owned(),
        Overlap::QueueAll => "queue_all".to_owned(),
        Overlap::Replace => "replace".to_owned(),
        Overlap::Allow(most) => format!("allow, up to {most} at a time"),
    };
    add("schedule.overlap", Some(overlap));
    add("schedule.depends_on_past", Some(timing.depends_on_past.to_string()));
    add("schedule.wait_for", Some(format!("{:#}", timing.wait_for)));
}

/// Adds `[run]`.
pub(super) fn add_run(job: &Job, add: &mut impl FnMut(&str, Option<String>)) {
    let limits = &job.limits;
    add("run.timeout", Some(format!("{:#}", limits.timeout)));
    add("run.kill_grace", Some(format!("{:#}", limits.kill_grace)));
    let memory = limits.memory_max.map(|bytes| format!("{bytes} bytes"));
    add("run.memory_max", Some(memory.unwrap_or_else(|| "none".to_owned())));
    let threads = limits.threads.map(|count| count.to_string());
    add("run.threads", Some(threads.unwrap_or_else(|| "all cores".to_owned())));
    let Retry { attempts, base, factor, max, jitter, max_elapsed } = limits.retry;
    let retry = format!(
        "{attempts} attempts, {base:#} times {factor} up to {max:#}, jitter {jitter}, within \
         {max_elapsed:#}"
    );
    add("run.retry", Some(retry));
    add("run.pause_after_failures", Some(limits.pause_after_failures.to_string()));
}
