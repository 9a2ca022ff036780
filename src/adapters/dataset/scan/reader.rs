//! The thread that polars reads on, and the queue of one batch between it and the caller.
//!
//! polars wants callbacks that live for ever, callers have closures that do not; a queue serves both,
//! and keeps the caller's panics and errors out of polars.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use polars::prelude::{DataFrame, Engine, LazyFrame, PlanCallback, PolarsResult};

use crate::adapters::dataset::discover::SourceFile;
use crate::adapters::dataset::error::DatasetError;
use crate::adapters::failpoint;

/// Ends when everything was handed over, or when no one listens any more.
pub(super) type Reader = JoinHandle<PolarsResult<()>>;

/// Starts polars on a thread of its own; the channel ends when it does.
pub(super) fn start_reading(
    segments: Vec<LazyFrame>,
    batch_rows: usize,
    source: &SourceFile,
) -> Result<(Receiver<DataFrame>, Reader), DatasetError> {
    let (sender, receiver) = sync_channel(1);
    let reader = std::thread::Builder::new()
        .name("dataset scan".to_owned())
        .spawn(move || read(segments, batch_rows, &sender))
        .map_err(DatasetError::io("start a thread to read", &source.path))?;
    Ok((receiver, reader))
}

/// Reads one segment after the other until the last one, or until no one listens.
fn read(
    segments: Vec<LazyFrame>,
    batch_rows: usize,
    sender: &SyncSender<DataFrame>,
) -> PolarsResult<()> {
    let rows = NonZeroUsize::new(batch_rows).unwrap_or(NonZeroUsize::MIN);
    let is_over = Arc::new(AtomicBool::new(false));
    for segment in segments {
        let (sender, over) = (sender.clone(), Arc::clone(&is_over));
        let stop = move |frame: DataFrame| {
            failpoint::reach("input.row_group")?;
            let is_over = sender.send(frame).is_err();
            over.fetch_or(is_over, Ordering::Relaxed);
            Ok(is_over)
        };
        let sink = segment.sink_batches(PlanCallback::new(stop), true, Some(rows))?;
        sink.collect_with_engine(Engine::Streaming)?;
        if is_over.load(Ordering::Relaxed) {
            break;
        }
    }
    Ok(())
}
