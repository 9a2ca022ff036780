//! Reloads that a command has asked for: looked for at each beat, and answered.

use super::job_set::JobSet;
use super::planner::Planner;
use super::reload::{Reloaded, Wish, reload};
use crate::adapters::reload_wish::{OthersWish, ReloadAnswer};
use crate::engine::error::RunError;
use crate::engine::world::World;

/// Where commands ask.
pub(super) struct Asked {
    /// Whether it has been told that nobody can ask.
    is_told: bool,
}

impl Asked {
    /// From now on; what the last daemon has answered, nobody waits for any more.
    pub(super) fn new(world: &World) -> Self {
        if let Err(error) = OthersWish::clear_answers(&world.state_dir()) {
            tracing::debug!(error = %error, "old answers to reloads stay");
        }
        Self { is_told: false }
    }

    /// Reads the job files again if somebody has asked for it, and says what came of it.
    pub(super) async fn tend(
        &mut self,
        world: &World,
        jobs: &mut JobSet,
        planner: &mut Planner,
    ) -> Result<(), RunError> {
        let wishes = match OthersWish::all(&world.state_dir()) {
            Ok(wishes) => wishes,
            Err(error) => {
                if !self.is_told {
                    tracing::error!(error = %error, "nobody can ask for a reload, but by SIGHUP");
                }
                self.is_told = true;
                return Ok(());
            }
        };
        self.is_told = false;
        if wishes.is_empty() {
            return Ok(());
        }
        // One reload serves all who have asked before it.
        let answer = match reload(world, jobs, planner, Wish::Somebody).await? {
            Reloaded::Followed(jobs) => ReloadAnswer::Followed(jobs),
            Reloaded::Refused(problems) => ReloadAnswer::Refused(problems),
            Reloaded::Failed(message) => ReloadAnswer::Failed(message),
        };
        for wish in wishes {
            if let Err(error) = wish.answer(&answer) {
                tracing::error!(error = %error, "failed to answer who asked for a reload");
            }
        }
        Ok(())
    }
}
