//! The folder into which a layer is unpacked. Each step down is taken from an open folder and follows no
//! link, so nothing that a layer says leads out of it.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read, Write},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{
        AtFlags, CWD, FileType, Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid, XattrFlags, chownat,
        fchmod, fchown, fsetxattr, futimens, linkat, mkdirat, mknodat, openat, statat, symlinkat, unlinkat,
        utimensat,
    },
    io::Errno,
    process::geteuid,
};

use super::{
    super::manifest::invalid,
    archive::About,
    damaged, disk,
    path::{refused, shown},
    whiteout::{Whiteout, is_whiteout},
};
use crate::Failure;

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const NEW_FILE: OFlags =
    OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The name of the mark that hides what lower layers have in a folder. Overlays that root mounts read the
/// first, those that a user namespace mounts the second.
const OPAQUE: [&str; 2] = ["trusted.overlay.opaque", "user.overlay.opaque"];

/// The folder of a layer that is being unpacked.
pub(super) struct Tree {
    root: OwnedFd,
    path: PathBuf,
    /// Whether files can be given to whom they belong.
    privileged: bool,
}

/// Names below the root, as they were checked.
type Parts<'a> = [&'a [u8]];

/// What is at a name, once there is room for something new.
#[derive(PartialEq, Eq)]
enum Room {
    Free,
    /// It is free, and what lower layers have there was to be hidden.
    Hidden,
    /// There is a folder, and the new thing is one, too.
    Folder,
}

impl Tree {
    /// Makes the folder, which must be new.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let made = mkdirat(CWD, path, Mode::RWXU).and_then(|()| openat(CWD, path, FOLDER, Mode::empty()));
        let root = made.map_err(|error| disk(path, &error.into()))?;
        let tree = Self { root, path: path.to_owned(), privileged: geteuid().is_root() };
        fchmod(&tree.root, Mode::from_raw_mode(0o755)).map_err(|error| tree.failed(error))?;
        Ok(tree)
    }

    /// Says whose the root is.
    pub fn root(&mut self, about: &About) -> Result<(), Failure> {
        self.describe_folder(self.root.as_fd(), about)
    }

    /// Adds a folder, or says anew whose it is.
    pub fn folder(&mut self, parents: &Parts<'_>, name: &[u8], about: &About) -> Result<(), Failure> {
        let parent = self.enter(parents)?;
        let folder = self.make_folder(parent.as_fd(), parents, name)?;
        self.describe_folder(folder.as_fd(), about)
    }

    /// Adds a file.
    pub fn file(
        &mut self,
        parents: &Parts<'_>,
        name: &[u8],
        about: &About,
        content: &mut impl Read,
    ) -> Result<(), Failure> {
        let parent = self.enter(parents)?;
        self.make_room(parent.as_fd(), parents, name)?;
        let file = openat(&parent, os(name), NEW_FILE, Mode::RUSR | Mode::WUSR)
            .map_err(|error| self.failed(error))?;
        let mut file = File::from(file);
        self.copy(content, &mut file)?;
        self.describe(file.as_fd(), about, self.mode(about))?;
        futimens(&file, &times(about)).map_err(|error| self.failed(error))
    }

    /// Adds a symbolic link. Where it leads is for the sandbox to see; nothing here follows it.
    pub fn symlink(
        &mut self,
        parents: &Parts<'_>,
        name: &[u8],
        about: &About,
        target: &[u8],
    ) -> Result<(), Failure> {
        if target.is_empty() || target.contains(&0) {
            return Err(refused(&joined(parents, name), "it leads nowhere"));
        }
        let parent = self.enter(parents)?;
        self.make_room(parent.as_fd(), parents, name)?;
        symlinkat(os(target), &parent, os(name)).map_err(|error| match error {
            Errno::NAMETOOLONG => refused(&joined(parents, name), "where it leads is too long"),
            error => self.failed(error),
        })?;
        self.give(parent.as_fd(), name, about)?;
        utimensat(&parent, os(name), &times(about), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|error| self.failed(error))
    }

    /// Adds another name of a file of this layer.
    pub fn link(&mut self, parents: &Parts<'_>, name: &[u8], target: &Parts<'_>) -> Result<(), Failure> {
        let dangling =
            || refused(&joined(parents, name), "it is another name of what the layer does not have");
        let (file, folders) = target.split_last().ok_or_else(dangling)?;
        if folders == parents && *file == name {
            return Err(refused(&joined(parents, name), "it is another name of itself"));
        }
        let from = self.reach(folders)?.ok_or_else(dangling)?;
        let about = self.look(from.as_fd(), file)?.ok_or_else(dangling)?;
        if FileType::from_raw_mode(about.st_mode).is_dir() || is_whiteout(&about) {
            return Err(dangling());
        }
        let parent = self.enter(parents)?;
        self.make_room(parent.as_fd(), parents, name)?;
        linkat(&from, os(file), &parent, os(name), AtFlags::empty()).map_err(|error| match error {
            Errno::MLINK => refused(&joined(parents, name), "its file has too many names"),
            error => self.failed(error),
        })
    }

    /// Adds a named pipe.
    pub fn pipe(&mut self, parents: &Parts<'_>, name: &[u8], about: &About) -> Result<(), Failure> {
        let parent = self.enter(parents)?;
        self.make_room(parent.as_fd(), parents, name)?;
        let mode = Mode::from_raw_mode(self.mode(about));
        mknodat(&parent, os(name), FileType::Fifo, mode, 0).map_err(|error| self.failed(error))?;
        self.give(parent.as_fd(), name, about)
    }

    /// Hides what lower layers have. What this layer has itself stays.
    pub fn hide(&mut self, parents: &Parts<'_>, whiteout: &Whiteout<'_>) -> Result<(), Failure> {
        let parent = self.enter(parents)?;
        let name = match whiteout {
            Whiteout::Nothing => return Ok(()),
            Whiteout::Everything => return self.hide_below(parent.as_fd()),
            Whiteout::Name(name) => name,
        };
        match self.look(parent.as_fd(), name)? {
            None => mknodat(&parent, os(name), FileType::CharacterDevice, Mode::empty(), 0)
                .map_err(|error| self.failed(error)),
            Some(about) if FileType::from_raw_mode(about.st_mode).is_dir() => {
                let folder =
                    openat(&parent, os(name), FOLDER, Mode::empty()).map_err(|error| self.failed(error))?;
                self.hide_below(folder.as_fd())
            }
            Some(_) => Ok(()),
        }
    }

    fn hide_below(&self, folder: BorrowedFd<'_>) -> Result<(), Failure> {
        let [trusted, user] = OPAQUE.map(|name| fsetxattr(folder, name, b"y", XattrFlags::empty()));
        match (trusted, user) {
            // Either is enough where the other can't be had: an ordinary user may not set the first, and some
            // file systems know no attributes of users.
            (Ok(()), _) | (_, Ok(())) => Ok(()),
            (_, Err(error)) => Err(self.failed(error)),
        }
    }

    /// Opens the folder at these names and makes what is missing of it.
    fn enter(&self, parts: &Parts<'_>) -> Result<OwnedFd, Failure> {
        let mut folder = self.root.try_clone().map_err(|error| disk(&self.path, &error))?;
        for (depth, part) in parts.iter().enumerate() {
            folder = match openat(&folder, os(part), FOLDER, Mode::empty()) {
                Ok(next) => next,
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => match self.look(folder.as_fd(), part)? {
                    Some(about) if !is_whiteout(&about) => {
                        return Err(refused(&parts.join(&b'/'), &format!("'{}' is no folder", shown(part))));
                    }
                    _ => self.make_folder(folder.as_fd(), &parts[..depth], part)?,
                },
                Err(error) => return Err(self.failed(error)),
            };
        }
        Ok(folder)
    }

    /// Opens the folder at these names, if there is one.
    fn reach(&self, parts: &Parts<'_>) -> Result<Option<OwnedFd>, Failure> {
        let mut folder = self.root.try_clone().map_err(|error| disk(&self.path, &error))?;
        for part in parts {
            folder = match openat(&folder, os(part), FOLDER, Mode::empty()) {
                Ok(next) => next,
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
                Err(error) => return Err(self.failed(error)),
            };
        }
        Ok(Some(folder))
    }

    /// Opens a folder, which is made where there is none.
    fn make_folder(
        &self,
        parent: BorrowedFd<'_>,
        parents: &Parts<'_>,
        name: &[u8],
    ) -> Result<OwnedFd, Failure> {
        let room = self.make_room_for(parent, parents, name, true)?;
        if room != Room::Folder {
            mkdirat(parent, os(name), Mode::RWXU).map_err(|error| self.failed(error))?;
        }
        let folder = openat(parent, os(name), FOLDER, Mode::empty()).map_err(|error| self.failed(error))?;
        if room != Room::Folder {
            // The process's mask has nothing to say here.
            fchmod(&folder, Mode::from_raw_mode(0o755)).map_err(|error| self.failed(error))?;
        }
        if room == Room::Hidden {
            self.hide_below(folder.as_fd())?;
        }
        Ok(folder)
    }

    fn make_room(&self, parent: BorrowedFd<'_>, parents: &Parts<'_>, name: &[u8]) -> Result<(), Failure> {
        self.make_room_for(parent, parents, name, false).map(drop)
    }

    /// Removes what the new thing takes the place of: the later member of an archive counts.
    fn make_room_for(
        &self,
        parent: BorrowedFd<'_>,
        parents: &Parts<'_>,
        name: &[u8],
        for_folder: bool,
    ) -> Result<Room, Failure> {
        let Some(about) = self.look(parent, name)? else { return Ok(Room::Free) };
        let is_folder = FileType::from_raw_mode(about.st_mode).is_dir();
        if is_folder && for_folder {
            return Ok(Room::Folder);
        }
        let flags = if is_folder { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        unlinkat(parent, os(name), flags).map_err(|error| match error {
            Errno::NOTEMPTY | Errno::EXIST => {
                refused(&joined(parents, name), "it is a folder with something in it and something else, too")
            }
            error => self.failed(error),
        })?;
        Ok(if is_whiteout(&about) { Room::Hidden } else { Room::Free })
    }

    fn look(&self, parent: BorrowedFd<'_>, name: &[u8]) -> Result<Option<Stat>, Failure> {
        match statat(parent, os(name), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(about) => Ok(Some(about)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn copy(&self, content: &mut impl Read, file: &mut File) -> Result<(), Failure> {
        let mut buffer = [0; 32 << 10];
        loop {
            match content.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => file.write_all(&buffer[..count]).map_err(|error| disk(&self.path, &error))?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(damaged(&error)),
            }
        }
    }

    /// Without privilege all files belong to this user, and none makes another user of whoever starts it.
    /// With it, everything is as the image says: sandboxes get no privileges from files.
    fn mode(&self, about: &About) -> u32 {
        if self.privileged { about.mode } else { about.mode & 0o777 }
    }

    fn describe_folder(&self, folder: BorrowedFd<'_>, about: &About) -> Result<(), Failure> {
        // Without privilege, a folder that its owner could not use could not be filled or removed either.
        let mode = if self.privileged { about.mode } else { self.mode(about) | 0o700 };
        self.describe(folder, about, mode)
    }

    fn describe(&self, file: BorrowedFd<'_>, about: &About, mode: u32) -> Result<(), Failure> {
        // A change of the owner takes bits from the mode, so that comes first.
        if self.privileged {
            let (uid, gid) = owner(about);
            fchown(file, uid, gid).map_err(|error| self.not_given(about, error))?;
        }
        fchmod(file, Mode::from_raw_mode(mode)).map_err(|error| self.failed(error))
    }

    fn give(&self, parent: BorrowedFd<'_>, name: &[u8], about: &About) -> Result<(), Failure> {
        if !self.privileged {
            return Ok(());
        }
        let (uid, gid) = owner(about);
        chownat(parent, os(name), uid, gid, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|error| self.not_given(about, error))
    }

    fn not_given(&self, about: &About, error: Errno) -> Failure {
        let About { uid, gid, .. } = about;
        match error {
            Errno::PERM | Errno::INVAL => {
                let why = format!("files can't be given to user {uid}, group {gid} ({error})");
                disk(&self.path, &io::Error::other(why))
            }
            error => self.failed(error),
        }
    }

    fn failed(&self, error: Errno) -> Failure {
        match error {
            // The file system takes less than what was checked.
            Errno::NAMETOOLONG | Errno::ILSEQ => invalid(format!(
                "One of its layers has a name that the file system here does not take ({error})."
            )),
            error => disk(&self.path, &error.into()),
        }
    }
}

fn owner(about: &About) -> (Option<Uid>, Option<Gid>) {
    (Some(Uid::from_raw(about.uid)), Some(Gid::from_raw(about.gid)))
}

fn times(about: &About) -> Timestamps {
    // Far beyond what file systems keep, and far below what a clock can't say.
    let seconds = i64::try_from(about.modified).unwrap_or(0).min(1 << 34);
    let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
    Timestamps { last_access: time, last_modification: time }
}

fn os(name: &[u8]) -> &OsStr {
    OsStr::from_bytes(name)
}

fn joined(parents: &Parts<'_>, name: &[u8]) -> Vec<u8> {
    [parents, &[name]].concat().join(&b'/')
}
