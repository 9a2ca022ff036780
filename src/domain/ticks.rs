//! What becomes of ticks that are due: run, queued, left out, each with its reason.
//!
//! A ruling covers every tick after the cursor up to now, and is a function of the schedule, the policy,
//! what stands and the time: asking again with the new cursor says that nothing is due. A long stretch of
//! ticks with one fate is one line with its bounds, never a list, so that a month of missed minutes costs
//! what one missed minute costs.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::domain::job::timing::{Catchup, Overlap, Timing};
use crate::domain::run::named;
use crate::domain::schedule::Schedule;
use crate::domain::stable;

/// Most ticks that are looked at one by one; older ones count as missed.
const LISTED_MAX: usize = 10_000;

/// Most runs of a job that wait, with `overlap = "queue_all"`.
const QUEUED_MAX: usize = 1_000;

/// What became of a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It is run.
    Run,
    /// A later tick is run in its place.
    Coalesced,
    /// It was missed, and `catchup` is `skip`.
    MisfireSkipped,
    /// It was missed longer ago than `catchup_window`.
    WindowExpired,
    /// A run of the job was active.
    OverlapSkipped,
    /// It waits until the active run of the job has ended.
    OverlapQueued,
    /// The job was paused, or was taken away.
    Paused,
    /// More were missed, or waited, than may be run.
    LimitDropped,
    /// It was to be run, and a person has said that it needs no run any more.
    Settled,
}

named!(Fate {
    Run => "run",
    Coalesced => "coalesced",
    MisfireSkipped => "misfire_skipped",
    WindowExpired => "window_expired",
    OverlapSkipped => "overlap_skipped",
    OverlapQueued => "overlap_queued",
    Paused => "paused",
    LimitDropped => "limit_dropped",
    Settled => "settled",
});

/// What stands when ticks are ruled on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Every tick up to and including this instant has been ruled on.
    pub cursor: Timestamp,
    /// Runs of the job and kind that are queued or being executed.
    pub active: usize,
    /// Whether one of them has waited for others and has not begun.
    pub has_waiting: bool,
    /// Why the job is paused, if it is.
    pub paused: Option<String>,
}

/// A stretch of ticks with one fate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The first tick.
    pub first: Timestamp,
    /// The last one; the same for a single tick.
    pub last: Timestamp,
    /// What became of them.
    pub fate: Fate,
    /// Why, in one fragment.
    pub reason: String,
}

/// A tick that is to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The tick.
    pub tick: Timestamp,
    /// It begins no earlier: the tick and its delay.
    pub not_before: Timestamp,
    /// [`Fate::Run`] or [`Fate::OverlapQueued`].
    pub fate: Fate,
    /// Why, in one fragment.
    pub reason: String,
}

/// What becomes of all ticks that are due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// Ticks that are not run, oldest first.
    pub lines: Vec<Line>,
    /// Ticks that are, oldest first.
    pub starts: Vec<Start>,
    /// Whether the run that waits is given up for one of them.
    pub displaces_waiting: bool,
    /// Whether the active runs are cancelled for one of them.
    pub cancels_active: bool,
    /// Every tick up to and including this one is ruled on.
    pub cursor: Timestamp,
}

/// Rules on the ticks of `job` that are due at `now`; `None` if there is none.
pub fn rule(
    job: &str,
    schedule: &Schedule,
    timing: &Timing,
    standing: &Standing,
    now: Timestamp,
) -> Option<Ruling> {
    let asked = Asked { job, schedule, timing, now };
    let last = schedule.latest_at_or_before(now).filter(|last| *last > standing.cursor)?;
    let first = schedule.next_after(standing.cursor)?;
    let mut out = Ruling {
        lines: Vec::new(),
        starts: Vec::new(),
        displaces_waiting: false,
        cancels_active: false,
        cursor: last,
    };
    if let Some(reason) = &standing.paused {
        out.leave_out((first, last), Fate::Paused, &format!("the job is paused: {reason}"));
        return Some(out);
    }
    let on_time = asked.on_time(first, last);
    let missed_last = match on_time.first() {
        Some(tick) => schedule.previous_before(*tick),
        None => Some(last),
    };
    let mut fresh = Vec::new();
    if let Some(missed_last) = missed_last.filter(|missed| *missed >= first) {
        fresh.extend(out.catch_up(&asked, (first, missed_last), on_time.first()));
    }
    fresh.extend(on_time);
    out.overlap(&asked, standing, &fresh);
    Some(out)
}

/// How long after `tick` its run begins at the earliest: the same after every restart, below `jitter`.
pub fn delay(job: &str, tick: Timestamp, jitter: SignedDuration) -> SignedDuration {
    let millis = u64::try_from(jitter.as_millis()).unwrap_or(0);
    if millis == 0 {
        return SignedDuration::ZERO;
    }
    let drawn = stable::number(&["jitter", job, &tick.to_string()]) % millis;
    SignedDuration::from_millis(i64::try_from(drawn).unwrap_or(0))
}

/// Whose ticks are ruled on, by what, and when.
struct Asked<'a> {
    job: &'a str,
    schedule: &'a Schedule,
    timing: &'a Timing,
    now: Timestamp,
}

impl Asked<'_> {
    /// The ticks at the end of a stretch that are no later than `misfire_grace`, oldest first. One that
    /// follows a tick on time is on time itself, however its delay was drawn.
    fn on_time(&self, first: Timestamp, last: Timestamp) -> Vec<Timestamp> {
        let Self { job, timing, now, .. } = *self;
        let latest_allowed = timing.misfire_grace.saturating_add(timing.jitter);
        let oldest = now.saturating_sub(latest_allowed).unwrap_or(Timestamp::MIN);
        let mut listed = self.newest(first.max(oldest), last, LISTED_MAX);
        let is_on_time = |tick: &Timestamp| {
            let due = delay(job, *tick, timing.jitter);
            now.duration_since(*tick).saturating_sub(due) <= timing.misfire_grace
        };
        let begin = listed.iter().position(is_on_time).unwrap_or(listed.len());
        listed.split_off(begin)
    }

    /// The last `most` ticks of a stretch, oldest first.
    fn newest(&self, first: Timestamp, last: Timestamp, most: usize) -> Vec<Timestamp> {
        let before = first.saturating_sub(SignedDuration::from_nanos(1)).unwrap_or(first);
        let mut out: Vec<Timestamp> = self.schedule.ticks(before, last).rev().take(most).collect();
        out.reverse();
        out
    }

    fn start(&self, tick: Timestamp, fate: Fate, reason: &str) -> Start {
        let delay = delay(self.job, tick, self.timing.jitter);
        let not_before = tick.saturating_add(delay).unwrap_or(tick);
        Start { tick, not_before, fate, reason: reason.to_owned() }
    }
}

impl Ruling {
    /// Rules on missed ticks, before `next`, which is on time; returns the one that is treated as if it
    /// were on time itself.
    fn catch_up(
        &mut self,
        asked: &Asked<'_>,
        (first, last): (Timestamp, Timestamp),
        next: Option<&Timestamp>,
    ) -> Option<Timestamp> {
        let Asked { schedule, timing, now, .. } = *asked;
        if timing.catchup == Catchup::Skip {
            let grace = timing.misfire_grace;
            let reason = format!("late by more than {grace:#}, and `catchup` is `skip`");
            self.leave_out((first, last), Fate::MisfireSkipped, &reason);
            return None;
        }
        let window = timing.catchup_window;
        let oldest = now.saturating_sub(window).unwrap_or(Timestamp::MIN);
        let expired_last = schedule.previous_before(oldest).filter(|tick| *tick >= first);
        if let Some(expired_last) = expired_last {
            let reason = format!("missed longer ago than {window:#}");
            self.leave_out((first, expired_last.min(last)), Fate::WindowExpired, &reason);
        }
        let first = match expired_last {
            Some(expired) => schedule.next_after(expired)?,
            None => first,
        };
        if first > last {
            return None;
        }
        if timing.catchup == Catchup::Latest {
            let into = next.copied().unwrap_or(last);
            let coalesced_last =
                if next.is_some() { Some(last) } else { schedule.previous_before(last) };
            if let Some(coalesced_last) = coalesced_last.filter(|tick| *tick >= first) {
                let reason = format!("missed; {into} is run in its place");
                self.leave_out((first, coalesced_last), Fate::Coalesced, &reason);
            }
            return next.is_none().then_some(last);
        }
        let kept = asked.newest(first, last, timing.catchup_max);
        let dropped_last = kept.first().and_then(|tick| schedule.previous_before(*tick));
        if let Some(dropped_last) = dropped_last.filter(|tick| *tick >= first) {
            let most = timing.catchup_max;
            let reason = format!("missed, and more than the last {most} are not run");
            self.leave_out((first, dropped_last), Fate::LimitDropped, &reason);
        }
        // That they wait for one another is what `all` asks for: `overlap` is about ticks that come due.
        for tick in kept {
            self.starts.push(asked.start(tick, Fate::Run, "missed, and run now"));
        }
        None
    }

    /// Rules on ticks that come due, oldest first, beside what is active.
    fn overlap(&mut self, asked: &Asked<'_>, standing: &Standing, fresh: &[Timestamp]) {
        let timing = asked.timing;
        if let (Overlap::Replace, [replaced @ .., last]) = (timing.overlap, fresh) {
            for tick in replaced {
                let reason = format!("{last} is run in its place");
                self.leave_out((*tick, *tick), Fate::Coalesced, &reason);
            }
            self.cancels_active = standing.active > 0;
            let reason =
                if self.cancels_active { "due, in place of the active run" } else { "due" };
            self.starts.push(asked.start(*last, Fate::Run, reason));
            return;
        }
        let mut active = standing.active;
        let mut has_waiting = standing.has_waiting;
        for tick in fresh {
            if active < timing.overlap.concurrent_max() {
                self.starts.push(asked.start(*tick, Fate::Run, "due"));
                active += 1;
                continue;
            }
            match timing.overlap {
                Overlap::QueueOne => {
                    if has_waiting {
                        self.give_way(*tick);
                    }
                    has_waiting = true;
                    let reason = "waits for the active run";
                    self.starts.push(asked.start(*tick, Fate::OverlapQueued, reason));
                }
                Overlap::QueueAll if active < QUEUED_MAX => {
                    let reason = "waits for the active runs";
                    self.starts.push(asked.start(*tick, Fate::OverlapQueued, reason));
                    active += 1;
                }
                Overlap::QueueAll => {
                    let reason = format!("{QUEUED_MAX} runs of the job wait already");
                    self.leave_out((*tick, *tick), Fate::LimitDropped, &reason);
                }
                Overlap::Skip | Overlap::Allow(_) | Overlap::Replace => {
                    let reason = match active {
                        1 => "a run of the job was active".to_owned(),
                        runs => format!("{runs} runs of the job were active"),
                    };
                    self.leave_out((*tick, *tick), Fate::OverlapSkipped, &reason);
                }
            }
        }
    }

    /// The one that waits, in this ruling or since an earlier one, is not run after all: `tick` is.
    fn give_way(&mut self, tick: Timestamp) {
        match self.starts.pop_if(|start| start.fate == Fate::OverlapQueued) {
            Some(start) => {
                let reason = format!("{tick} is run in its place");
                self.leave_out((start.tick, start.tick), Fate::Coalesced, &reason);
            }
            None => self.displaces_waiting = true,
        }
    }

    /// Adds a stretch that is not run; it joins the one before if that has the same fate for the same reason.
    fn leave_out(&mut self, (first, last): (Timestamp, Timestamp), fate: Fate, reason: &str) {
        let started = self.starts.last().map_or(Timestamp::MIN, |start| start.tick);
        match self.lines.last_mut() {
            Some(line) if line.fate == fate && line.reason == reason && started < line.first => {
                line.last = last;
            }
            _ => self.lines.push(Line { first, last, fate, reason: reason.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests;
