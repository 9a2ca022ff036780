//! A schedule that leaves its runs too little time: `next` says so, and the daemon when it begins to follow it.

use super::{job, project, stop};

#[test]
fn a_period_below_the_usual_duration_is_told() {
    // A run of a hundredth of a second takes six.
    let sandbox = project("2026-01-05T03:00:00Z", 600)
        .job("churn", &job("churn", "* * * * * *", "overlap = \"skip\""))
        .job("calm", &job("calm", "0 0 * * *", ""));
    let lints = |name: &str| {
        let found = sandbox.run(["next", name, "--output", "json"]).expect(0).json();
        found["lints"].as_array().unwrap().iter().map(ToString::to_string).collect::<String>()
    };
    for day in 1..=5 {
        assert!(!lints("churn").contains("apart"), "after {} runs", day - 1);
        for name in ["churn", "calm"] {
            sandbox.run(["run", name, "--tick", &format!("2026-01-{day:02}")]).expect(0);
        }
    }
    let found = lints("churn");
    assert!(found.contains("two ticks are only 1.0 s apart"), "{found}");
    assert!(found.contains("one in twenty of the last 5 runs took"), "{found}");
    assert!(!lints("calm").contains("apart"));
    let text = sandbox.run(["next", "churn"]).expect(0).stdout;
    assert!(text.contains("note: two ticks are only 1.0 s apart"), "{text}");

    let daemon = sandbox.spawn(["daemon"]);
    sandbox.wait_for(&["status"], |status| !status["daemon"].is_null());
    std::thread::sleep(std::time::Duration::from_secs(1));
    sandbox.run(["reload"]).expect(0);
    std::thread::sleep(std::time::Duration::from_secs(2));
    let said = stop(daemon).expect(0).stderr;
    let told = said.matches("schedule of `churn`: two ticks are only 1.0 s apart").count();
    assert_eq!(told, 2, "at the start and after the reload:\n{said}");
    assert!(!said.contains("schedule of `calm`"), "{said}");
}
