//! JSON that stands in columns: what is read as a whole and never searched.
//!
//! These types are private and only ever gain fields, so that a row written by an earlier version reads
//! back. A number that is not finite becomes null on the way in.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::adapters::store::codec::unreadable;
use crate::adapters::store::record::{
    AliasMove, Attribution, Conclusion, Decision, FollowUp, ModelPin, Stage, TickDecision,
};
use crate::domain::identity::{JobName, RunId, Sha256, Version};
use crate::domain::registry::{Action, Aliases, Blessing, MetricValue};
use crate::domain::run::{Interval, RunKind, Trigger, Verdict};

#[derive(Serialize, Deserialize)]
struct DecisionDocument {
    action: String,
    reason: String,
}

#[derive(Serialize, Deserialize)]
struct StageDocument {
    name: String,
    seconds: Option<f64>,
}

#[derive(Serialize, Deserialize)]
struct MetricDocument {
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
}

#[derive(Serialize, Deserialize)]
struct ConclusionDocument {
    verdict: String,
    exit_code: u8,
    aliases: Option<AliasMoveDocument>,
    tick: Option<DecisionDocument>,
    #[serde(default)]
    follow_ups: Vec<FollowUpDocument>,
}

#[derive(Serialize, Deserialize)]
struct FollowUpDocument {
    id: String,
    kind: String,
    tick: Timestamp,
    interval_start: Option<Timestamp>,
    interval_end: Timestamp,
    trigger: String,
    model: Option<(u32, String)>,
    #[serde(default)]
    job_sha256: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct AliasMoveDocument {
    model: String,
    generation: i64,
    champion: Option<u32>,
    challenger: Option<u32>,
    previous: Option<u32>,
    blessing: Option<String>,
    action: String,
    actor: String,
    reason: String,
    run: Option<String>,
}

pub(super) fn decision_text(decision: &Decision) -> Result<String, sqlx::Error> {
    let Decision { action, reason } = decision.clone();
    write(&DecisionDocument { action, reason })
}

pub(super) fn decision(text: &str) -> Result<Decision, sqlx::Error> {
    let DecisionDocument { action, reason } = read("decision", text)?;
    Ok(Decision { action, reason })
}

pub(super) fn stages_text(stages: &[Stage]) -> Result<String, sqlx::Error> {
    let documents: Vec<_> = stages
        .iter()
        .map(|stage| StageDocument { name: stage.name.clone(), seconds: Some(stage.seconds) })
        .collect();
    write(&documents)
}

pub(super) fn stages(text: &str) -> Result<Vec<Stage>, sqlx::Error> {
    let documents: Vec<StageDocument> = read("stages", text)?;
    let stage = |found: StageDocument| Stage {
        name: found.name,
        seconds: found.seconds.unwrap_or(f64::NAN),
    };
    Ok(documents.into_iter().map(stage).collect())
}

pub(super) fn metrics_text(metrics: &BTreeMap<String, MetricValue>) -> Result<String, sqlx::Error> {
    let document = |metric: &MetricValue| MetricDocument {
        value: Some(metric.value),
        low: metric.low,
        high: metric.high,
    };
    let documents: BTreeMap<_, _> =
        metrics.iter().map(|(name, metric)| (name, document(metric))).collect();
    write(&documents)
}

pub(super) fn metrics(text: &str) -> Result<BTreeMap<String, MetricValue>, sqlx::Error> {
    let documents: BTreeMap<String, MetricDocument> = read("metrics", text)?;
    let metric = |found: MetricDocument| MetricValue {
        value: found.value.unwrap_or(f64::NAN),
        low: found.low,
        high: found.high,
    };
    Ok(documents.into_iter().map(|(name, found)| (name, metric(found))).collect())
}

pub(super) fn conclusion_text(conclusion: &Conclusion) -> Result<String, sqlx::Error> {
    let tick = conclusion.tick.clone();
    write(&ConclusionDocument {
        verdict: conclusion.verdict.id().to_owned(),
        exit_code: conclusion.exit_code,
        aliases: conclusion.aliases.as_ref().map(alias_move_document),
        tick: tick
            .map(|TickDecision { decision, reason }| DecisionDocument { action: decision, reason }),
        follow_ups: conclusion.follow_ups.iter().map(follow_up_document).collect(),
    })
}

pub(super) fn conclusion(text: &str) -> Result<Conclusion, sqlx::Error> {
    let found: ConclusionDocument = read(CONCLUSION, text)?;
    Ok(Conclusion {
        verdict: Verdict::parse(&found.verdict)
            .ok_or_else(|| unreadable(CONCLUSION, &found.verdict, "verdict"))?,
        exit_code: found.exit_code,
        aliases: found.aliases.map(alias_move).transpose()?,
        tick: found.tick.map(|line| TickDecision { decision: line.action, reason: line.reason }),
        follow_ups: found.follow_ups.into_iter().map(follow_up).collect::<Result<_, _>>()?,
    })
}

const CONCLUSION: &str = "conclusion";

fn follow_up_document(planned: &FollowUp) -> FollowUpDocument {
    let FollowUp { id, kind, tick, interval, trigger, model, job_sha256 } = planned;
    FollowUpDocument {
        id: id.as_str().to_owned(),
        kind: kind.id().to_owned(),
        tick: *tick,
        interval_start: interval.start,
        interval_end: interval.end,
        trigger: trigger.id().to_owned(),
        model: model.map(|pin| (pin.version.0, pin.sha256.to_string())),
        job_sha256: job_sha256.map(|sha256| sha256.to_string()),
    }
}

fn follow_up(found: FollowUpDocument) -> Result<FollowUp, sqlx::Error> {
    let wrong = |text: &str, wanted| unreadable(CONCLUSION, text, wanted);
    let model = found.model.map(|(version, text)| {
        let sha256 = Sha256::parse(&text).ok_or_else(|| wrong(&text, "digest"))?;
        Ok::<_, sqlx::Error>(ModelPin { version: Version(version), sha256 })
    });
    Ok(FollowUp {
        id: RunId::parse(&found.id).ok_or_else(|| wrong(&found.id, "run id"))?,
        kind: RunKind::parse(&found.kind).ok_or_else(|| wrong(&found.kind, "run kind"))?,
        tick: found.tick,
        interval: Interval { start: found.interval_start, end: found.interval_end },
        trigger: Trigger::parse(&found.trigger).ok_or_else(|| wrong(&found.trigger, "trigger"))?,
        model: model.transpose()?,
        job_sha256: optional(found.job_sha256, "digest", Sha256::parse)?,
    })
}

fn alias_move_document(planned: &AliasMove) -> AliasMoveDocument {
    let AliasMove { model, generation, after, blessing, by } = planned;
    AliasMoveDocument {
        model: model.as_str().to_owned(),
        generation: *generation,
        champion: after.champion.map(|version| version.0),
        challenger: after.challenger.map(|version| version.0),
        previous: after.previous.map(|version| version.0),
        blessing: blessing.map(|blessing| blessing.id().to_owned()),
        action: by.action.id().to_owned(),
        actor: by.actor.clone(),
        reason: by.reason.clone(),
        run: by.run.as_ref().map(|run| run.as_str().to_owned()),
    }
}

fn alias_move(found: AliasMoveDocument) -> Result<AliasMove, sqlx::Error> {
    let by = Attribution {
        action: Action::parse(&found.action)
            .ok_or_else(|| unreadable(CONCLUSION, &found.action, "action"))?,
        actor: found.actor,
        reason: found.reason,
        run: optional(found.run, "run id", RunId::parse)?,
    };
    Ok(AliasMove {
        model: JobName::new(&found.model)
            .ok_or_else(|| unreadable(CONCLUSION, &found.model, "model"))?,
        generation: found.generation,
        after: Aliases {
            champion: found.champion.map(Version),
            challenger: found.challenger.map(Version),
            previous: found.previous.map(Version),
        },
        blessing: optional(found.blessing, "blessing", Blessing::parse)?,
        by,
    })
}

fn optional<T>(
    text: Option<String>,
    wanted: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, sqlx::Error> {
    text.map(|text| parse(&text).ok_or_else(|| unreadable(CONCLUSION, &text, wanted))).transpose()
}

fn write(document: &impl Serialize) -> Result<String, sqlx::Error> {
    serde_json::to_string(document).map_err(|source| sqlx::Error::Encode(Box::new(source)))
}

fn read<T: DeserializeOwned>(column: &'static str, text: &str) -> Result<T, sqlx::Error> {
    serde_json::from_str(text).map_err(|source| sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: Box::new(source),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conclusion_reads_back() {
        let by = Attribution {
            action: Action::Promote,
            actor: "schedule".into(),
            reason: "every gate passed".into(),
            run: None,
        };
        let aliases = AliasMove {
            model: JobName::new("churn").unwrap(),
            generation: 4,
            after: Aliases { champion: Some(Version(3)), challenger: None, previous: None },
            blessing: Some(Blessing::Passed),
            by,
        };
        let tick = TickDecision { decision: "run".into(), reason: "on time".into() };
        for (aliases, tick) in [(None, None), (Some(aliases), Some(tick))] {
            let follow_up = FollowUp {
                id: RunId::new("2026-01-05T02:30:00Z".parse().unwrap(), 7),
                kind: RunKind::Score,
                tick: "2026-01-04T02:30:00Z".parse().unwrap(),
                interval: Interval { start: None, end: "2026-01-04T02:30:00Z".parse().unwrap() },
                trigger: Trigger::Rollback,
                model: Some(ModelPin { version: Version(2), sha256: Sha256([0xab; 32]) }),
                job_sha256: Some(Sha256([0xcd; 32])),
            };
            let (verdict, follow_ups) = (Verdict::Promoted, vec![follow_up]);
            let wanted = Conclusion { verdict, exit_code: 10, aliases, tick, follow_ups };
            let text = conclusion_text(&wanted).unwrap();
            assert_eq!(conclusion(&text).unwrap(), wanted);
        }
    }

    #[test]
    fn numbers_that_are_not_finite_survive_as_nan() {
        let metric = MetricValue { value: f64::INFINITY, low: Some(f64::NAN), high: Some(0.5) };
        let text = metrics_text(&BTreeMap::from([("rmse".to_owned(), metric)])).unwrap();
        let back = metrics(&text).unwrap()["rmse"];
        assert!(back.value.is_nan());
        assert_eq!((back.low, back.high), (None, Some(0.5)));
    }

    #[test]
    fn a_damaged_document_names_its_column() {
        for text in ["", "{", "[]", r#"{"verdict":"splendid","exit_code":0}"#] {
            let error = conclusion(text).unwrap_err();
            assert!(error.to_string().contains("conclusion"), "{error}");
        }
    }
}
