//! Every fail point with every action, in a real daemon or command, and what is left after a plain run.
//!
//! Compiled with `--features failpoints` only. Each cell of the matrix brings the program to a point, lets
//! it fail there, starts it again without any, and has the checker look at what there is. A point that was
//! not hit is a failure of the test. `NIGHTSHIFT_CHAOS` is how often each cell is done, and
//! `NIGHTSHIFT_POINT` the beginning of the names of the points that are.

/// What there is in the end: the database, the published files, the log of points.
mod checker;
/// Errors of a sync.
mod fsync;
/// Where each point is come to, and with what company.
mod places;
/// Further kills while a kill is recovered from.
mod recovery;
/// A project in which something fails.
mod scene;
/// A process that was believed gone and goes on.
mod stale;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use self::places::{Place, places_of};
use self::scene::Scene;
use crate::suite::{asked, say};
use crate::tidy::failpoints::POINTS;

/// What happens at a point.
const ACTIONS: [&str; 6] = ["panic", "abort", "kill", "eio", "enospc", "sleep"];

/// Cells at a time: most of a cell is waiting.
const WORKERS: usize = 3;

fn repeats() -> usize {
    asked("NIGHTSHIFT_CHAOS").unwrap_or(1)
}

/// Does `work` with each of `items`, a few at a time, and returns the complaints; what panics is one.
fn with_each<T: Sync>(
    items: &[T],
    name: impl Fn(&T) -> String + Sync,
    work: impl Fn(&T) -> Result<String, String> + Sync,
) -> Vec<String> {
    let (next, complaints) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let call = std::panic::AssertUnwindSafe(|| work(item));
                    let done = std::panic::catch_unwind(call)
                        .unwrap_or_else(|_| Err("it panicked, see above".to_owned()));
                    match done {
                        Ok(told) => say(&format!("{}: {told}", name(item))),
                        Err(error) => {
                            say(&format!("{}: FAILED: {error}", name(item)));
                            complaints.lock().unwrap().push(format!("{}: {error}", name(item)));
                        }
                    }
                }
            });
        }
    });
    let complaints = complaints.into_inner().unwrap();
    say(&format!("{} of {} as wanted", items.len() - complaints.len(), items.len()));
    complaints
}

/// The points whose names begin as asked for.
fn points() -> Vec<&'static str> {
    let wanted: String = asked("NIGHTSHIFT_POINT").unwrap_or_default();
    POINTS.iter().copied().filter(|point| point.starts_with(&wanted)).collect()
}

#[test]
fn whatever_fails_nothing_is_lost_or_doubled() {
    let templates = scene::Templates::new();
    let mut cells: Vec<(&str, Place, &str)> = Vec::new();
    for point in points() {
        for place in places_of(point) {
            cells.extend(ACTIONS.map(|action| (point, place, action)));
        }
    }
    let cells = cells.repeat(repeats());
    let hits: Mutex<BTreeMap<&str, usize>> = Mutex::default();
    let complaints = with_each(
        &cells,
        |(point, place, action)| format!("{point} {action} ({place})"),
        |(point, place, action)| {
            let mut scene = Scene::new(&templates, *place);
            let told = scene.fail_at(point, place, action)?;
            *hits.lock().unwrap().entry(point).or_default() += scene.hits(point);
            scene.recover()?;
            scene.check(point, action)?;
            Ok(told)
        },
    );
    let hits = hits.into_inner().unwrap();
    say(&format!("hit: {} of {} points, {:?}", hits.len(), points().len(), hits));
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
    assert_eq!(hits.len(), points().len());
}
