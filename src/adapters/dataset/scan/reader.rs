//! The thread that reads ahead, and the queue of one piece between it and the caller.
//!
//! polars wants callbacks that live for ever, callers have closures that do not; a queue serves both,
//! and keeps the caller's panics and errors out of polars.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use polars::prelude::{DataFrame, Engine, LazyFrame, PlanCallback, PolarsResult};

use super::READ;
use super::groups::{Group, Groups};
use crate::adapters::dataset::discover::SourceFile;
use crate::adapters::dataset::error::DatasetError;
use crate::adapters::failpoint;

/// What is read of a file, in order.
pub(super) enum Source {
    /// Queries, each for the rows behind those of the one before, handed over by about so many rows.
    Queries(Vec<LazyFrame>, usize),
    /// Row groups.
    Groups(Groups),
}

/// Some rows of a file.
pub(super) enum Piece {
    Frame(DataFrame),
    Group(Group),
}

/// Ends when everything was handed over, or when no one listens any more.
pub(super) type Reader = JoinHandle<Result<(), DatasetError>>;

/// Starts to read on a thread of its own; the channel ends when it does.
pub(super) fn start_reading(
    pieces: Source,
    source: &SourceFile,
) -> Result<(Receiver<Piece>, Reader), DatasetError> {
    let (sender, receiver) = sync_channel(1);
    let name = source.relative.clone();
    let read = move || match pieces {
        Source::Queries(queries, batch_rows) => {
            let read = query(queries, batch_rows, &sender);
            read.map_err(DatasetError::polars(READ, &name))
        }
        Source::Groups(groups) => groups.each(|group| {
            send(&sender, Piece::Group(group)).map_err(DatasetError::io(READ, &name))
        }),
    };
    let reader = std::thread::Builder::new()
        .name("dataset scan".to_owned())
        .spawn(read)
        .map_err(DatasetError::io("start a thread to read", &source.path))?;
    Ok((receiver, reader))
}

/// Runs one query after the other until the last one, or until no one listens.
fn query(
    queries: Vec<LazyFrame>,
    batch_rows: usize,
    sender: &SyncSender<Piece>,
) -> PolarsResult<()> {
    let rows = NonZeroUsize::new(batch_rows).unwrap_or(NonZeroUsize::MIN);
    let is_over = Arc::new(AtomicBool::new(false));
    for query in queries {
        let (sender, over) = (sender.clone(), Arc::clone(&is_over));
        let stop = move |frame: DataFrame| {
            let is_over = send(&sender, Piece::Frame(frame))?;
            over.fetch_or(is_over, Ordering::Relaxed);
            Ok(is_over)
        };
        let sink = query.sink_batches(PlanCallback::new(stop), true, Some(rows))?;
        sink.collect_with_engine(Engine::Streaming)?;
        if is_over.load(Ordering::Relaxed) {
            break;
        }
    }
    Ok(())
}

/// Hands over a piece; true if no one listens any more.
fn send(sender: &SyncSender<Piece>, piece: Piece) -> io::Result<bool> {
    failpoint::reach("input.row_group")?;
    Ok(sender.send(piece).is_err())
}
