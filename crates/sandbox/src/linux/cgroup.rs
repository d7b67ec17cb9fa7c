//! Control groups: what a sandbox may use of memory, processor and processes, and whether it wanted more.
//!
//! Groups are made below this process's own, so that whatever limits the service limits its sandboxes too.
//! Both versions of control groups are spoken, also side by side.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::spec::Limits;

/// The kernel gives memory in pieces of up to this size: a group is full when the next one does not fit.
const LARGEST_PIECE: u64 = 4 * 1024 * 1024;

const PERIOD_MICROS: u64 = 100_000;

/// The names of all groups begin with this.
const PREFIX: &str = "cupola-";

/// The groups of one sandbox.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    groups: Vec<Group>,
    /// Where an OCI runtime makes groups beside these, and leaves them if it is killed.
    others: Vec<PathBuf>,
}

#[derive(Debug)]
struct Group {
    folder: PathBuf,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Unified,
    Memory,
    Processor,
    Processes,
}

/// A hierarchy of control groups that this machine has, at the place of this process.
#[derive(Debug, PartialEq, Eq)]
struct Hierarchy {
    folder: PathBuf,
    controllers: Vec<String>,
    unified: bool,
}

impl Groups {
    /// Makes groups with these limits, and says what can't be limited here.
    pub(crate) fn make(name: &str, limits: &Limits, for_oci_runtime: bool) -> (Self, Vec<String>) {
        let hierarchies = here();
        let mut made = Self::default();
        let mut warnings = Vec::new();
        for (kind, controller, what) in [
            (Kind::Memory, "memory", "memory"),
            (Kind::Processor, "cpu", "processor time"),
            (Kind::Processes, "pids", "the number of processes"),
        ] {
            if let Err(error) = made.hold(&hierarchies, kind, controller, name, limits) {
                warnings.push(format!("On this machine {what} of a sandbox can't be limited: {error}"));
            }
        }
        if for_oci_runtime {
            let all = hierarchies.iter().map(|hierarchy| hierarchy.folder.join(name));
            made.others = all.filter(|folder| !folder.exists()).collect();
        }
        (made, warnings)
    }

    /// Puts a process, and with it all that it starts, into the groups.
    pub(crate) fn add(&self, process: u32) -> io::Result<()> {
        self.groups.iter().try_for_each(|group| write(&group.folder, "cgroup.procs", &process.to_string()))
    }

    /// Whether there is a limit to the number of processes.
    pub(crate) fn count_processes(&self) -> bool {
        self.groups.iter().any(|group| match group.kind {
            Kind::Processes => true,
            Kind::Unified => group.folder.join("pids.max").exists(),
            _ => false,
        })
    }

    /// Whether a process was killed for want of memory. `was_killed` is whether the first one was.
    pub(crate) fn was_out_of_memory(&self, was_killed: bool) -> bool {
        self.groups.iter().any(|group| {
            let read = |file| fs::read_to_string(group.folder.join(file)).unwrap_or_default();
            let number = |file| read(file).trim().parse::<u64>().unwrap_or(0);
            match group.kind {
                Kind::Unified => kills(&read("memory.events")) > 0,
                // The first version counts a kill in the very group of the killed, and an OCI runtime removes
                // its own. But that all memory was in use is known here too.
                Kind::Memory => {
                    let most = || number("memory.max_usage_in_bytes") + LARGEST_PIECE;
                    let by_the_runtime = was_killed && !self.others.is_empty();
                    kills(&read("memory.oom_control")) > 0
                        || by_the_runtime && most() >= number("memory.limit_in_bytes")
                }
                Kind::Processor | Kind::Processes => false,
            }
        })
    }

    /// Where the groups are, for whoever cleans up after a service that was killed.
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        self.groups.iter().map(|group| &group.folder).chain(&self.others).cloned().collect()
    }

    fn hold(
        &mut self,
        hierarchies: &[Hierarchy],
        kind: Kind,
        controller: &str,
        name: &str,
        limits: &Limits,
    ) -> io::Result<()> {
        let missing = || io::Error::other(format!("the kernel offers no control groups for {controller}"));
        let hierarchy = hierarchies
            .iter()
            .find(|hierarchy| hierarchy.controllers.iter().any(|one| one == controller))
            .ok_or_else(missing)?;
        let folder = hierarchy.folder.join(name);
        if hierarchy.unified {
            hand_down(&hierarchy.folder, controller)?;
        }
        if !self.groups.iter().any(|group| group.folder == folder) {
            fs::create_dir(&folder).map_err(|error| in_place(&folder, &error))?;
            let kind = if hierarchy.unified { Kind::Unified } else { kind };
            self.groups.push(Group { folder: folder.clone(), kind });
        }
        limit(&folder, kind, hierarchy.unified, limits)
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        remove(&self.folders());
    }
}

/// The name of the groups of a sandbox. It says who has made them.
pub(crate) fn name(sandbox: &str) -> String {
    format!("{PREFIX}{}-{sandbox}", std::process::id())
}

/// Removes the empty groups of processes that are gone. Who is killed while it makes a sandbox has not written
/// down yet which groups that has.
pub fn remove_abandoned() {
    for hierarchy in here() {
        remove(&abandoned(&hierarchy.folder));
    }
}

fn abandoned(folder: &Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_gone = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        let maker = name.and_then(|name| name.strip_prefix(PREFIX)?.split('-').next()?.parse::<u32>().ok());
        let is_gone = maker.is_some_and(|maker| !Path::new(&format!("/proc/{maker}")).exists());
        is_gone && fs::read(path.join("cgroup.procs")).is_ok_and(|processes| processes.is_empty())
    };
    folders.filter(is_gone).collect()
}

/// Removes groups in which no process is left, and those below them.
pub(crate) fn remove(folders: &[PathBuf]) {
    for folder in folders {
        for below in fs::read_dir(folder).into_iter().flatten().flatten() {
            if below.file_type().is_ok_and(|kind| kind.is_dir()) {
                remove(&[below.path()]);
            }
        }
        match fs::remove_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(group = %folder.display(), %error, "a control group could not be removed");
            }
            _ => {}
        }
    }
}

fn limit(folder: &Path, kind: Kind, unified: bool, limits: &Limits) -> io::Result<()> {
    let quota = u64::from(limits.cpu_millis) * PERIOD_MICROS / 1000;
    let bytes = limits.memory_bytes.to_string();
    match (kind, unified) {
        (Kind::Memory, true) => {
            write(folder, "memory.max", &bytes)?;
            // All or nothing: half a program is of no use.
            write(folder, "memory.oom.group", "1")?;
            optional(write(folder, "memory.swap.max", "0"))
        }
        (Kind::Memory, false) => {
            write(folder, "memory.limit_in_bytes", &bytes)?;
            optional(write(folder, "memory.memsw.limit_in_bytes", &bytes))
        }
        (Kind::Processor, true) => write(folder, "cpu.max", &format!("{quota} {PERIOD_MICROS}")),
        (Kind::Processor, false) => {
            write(folder, "cpu.cfs_period_us", &PERIOD_MICROS.to_string())?;
            write(folder, "cpu.cfs_quota_us", &quota.to_string())
        }
        _ => write(folder, "pids.max", &limits.processes.to_string()),
    }
}

/// A kernel that does not count swap has no such file.
fn optional(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Lets groups below this one use a controller. A group that hands something down may hold no processes, so
/// this process moves to a group beside its sandboxes, if it is alone.
fn hand_down(folder: &Path, controller: &str) -> io::Result<()> {
    let handed = fs::read_to_string(folder.join("cgroup.subtree_control"))?;
    if handed.split_whitespace().any(|one| one == controller) {
        return Ok(());
    }
    let hand = || write(folder, "cgroup.subtree_control", &format!("+{controller}"));
    match hand() {
        Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
            let own = std::process::id().to_string();
            let members = fs::read_to_string(folder.join("cgroup.procs"))?;
            if members.split_whitespace().any(|member| member != own) {
                return Err(in_place(
                    folder,
                    &io::Error::other("other processes are in the service's group"),
                ));
            }
            let beside = folder.join("service");
            match fs::create_dir(&beside) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
            write(&beside, "cgroup.procs", &own)?;
            hand()
        }
        done => done,
    }
}

fn write(folder: &Path, file: &str, text: &str) -> io::Result<()> {
    let path = folder.join(file);
    fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .and_then(|mut file| io::Write::write_all(&mut file, text.as_bytes()))
        .map_err(|error| in_place(&path, &error))
}

fn in_place(path: &Path, error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        // The number is kept, since some are answered.
        Some(libc::ENOENT | libc::EBUSY) => io::Error::from(error.kind()),
        _ => io::Error::new(error.kind(), format!("{}: {error}", path.display())),
    }
}

fn kills(events: &str) -> u64 {
    events.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok()).unwrap_or(0)
}

/// The hierarchies of this machine.
fn here() -> Vec<Hierarchy> {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    hierarchies(&read("/proc/self/mountinfo"), &read("/proc/self/cgroup"))
}

/// Reads what is mounted, and where this process is in it.
fn hierarchies(mounts: &str, own: &str) -> Vec<Hierarchy> {
    let mut found: Vec<Hierarchy> = mounts.lines().filter_map(|line| hierarchy(line, own)).collect();
    // Where a controller is in both, the newer version has it.
    found.sort_by_key(|hierarchy| !hierarchy.unified);
    found
}

fn hierarchy(mount: &str, own: &str) -> Option<Hierarchy> {
    let (before, after) = mount.split_once(" - ")?;
    let before: Vec<&str> = before.split(' ').collect();
    let (root, place) = (*before.get(3)?, *before.get(4)?);
    let after: Vec<&str> = after.split(' ').collect();
    let unified = match *after.first()? {
        "cgroup2" => true,
        "cgroup" => false,
        _ => return None,
    };
    let mut controllers: Vec<String> = after.get(2)?.split(',').map(str::to_owned).collect();
    let path = own.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (number, names, path) = (parts.next()?, parts.next()?, parts.next()?);
        let mine = if unified {
            number == "0" && names.is_empty()
        } else {
            names.split(',').any(|name| controllers.iter().any(|controller| controller == name))
        };
        mine.then_some(path)
    })?;
    let below = Path::new(path).strip_prefix(root).ok()?;
    let folder = Path::new(place).join(below);
    if unified {
        let offered = fs::read_to_string(folder.join("cgroup.controllers")).unwrap_or_default();
        controllers = offered.split_whitespace().map(str::to_owned).collect();
    }
    Some(Hierarchy { folder, controllers, unified })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_this_process_is_found_in_both_versions() {
        let folder = tempfile::tempdir().unwrap();
        let unified = folder.path().join("a/b");
        fs::create_dir_all(&unified).unwrap();
        fs::write(unified.join("cgroup.controllers"), "cpu pids\n").unwrap();
        let mounts = format!(
            "24 1 0:2 / /proc rw - proc proc rw\n\
             36 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
             40 31 0:36 /a {} rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n",
            folder.path().join("a").display()
        );
        let found = hierarchies(&mounts, "4:memory:/x/y\n0::/a/b\n");
        assert_eq!(
            found,
            [
                Hierarchy { folder: unified, controllers: vec!["cpu".into(), "pids".into()], unified: true },
                Hierarchy {
                    folder: "/sys/fs/cgroup/memory/x/y".into(),
                    controllers: vec!["rw".into(), "memory".into()],
                    unified: false
                },
            ]
        );
    }

    #[test]
    fn only_empty_groups_of_processes_that_are_gone_are_abandoned() {
        let folder = tempfile::tempdir().unwrap();
        // The kernel gives no process a number as large as the last one.
        for (name, processes) in [
            (super::name("lives"), ""),
            ("cupola-4294967294-empty".to_owned(), ""),
            ("cupola-4294967294-full".to_owned(), "12\n"),
            ("cupola-service".to_owned(), ""),
            ("4294967294".to_owned(), ""),
        ] {
            fs::create_dir(folder.path().join(&name)).unwrap();
            fs::write(folder.path().join(name).join("cgroup.procs"), processes).unwrap();
        }
        assert_eq!(abandoned(folder.path()), [folder.path().join("cupola-4294967294-empty")]);
    }

    #[test]
    fn a_kill_for_want_of_memory_is_read_in_both_versions() {
        assert_eq!(kills("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"), 2);
        assert_eq!(kills("low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\noom_group_kill 1\n"), 1);
        assert_eq!(kills("oom_kill 0\n"), 0);
    }
}
