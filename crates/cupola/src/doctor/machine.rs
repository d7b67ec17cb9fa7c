//! Checks of this machine: its clock and its limits.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use rustix::process::{Resource, getrlimit};

use super::verdict::Verdict;

/// This version was written after this moment: 1 January 2026.
const WRITTEN_AFTER: Duration = Duration::from_secs(1_767_225_600);

/// Two clocks may differ by this much without anybody minding.
const TOLERANCE: Duration = Duration::from_secs(60);

/// Fewer open files than this, and a small crowd of clients is turned away.
const FEW_FILES: u64 = 1024;

/// The system in words.
pub fn system() -> String {
    let system = rustix::system::uname();
    format!("{} {}", system.sysname().to_string_lossy(), system.machine().to_string_lossy())
}

/// Whether the clock can be right.
pub fn clock(data: &Path) -> Verdict {
    const CHECK: &str = "clock";
    const REMEDY: &str = "Set it, for example with an NTP service: tokens and certificates depend on it";
    let now = SystemTime::now();
    if now < SystemTime::UNIX_EPOCH + WRITTEN_AFTER {
        return Verdict::fail(CHECK, "it shows a time before this version was written", REMEDY);
    }
    match newest_file(data) {
        Some(newest) if newest > now + TOLERANCE => Verdict::warn(
            CHECK,
            "it went back: there are files from the future in the data directory",
            REMEDY,
        ),
        _ => Verdict::ok(CHECK, jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC").to_string()),
    }
}

fn newest_file(data: &Path) -> Option<SystemTime> {
    let entries = data.read_dir().ok()?;
    entries.flatten().filter_map(|entry| entry.metadata().ok()?.modified().ok()).max()
}

/// Whether many clients can be connected at the same time.
pub fn open_files() -> Verdict {
    const CHECK: &str = "open files";
    match getrlimit(Resource::Nofile).current {
        Some(limit @ ..FEW_FILES) => Verdict::warn(
            CHECK,
            format!("at most {limit}, so few clients can be connected at the same time"),
            "Raise the limit: ulimit -n 65536",
        ),
        Some(limit) => Verdict::ok(CHECK, format!("at most {limit}")),
        None => Verdict::ok(CHECK, "no limit"),
    }
}
