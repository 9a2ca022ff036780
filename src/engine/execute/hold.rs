//! The hold on a run: its lock, and a thread that tells how far the run is for as long as it is held.
//!
//! It tells every five seconds and whenever a stage begins. The thread is not one that computes, so a long
//! stage is told as well as a short one; what stops the whole process stops it too, and that is what somebody
//! who reads finds out. What cannot be told keeps no run from being executed.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::Timestamp;

use super::{Progress, ProgressEvent};
use crate::adapters::lock::{Beat, LockError, RunLock, Scribe};
use crate::domain::identity::RunId;
use crate::engine::world::World;

/// Between two lines.
const EVERY: Duration = Duration::from_secs(5);

/// A run that is executed by this process, and by no other, until this is dropped.
pub(super) struct Hold {
    teller: Option<Teller>,
    /// After the teller, which shares its file.
    _lock: RunLock,
}

/// The thread, and how it hears.
struct Teller {
    beat: Arc<Mutex<Beat>>,
    wake: mpsc::Sender<Wake>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread is woken for.
enum Wake {
    /// Something new is to be told at once.
    Tell,
    /// Nothing is to be told any more.
    End,
}

impl Hold {
    /// Takes the lock of `run`, or returns `None` if somebody holds it.
    pub(super) fn take(world: &World, run: &RunId) -> Result<Option<Self>, LockError> {
        let Some(lock) = RunLock::acquire(&world.state_dir(), run)? else { return Ok(None) };
        let started = lock.scribe().and_then(|scribe| Teller::start(scribe, world));
        let teller = started
            .inspect_err(
                |error| tracing::debug!(run.id = %run, error = %error, "no progress is told"),
            )
            .ok();
        Ok(Some(Self { teller, _lock: lock }))
    }

    /// What hears of the progress of the run, and passes it on to `also`.
    pub(super) fn telling(&self, also: Option<Progress>) -> Option<Progress> {
        let Some(teller) = &self.teller else { return also };
        let (beat, wake) = (Arc::clone(&teller.beat), teller.wake.clone());
        Some(Arc::new(move |event| {
            note(&mut beat.lock().unwrap_or_else(PoisonError::into_inner), event);
            if matches!(event, ProgressEvent::Stage(_)) {
                // The thread may have ended, which is no concern of the run.
                let _heard = wake.send(Wake::Tell);
            }
            if let Some(also) = &also {
                also(event);
            }
        }))
    }
}

impl Teller {
    fn start(scribe: Scribe, world: &World) -> std::io::Result<Self> {
        let (now, every) = (world.timekeeper(), world.real_span(EVERY));
        let stage = "begin".to_owned();
        let (number, rows_read, rows_of, rows_scored) = (0, 0, None, 0);
        let first = Beat { at: now(), number, stage, rows_read, rows_of, rows_scored };
        scribe.tell(&first)?;
        let beat = Arc::new(Mutex::new(first));
        let (wake, woken) = mpsc::channel();
        let told = Arc::clone(&beat);
        let thread = thread::Builder::new().name("progress".to_owned()).spawn(move || {
            while !matches!(
                woken.recv_timeout(every),
                Ok(Wake::End) | Err(RecvTimeoutError::Disconnected)
            ) {
                tell(&scribe, &told, now());
            }
        })?;
        Ok(Self { beat, wake, thread: Some(thread) })
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        let _heard = self.wake.send(Wake::End);
        if let Some(thread) = self.thread.take() {
            // It holds the file of the lock: gone before the lock is.
            let _ended = thread.join();
        }
    }
}

fn tell(scribe: &Scribe, beat: &Mutex<Beat>, at: Timestamp) {
    let told = {
        let mut beat = beat.lock().unwrap_or_else(PoisonError::into_inner);
        (beat.at, beat.number) = (at, beat.number + 1);
        beat.clone()
    };
    // A full disk, say; the next line may find room.
    let _told = scribe.tell(&told);
}

fn note(beat: &mut Beat, event: ProgressEvent) {
    match event {
        ProgressEvent::Stage(name) => name.clone_into(&mut beat.stage),
        ProgressEvent::Rows { done, of, scored } => {
            (beat.rows_read, beat.rows_of, beat.rows_scored) = (done, of, scored);
        }
    }
}
