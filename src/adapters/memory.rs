//! How much memory the process holds, as the kernel counts it.
//!
//! Memory-mapped input files count as held until the kernel wants them back, so the peak of everything
//! says little about what the process needs; the anonymous part does.

use std::fs;

/// Memory of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// The most that was resident at a time, file mappings included (`VmHWM`).
    pub peak_rss_bytes: u64,
    /// What is resident now and belongs to no file (`RssAnon`).
    pub anonymous_bytes: u64,
}

/// The memory of this process, or `None` where the kernel does not say.
pub fn read() -> Option<Memory> {
    parse(&fs::read_to_string("/proc/self/status").ok()?)
}

/// Reads the text of `/proc/<pid>/status`, see `proc_pid_status(5)`.
fn parse(status: &str) -> Option<Memory> {
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        kibibytes.checked_mul(1024)
    };
    Some(Memory { peak_rss_bytes: bytes("VmHWM")?, anonymous_bytes: bytes("RssAnon")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_lines_are_found() {
        let text = "Name:\tVmHWM\nVmPeak:\t  999 kB\nVmHWM:\t   2048 kB\nRssAnon:\t  1 kB\n";
        let expect = Memory { peak_rss_bytes: 2_097_152, anonymous_bytes: 1_024 };
        assert_eq!(parse(text), Some(expect));
    }

    #[test]
    fn anything_else_is_unknown() {
        for text in ["", "VmHWM: 1 kB", "VmHWM: x kB\nRssAnon: 1 kB", "VmHWM: 1\nRssAnon: 1"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&format!("VmHWM: {} kB\nRssAnon: 1 kB", u64::MAX)), None);
    }

    #[test]
    fn this_process_holds_some() {
        let found = read().unwrap();
        assert!(found.peak_rss_bytes >= found.anonymous_bytes && found.anonymous_bytes > 0);
    }
}
