//! The two transactions around the publication of a run.
//!
//! The first records what will be published and what is to be done afterwards; from then on the run is
//! never executed again. Between the two, files are renamed. The second does what the first has
//! recorded, so that it does not matter who gets there: the process that ran, or the one that finds the
//! run after a crash.

use jiff::Timestamp;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::adapters::failpoint;
use crate::adapters::store::aliases::{move_in, require_generation};
use crate::adapters::store::codec::{count_value, text, time_text};
use crate::adapters::store::error::Stop;
use crate::adapters::store::evidence::{insert_outputs, replace_findings, replace_profiles};
use crate::adapters::store::queue::{Cause, insert_follow_ups, require_fence};
use crate::adapters::store::rollback::{require_corrections, require_standing};
use crate::adapters::store::runs::run_with_id;
use crate::adapters::store::ticks::record_tick;
use crate::adapters::store::versions::insert_version;
use crate::adapters::store::{
    Conclusion, Finished, Intent, ModelPin, Store, StoreError, TickRecord, document,
};
use crate::domain::identity::{JobName, RunId, Version};
use crate::domain::layout::TickFolder;
use crate::domain::registry::VersionState;
use crate::domain::run::{Claim, State};

impl Store {
    /// Makes the results of a running run durable, before any of them is visible.
    ///
    /// A new version gets its number here, so `conclude` is told that number and says what the final
    /// transaction is to do. Returns the number.
    ///
    /// [`StoreError::RolledBackByOther`] if the version that scored was rolled back meanwhile;
    /// [`StoreError::MovedByOther`] and [`StoreError::PublishedByOther`] if the run is to roll back and what
    /// it has planned is out of date; [`StoreError::FolderTaken`] if the folder is another tick's.
    pub async fn commit_intent(
        &self,
        claim: &Claim,
        intent: &Intent,
        conclude: impl FnOnce(Option<Version>) -> Conclusion + Send,
    ) -> Result<Option<Version>, StoreError> {
        const ACTION: &str = "record what a run will publish";
        let mut transaction = self.begin(ACTION).await?;
        let out = record_intent(&mut transaction, claim, intent, conclude)
            .await
            .map_err(|stop| self.stopped(ACTION, stop))?;
        failpoint::reach("commit.in_a").map_err(|error| self.failed(ACTION, error.into()))?;
        self.commit(ACTION, transaction).await?;
        Ok(out)
    }

    /// Marks a published run as committed and does what its intent has recorded. Does nothing to a run
    /// that is committed already.
    ///
    /// [`StoreError::MovedByOther`] if the aliases have moved since the intent: the caller looks again
    /// and says with [`Store::revise`] what is to be done instead.
    pub async fn finish(&self, run: &RunId, at: Timestamp) -> Result<Finished, StoreError> {
        const ACTION: &str = "commit a run";
        let mut transaction = self.begin(ACTION).await?;
        let out =
            finish(&mut transaction, run, at).await.map_err(|stop| self.stopped(ACTION, stop))?;
        self.commit(ACTION, transaction).await?;
        Ok(out)
    }

    /// Replaces what the final transaction of a run is to do.
    pub async fn revise(&self, run: &RunId, conclusion: &Conclusion) -> Result<(), StoreError> {
        const ACTION: &str = "change what a run will do at its end";
        let mut transaction = self.begin(ACTION).await?;
        let changed = async {
            let text = document::conclusion_text(conclusion)?;
            sqlx::query(REVISE).bind(run.as_str()).bind(text).execute(&mut *transaction).await
        }
        .await
        .map_err(|source| self.failed(ACTION, source))?
        .rows_affected();
        if changed != 1 {
            return Err(StoreError::FenceLost { run: run.clone() });
        }
        self.commit(ACTION, transaction).await
    }

    /// What the final transaction of a run does, or did.
    pub async fn conclusion(&self, run: &RunId) -> Result<Option<Conclusion>, StoreError> {
        async {
            let text: Option<Option<String>> = sqlx::query_scalar(SELECT_CONCLUSION)
                .bind(run.as_str())
                .fetch_optional(&self.readers)
                .await?;
            text.flatten().as_deref().map(document::conclusion).transpose()
        }
        .await
        .map_err(|source| self.failed("read the conclusion of a run", source))
    }
}

const REVISE: &str = "update run set conclusion = ?2 where id = ?1 and state = 'committing'";

const SELECT_CONCLUSION: &str = "select conclusion from run where id = ?1";

async fn record_intent(
    connection: &mut SqliteConnection,
    claim: &Claim,
    intent: &Intent,
    conclude: impl FnOnce(Option<Version>) -> Conclusion + Send,
) -> Result<Option<Version>, Stop> {
    let run = &claim.run;
    // The fence comes first: nothing is read or written for a claim that is over.
    let model: Option<JobName> = sqlx::query(FENCE_INTENT)
        .bind(run.as_str())
        .bind(claim.token)
        .try_map(|row: SqliteRow| text(&row, "job", "job name", JobName::new))
        .fetch_optional(&mut *connection)
        .await?;
    require_fence(u64::from(model.is_some()), claim)?;
    require_standing(connection, run).await?;
    let mut trained = None;
    if let Some((new, model)) = intent.new_version.as_ref().zip(model.clone()) {
        let staged = VersionState::Staged;
        let version = insert_version(connection, &model, new, Some(run), staged).await?;
        trained = Some(ModelPin { version, sha256: new.sha256 });
    }
    if let Some(folder) = &intent.folder {
        require_folder(connection, run, folder).await?;
    }
    insert_outputs(connection, run, &intent.outputs).await?;
    replace_findings(connection, run, &intent.findings).await?;
    replace_profiles(connection, run, &intent.profiles).await?;
    let number = trained.map(|pin| pin.version);
    let conclusion = conclude(number);
    if let Some((job, version)) = model.zip(intent.corrects) {
        let own = run_with_id(&mut *connection, run).await?.map(|record| record.slot.tick);
        require_generation(connection, conclusion.aliases.as_ref()).await?;
        require_corrections(connection, (&job, version), &conclusion.follow_ups, own).await?;
    }
    let conclusion = document::conclusion_text(&conclusion)?;
    sqlx::query(RECORD_INTENT)
        .bind(run.as_str())
        .bind(trained.map(|pin| pin.version.0))
        .bind(trained.map(|pin| pin.sha256.to_string()))
        .bind(count_value(intent.rows.read))
        .bind(count_value(intent.rows.scored))
        .bind(count_value(intent.rows.quarantined))
        .bind(&intent.id_set)
        .bind(intent.peak_rss_bytes.map(count_value))
        .bind(intent.decision.as_ref().map(document::decision_text).transpose()?)
        .bind(document::stages_text(&intent.stages)?)
        .bind(conclusion)
        .bind(intent.folder.as_ref().map(|folder| folder.root().text()))
        .bind(intent.folder.as_ref().map(|folder| folder.output().path))
        .bind(intent.folder.as_ref().map(|folder| folder.rows().path))
        .execute(connection)
        .await?;
    Ok(number)
}

/// Refuses a folder that another tick has published to, or that another run is being published to.
async fn require_folder(
    connection: &mut SqliteConnection,
    run: &RunId,
    folder: &TickFolder,
) -> Result<(), Stop> {
    let rows = folder.rows();
    let owner: Option<RunId> = sqlx::query(SELECT_OWNER)
        .bind(run.as_str())
        .bind(rows.root.text())
        .bind(&rows.path)
        .try_map(|row: SqliteRow| text(&row, "id", "run id", RunId::parse))
        .fetch_optional(connection)
        .await?;
    match owner {
        Some(owner) => Err(StoreError::FolderTaken { folder: rows.to_string(), owner }.into()),
        None => Ok(()),
    }
}

const SELECT_OWNER: &str = "select other.id from run as other
     join run as own on own.id = ?1
     where other.root = ?2 and other.folder = ?3 and other.kind = 'score' and other.id <> own.id
         and (other.state = 'committing'
              or (other.state = 'committed' and (other.job, other.tick) <> (own.job, own.tick)))
     limit 1";

const FENCE_INTENT: &str = "select job from run
     where id = ?1 and token = ?2 and state = 'running' and cancel_as is null";

const RECORD_INTENT: &str = "update run
     set state = 'committing', model_version = coalesce(?2, model_version),
         model_sha256 = coalesce(?3, model_sha256), rows_read = ?4, rows_scored = ?5,
         rows_quarantined = ?6, id_set = ?7, peak_rss_bytes = ?8, decision = ?9, stages = ?10,
         conclusion = ?11, error = null, root = ?12, output = ?13, folder = ?14
     where id = ?1";

async fn finish(
    connection: &mut SqliteConnection,
    run: &RunId,
    at: Timestamp,
) -> Result<Finished, Stop> {
    let lost = || Stop::Refused(StoreError::FenceLost { run: run.clone() });
    let record = run_with_id(&mut *connection, run).await?.ok_or_else(lost)?;
    match record.state {
        State::Committed => return Ok(Finished::default()),
        State::Committing => {}
        _ => return Err(lost()),
    }
    let planned: String = sqlx::query_scalar(SELECT_CONCLUSION)
        .bind(run.as_str())
        .fetch_one(&mut *connection)
        .await?;
    let conclusion = document::conclusion(&planned)?;
    let job = record.slot.job.clone();
    let superseded = supersede(connection, run).await?;
    let at_text = time_text(at);
    sqlx::query(COMMIT_RUN)
        .bind(run.as_str())
        .bind(conclusion.verdict.id())
        .bind(conclusion.exit_code)
        .bind(&at_text)
        .execute(&mut *connection)
        .await?;
    sqlx::query(END_ATTEMPT_OK).bind(run.as_str()).bind(&at_text).execute(&mut *connection).await?;
    sqlx::query(READY_VERSIONS).bind(run.as_str()).execute(&mut *connection).await?;
    if let Some(planned) = &conclusion.aliases {
        move_in(connection, planned, at).await?;
    }
    if let Some(decision) = conclusion.tick {
        let line = TickRecord {
            job: job.clone(),
            kind: record.slot.kind,
            tick: record.slot.tick,
            decision,
            run: Some(run.clone()),
            decided_at: at,
        };
        record_tick(connection, &line).await?;
    }
    let cause = Cause { job: &job, job_sha256: &record.job_sha256, parent: Some(run) };
    insert_follow_ups(connection, cause, &conclusion.follow_ups, at).await?;
    Ok(Finished { superseded })
}

/// Takes the place of the run that was committed for the same tick.
async fn supersede(
    connection: &mut SqliteConnection,
    run: &RunId,
) -> Result<Option<RunId>, sqlx::Error> {
    sqlx::query(SUPERSEDE)
        .bind(run.as_str())
        .try_map(|row: SqliteRow| text(&row, "id", "run id", RunId::parse))
        .fetch_optional(connection)
        .await
}

const SUPERSEDE: &str = "update run set state = 'superseded', superseded_by = ?1
     where state = 'committed' and id <> ?1
         and (job, kind, tick) = (select job, kind, tick from run where id = ?1)
     returning id";

const COMMIT_RUN: &str = "update run
     set state = 'committed', verdict = ?2, exit_code = ?3, finished_at = ?4, error = null,
         commits = (select commits + 1 from seal)
     where id = ?1 and state = 'committing'";

const END_ATTEMPT_OK: &str = "update attempt set outcome = 'ok', ended_at = ?2
     where run = ?1 and outcome is null";

const READY_VERSIONS: &str = "update version set state = 'ready'
     where run = ?1 and state = 'staged'";
