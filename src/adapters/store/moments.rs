//! How far the record goes in time, and how it is brought back when it went too far.
//!
//! A clock that was years ahead for a minute leaves cursors there: no tick would be due until the real time
//! has caught up. Only a person can say that it is the record that is wrong, and not the clock.

use jiff::Timestamp;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::adapters::store::codec::{optional_time, time_text};
use crate::adapters::store::{Store, StoreError};

impl Store {
    /// The latest moment that is on record: a clock before it is not to be believed.
    pub async fn latest_moment(&self) -> Result<Option<Timestamp>, StoreError> {
        let found = sqlx::query(SELECT_LATEST_MOMENT)
            .try_map(|row: SqliteRow| optional_time(&row, "at"))
            .fetch_one(&self.readers)
            .await;
        found.map_err(|source| self.failed("read the latest moment", source))
    }

    /// Lets schedules go on from `now` whose cursors are after it, and forgets what was ruled on ticks after
    /// `now` and has not begun; what was run stays. Runs that are to begin after `later` may begin at `now`.
    /// Returns how many schedules were brought back.
    pub async fn bring_back(&self, now: Timestamp, later: Timestamp) -> Result<u64, StoreError> {
        const ACTION: &str = "bring the schedules back to the present";
        let mut transaction = self.begin(ACTION).await?;
        let out = bring_back(&mut transaction, &time_text(now), &time_text(later))
            .await
            .map_err(|source| self.failed(ACTION, source))?;
        self.commit(ACTION, transaction).await?;
        Ok(out)
    }
}

const SELECT_LATEST_MOMENT: &str = "select max(at) as at from (
         select max(cursor) as at from schedule
         union all select created_at from (select created_at from run order by serial desc limit 1))";

async fn bring_back(
    connection: &mut SqliteConnection,
    now: &str,
    later: &str,
) -> Result<u64, sqlx::Error> {
    for statement in
        [FORGET_TICKS, FORGET_RUNS, KEEP_FIRST, FORGET_RANGES, SHORTEN_RANGES, BEGIN_RUNS]
    {
        sqlx::query(statement).bind(now).bind(later).execute(&mut *connection).await?;
    }
    let moved = sqlx::query(MOVE_BACK).bind(now).execute(connection).await?;
    Ok(moved.rows_affected())
}

const FORGET_TICKS: &str = "delete from tick where tick > ?1 and ?2 is not null
     and (run is null or run in (select id from run
         where state = 'queued' and attempt = 0 and trigger = 'schedule'))";

const FORGET_RUNS: &str = "delete from run where tick > ?1 and ?2 is not null
     and state = 'queued' and attempt = 0 and trigger = 'schedule'";

/// A stretch that begins now has one tick left.
const KEEP_FIRST: &str = "insert into tick (job, kind, tick, decision, reason, decided_at)
     select job, kind, first, decision, reason, decided_at from tick_range
     where first = ?1 and ?2 is not null
     on conflict (job, kind, tick) do nothing";

const FORGET_RANGES: &str = "delete from tick_range where first >= ?1 and ?2 is not null";

const SHORTEN_RANGES: &str = "update tick_range set last = ?1 where last > ?1 and ?2 is not null";

const BEGIN_RUNS: &str =
    "update run set not_before = ?1 where state = 'queued' and not_before > ?2";

const MOVE_BACK: &str = "update schedule set cursor = ?1 where cursor > ?1";
