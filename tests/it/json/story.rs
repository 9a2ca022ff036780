//! The documents of the demo: every kind of finding and of run that follows another is in its nights.

use super::{HISTORY, INIT, RUN, VERIFY, check};
use crate::sandbox::Sandbox;

#[test]
fn the_story_is_as_the_contract_says() {
    let sandbox = Sandbox::new();
    // The nights of the story end in May.
    sandbox.at("2026-06-01T03:00:00Z");
    let told = check(&sandbox, "init --demo", 0, &INIT);
    assert_eq!(told["chapters"].as_array().unwrap().len(), 5);
    let lines = serde_json::to_string(&told["chapters"]).unwrap();
    for word in
        ["initial", "drifted", "promoted (drift)", "rejected (ci)", "rolled back", "changed"]
    {
        assert!(lines.contains(word), "{word}: {told:#}");
    }
    let night = "--project demo --tick 2026-04-23T00:00:00Z";
    let again = check(&sandbox, &format!("run churn {night}"), 0, &RUN);
    assert_eq!(again["verdict"], "rolled_back");
    assert_eq!(again["followed_by"][0]["trigger"], "rollback");
    check(&sandbox, "history churn --project demo", 0, &HISTORY);
    check(&sandbox, "verify --data --project demo", 0, &VERIFY);
}
