//! The same bytes again: every kind trained and every tick scored in new projects, on one, two and eight threads.
//!
//! Model files are compared by the digest that names them, scores by the digest of the published file. On real
//! data from `../shared`, which has more rows than a block. `NIGHTSHIFT_ROUNDS` sets how often, 20 in full.

use crate::sandbox::{Sandbox, shared};
use crate::suite::{asked, say};

/// Repeats in an ordinary test run.
const REPEATS: usize = 1;

/// A table, and the kinds that are fitted to it.
struct Table {
    name: &'static str,
    task: &'static str,
    /// Keys of `[data]`, of which one names the label, and what is left out of the features.
    keys: &'static str,
    kinds: &'static [&'static str],
}

const TABLES: [Table; 3] = [
    Table {
        name: "bank",
        task: "binary",
        keys: "id = \"row\"\nlabel = \"label\"\n[features]\nexclude = [\"ym\", \"duration\"]",
        kinds: &[
            "logistic",
            "gaussian_nb",
            "decision_tree",
            "random_forest",
            "gradient_boosting",
            "ftrl",
        ],
    },
    Table {
        name: "wine",
        task: "multiclass",
        keys: "label = \"quality\"",
        kinds: &["logistic", "gaussian_nb", "decision_tree", "random_forest", "gradient_boosting"],
    },
    Table {
        name: "bikes",
        task: "regression",
        keys: "id = \"instant\"\nlabel = \"cnt\"\n[features]\nexclude = [\"casual\", \"registered\"]",
        kinds: &["linear", "elastic_net", "decision_tree", "random_forest", "gradient_boosting"],
    },
];

/// The digests of the model and of the scores that come of a new project.
#[track_caller]
fn digests(folder: &str, table: &Table, kind: &str, threads: usize) -> [String; 2] {
    let Table { name, task, keys, .. } = table;
    let job = format!(
        "name = \"{name}\"\n[data]\nsource = \"{folder}/{name}/*.parquet\"\n{keys}\n[model]\ntask = \"{task}\"\n\
         kind = \"{kind}\"\n[score]\noutput = \"scores/{name}\"\n[gates]\nbeat_dummy = false\n\
         [drift]\nthen = \"report\"\n"
    );
    let sandbox = Sandbox::new()
        .file("nightshift.toml", format!("data_roots = [{folder:?}]\n"))
        .job(name, &job)
        .env("RAYON_NUM_THREADS", &threads.to_string())
        .env("POLARS_MAX_THREADS", &threads.to_string());
    let run = sandbox.run(["run", name, "--tick", "2026-01-05", "--output", "json"]);
    let run = run.expect(0).json();
    let digest = |pointer: &str| {
        run.pointer(pointer).unwrap_or_else(|| panic!("{run:#}")).as_str().unwrap().to_owned()
    };
    [digest("/model/sha256"), digest("/outputs/0/sha256")]
}

#[test]
fn every_kind_gives_the_same_bytes_again_at_any_number_of_threads() {
    let Some(folder) = shared("data") else { return };
    let folder = folder.canonicalize().unwrap().display().to_string();
    let repeats = asked("NIGHTSHIFT_ROUNDS").unwrap_or(REPEATS);
    let mut projects = 0;
    for table in &TABLES {
        for kind in table.kinds {
            let wanted = digests(&folder, table, kind, 1);
            for repeat in 0..repeats {
                for threads in [1, 2, 8] {
                    let found = digests(&folder, table, kind, threads);
                    let name = table.name;
                    assert_eq!(found, wanted, "{name}, {kind}, {threads} threads, repeat {repeat}");
                    projects += 1;
                }
            }
        }
    }
    say(&format!("{projects} projects gave the same models and scores as the first of their kind"));
}
