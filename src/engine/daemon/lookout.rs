//! Whether the input of runs that may wait for it is there.
//!
//! Looked for beside the loop, one look at a time for each job: a network file system that does not answer
//! keeps its own job from going on, and no other.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::adapters::store::RunRecord;
use crate::domain::identity::{JobName, RunId};
use crate::domain::job::Job;
use crate::engine::error::RunError;
use crate::engine::offload::offload;
use crate::engine::plan;
use crate::engine::world::World;

/// The loop waits so long for a look; what takes longer is asked for at a later beat.
const PATIENCE: Duration = Duration::from_millis(100);

/// What was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// The look takes longer.
    Looking,
    /// No file matches.
    Missing,
    /// The input is there, or nobody can tell: the run will.
    There,
}

/// The looks that are under way, one for each job.
#[derive(Debug, Default)]
pub(super) struct Lookout {
    looks: BTreeMap<JobName, (RunId, JoinSet<Result<bool, RunError>>)>,
}

impl Lookout {
    /// Looks for the input of a run of `job`, or for what an earlier look has seen.
    pub(super) async fn look(&mut self, world: &World, job: &Job, run: &RunRecord) -> Sight {
        let pending = match self.looks.remove(&job.name) {
            Some((of, look)) if of == run.id => Some(look),
            Some((of, mut look)) => {
                // A thread may hang there for ever; a second one would not help.
                if look.try_join_next().is_none() {
                    self.looks.insert(job.name.clone(), (of, look));
                    return Sight::Looking;
                }
                None
            }
            None => None,
        };
        let Some(mut look) = pending.or_else(|| begin(world, job, run)) else {
            return Sight::There;
        };
        match tokio::time::timeout(PATIENCE, look.join_next()).await {
            Ok(Some(Ok(Ok(false)))) => Sight::Missing,
            Ok(_) => Sight::There,
            Err(_) => {
                self.looks.insert(job.name.clone(), (run.id.clone(), look));
                Sight::Looking
            }
        }
    }
}

/// Begins a look; `None` where it is not even known what to look for.
fn begin(world: &World, job: &Job, run: &RunRecord) -> Option<JoinSet<Result<bool, RunError>>> {
    let pattern = plan::score_input(job, run.interval).ok()?;
    let (roots, format) = (world.roots.clone(), job.data.format);
    let mut look = JoinSet::new();
    look.spawn(offload("look for input", move || {
        plan::discover(&roots, &pattern, format).map(|files| !files.is_empty())
    }));
    Some(look)
}
