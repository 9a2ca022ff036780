//! The settings that watch and govern a model, as a person would say them.

use crate::domain::job::Job;
use crate::domain::job::policy::{
    DriftReference, DriftSpec, GateSpec, MARGIN, RetrainReason, RetrainSpec, Severity, WatchSpec,
};

/// Tells `add` every setting of `[drift]`, `[retrain]`, `[[gate]]`, `[gates]`, `[rollout]` and `[watch]`.
pub(super) fn add(job: &Job, add: &mut impl FnMut(&str, Option<String>)) {
    drift(&job.drift, add);
    add("retrain", Some(job.retrain.as_ref().map_or_else(|| "by hand only".to_owned(), retrain)));
    for spec in &job.gates {
        add("gate", Some(gate(spec)));
    }
    let gates = job.gates_together;
    add("gates.inconclusive", Some(gates.inconclusive.id().to_owned()));
    add("gates.no_champion", Some(gates.no_champion.id().to_owned()));
    add("gates.beat_dummy", Some(gates.beat_dummy.to_string()));
    add("rollout.strategy", Some(job.rollout.id().to_owned()));
    add("watch", Some(watch(&job.watch)));
}

fn drift(drift: &DriftSpec, add: &mut impl FnMut(&str, Option<String>)) {
    let reference = match drift.reference {
        DriftReference::Training => "training".to_owned(),
        DriftReference::Previous => "previous".to_owned(),
        DriftReference::SameWeekday => "same_weekday".to_owned(),
        DriftReference::Rolling(span) => format!("the last {span:#}"),
    };
    add("drift.reference", Some(reference));
    add("drift.alpha", Some(drift.alpha.to_string()));
    add("drift.floor", Some(drift.floor.to_string()));
    add("drift.share", Some(drift.share.to_string()));
    add("drift.rows_min", Some(drift.rows_min.to_string()));
    add("drift.then", Some(drift.then.id().to_owned()));
    let persist = drift.persist;
    add("drift.persist", Some(format!("{} of the last {} ticks", persist.ticks, persist.of)));
    for chosen in &drift.columns {
        let names = chosen.columns.join(", ");
        let how = match (chosen.ignore, chosen.floor) {
            (true, _) => "ignored".to_owned(),
            (false, Some(floor)) => format!("{}, floor {floor}", chosen.test.id()),
            (false, None) => chosen.test.id().to_owned(),
        };
        add("drift.column", Some(format!("{names}: {how}")));
    }
}

fn retrain(spec: &RetrainSpec) -> String {
    let reason = |reason: &RetrainReason| match reason {
        RetrainReason::Drift => "drift".to_owned(),
        RetrainReason::NewRows(rows) => format!("{rows} new rows"),
        RetrainReason::Age(age) => format!("an age of {age:#}"),
    };
    let cron = spec.cron.iter().map(|schedule| format!("`{}`", schedule.cron()));
    let reasons: Vec<String> = cron.chain(spec.on.iter().map(reason)).collect();
    format!("on {}, cool-down {:#}", reasons.join(" or "), spec.cooldown)
}

fn gate(gate: &GateSpec) -> String {
    let mut parts = vec![gate.metric.clone()];
    parts.extend(gate.min.map(|min| format!("at least {min}")));
    parts.extend(gate.max.map(|max| format!("at most {max}")));
    if let Some(rule) = gate.compare {
        let margin = gate.margin.map_or_else(
            || match gate.margin_unit() {
                Some(unit) => format!("{MARGIN} of the champion's {unit}"),
                None => MARGIN.to_string(),
            },
            |margin| margin.to_string(),
        );
        parts.push(format!("{rule} with margin {margin}"));
        parts.push(format!("confidence {}", gate.confidence));
    }
    if let Some(column) = &gate.slice {
        parts.push(format!("by {column} from {} rows on", gate.slice_rows_min));
    }
    if gate.severity == Severity::Warn {
        parts.push("only warns".to_owned());
    }
    parts.join(", ")
}

fn watch(watch: &WatchSpec) -> String {
    if watch.ticks == 0 {
        return "none".to_owned();
    }
    let reasons: Vec<&str> = watch.rollback_on.iter().map(|reason| reason.id()).collect();
    let after = if watch.rescore { "scores are corrected" } else { "scores stay" };
    format!(
        "{} ticks for {}; disagreement up to {}, {} failures borne, {after}",
        watch.ticks,
        reasons.join(", "),
        watch.disagreement_max,
        watch.failures_max
    )
}
