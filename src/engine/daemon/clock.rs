//! Whether the clock can be believed.
//!
//! The clock of a machine jumps: it is set, it wakes from sleep, it has no battery and begins in 1970. A
//! jump forward makes ticks late, which catch-up deals with; after a jump back nothing is run twice, since
//! cursors do not move back. A clock that is far behind what is on record cannot be right, and running
//! ticks by it would write a wrong order into the record for ever.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

use super::{endure, told};
use crate::engine::error::RunError;
use crate::engine::world::World;

/// A difference between the two clocks that is told.
const JUMP_MIN: SignedDuration = SignedDuration::from_secs(5);

/// So far behind the record, the clock is not believed.
const BEHIND_MAX: SignedDuration = SignedDuration::from_hours(1);

/// Compares the clock with the one that only counts, and with the record.
#[derive(Debug)]
pub(super) struct ClockWatch {
    wall: Timestamp,
    counted: Instant,
    is_suspect: bool,
    must_look: bool,
}

impl ClockWatch {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { wall: now, counted: Instant::now(), is_suspect: false, must_look: true }
    }

    /// A person says that the clock is right: what the record has of times to come goes.
    pub(super) async fn accept(world: &World) -> Result<(), RunError> {
        let now = world.now();
        let later = now.saturating_add(BEHIND_MAX).unwrap_or(Timestamp::MAX);
        let failed = RunError::store("bring the schedules back to the present");
        let moved = world.store.bring_back(now, later).await.map_err(failed)?;
        if moved > 0 {
            tracing::warn!(
                "{moved} schedules were ahead of the clock and go on from {}",
                told(now)
            );
        }
        Ok(())
    }

    /// Whether ticks are ruled on by a clock that says `now`. `accept` is a person's word that it is right.
    pub(super) async fn may_be_believed(
        &mut self,
        world: &World,
        now: Timestamp,
        accept: bool,
    ) -> Result<bool, RunError> {
        let passed = SignedDuration::try_from(self.counted.elapsed()).unwrap_or_default();
        let jump = now.duration_since(self.wall).saturating_sub(passed);
        (self.wall, self.counted) = (now, Instant::now());
        if jump.abs() > JUMP_MIN {
            let way = if jump.is_negative() { "back" } else { "forward" };
            world.metrics.clock_jumped(way);
            let seconds = jump.abs().as_millis().saturating_add(500) / 1_000;
            let seconds = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
            tracing::warn!("the clock jumped {way} by {seconds:#} to {}", told(now));
            self.must_look = true;
        }
        if accept || !(self.must_look || self.is_suspect) {
            return Ok(true);
        }
        let latest = match world.store.latest_moment().await {
            Ok(latest) => latest,
            Err(error) => {
                endure(RunError::store("look at the clock")(error), "look at the clock")?;
                return Ok(false);
            }
        };
        self.must_look = false;
        let was_suspect = self.is_suspect;
        let behind = latest.filter(|latest| latest.duration_since(now) > BEHIND_MAX);
        self.is_suspect = behind.is_some();
        world.metrics.clock_suspect(self.is_suspect);
        match behind {
            Some(latest) if !was_suspect => tracing::error!(
                "the clock says {}, and the record goes up to {}: nothing is begun until it is right; \
                 start the daemon with --accept-clock if it is",
                told(now),
                told(latest)
            ),
            None if was_suspect => {
                tracing::info!("the clock says {}, which can be right", told(now));
            }
            _ => {}
        }
        Ok(!self.is_suspect)
    }
}
