//! Attempts that end without a publication, and publications that turn out to be damaged.
//!
//! Neither can happen to a run behind the claimant's back: a failure names the token of the claim, and
//! only what was published can be found to be damaged.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use crate::adapters::store::codec::{count_value, time_text};
use crate::adapters::store::error::Stop;
use crate::adapters::store::evidence::{replace_findings, replace_profiles};
use crate::adapters::store::queue::{Cause, insert_follow_ups, require_fence};
use crate::adapters::store::runs::run_with_id;
use crate::adapters::store::{
    Afterwards, Failure, Rows, RunRecord, Store, StoreError, Transition, document,
};
use crate::domain::identity::RunId;
use crate::domain::run::{AttemptOutcome, Claim, State, Verdict};

impl Store {
    /// Ends an attempt that publishes nothing.
    pub async fn fail(&self, claim: &Claim, failure: &Failure) -> Result<(), StoreError> {
        const ACTION: &str = "record a failed attempt";
        let mut transaction = self.begin(ACTION).await?;
        fail(&mut transaction, claim, failure).await.map_err(|stop| self.stopped(ACTION, stop))?;
        self.commit(ACTION, transaction).await
    }

    /// Ends the attempt of a process that is gone. The caller has made sure that it is: the lock of the
    /// run was free. What an earlier attempt found is forgotten.
    pub async fn mark_ended(
        &self,
        claim: &Claim,
        (outcome, error): (AttemptOutcome, &str),
        afterwards: Afterwards,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let failure = Failure {
            outcome,
            afterwards,
            error: Some(error.to_owned()),
            verdict: None,
            exit_code: None,
            findings: Vec::new(),
            profiles: Vec::new(),
            rows: Rows::default(),
            stages: Vec::new(),
            decision: None,
            follow_ups: Vec::new(),
            at,
        };
        self.fail(claim, &failure).await
    }

    /// Marks a run whose files are not what it recorded, and the version that it trained.
    pub async fn mark_corrupt(
        &self,
        run: &RunId,
        error: &str,
        at: Timestamp,
    ) -> Result<Transition, StoreError> {
        const ACTION: &str = "mark a run as corrupt";
        let mut transaction = self.begin(ACTION).await?;
        let changed = mark_corrupt(&mut transaction, run, error, at)
            .await
            .map_err(|source| self.failed(ACTION, source))?;
        self.commit(ACTION, transaction).await?;
        if changed == 1 {
            return Ok(Transition::Done);
        }
        let found = self.run(run).await?;
        Ok(Transition::Refused { found: found.map(|record| record.state.id()) })
    }
}

async fn fail(
    connection: &mut SqliteConnection,
    claim: &Claim,
    failure: &Failure,
) -> Result<(), Stop> {
    let (state, not_before) = match failure.afterwards {
        Afterwards::Retry { not_before } => (State::Queued, Some(not_before)),
        Afterwards::Failed => (State::Failed, None),
        Afterwards::Dead => (State::Dead, None),
        Afterwards::Cancelled => (State::Cancelled, None),
        Afterwards::Superseded => (State::Superseded, None),
    };
    let finished_at = (state != State::Queued).then(|| time_text(failure.at));
    let changed = sqlx::query(FAIL_RUN)
        .bind(claim.run.as_str())
        .bind(claim.token)
        .bind(state.id())
        .bind(not_before.map(time_text))
        .bind(finished_at)
        .bind(failure.verdict.map(Verdict::id))
        .bind(failure.exit_code)
        .bind(&failure.error)
        .bind(count_value(failure.rows.read))
        .bind(count_value(failure.rows.scored))
        .bind(count_value(failure.rows.quarantined))
        .bind(failure.decision.as_ref().map(document::decision_text).transpose()?)
        .bind(document::stages_text(&failure.stages)?)
        .execute(&mut *connection)
        .await?
        .rows_affected();
    require_fence(changed, claim)?;
    sqlx::query(END_ATTEMPT)
        .bind(claim.run.as_str())
        .bind(claim.attempt)
        .bind(failure.outcome.id())
        .bind(&failure.error)
        .bind(time_text(failure.at))
        .execute(&mut *connection)
        .await?;
    replace_findings(connection, &claim.run, &failure.findings).await?;
    replace_profiles(connection, &claim.run, &failure.profiles).await?;
    if failure.follow_ups.is_empty() {
        return Ok(());
    }
    let record = run_with_id(&mut *connection, &claim.run).await?;
    let lost = || Stop::Refused(StoreError::FenceLost { run: claim.run.clone() });
    let RunRecord { slot, job_sha256, .. } = record.ok_or_else(lost)?;
    let parent = Some(&claim.run);
    let cause = Cause { job: &slot.job, job_sha256: &job_sha256, parent };
    insert_follow_ups(connection, cause, &failure.follow_ups, failure.at).await?;
    Ok(())
}

const FAIL_RUN: &str = "update run
     set state = ?3, not_before = coalesce(?4, not_before), finished_at = ?5, verdict = ?6,
         exit_code = ?7, error = ?8, rows_read = ?9, rows_scored = ?10, rows_quarantined = ?11,
         decision = ?12, stages = ?13, commits = (select commits + 1 from seal)
     where id = ?1 and token = ?2 and state in ('claimed', 'running')";

const END_ATTEMPT: &str = "update attempt set outcome = ?3, error = ?4, ended_at = ?5
     where run = ?1 and number = ?2";

async fn mark_corrupt(
    connection: &mut SqliteConnection,
    run: &RunId,
    error: &str,
    at: Timestamp,
) -> Result<u64, sqlx::Error> {
    let at = time_text(at);
    let changed = sqlx::query(CORRUPT_RUN)
        .bind(run.as_str())
        .bind(error)
        .bind(&at)
        .execute(&mut *connection)
        .await?
        .rows_affected();
    if changed == 1 {
        sqlx::query(CORRUPT_STAGED).bind(run.as_str()).execute(&mut *connection).await?;
        sqlx::query(END_ATTEMPT_CORRUPT)
            .bind(run.as_str())
            .bind(error)
            .bind(&at)
            .execute(&mut *connection)
            .await?;
    }
    Ok(changed)
}

const CORRUPT_RUN: &str = "update run
     set state = 'corrupt', error = ?2, finished_at = coalesce(finished_at, ?3),
         commits = coalesce(commits, (select commits + 1 from seal))
     where id = ?1 and state in ('committing', 'committed')";

const CORRUPT_STAGED: &str = "update version set state = 'corrupt'
     where run = ?1 and state = 'staged'";

const END_ATTEMPT_CORRUPT: &str = "update attempt
     set outcome = 'failed', error = ?2, ended_at = ?3 where run = ?1 and outcome is null";
