//! The same bytes again: every kind trained and every tick scored in new projects, on one, two and eight threads.
//!
//! Model files are compared by the digest that names them, scores by the digest of the published file. The rows
//! are made up, in two files, and are more than any part that one thread works on alone: a block of a profile, a
//! lane of a sum, a chunk of a tree. `NIGHTSHIFT_ROUNDS` sets how often, 20 in full.

use std::fmt::Write as _;

use rand::{Rng as _, SeedableRng as _};

use crate::sandbox::Sandbox;
use crate::suite::{asked, say};
use crate::tables::parquet;

/// Repeats in an ordinary test run.
const REPEATS: usize = 1;

/// Rows of each file. Four fifths of all are fitted, which is more than the 16,384 rows that trees add up at a time.
const ROWS: [u32; 2] = [12_000, 9_000];

/// What is learned from the rows, and the kinds that can.
struct Task {
    name: &'static str,
    label: &'static str,
    kinds: &'static [&'static str],
}

const LABELS: [&str; 3] = ["two", "three", "value"];

const TASKS: [Task; 3] = [
    Task {
        name: "binary",
        label: LABELS[0],
        kinds: &[
            "logistic",
            "gaussian_nb",
            "decision_tree",
            "random_forest",
            "gradient_boosting",
            "ftrl",
        ],
    },
    Task {
        name: "multiclass",
        label: LABELS[1],
        kinds: &["logistic", "gaussian_nb", "decision_tree", "random_forest", "gradient_boosting"],
    },
    Task {
        name: "regression",
        label: LABELS[2],
        kinds: &["linear", "elastic_net", "decision_tree", "random_forest", "gradient_boosting"],
    },
];

/// Both files: numbers of many sizes, so that sums depend on their order, one with gaps; a word; and the labels.
fn files() -> [Vec<u8>; 2] {
    let mut random = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(5);
    let mut id = 0;
    ROWS.map(|rows| {
        let mut out = String::from("id,size,speed,heat,count,gaps,city,two,three,value\n");
        for _ in 0..rows {
            let size = random.gen_range(-6.0..6.0_f64).exp();
            let [speed, heat, noise] = [(); 3].map(|()| random.gen_range(-1.0..1.0_f64));
            let count = random.gen_range(0..40);
            let gaps = if random.gen_bool(0.1) { String::new() } else { format!("{heat:.2}") };
            let city = random.gen_range(0..12_u32);
            let value = size.ln() + speed * heat * 4.0 + f64::from(city % 5) + 3.0 * noise;
            let [two, three] = [value > 2.0, value > 4.0].map(u8::from);
            writeln!(
                out,
                "{id},{size},{speed},{heat},{count},{gaps},city {city},{two},class {},{value}",
                two + three
            )
            .unwrap();
            id += 1;
        }
        parquet(&out, "id")
    })
}

/// The digests of the model and of the scores that come of a new project.
#[track_caller]
fn digests(files: &[Vec<u8>; 2], task: &Task, kind: &str, threads: usize) -> [String; 2] {
    let Task { name, label, .. } = task;
    let excluded: Vec<&str> = LABELS.into_iter().filter(|other| other != label).collect();
    let job = format!(
        "name = \"made\"\n[data]\nsource = \"data/*.parquet\"\nid = \"id\"\nlabel = \"{label}\"\n\
         [features]\nexclude = [\"model_version\", \"{}\"]\n[model]\ntask = \"{name}\"\nkind = \"{kind}\"\n\
         [score]\noutput = \"scores/made\"\n[gates]\nbeat_dummy = false\n[drift]\nthen = \"report\"\n",
        excluded.join("\", \"")
    );
    let sandbox = Sandbox::new()
        .job("made", &job)
        .data("a.parquet", &files[0])
        .data("b.parquet", &files[1])
        .env("RAYON_NUM_THREADS", &threads.to_string())
        .env("POLARS_MAX_THREADS", &threads.to_string());
    let run = sandbox.run(["run", "made", "--tick", "2026-01-05", "--output", "json"]);
    let run = run.expect(0).json();
    let digest = |pointer: &str| {
        run.pointer(pointer).unwrap_or_else(|| panic!("{run:#}")).as_str().unwrap().to_owned()
    };
    [digest("/model/sha256"), digest("/outputs/0/sha256")]
}

#[test]
fn every_kind_gives_the_same_bytes_again_at_any_number_of_threads() {
    let files = files();
    let repeats = asked("NIGHTSHIFT_ROUNDS").unwrap_or(REPEATS);
    let mut projects = 0;
    for task in &TASKS {
        for kind in task.kinds {
            let wanted = digests(&files, task, kind, 1);
            for repeat in 0..repeats {
                for threads in [1, 2, 8] {
                    let found = digests(&files, task, kind, threads);
                    let name = task.name;
                    assert_eq!(found, wanted, "{name}, {kind}, {threads} threads, repeat {repeat}");
                    projects += 1;
                }
            }
        }
    }
    say(&format!("{projects} projects gave the same models and scores as the first of their kind"));
}
