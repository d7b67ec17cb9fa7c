//! Who runs the program, and which users of this machine its users are.

use std::{
    fs,
    io::{self, Read},
    os::fd::OwnedFd,
    path::Path,
};

use rustix::{
    fs::{CWD, Mode, OFlags, ResolveFlags},
    process::{Signal, WaitOptions},
    thread::{Gid, Uid},
};

use super::kernel::{self, Forked};
use crate::StartError;

/// How many users and groups a sandbox has.
pub(crate) const RANGE: u32 = 65_536;

/// A list of users is no longer than this.
const LONGEST_LIST: u64 = 1024 * 1024;

/// A user inside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct User {
    /// Its number inside.
    pub user: u32,
    /// Its group.
    pub group: u32,
    /// Its other groups.
    pub others: Vec<u32>,
}

impl User {
    pub(crate) fn uid(&self) -> Uid {
        Uid::from_raw(self.user)
    }

    pub(crate) fn gid(&self) -> Gid {
        Gid::from_raw(self.group)
    }

    pub(crate) fn groups(&self) -> Vec<Gid> {
        std::iter::once(self.group).chain(self.others.iter().copied()).map(Gid::from_raw).collect()
    }

    /// Finds the user that an image names, in the lists that stand in the file system at `root`.
    pub(crate) fn find(named: &str, root: &OwnedFd) -> Result<Self, StartError> {
        let found = resolve(named, &list(root, "etc/passwd"), &list(root, "etc/group"))?;
        let highest = found.others.iter().copied().chain([found.user, found.group]).max().unwrap_or(0);
        if highest < RANGE {
            return Ok(found);
        }
        Err(StartError::Program(format!(
            "The image's user `{named}` has the number {highest}, and a sandbox has numbers below {RANGE}."
        )))
    }
}

/// A list as it stands in the image, or nothing: images may have none. An image may put anything there, such
/// as a pipe that never ends or a link that leads out, so only a plain file below the root is read.
fn list(root: &OwnedFd, path: &str) -> String {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut text = String::new();
    if let Ok(file) = rustix::fs::openat2(root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT) {
        let file = fs::File::from(file);
        if file.metadata().is_ok_and(|about| about.is_file()) {
            // What is no text, or breaks off, is as good as missing.
            let _ = file.take(LONGEST_LIST).read_to_string(&mut text);
        }
    }
    text
}

fn resolve(named: &str, users: &str, groups: &str) -> Result<User, StartError> {
    let (user, group) = named.split_once(':').map_or((named, None), |(user, group)| (user, Some(group)));
    let user = if user.is_empty() { "0" } else { user };
    let entry = users.lines().map(fields).find(|entry| match entry.as_slice() {
        [name, _, number, ..] => *name == user || *number == user,
        _ => false,
    });
    let number = entry.as_ref().and_then(|entry| entry.get(2)?.parse().ok()).or_else(|| user.parse().ok());
    let missing = |what: &str, name: &str| {
        StartError::Program(format!("The image is to run as the {what} `{name}`, and has no such {what}."))
    };
    let number = number.ok_or_else(|| missing("user", user))?;
    if let Some(group) = group.filter(|group| !group.is_empty()) {
        let group = group.parse().ok().or_else(|| group_number(group, groups));
        let group = group.ok_or_else(|| missing("group", named))?;
        return Ok(User { user: number, group, others: Vec::new() });
    }
    let own = entry.as_ref().and_then(|entry| entry.get(3)?.parse().ok()).unwrap_or(0);
    let name = entry.as_ref().and_then(|entry| entry.first().copied());
    Ok(User { user: number, group: own, others: name.map_or_else(Vec::new, |name| member_of(name, groups)) })
}

fn fields(line: &str) -> Vec<&str> {
    line.split(':').collect()
}

fn group_number(named: &str, groups: &str) -> Option<u32> {
    groups.lines().map(fields).find(|entry| entry.first() == Some(&named))?.get(2)?.parse().ok()
}

fn member_of(user: &str, groups: &str) -> Vec<u32> {
    let belongs = |entry: &Vec<&str>| entry.get(3).is_some_and(|all| all.split(',').any(|one| one == user));
    groups.lines().map(fields).filter(belongs).filter_map(|entry| entry.get(2)?.parse().ok()).collect()
}

/// Numbers inside of a user namespace, those outside that they are, and how many in a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mapping {
    /// The first one inside, or on disk for a mount.
    pub inside: u32,
    /// The first one outside.
    pub outside: u32,
    /// How many in a row.
    pub count: u32,
}

impl Mapping {
    fn line(self) -> String {
        format!("{} {} {}\n", self.inside, self.outside, self.count)
    }
}

/// Makes a user namespace. A child lives in it for a moment, since a namespace is made with a process.
///
/// `processes` is a proc file system that shows this process's children.
pub(crate) fn user_namespace(processes: &Path, users: Mapping, groups: Mapping) -> io::Result<OwnedFd> {
    match kernel::clone_process(libc::CLONE_NEWUSER)? {
        Forked::Child => loop {
            // Until it is killed, below.
            rustix::event::pause();
        },
        Forked::Parent(child) => {
            let made = map(&processes.join(child.as_raw_nonzero().to_string()), users, groups);
            rustix::process::kill_process(child, Signal::KILL)?;
            rustix::process::waitpid(Some(child), WaitOptions::empty())?;
            made
        }
    }
}

fn map(process: &Path, users: Mapping, groups: Mapping) -> io::Result<OwnedFd> {
    fs::write(process.join("uid_map"), users.line())?;
    fs::write(process.join("gid_map"), groups.line())?;
    let namespace = process.join("ns/user");
    Ok(rustix::fs::openat(CWD, &namespace, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

/// Enters a user namespace of its own, as a process without privileges can: root inside is this user outside,
/// and there is nobody else.
pub(crate) fn enter_own_namespace() -> io::Result<()> {
    let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    kernel::unshare(rustix::thread::UnshareFlags::NEWUSER)?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", Mapping { inside: 0, outside: user, count: 1 }.line())?;
    fs::write("/proc/self/gid_map", Mapping { inside: 0, outside: group, count: 1 }.line())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const USERS: &str = "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\nbroken\n";
    const GROUPS: &str = "root:x:0:\napp:x:1001:\nvideo:x:44:other,app\n";

    fn user(named: &str) -> (u32, u32, Vec<u32>) {
        let found = resolve(named, USERS, GROUPS).unwrap();
        (found.user, found.group, found.others)
    }

    #[test]
    fn a_user_is_found_by_name_and_by_number() {
        assert_eq!(user(""), (0, 0, vec![]));
        assert_eq!(user("app"), (1000, 1001, vec![44]));
        assert_eq!(user("1000"), (1000, 1001, vec![44]));
        assert_eq!(user("65532"), (65_532, 0, vec![]));
    }

    #[test]
    fn a_group_that_is_named_replaces_the_users_own() {
        assert_eq!(user("app:video"), (1000, 44, vec![]));
        assert_eq!(user("7:8"), (7, 8, vec![]));
    }

    #[test]
    fn who_does_not_exist_is_named() {
        let error = resolve("nobody", USERS, GROUPS).unwrap_err().to_string();
        assert!(error.contains("user `nobody`"), "{error}");
        let error = resolve("app:nogroup", USERS, GROUPS).unwrap_err().to_string();
        assert!(error.contains("no such group"), "{error}");
    }
}
