//! A file system that is being built from parts that nobody vouches for.
//!
//! Every path is looked up below its root, whatever links stand there, so that nothing outside can be meant.

use std::{
    ffi::OsStr,
    io::{self, Write},
    os::fd::{AsFd, OwnedFd},
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, Gid, Mode, OFlags, ResolveFlags, Uid},
    io::Errno,
    mount::{MoveMountFlags, OpenTreeFlags},
};

const FOLDER: Mode = Mode::from_raw_mode(0o755);
const FILE: Mode = Mode::from_raw_mode(0o644);

/// The root, and who is to own what is made.
#[derive(Debug)]
pub(crate) struct Tree {
    root: OwnedFd,
    owner: u32,
}

impl Tree {
    /// What is made below `root` will belong to `owner`.
    pub(crate) fn open(root: &Path, owner: u32) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { root: rustix::fs::open(root, flags, Mode::empty())?, owner })
    }

    pub(crate) fn root(&self) -> &OwnedFd {
        &self.root
    }

    /// Opens something for its place only.
    pub(crate) fn find(&self, path: &Path) -> io::Result<OwnedFd> {
        self.open_as(path, OFlags::PATH)
    }

    /// Opens a folder for its place, and makes it and those above where they are missing.
    pub(crate) fn folder(&self, path: &Path) -> io::Result<OwnedFd> {
        let mut reached = PathBuf::from(".");
        let mut here = self.open_as(&reached, OFlags::PATH | OFlags::DIRECTORY)?;
        for name in names(path) {
            reached.push(name);
            here = match self.open_as(&reached, OFlags::PATH | OFlags::DIRECTORY) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    rustix::fs::mkdirat(&here, name, FOLDER)?;
                    let made = self.open_as(&reached, OFlags::PATH | OFlags::DIRECTORY)?;
                    self.own(&made)?;
                    made
                }
                found => found?,
            };
        }
        Ok(here)
    }

    /// Makes a file with this text in place of whatever stands there.
    pub(crate) fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        let (folder, name) = self.above(path)?;
        match rustix::fs::unlinkat(&folder, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let made = self.make_file(&folder, name)?;
        std::fs::File::from(made).write_all(text.as_bytes())
    }

    /// Makes a link in place of nothing.
    pub(crate) fn link(&self, target: &Path, path: &Path) -> io::Result<()> {
        let (folder, name) = self.above(path)?;
        Ok(rustix::fs::symlinkat(target, &folder, name)?)
    }

    /// Puts a mount to its place, which is made where it is missing.
    pub(crate) fn attach(&self, mount: impl AsFd, path: &Path) -> io::Result<()> {
        let about = rustix::fs::fstat(&mount)?;
        let place = if rustix::fs::FileType::from_raw_mode(about.st_mode).is_dir() {
            self.folder(path)?
        } else {
            self.file(path)?
        };
        put(mount, place)
    }

    fn file(&self, path: &Path) -> io::Result<OwnedFd> {
        match self.find(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let (folder, name) = self.above(path)?;
                self.make_file(&folder, name)?;
                self.find(path)
            }
            found => found,
        }
    }

    fn make_file(&self, folder: &OwnedFd, name: &OsStr) -> io::Result<OwnedFd> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = rustix::fs::openat(folder, name, flags, FILE)?;
        self.own(&made)?;
        Ok(made)
    }

    fn above<'a>(&self, path: &'a Path) -> io::Result<(OwnedFd, &'a OsStr)> {
        let name = path.file_name().ok_or_else(|| io::Error::other("a file needs a name"))?;
        Ok((self.folder(path.parent().unwrap_or(Path::new("/")))?, name))
    }

    fn open_as(&self, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        let flags = flags | OFlags::CLOEXEC;
        Ok(rustix::fs::openat2(&self.root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT)?)
    }

    fn own(&self, made: &OwnedFd) -> io::Result<()> {
        let (user, group) = (Uid::from_raw(self.owner), Gid::from_raw(self.owner));
        Ok(rustix::fs::chownat(made, "", Some(user), Some(group), AtFlags::EMPTY_PATH)?)
    }
}

/// The names in a path. It leads nowhere up.
fn names(path: &Path) -> impl Iterator<Item = &OsStr> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name),
        _ => None,
    })
}

/// A mount of what stands at `path`, with what is mounted below it. It has no place yet.
pub(crate) fn copy_of(path: &Path) -> io::Result<OwnedFd> {
    let flags =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    Ok(rustix::mount::open_tree(CWD, path, flags)?)
}

/// A mount of what this descriptor means.
pub(crate) fn copy_at(place: impl AsFd) -> io::Result<OwnedFd> {
    let flags =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    Ok(rustix::mount::open_tree(place, "", flags)?)
}

/// Puts a mount onto a place.
pub(crate) fn put(mount: impl AsFd, place: impl AsFd) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(rustix::mount::move_mount(mount, "", place, "", flags)?)
}
