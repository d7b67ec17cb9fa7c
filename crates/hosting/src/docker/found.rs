//! What was found of a daemon, for people: who it is, and what it can't hold sandboxes to.

use std::fmt;

use bollard::models::{SystemInfo, SystemVersion};

/// A daemon that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it listens.
    pub address: String,
    /// Its name and version, for example `Docker 28.0.1`.
    pub engine: String,
    /// The version of the interface that is spoken with it.
    pub api: String,
    /// How it stores images, for example `overlay2 on extfs`.
    pub storage: String,
    /// What it does not do, in sentences.
    pub lacks: Vec<String>,
}

impl fmt::Display for Found {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (API {}, {}) at {}", self.engine, self.api, self.storage, self.address)
    }
}

impl Found {
    pub(super) fn of(address: &str, api: &str, info: &SystemInfo, version: &SystemVersion) -> Self {
        let number = version.version.as_deref().or(info.server_version.as_deref()).unwrap_or("?");
        Self {
            address: address.to_owned(),
            engine: format!("{} {number}", if is_podman(version) { "Podman" } else { "Docker" }),
            api: api.to_owned(),
            storage: storage(info),
            lacks: lacks(info, is_podman(version)),
        }
    }
}

/// Whether it is Podman, which speaks the same interface but knows fewer options.
pub(super) fn is_podman(version: &SystemVersion) -> bool {
    version.components.iter().flatten().any(|component| component.name.contains("Podman"))
}

/// Whether it runs without the rights of root, in a network of its own.
pub(super) fn is_rootless(info: &SystemInfo) -> bool {
    info.security_options.iter().flatten().any(|option| option.contains("rootless"))
}

/// Whether the writable layer of a container can have a size.
pub(super) fn may_limit_disk(info: &SystemInfo) -> bool {
    match info.driver.as_deref() {
        Some("btrfs" | "zfs") => true,
        Some("overlay2" | "overlay") => backing(info) == Some("xfs"),
        _ => false,
    }
}

/// How images are stored, and on what.
pub(super) fn storage(info: &SystemInfo) -> String {
    let driver = info.driver.as_deref().unwrap_or("an unknown storage driver");
    match backing(info) {
        Some(backing) => format!("{driver} on {backing}"),
        None => driver.to_owned(),
    }
}

fn backing(info: &SystemInfo) -> Option<&str> {
    let rows = info.driver_status.iter().flatten();
    rows.filter(|row| row.first().is_some_and(|name| name == "Backing Filesystem"))
        .find_map(|row| row.get(1).map(String::as_str))
}

fn lacks(info: &SystemInfo, is_podman: bool) -> Vec<String> {
    let mut lacks = Vec::new();
    for (flag, what) in [
        (info.memory_limit, "memory"),
        (info.swap_limit, "swap"),
        (info.cpu_cfs_quota, "processor time"),
        (info.pids_limit, "the number of processes"),
    ] {
        // Podman leaves some of these out of its answer.
        if flag == Some(false) && !is_podman {
            lacks.push(format!("The kernel has no limit on {what} that the daemon could set."));
        }
    }
    if !may_limit_disk(info) {
        lacks.push(format!(
            "Storage is {}, which has no quotas: what a sandbox writes outside of its home is measured every \
             second, and it is stopped when that is too much.",
            storage(info)
        ));
    }
    if !info.security_options.iter().flatten().any(|option| option.contains("seccomp")) {
        lacks.push("The daemon filters no system calls (seccomp is off).".to_owned());
    }
    lacks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(driver: &str, backing: &str) -> SystemInfo {
        SystemInfo {
            driver: Some(driver.to_owned()),
            driver_status: Some(vec![vec!["Backing Filesystem".to_owned(), backing.to_owned()]]),
            security_options: Some(vec!["name=seccomp,profile=default".to_owned()]),
            ..SystemInfo::default()
        }
    }

    #[test]
    fn a_daemon_is_named_with_its_version_storage_and_place() {
        let version = SystemVersion { version: Some("28.0.1".to_owned()), ..SystemVersion::default() };
        let found = Found::of("unix:///d.sock", "1.48", &info("overlay2", "xfs"), &version);
        assert_eq!(found.to_string(), "Docker 28.0.1 (API 1.48, overlay2 on xfs) at unix:///d.sock");
        assert_eq!(found.lacks, [""; 0]);
    }

    #[test]
    fn what_a_daemon_cannot_limit_is_said() {
        let info =
            SystemInfo { swap_limit: Some(false), security_options: None, ..info("overlay2", "extfs") };
        let found = Found::of("a", "1", &info, &SystemVersion::default());
        for (lack, part) in found.lacks.iter().zip(["swap", "overlay2 on extfs", "seccomp"]) {
            assert!(lack.contains(part), "{lack}");
        }
        assert_eq!(found.lacks.len(), 3);
    }
}
