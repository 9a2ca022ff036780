//! Whether the input of runs that may wait for it is there, and whole.
//!
//! Looked for beside the loop, one look at a time for each job: a network file system that does not answer
//! keeps its own job from going on, and no other. A name alone says little, since most files get theirs before
//! their content: what was written a moment ago has to be as large at two looks in a row.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use crate::adapters::dataset::{SETTLING, SourceFile};
use crate::adapters::store::RunRecord;
use crate::domain::identity::{JobName, RunId};
use crate::domain::job::Job;
use crate::engine::error::RunError;
use crate::engine::offload::offload;
use crate::engine::plan;
use crate::engine::world::World;

/// The loop waits so long for a look; what takes longer is asked for at a later beat.
const PATIENCE: Duration = Duration::from_millis(100);

/// So long at least between the two looks at which the input has to be the same.
pub(super) const STILL: SignedDuration = SignedDuration::from_secs(2);

/// What was seen of a run that nobody has asked about for so long is forgotten: it has begun, or is gone.
const FORGET: SignedDuration = SignedDuration::from_mins(5);

/// What was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// The look takes longer.
    Looking,
    /// No file matches.
    Missing,
    /// Files match that may still be written.
    Growing,
    /// The input is there, or nobody can tell: the run will.
    There,
}

/// Files as they were at one look: path, size, and when they were last written.
type Seen = Vec<(String, u64, SystemTime)>;

/// The looks that are under way, one for each job, and what the last ones have seen.
#[derive(Debug, Default)]
pub(super) struct Lookout {
    looks: BTreeMap<JobName, (RunId, JoinSet<Result<Seen, RunError>>)>,
    stills: Stills,
}

/// What was seen of runs whose input was there and young.
#[derive(Debug, Default)]
struct Stills(BTreeMap<RunId, (Timestamp, Seen)>);

impl Lookout {
    /// Looks for the input of a run of `job`, or for what an earlier look has seen.
    pub(super) async fn look(
        &mut self,
        world: &World,
        job: &Job,
        run: &RunRecord,
        now: Timestamp,
    ) -> Sight {
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
            Ok(Some(Ok(Ok(seen)))) => self.stills.judge(&run.id, seen, now),
            Ok(_) => Sight::There,
            Err(_) => {
                self.looks.insert(job.name.clone(), (run.id.clone(), look));
                Sight::Looking
            }
        }
    }
}

impl Stills {
    /// What it means that `seen` was seen of `run`, given what was seen before.
    fn judge(&mut self, run: &RunId, seen: Seen, now: Timestamp) -> Sight {
        self.0.retain(|_, (at, _)| now.duration_since(*at).abs() < FORGET);
        let is_settled = |written: &SystemTime| {
            Timestamp::try_from(*written)
                .is_ok_and(|written| now.duration_since(written) >= SETTLING)
        };
        if seen.is_empty() {
            self.0.remove(run);
            return Sight::Missing;
        }
        if seen.iter().all(|(_, _, written)| is_settled(written)) {
            self.0.remove(run);
            return Sight::There;
        }
        match self.0.get(run) {
            Some((at, before)) if *before == seen => {
                if now.duration_since(*at) < STILL {
                    return Sight::Growing;
                }
                self.0.remove(run);
                Sight::There
            }
            _ => {
                self.0.insert(run.clone(), (now, seen));
                Sight::Growing
            }
        }
    }
}

/// Begins a look; `None` where it is not even known what to look for.
fn begin(world: &World, job: &Job, run: &RunRecord) -> Option<JoinSet<Result<Seen, RunError>>> {
    let pattern = plan::score_input(job, run.interval).ok()?;
    let (roots, format) = (world.roots.clone(), job.data.format);
    let mut look = JoinSet::new();
    look.spawn(offload("look for input", move || {
        let seen = |file: SourceFile| (file.relative, file.size_bytes, file.modified);
        let files = plan::discover(&roots, &pattern, format)?;
        Ok(files.into_iter().map(seen).collect())
    }));
    Some(look)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_767_580_200 + second).unwrap()
    }

    fn run(number: i64) -> RunId {
        RunId::new(at(number), 7)
    }

    fn file(size_bytes: u64, written: i64) -> (String, u64, SystemTime) {
        ("data/a.csv".to_owned(), size_bytes, at(written).into())
    }

    #[test]
    fn what_was_just_written_is_there_once_it_stands_still() {
        let mut stills = Stills::default();
        let mut check = |now, seen: &[(String, u64, SystemTime)], wanted| {
            assert_eq!(stills.judge(&run(1), seen.to_vec(), at(now)), wanted, "at {now}: {seen:?}");
        };
        check(0, &[], Sight::Missing);
        check(1, &[file(0, 0)], Sight::Growing);
        check(3, &[file(10, 2)], Sight::Growing);
        check(4, &[file(10, 2)], Sight::Growing);
        check(5, &[file(10, 2)], Sight::There);
        // It began anew, and another file came.
        check(6, &[file(10, 2)], Sight::Growing);
        check(8, &[file(10, 2), file(5, 7)], Sight::Growing);
        check(9, &[], Sight::Missing);
        check(10, &[file(10, 2)], Sight::Growing);
        // As large as before, and written again.
        check(12, &[file(10, 11)], Sight::Growing);
        check(14, &[file(10, 11)], Sight::There);
    }

    #[test]
    fn what_was_written_long_ago_is_there_at_once() {
        let mut stills = Stills::default();
        assert_eq!(stills.judge(&run(1), vec![file(10, -60)], at(0)), Sight::There);
        assert_eq!(stills.judge(&run(1), vec![file(10, -59)], at(0)), Sight::Growing);
        // A clock that is ahead of ours says nothing of age.
        let mut stills = Stills::default();
        assert_eq!(stills.judge(&run(1), vec![file(10, 900)], at(0)), Sight::Growing);
        assert_eq!(stills.judge(&run(1), vec![file(10, 900)], at(2)), Sight::There);
    }

    #[test]
    fn each_run_is_looked_at_for_itself_and_forgotten_in_the_end() {
        let mut stills = Stills::default();
        for number in 0..1_000 {
            let sight = stills.judge(&run(number), vec![file(10, 9_000)], at(number));
            assert_eq!(sight, Sight::Growing);
        }
        assert!(stills.0.len() <= 300, "{}", stills.0.len());
        assert_eq!(stills.judge(&run(999), vec![file(10, 9_000)], at(1_001)), Sight::There);
    }
}
