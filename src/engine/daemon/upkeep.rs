//! What the daemon does once a day besides following schedules: a backup, and the deletion of what may go.
//!
//! The folder of backups says whether another one is due, so a restart neither doubles nor loses it. What
//! `[keep]` allows is deleted after a good backup and at no other time. The work is done on a thread of its
//! own beside the loop, once at a time; a stop ends it between two of its steps, each of which a kill may
//! interrupt. One that fails is told, and tried again an hour later.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::adapters::store::copy::Overwrite;
use crate::adapters::store::shelf::{self, Daily};
use crate::engine::backup::back_up;
use crate::engine::error::{Cause, RunError};
use crate::engine::offload::offload_async;
use crate::engine::prune::{PrunePlan, prune};
use crate::engine::world::World;

const STAGE: &str = "back up";

/// Between two backups.
const EVERY: SignedDuration = SignedDuration::from_hours(24);

/// Between a backup that failed and the next try.
const AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// So many backups of a day are kept.
const KEPT: usize = 14;

/// The daily work, and when it is next looked for.
pub(super) struct Upkeep {
    /// At most one task.
    work: JoinSet<Result<Kept, RunError>>,
    stop: watch::Sender<bool>,
    /// Whether a backup was made and the rest of the work failed.
    has_rest: bool,
    /// When the folder was looked into, and when it is to be looked into again.
    looked: Option<(Timestamp, Timestamp)>,
}

/// How much of the daily work is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    All,
    /// What follows the backup, which is there.
    Rest,
}

/// What was done in one day.
struct Kept {
    /// `None` if it was made before.
    backup: Option<PathBuf>,
    thinned_out: usize,
    pruned: PrunePlan,
}

impl Upkeep {
    pub(super) fn new() -> Self {
        Self {
            work: JoinSet::new(),
            stop: watch::Sender::new(false),
            has_rest: false,
            looked: None,
        }
    }

    /// Begins the daily work if it is due at `now`, and tells what came of it. Waits for nothing. An error is
    /// one that nothing can be trusted after.
    pub(super) fn tend(&mut self, world: &World, now: Timestamp) -> Result<(), RunError> {
        if let Some(ended) = self.work.try_join_next() {
            let done = ended.unwrap_or_else(|error| Err(RunError::other(STAGE)(error)));
            if let Err(error) = done.map(|kept| tell(&kept)) {
                self.has_rest = true;
                tell_failure(error)?;
                self.look_again(now, AGAIN);
            }
        }
        // A clock that was set back has not been at the time at which this was decided.
        let is_early = self.looked.is_some_and(|(looked, next)| looked <= now && now < next);
        if !self.work.is_empty() || is_early {
            return Ok(());
        }
        match age_of_newest(world, now) {
            Ok(Some(age)) if age < EVERY && !self.has_rest => self.look_again(now, EVERY - age),
            Ok(age) => {
                let part = match age {
                    Some(age) if age < EVERY => Part::Rest,
                    _ => Part::All,
                };
                self.has_rest = false;
                self.look_again(now, SignedDuration::ZERO);
                self.begin(world, now, part);
            }
            Err(error) => {
                tell_failure(error)?;
                self.look_again(now, AGAIN);
            }
        }
        Ok(())
    }

    fn look_again(&mut self, now: Timestamp, after: SignedDuration) {
        self.looked = Some((now, now.saturating_add(after).unwrap_or(Timestamp::MAX)));
    }

    fn begin(&mut self, world: &World, now: Timestamp, part: Part) {
        let (world, mut stop) = (world.clone(), self.stop.subscribe());
        // A large database takes a while to be copied and hashed, which no worker of the loop is to wait for.
        self.work.spawn(offload_async(STAGE, async move || {
            tokio::select! {
                done = keep(&world, now, part) => done,
                _ = stop.wait_for(|is_over| *is_over) => {
                    Err(RunError::new(STAGE, Cause::Busy, "the daemon stops"))
                }
            }
        }));
    }

    /// Ends the work, if there is any, and waits until it has ended. A backup that was not made is due at the next
    /// start.
    pub(super) async fn stop(mut self) {
        let _listened = self.stop.send(true);
        while let Some(ended) = self.work.join_next().await {
            match ended {
                Ok(Ok(kept)) => tell(&kept),
                Ok(Err(error)) => tracing::info!("the backup of the day: {}", error.chain()),
                Err(error) => {
                    tracing::error!(error = %error, "the backup of the day is not known of");
                }
            }
        }
    }
}

/// How old the newest backup of a day is at `now`, which is less than nothing where the clock was set back since;
/// `None` if there is none. One that says that it is of another day to come was made by a clock that was wrong,
/// and is none.
fn age_of_newest(world: &World, now: Timestamp) -> Result<Option<SignedDuration>, RunError> {
    let found = shelf::dailies(&world.state_dir()).map_err(RunError::copy(STAGE))?;
    Ok(age_among(&found, now))
}

fn age_among(found: &[Daily], now: Timestamp) -> Option<SignedDuration> {
    found.iter().map(|daily| now.duration_since(daily.at)).find(|age| *age > -EVERY)
}

/// Makes the backup of the day, then deletes what may go.
async fn keep(world: &World, now: Timestamp, part: Part) -> Result<Kept, RunError> {
    let failed = RunError::copy(STAGE);
    let state_dir = world.state_dir();
    let mut backup = None;
    if part == Part::All {
        let folder = shelf::make_folder(&state_dir).map_err(failed)?;
        let file = folder.join(shelf::daily_name(now));
        backup = Some(back_up(world, &file, Overwrite::No).await?.path);
    }
    let thinned_out = shelf::thin_out(&state_dir, KEPT, now).map_err(failed)?;
    let pruned = prune(world).await?;
    Ok(Kept { backup, thinned_out, pruned })
}

fn tell(kept: &Kept) {
    let Kept { backup, thinned_out, pruned } = kept;
    let PrunePlan { runs, versions, files, profiles, logs, .. } = pruned;
    if let Some(backup) = backup {
        tracing::info!("the database is backed up as `{}`", backup.display());
    }
    tracing::info!(
        "the daily deletion is done: {thinned_out} backups, {runs} runs, {versions} versions, {files} model files, \
         profiles of {profiles} runs, {logs} logs"
    );
}

/// A failure is told; one after which nothing can be trusted is handed back.
fn tell_failure(error: RunError) -> Result<(), RunError> {
    if error.ends_everything() {
        return Err(error);
    }
    let hints = error.hints.join("; ");
    tracing::error!(error = %error.chain(), "failed to {}: tried again in an hour. {hints}", error.stage);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_does_not_make_a_backup_due_or_undue() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let found: Vec<Daily> = ["2099-01-01T00:00:00Z", "2026-01-05T03:00:00Z"]
            .into_iter()
            .map(|text| Daily { at: at(text), path: PathBuf::new() })
            .collect();
        let hours = |now: &str| age_among(&found, at(now)).map(|age| age.as_hours());
        assert_eq!(hours("2026-01-06T04:00:00Z"), Some(25));
        assert_eq!(hours("2026-01-05T01:00:00Z"), Some(-2));
        assert_eq!(hours("2026-01-01T00:00:00Z"), None);
        assert_eq!(age_among(&[], at("2026-01-01T00:00:00Z")), None);
    }
}
