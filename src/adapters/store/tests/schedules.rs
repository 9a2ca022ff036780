//! Schedules, cursors, rulings: what is written of them, and what a second ruling finds.
//!
//! What a ruling says is made up here: that it is right is the business of `domain::ticks`.

use jiff::SignedDuration;

use super::fixture::{HASH, at, store};
use crate::adapters::store::{Afterwards, NewSchedule, Pause, RuledTicks, Store, Transition};
use crate::domain::identity::{JobName, RunId, Sha256};
use crate::domain::run::{AttemptOutcome, Interval, RunKind, State};
use crate::domain::ticks::{Fate, Line, Ruling, Standing, Start};

/// The digest of another job file.
const MENDED: Sha256 = Sha256([0xcd; 32]);

fn job() -> JobName {
    JobName::new("wine").unwrap()
}

fn schedule(definition: &str) -> NewSchedule {
    NewSchedule { job: job(), kind: RunKind::Score, definition: definition.to_owned() }
}

fn ruled(seconds: i64, ruling: Ruling) -> RuledTicks {
    let runs = ruling.starts.iter().map(|start| {
        let id = RunId::new(start.tick, u128::try_from(seconds).unwrap());
        (id, Interval { start: None, end: start.tick })
    });
    RuledTicks {
        job: job(),
        kind: RunKind::Score,
        runs: runs.collect(),
        ruling,
        job_sha256: HASH,
        job_text: "name = \"wine\"".to_owned(),
    }
}

/// A ruling that runs the tick at `second`, and left out those before it.
fn runs(second: i64) -> Ruling {
    let tick = at(second);
    let before = tick - SignedDuration::from_secs(1);
    let line = Line { first: before, last: before, fate: Fate::Coalesced, reason: "missed".into() };
    let start = Start { tick, not_before: tick, fate: Fate::Run, reason: "due".into() };
    Ruling {
        lines: vec![line],
        starts: vec![start],
        displaces_waiting: false,
        cancels_active: false,
        cursor: tick,
    }
}

/// A store that follows one schedule.
async fn followed() -> (tempfile::TempDir, Store) {
    let (folder, store) = store().await;
    store.follow_schedules(&[schedule("a")], false, at(0)).await.unwrap();
    (folder, store)
}

/// Rules at `second` by `ruling`, and returns what stood.
async fn rule(store: &Store, second: i64, ruling: Ruling) -> Standing {
    let mut found = None;
    let due = [(job(), RunKind::Score)];
    store
        .rule_ticks(&due, at(second), |_, standing| {
            found = Some(standing);
            Some(ruled(second, ruling.clone()))
        })
        .await
        .unwrap();
    found.unwrap()
}

#[tokio::test]
async fn a_schedule_keeps_its_cursor_until_it_changes() {
    let (_folder, store) = store().await;
    let cursor = |found: Vec<crate::adapters::store::ScheduleRecord>| found[0].cursor;
    let first = store.follow_schedules(&[schedule("a")], false, at(1)).await.unwrap();
    assert_eq!(cursor(first), at(1));
    let again = store.follow_schedules(&[schedule("a")], false, at(2)).await.unwrap();
    assert_eq!(cursor(again), at(1));
    let changed = store.follow_schedules(&[schedule("b")], true, at(3)).await.unwrap();
    assert_eq!(cursor(changed), at(3));
    // A file that is broken for the moment.
    assert_eq!(store.follow_schedules(&[], true, at(4)).await.unwrap().len(), 1);
    assert_eq!(store.follow_schedules(&[], false, at(4)).await.unwrap(), []);
    let back = store.follow_schedules(&[schedule("b")], false, at(5)).await.unwrap();
    assert_eq!(cursor(back), at(5));
}

#[tokio::test]
async fn lines_runs_and_cursor_are_written_together() {
    let (_folder, store) = store().await;
    store.follow_schedules(&[schedule("a")], false, at(1)).await.unwrap();
    let standing = rule(&store, 10, runs(10)).await;
    assert_eq!((standing.cursor, standing.active), (at(1), 0));
    let queued = store.queued().await.unwrap();
    assert_eq!(queued.len(), 1);
    assert_eq!(queued[0].slot.tick, at(10));
    let ticks = store.ticks(&job(), 10).await.unwrap();
    let told: Vec<(&str, bool)> = ticks
        .iter()
        .map(|line| (line.decision.decision.as_str(), line.run.as_ref() == Some(&queued[0].id)))
        .collect();
    assert_eq!(told, [("run", true), ("coalesced", false)]);
    // The same again changes nothing, and what is active is counted.
    let standing = rule(&store, 10, runs(10)).await;
    assert_eq!((standing.cursor, standing.active, standing.has_waiting), (at(10), 1, true));
    assert_eq!(store.queued().await.unwrap().len(), 1);
    assert_eq!(store.ticks(&job(), 10).await.unwrap().len(), 2);
    // A cursor never moves back.
    let standing = rule(&store, 20, Ruling { cursor: at(5), ..runs(20) }).await;
    assert_eq!(standing.cursor, at(10));
    assert_eq!(store.schedules().await.unwrap()[0].cursor, at(10));
}

#[tokio::test]
async fn a_waiting_run_gives_way_and_an_active_one_is_to_end() {
    let (_folder, store) = store().await;
    store.follow_schedules(&[schedule("a")], false, at(1)).await.unwrap();
    // One that is caught up with does not give way, one that waits does.
    rule(&store, 5, runs(5)).await;
    let mut waits = runs(10);
    waits.starts[0].fate = Fate::OverlapQueued;
    rule(&store, 10, waits).await;
    rule(&store, 20, Ruling { displaces_waiting: true, ..runs(20) }).await;
    let queued = store.queued().await.unwrap();
    assert_eq!(queued.iter().map(|run| run.slot.tick).collect::<Vec<_>>(), [at(5), at(20)]);
    let ticks = store.ticks(&job(), 10).await.unwrap();
    let of_first = ticks.iter().find(|line| line.tick == at(10)).unwrap();
    assert_eq!(of_first.decision.decision, "coalesced");
    // The first tick can be run by hand, as the next revision.
    let open = store.open_revision(&job(), RunKind::Score, at(10)).await.unwrap();
    assert_eq!(open, 1);
    assert_eq!(store.open_revision(&job(), RunKind::Score, at(20)).await.unwrap(), 0);
    let claim = store.claim(&queued[1].id, "pid:1", at(21)).await.unwrap().unwrap();
    rule(&store, 30, Ruling { cancels_active: true, ..runs(30) }).await;
    let found = store.run(&claim.run).await.unwrap().unwrap();
    assert_eq!(found.cancel.map(|(state, _)| state), Some(State::Superseded));
}

#[tokio::test]
async fn the_next_run_is_the_earliest_that_may_begin() {
    let (_folder, store) = store().await;
    store.follow_schedules(&[schedule("a")], false, at(1)).await.unwrap();
    rule(&store, 20, runs(20)).await;
    rule(&store, 30, runs(30)).await;
    let next = store.next_queued(&[], &[], at(40)).await.unwrap().unwrap();
    assert_eq!(next.slot.tick, at(20));
    let full = [(job(), RunKind::Score)];
    assert!(store.next_queued(&full, &[], at(40)).await.unwrap().is_none());
    assert!(store.next_queued(&[], &[job()], at(40)).await.unwrap().is_none());
    assert!(store.next_queued(&[], &[], at(19)).await.unwrap().is_none());
    store.postpone(&next.id, at(50)).await.unwrap();
    assert_eq!(store.next_queued(&[], &[], at(40)).await.unwrap().unwrap().slot.tick, at(30));
    assert!(store.waits_for_past(&job(), RunKind::Score, at(30)).await.unwrap());
    assert!(!store.waits_for_past(&job(), RunKind::Score, at(20)).await.unwrap());
    // Cancelled: it has ended with that, and once only.
    assert_eq!(store.cancel(&next.id, "no", at(41)).await.unwrap(), Transition::Done);
    let refused = Transition::Refused { found: Some("cancelled") };
    assert_eq!(store.cancel(&next.id, "no", at(42)).await.unwrap(), refused);
    // The job is taken away.
    assert_eq!(store.give_up_queued(&[], at(43)).await.unwrap(), 1);
    assert_eq!(store.queued().await.unwrap(), []);
}

#[tokio::test]
async fn a_job_is_paused_once() {
    let (_folder, store) = store().await;
    let pause = Pause { job: job(), actor: "cli".into(), reason: "moving".into(), at: at(1) };
    assert!(store.pause(&pause).await.unwrap());
    assert!(!store.pause(&Pause { reason: "other".into(), ..pause.clone() }).await.unwrap());
    assert_eq!(store.pauses().await.unwrap(), [pause]);
    assert!(store.resume(&job(), at(2)).await.unwrap());
    assert!(!store.resume(&job(), at(3)).await.unwrap());
}

#[tokio::test]
async fn failures_before_a_job_was_resumed_are_forgiven() {
    let (_folder, store) = followed().await;
    for second in [10, 20, 30] {
        rule(&store, second, runs(second)).await;
        let queued = store.queued().await.unwrap().remove(0);
        let claim = store.claim(&queued.id, "test", at(second)).await.unwrap().unwrap();
        let dead = Afterwards::Dead;
        let how = (AttemptOutcome::Failed, "no input");
        store.mark_ended(&claim, how, dead, at(second + 1)).await.unwrap();
        let wanted = u32::try_from(second / 10).unwrap();
        assert_eq!(store.given_up_in_a_row(&job(), 5).await.unwrap(), wanted);
    }
    // Whatever the clock says, which was set back meanwhile.
    store.resume(&job(), at(5)).await.unwrap();
    assert_eq!(store.given_up_in_a_row(&job(), 5).await.unwrap(), 0);
    rule(&store, 40, runs(40)).await;
    let queued = store.queued().await.unwrap().remove(0);
    let claim = store.claim(&queued.id, "test", at(40)).await.unwrap().unwrap();
    let how = (AttemptOutcome::Failed, "no input");
    store.mark_ended(&claim, how, Afterwards::Dead, at(4)).await.unwrap();
    assert_eq!(store.given_up_in_a_row(&job(), 5).await.unwrap(), 1);
}

#[tokio::test]
async fn a_tick_is_settled_once_its_run_has_failed() {
    let (_folder, store) = followed().await;
    rule(&store, 10, runs(10)).await;
    let settle = async |tick| store.settle_tick(&job(), at(tick), "lost", at(50)).await.unwrap();
    assert_eq!(settle(10).await, Transition::Refused { found: Some("queued") });
    assert_eq!(settle(9).await, Transition::Refused { found: Some("coalesced") });
    assert_eq!(settle(11).await, Transition::Refused { found: None });
    let queued = store.queued().await.unwrap().remove(0);
    assert_eq!(store.cancel(&queued.id, "no", at(12)).await.unwrap(), Transition::Done);
    assert_eq!(settle(10).await, Transition::Done);
    assert_eq!(settle(10).await, Transition::Refused { found: Some("settled") });
    let line = store.ticks(&job(), 1).await.unwrap().remove(0);
    assert_eq!(
        (line.decision.decision.as_str(), line.decision.reason.as_str()),
        ("settled", "lost")
    );
}

#[tokio::test]
async fn what_a_clock_that_was_ahead_has_left_is_brought_back() {
    let (_folder, store) = followed().await;
    rule(&store, 10, runs(10)).await;
    let far = 1_000_000;
    let mut ahead = runs(far);
    let line = Line { first: at(11), last: at(far - 1), fate: Fate::Coalesced, reason: "x".into() };
    ahead.lines = vec![line];
    rule(&store, far, ahead).await;
    assert_eq!(store.latest_moment().await.unwrap(), Some(at(far)));
    assert_eq!(store.bring_back(at(60), at(3_660)).await.unwrap(), 1);
    assert_eq!(store.schedules().await.unwrap()[0].cursor, at(60));
    let ticks: Vec<_> =
        store.ticks(&job(), 9).await.unwrap().iter().map(|line| line.tick).collect();
    assert_eq!(ticks, [at(10), at(9)], "the tick to come is ruled on when it comes");
    let ranges = store.tick_ranges(&job(), 9).await.unwrap();
    assert_eq!((ranges[0].first, ranges[0].last), (at(11), at(60)));
    assert_eq!(store.queued().await.unwrap().len(), 1);
    assert_eq!(store.bring_back(at(60), at(3_660)).await.unwrap(), 0);
}

#[tokio::test]
async fn a_queued_run_takes_another_job_file_until_it_is_claimed() {
    let (_folder, store) = followed().await;
    rule(&store, 10, runs(10)).await;
    let queued = store.queued().await.unwrap().remove(0);
    store.redefine(&queued.id, "name = \"new\"", &MENDED).await.unwrap();
    assert_eq!(store.run(&queued.id).await.unwrap().unwrap().job_sha256, MENDED);
    assert_eq!(store.definition(&MENDED).await.unwrap().unwrap(), "name = \"new\"");
    store.claim(&queued.id, "test", at(11)).await.unwrap().unwrap();
    store.redefine(&queued.id, "name = \"wine\"", &HASH).await.unwrap();
    assert_eq!(store.run(&queued.id).await.unwrap().unwrap().job_sha256, MENDED);
}
