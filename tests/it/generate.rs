//! Assets that the binary prints: what a service manager makes of the unit.

use std::process::Command;

use crate::sandbox::Sandbox;
use crate::suite::skip;

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    let sandbox = Sandbox::new().file("100% \"mine\" $HOME/nightshift.toml", "");
    let folder = sandbox.root().join("100% \"mine\" $HOME");
    let said =
        sandbox.run(["generate", "systemd", "--project", folder.to_str().unwrap()]).expect(0);
    let unit = &said.stdout;
    for line in ["Type=notify", "KillMode=mixed", "TimeoutStopSec=330", "WatchdogSec=30"] {
        assert!(unit.lines().any(|found| found == line), "wanted {line}\n{unit}");
    }
    let path = r#"/100%% \"mine\" $$HOME""#;
    assert!(
        unit.contains(&format!("daemon --project \"{}{path}", sandbox.root().display())),
        "{unit}"
    );
    assert!(!unit.contains("StateDirectory"), "the project is elsewhere:\n{unit}");
    sandbox.write("nightshift.service", unit);
    let mut verify = Command::new("systemd-analyze");
    verify.arg("verify").arg("--man=no").arg(sandbox.root().join("nightshift.service"));
    let Ok(verified) = verify.output() else {
        skip("there is no systemd-analyze");
        return;
    };
    let found = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success() && !found.contains("nightshift.service"), "{found}\n{unit}");
}

#[test]
fn the_unit_waits_as_long_as_the_project_says() {
    let sandbox = Sandbox::new().file(
        "nightshift.toml",
        "data_roots = [\"/srv/tables\"]\n[daemon]\ndrain_timeout = \"10m\"\n",
    );
    let said = sandbox.run(["generate", "systemd"]).expect(0);
    assert!(said.stdout.contains("TimeoutStopSec=630"), "{}", said.stdout);
    assert!(said.stdout.contains(" \"/srv/tables\"\n"), "{}", said.stdout);
    let none = sandbox.run(["generate", "systemd", "--project", "nowhere"]).expect(2);
    assert!(none.stderr.contains("there is no folder"), "{}", none.stderr);
}
