//! Folders of scores: each tick has one of its own.

use crate::customers::{Like, table};
use crate::sandbox::Sandbox;

const JOB: &str = r#"
    name = "churn"
    [data]
    source = "data/churn.csv"
    id = "id"
    label = "left"
    [features]
    numeric = ["fee", "age"]
    [model]
    task = "binary"
    [score]
    output = "scores/churn"
"#;

#[test]
fn runs_by_hand_within_a_second_have_folders_of_their_own() {
    let sandbox = Sandbox::new().data("churn.csv", table(24, &[Like::Usual])).job("churn", JOB);
    for number in 0..7 {
        let mut command = sandbox.command();
        let now = format!("2026-01-05T03:00:00.00012{number}Z");
        let ran = command.args(["run", "churn"]).env("NIGHTSHIFT_NOW", now).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }
    // A tick that is on a second has the name it always had, and one that is finer is cut.
    for tick in ["2026-01-05T02:00:00Z", "2026-01-05T02:00:00.000000999Z"] {
        sandbox.run(["score", "churn", "--tick", tick]).expect(0);
    }
    let folders = std::fs::read_dir(sandbox.root().join("scores/churn")).unwrap();
    let names = folders.map(|folder| folder.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.starts_with("tick=")).collect();
    names.sort();
    let wanted = (0..7).map(|number| format!("tick=2026-01-05T030000.00012{number}Z"));
    let whole = "tick=2026-01-05T020000Z".to_owned();
    assert_eq!(names, std::iter::once(whole).chain(wanted).collect::<Vec<_>>());
    sandbox.run(["verify", "--data"]).expect(0);
}

#[test]
fn an_output_that_two_ticks_would_share_is_refused_before_anything_runs() {
    let shared = JOB.replace("scores/churn", "scores/churn/{tick:%F}");
    let sandbox = Sandbox::new()
        .data("churn.csv", table(24, &[Like::Usual]))
        .job("churn", &format!("{shared}\n[schedule]\ncron = \"0 * * * *\"\n"));
    let refused = sandbox.run(["run", "churn"]).expect(3);
    assert!(refused.stderr.contains("write `\"scores/churn/{tick:%FT%H}\"`"), "{}", refused.stderr);
    assert!(!sandbox.root().join("scores").exists());
}
