//! The keys at the top of a job file, and those that say when and under which limits a job runs:
//! `[schedule]` and `[run]`. The other tables are named here and listed in their own modules. What has
//! its effect already and what comes later is said key by key.

use super::Shape::{
    Choice as OneFrom, Duration, Flag, Integer, JobName, List, Number, Size, Table, Tables, Text,
};
use super::{Bounds, Choice, Key, data, policy, score};

/// Every key of a job file.
pub(crate) static JOB: &[Key] = &[
    Key::new("name", JobName, "The name of the job and of its model.").required(),
    Key::new("description", Text, "What the job is for; shown in reports."),
    Key::new("owner", Text, "Who answers for the job; shown in reports."),
    Key::new("enabled", Flag, "False: no schedule, by hand only.").or("true"),
    Key::new("schedule", Table(SCHEDULE), "When to score.").unset("on demand only"),
    Key::new("run", Table(RUN), "What holds for score and train runs alike."),
    Key::new("data", Table(data::DATA), "The data, for scoring and training alike.").required(),
    Key::new("features", Table(data::FEATURES), "Which columns the model sees, and how.")
        .unset("every column but id, time, label and hive keys"),
    Key::new("model", Table(data::MODEL), "What is learned, and by which method.").required(),
    Key::new("score", Table(score::SCORE), "What is scored, and where the scores go.").required(),
    Key::new("train", Table(score::TRAIN), "What a version is trained and evaluated on."),
    Key::new("check", Tables(score::CHECK), "One expectation of the data that are scored."),
    Key::new("drift", Table(policy::DRIFT), "How the data are compared with a reference."),
    Key::new("monitor", Table(policy::MONITOR), "Which performance figures are followed.").later(),
    Key::new("retrain", Table(policy::RETRAIN), "When a new version is trained.")
        .unset("by hand and from CI only"),
    Key::new("gate", Tables(policy::GATE), "What a candidate must show before it is promoted.")
        .unset("`non_inferiority` on the task's first metric"),
    Key::new("gates", Table(policy::GATES), "What holds for all gates together."),
    Key::new("rollout", Table(policy::ROLLOUT), "How a candidate becomes champion.")
        .unset("immediate"),
    Key::new("watch", Table(policy::WATCH), "What is watched after a promotion."),
    Key::new("notify", Table(policy::NOTIFY), "Who is told of what.").later(),
];

static SCHEDULE: &[Key] = &[
    Key::new("cron", Text, "A cron expression of 5 fields, or 6 with seconds first.").required(),
    Key::new("timezone", Text, "The IANA zone of the schedule, of templates and of naive times.")
        .or("\"UTC\""),
    Key::new(
        "day_match",
        OneFrom(&[Choice::now("and"), Choice::now("or")]),
        "Whether both day fields must match or either; only where the expression is ambiguous.",
    ),
    Key::new(
        "catchup",
        OneFrom(&[Choice::now("skip"), Choice::now("latest"), Choice::now("all")]),
        "Which missed ticks the daemon runs.",
    )
    .or("\"latest\""),
    Key::new("catchup_window", Duration { min_secs: 0 }, "How far back missed ticks are run.")
        .or("\"24h\""),
    Key::new(
        "catchup_max",
        Integer { min: 1, max: 10_000 },
        "How many missed ticks are run, with `all`.",
    )
    .or("100"),
    Key::new("misfire_grace", Duration { min_secs: 0 }, "How late a tick still counts as on time.")
        .or("\"60s\""),
    Key::new("jitter", Duration { min_secs: 0 }, "The longest delay of a run's start.")
        .or("\"0s\""),
    Key::new("overlap", OneFrom(OVERLAP), "What a tick does while a run of the job is active.")
        .or("\"skip\""),
    Key::new(
        "max_concurrent",
        Integer { min: 1, max: 1_000 },
        "How many runs at a time, with `overlap = \"allow\"`.",
    ),
    Key::new("depends_on_past", Flag, "Wait until the previous tick is committed.").or("false"),
    Key::new("wait_for", Duration { min_secs: 0 }, "How long to wait for the input of a tick.")
        .or("\"0s\""),
];

static OVERLAP: &[Choice] = &[
    Choice::now("skip"),
    Choice::now("queue_one"),
    Choice::now("queue_all"),
    Choice::now("replace"),
    Choice::now("allow"),
];

static RUN: &[Key] = &[
    Key::new("timeout", Duration { min_secs: 1 }, "How long a run may take.").or("\"2h\""),
    Key::new("kill_grace", Duration { min_secs: 0 }, "The time between asking and killing.")
        .or("\"20s\""),
    Key::new("memory_max", Size, "How much memory a run may use."),
    Key::new("threads", Integer { min: 1, max: 1_024 }, "How many threads may compute.")
        .unset("all cores"),
    Key::new("retry", Table(RETRY), "When a failed run is tried again."),
    Key::new(
        "pause_after_failures",
        Integer { min: 1, max: 1_000 },
        "After how many dead runs in a row the job is paused.",
    )
    .or("5"),
];

static RETRY: &[Key] = &[
    Key::new("attempts", Integer { min: 1, max: 100 }, "How many tries in all.").or("3"),
    Key::new("base", Duration { min_secs: 0 }, "The delay before the second try.").or("\"10s\""),
    Key::new("factor", Number(Bounds::from(1.0, 100.0)), "By how much each delay grows.").or("2.0"),
    Key::new("max", Duration { min_secs: 0 }, "The longest delay.").or("\"15m\""),
    Key::new("jitter", Number(Bounds::SHARE), "The random share of each delay.").or("0.2"),
    Key::new("max_elapsed", Duration { min_secs: 0 }, "When trying again ends.").or("\"2h\""),
];

/// A list of distinct choices, at least one.
pub(crate) const fn list_of(shape: &'static super::Shape) -> super::Shape {
    List { of: shape, count_min: 1 }
}
