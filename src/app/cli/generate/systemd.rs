//! The systemd unit of a project's daemon.
//!
//! The service may write to the project and to its data roots and to nothing else, and gets no right that the
//! daemon does not need. Paths are quoted as systemd reads them: `%` begins a specifier everywhere, `$` a
//! variable in the arguments of a command, and a backslash or a quote needs a backslash.

use std::path::Path;

use crate::app::cli::failure::Failure;

/// What differs from unit to unit.
#[derive(Debug)]
pub(super) struct Unit<'a> {
    /// The executable.
    pub(super) program: &'a Path,
    /// The root of the project.
    pub(super) project_dir: &'a Path,
    /// Folders outside of it that jobs read and write, and where the state and the metrics are.
    pub(super) others: Vec<&'a Path>,
    /// After so long, systemd kills what has not stopped.
    pub(super) stop_secs: u64,
}

/// Where services have their state by custom; systemd makes the folder there.
const STATE: &str = "/var/lib/";

/// Folders that `ProtectHome` hides.
const HOMES: [&str; 3] = ["/home", "/root", "/run/user"];

impl Unit<'_> {
    /// The text of the unit.
    pub(super) fn text(&self) -> Result<String, Failure> {
        let program = quoted(self.program)?;
        let project = quoted(self.project_dir)?;
        let argument = project.replace('$', "$$");
        let mut writable = vec![project];
        for root in &self.others {
            writable.push(quoted(root)?);
        }
        let writable = writable.join(" ");
        let mut paths = vec![self.program, self.project_dir];
        paths.extend(&self.others);
        let is_home = |path: &&Path| HOMES.iter().any(|home| path.starts_with(home));
        let protect_home = match paths.iter().find(|path| is_home(path)) {
            Some(_) => {
                "# What the service needs lies in a home, which `yes` would hide.\nProtectHome=no"
            }
            None => "ProtectHome=yes",
        };
        let state = self.state_directory().map_or_else(String::new, |name| {
            format!("# systemd makes this folder of the project for the user.\nStateDirectory={name}\nStateDirectoryMode=0750\n")
        });
        let stop_secs = self.stop_secs;
        Ok(format!(
            "{HEAD}
ExecStart={program} daemon --project {argument}
# Reads the job files again.
ExecReload=/bin/kill -HUP $MAINPID
# Who owns the project. Make them with: useradd --system nightshift
User=nightshift
Group=nightshift
DynamicUser=no
{state}RuntimeDirectory=nightshift
# The group may read what is published, and the metrics: usermod --append --groups nightshift READER
UMask=0027
# The README says which variables reach the runs. For one thread of polars in each run that says nothing itself:
#Environment=POLARS_MAX_THREADS=1

# Runs are waited for, as long as `daemon.drain_timeout` says, then ended; only then does systemd kill.
TimeoutStopSec={stop_secs}
KillMode=mixed
KillSignal=SIGTERM
# The daemon says every second that it is alive.
WatchdogSec=30
Restart=on-failure
RestartSec=2

# All that it may write to.
ProtectSystem=strict
ReadWritePaths={writable}
{protect_home}
{HARDENING}
"
        ))
    }

    /// The folder below `/var/lib` that the project is, if it is one of a simple name.
    fn state_directory(&self) -> Option<&str> {
        let name = self.project_dir.to_str()?.strip_prefix(STATE)?;
        let is_simple = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
        (!name.is_empty() && name.chars().all(is_simple)).then_some(name)
    }
}

const HEAD: &str = "# Written by `nightshift generate systemd`, for one project. Keep changes of your own in a drop-in:
# systemctl edit nightshift
[Unit]
Description=nightshift, nightly scoring
# A clock that is wrong makes ticks late; the daemon begins nothing while its clock is behind the record.
After=network-online.target time-sync.target
Wants=network-online.target

[Service]
# The daemon says when it follows the schedules.
Type=notify";

const HARDENING: &str = "PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
ProtectProc=invisible
ProcSubset=pid
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
# It becomes nobody else, and nothing that it starts does.
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictRealtime=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
KeyringMode=private
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
# Nothing is sent and nobody listened to, but on this machine.
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
IPAddressDeny=any
IPAddressAllow=localhost
# A dump would hold rows.
LimitCORE=0

[Install]
WantedBy=multi-user.target";

/// A path as one word of a unit file.
fn quoted(path: &Path) -> Result<String, Failure> {
    let text = path.to_str().filter(|text| !text.chars().any(char::is_control));
    let Some(text) = text else {
        let message = format!(
            "`{}` cannot stand in a unit file: wanted a path in UTF-8 without control characters",
            path.display()
        );
        return Err(Failure::usage(message).hint("move it, or make a link to it with another name"));
    };
    let text = text.replace('%', "%%").replace('\\', "\\\\").replace('"', "\\\"");
    Ok(format!("\"{text}\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt as _;

    fn unit(program: &str, project_dir: &str, root: &str) -> String {
        let (program, project_dir) = (Path::new(program), Path::new(project_dir));
        let others = vec![Path::new(root)];
        Unit { program, project_dir, others, stop_secs: 330 }.text().unwrap()
    }

    #[track_caller]
    fn has(text: &str, line: &str) {
        assert!(text.lines().any(|found| found == line), "wanted {line}\n{text}");
    }

    #[test]
    fn paths_are_written_as_systemd_reads_them() {
        let text = unit("/opt/a b/night%shift", "/srv/a \"b\" $C \\d", "/data/100%");
        has(&text, r#"ExecStart="/opt/a b/night%%shift" daemon --project "/srv/a \"b\" $$C \\d""#);
        has(&text, r#"ReadWritePaths="/srv/a \"b\" $C \\d" "/data/100%%""#);
        has(&text, "TimeoutStopSec=330");
        has(&text, "ProtectHome=yes");
        assert!(!text.contains("StateDirectory"), "{text}");
    }

    #[test]
    fn the_unit_knows_where_the_project_lies() {
        let text = unit("/usr/bin/nightshift", "/var/lib/nightshift", "/data");
        has(&text, "StateDirectory=nightshift");
        has(&text, "StateDirectoryMode=0750");
        // Who reads what is published is in the group; nobody else reads anything.
        has(&text, "UMask=0027");
        has(&text, "Group=nightshift");
        assert!(!text.contains("LoadCredential"), "{text}");
        let text = unit("/usr/bin/nightshift", "/home", "/data");
        has(&text, "ProtectHome=no");
        let text = unit("/usr/bin/nightshift", "/srv/wine", "/home");
        has(&text, "ProtectHome=no");
    }

    #[test]
    fn a_path_that_no_unit_can_hold_is_refused() {
        for bytes in [b"/srv/a\nb".as_slice(), b"/srv/\xff"] {
            assert!(quoted(Path::new(std::ffi::OsStr::from_bytes(bytes))).is_err());
        }
    }
}
