//! Every key of `nightshift.toml`, in the order of its documentation.
//!
//! The shapes and their reader are those of job files.

use crate::domain::job::keys::Shape::{
    Choice as OneFrom, Duration, Flag, Folder, Integer, List, Listen, Place, Root, Table,
};
use crate::domain::job::keys::{Choice, Key};

pub(super) static PROJECT: &[Key] = &[
    Key::new("jobs_dir", Folder, "Where job files are.").or("\"jobs\""),
    Key::new(
        "state_dir",
        Place,
        "Where all state is: on a local file system, for this project alone.",
    )
    .or("\"state\""),
    Key::new(
        "data_roots",
        List { of: &Root, count_min: 0 },
        "Absolute folders outside of the project that jobs may read and write.",
    )
    .or("[]"),
    Key::new(
        "log",
        OneFrom(&[
            Choice::now("error"),
            Choice::now("warn"),
            Choice::now("info"),
            Choice::now("debug"),
            Choice::now("trace"),
        ]),
        "How much is logged.",
    )
    .or("\"info\""),
    Key::new("daemon", Table(DAEMON), "How the daemon works."),
    Key::new("keep", Table(KEEP), "What may be deleted."),
    Key::new("api", Table(API), "Where the API listens.").unset("no socket is opened").later(),
];

static DAEMON: &[Key] = &[
    Key::new("max_running", Integer { min: 1, max: 1_024 }, "How many runs at a time.")
        .unset("half the cores, at least 1"),
    Key::new("drain_timeout", Duration { min_secs: 0 }, "How long stopping may take.")
        .or("\"300s\""),
    Key::new("reload_on_change", Flag, "Whether job files are read again when they have changed.")
        .or("false"),
    Key::new("metrics", Place, "The file of metrics; its name ends in `.prom`.")
        .unset("`metrics.prom` in the folder of the state"),
];

static KEEP: &[Key] = &[
    Key::new("runs", Duration { min_secs: 1 }, "How long runs are kept.").or("\"365d\""),
    Key::new(
        "profiles",
        Duration { min_secs: 1 },
        "How long profiles of score runs are kept, and drift findings that passed.",
    )
    .unset("as `keep.runs`"),
    Key::new("logs", Duration { min_secs: 1 }, "How long logs of runs are kept.")
        .unset("as `keep.runs`"),
    Key::new(
        "model_versions",
        Integer { min: 1, max: 1_000_000 },
        "How many versions of each model are kept.",
    )
    .or("20"),
    Key::new(
        "superseded",
        Duration { min_secs: 0 },
        "How long files stay that a correction has replaced.",
    )
    .or("\"24h\""),
];

static API: &[Key] =
    &[Key::new("listen", Listen, "An address and a port.").or("\"127.0.0.1:8700\"")];
