//! From the checked tables that watch and govern a model to plain values.
//!
//! Everything was checked before, so a value is absent only where a fault has already said why.

use crate::domain::duration;
use crate::domain::job::Task;
use crate::domain::job::build::texts;
use crate::domain::job::policy::{
    CompareRule, DriftAction, DriftColumns, DriftReference, DriftSpec, DriftTestName, GateSpec,
    GatesSpec, InconclusivePolicy, NoChampionPolicy, Persistence, RetrainReason, RetrainSpec,
    RolloutStrategy, Severity, WatchReason, WatchSpec,
};
use crate::domain::job::section::Section;
use crate::domain::schedule::Schedule;

pub(super) fn drift(drift: &Section) -> Option<DriftSpec> {
    let reference = match drift.text("reference") {
        Some("previous") => DriftReference::Previous,
        Some("same_weekday") => DriftReference::SameWeekday,
        Some(_) => DriftReference::Training,
        None => DriftReference::Rolling(drift.section("reference").duration("rolling")?),
    };
    let persist = drift.section("persist");
    let count = |name| persist.integer(name).and_then(|count| count.try_into().ok());
    Some(DriftSpec {
        reference,
        alpha: drift.number("alpha")?,
        floor: drift.number("floor")?,
        share: drift.number("share")?,
        rows_min: drift.integer("rows_min")?.try_into().ok()?,
        then: DriftAction::parse(drift.text("then")?)?,
        persist: Persistence { of: count("of").unwrap_or(1), ticks: count("ticks").unwrap_or(1) },
        columns: drift.sections("column").iter().map(drift_columns).collect::<Option<_>>()?,
    })
}

fn drift_columns(section: &Section) -> Option<DriftColumns> {
    Some(DriftColumns {
        columns: texts(section, "columns"),
        test: DriftTestName::parse(section.text("test")?)?,
        floor: section.number("floor"),
        ignore: section.flag("ignore")?,
    })
}

pub(super) fn retrain(retrain: &Section, cron: Option<Schedule>) -> Option<RetrainSpec> {
    let on = retrain.texts("on").into_iter().map(|(text, _)| retrain_reason(text));
    Some(RetrainSpec {
        cron,
        on: on.collect::<Option<_>>()?,
        cooldown: retrain.duration("cooldown")?,
    })
}

fn retrain_reason(text: &str) -> Option<RetrainReason> {
    match text.split_once(':') {
        None => Some(RetrainReason::Drift),
        Some(("new_rows", rows)) => rows.parse().ok().map(RetrainReason::NewRows),
        Some((_, age)) => duration::parse(age).ok().map(RetrainReason::Age),
    }
}

/// The gates of the file, or the one that holds without any.
pub(super) fn gates(job: &Section, task: Task) -> Option<Vec<GateSpec>> {
    let sections = job.sections("gate");
    if sections.is_empty() {
        return Some(vec![GateSpec::of_task(task)]);
    }
    sections.iter().map(gate).collect()
}

fn gate(gate: &Section) -> Option<GateSpec> {
    let severity = match gate.text("severity")? {
        "warn" => Severity::Warn,
        _ => Severity::Block,
    };
    Some(GateSpec {
        metric: gate.text("metric")?.to_owned(),
        min: gate.number("min"),
        max: gate.number("max"),
        compare: gate.text("compare").and_then(CompareRule::parse),
        margin: gate.number("margin"),
        confidence: gate.number("confidence")?,
        slice: gate.text("slice").map(str::to_owned),
        slice_rows_min: gate.integer("slice_rows_min")?.try_into().ok()?,
        severity,
    })
}

pub(super) fn gates_together(gates: &Section) -> Option<GatesSpec> {
    Some(GatesSpec {
        inconclusive: InconclusivePolicy::parse(gates.text("inconclusive")?)?,
        no_champion: NoChampionPolicy::parse(gates.text("no_champion")?)?,
        beat_dummy: gates.flag("beat_dummy")?,
    })
}

pub(super) fn strategy(rollout: &Section) -> Option<RolloutStrategy> {
    RolloutStrategy::parse(rollout.text("strategy")?)
}

pub(super) fn watch(watch: &Section) -> Option<WatchSpec> {
    let rollback_on = if watch.has("rollback_on") {
        let named = watch.texts("rollback_on").into_iter();
        named.map(|(text, _)| WatchReason::parse(text)).collect::<Option<_>>()?
    } else {
        WatchReason::ALL.to_vec()
    };
    Some(WatchSpec {
        ticks: watch.integer("ticks")?.try_into().ok()?,
        rollback_on,
        disagreement_max: watch.number("disagreement_max")?,
        failures_max: watch.integer("failures_max")?.try_into().ok()?,
        rescore: watch.flag("rescore")?,
    })
}
