//! The files of an interpreter, seen from outside. The code may put anything there at any time: links that lead
//! out, pipes that never end, files that are larger than they look. Only plain files below the folder are read.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
    path::{Component, Path},
};

use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat},
    io::Errno,
};

/// How deep folders are looked into.
const DEEPEST: usize = 16;

/// The folder of an interpreter.
#[derive(Debug)]
pub struct Folder {
    root: OwnedFd,
    /// Files that are larger are not looked at.
    largest: u64,
    /// How many there may be.
    most: usize,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its path below the folder.
    pub path: String,
    /// How large it is.
    pub bytes: u64,
    /// Differs when its content may differ.
    pub stamp: Stamp,
}

/// What tells a file from what it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    bytes: u64,
    number: u64,
    changed: (i64, u64),
}

impl Folder {
    /// The folder that this descriptor leads to. It holds at most so many bytes and files.
    pub fn new(root: OwnedFd, bytes: u64, files: usize) -> Self {
        Self { root, largest: bytes, most: files }
    }

    /// All plain files, in the order of their paths. It blocks for a moment.
    pub fn list(&self) -> io::Result<Vec<Entry>> {
        let mut found = Vec::new();
        self.list_below("", 0, &mut found)?;
        found.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(found)
    }

    fn list_below(&self, path: &str, depth: usize, found: &mut Vec<Entry>) -> io::Result<()> {
        let here = if path.is_empty() { "." } else { path };
        let folder = match self.open(here, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()) {
            Ok(folder) => folder,
            // It is gone again, or was never a folder to be read.
            Err(_) if depth > 0 => return Ok(()),
            Err(error) => return Err(error),
        };
        for entry in Dir::read_from(&folder)? {
            let entry = entry?;
            // What has no name that can be written down can't be asked for either.
            let Ok(name) = entry.file_name().to_str() else { continue };
            if name == "." || name == ".." || found.len() >= self.most {
                continue;
            }
            let Ok(about) = rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            let path = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
            match FileType::from_raw_mode(about.st_mode) {
                FileType::RegularFile if size(&about) <= self.largest => {
                    found.push(Entry { path, bytes: size(&about), stamp: stamp(&about) });
                }
                FileType::Directory if depth < DEEPEST => self.list_below(&path, depth + 1, found)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// What there is to say of a file, if it is a plain one.
    pub fn entry(&self, path: &str) -> io::Result<Option<Entry>> {
        let about = match self.open(path, OFlags::PATH, Mode::empty()) {
            Ok(file) => rustix::fs::fstat(&file)?,
            Err(_) => return Ok(None),
        };
        let is_plain = FileType::from_raw_mode(about.st_mode) == FileType::RegularFile;
        Ok(is_plain.then(|| Entry { path: path.to_owned(), bytes: size(&about), stamp: stamp(&about) }))
    }

    /// Opens a plain file to be read.
    pub fn read(&self, path: &str) -> io::Result<File> {
        let file = self.open(path, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty())?;
        let about = rustix::fs::fstat(&file)?;
        if FileType::from_raw_mode(about.st_mode) != FileType::RegularFile || size(&about) > self.largest {
            return Err(io::Error::other("not a plain file"));
        }
        Ok(File::from(file))
    }

    /// Opens a new file to be written, in place of one that may be there. It belongs to the code.
    pub fn create(&self, path: &str) -> io::Result<File> {
        if !is_plain(path) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a path below the folder"));
        }
        self.make_folders_above(path)?;
        self.remove(path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let file = self.open(path, flags, Mode::from_raw_mode(0o644))?;
        self.hand_over(&file)?;
        Ok(File::from(file))
    }

    /// Removes a file, if there is one.
    pub fn remove(&self, path: &str) -> io::Result<()> {
        let (above, name) = path.rsplit_once('/').unwrap_or((".", path));
        let removed = self
            .open(above, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())
            .and_then(|folder| Ok(rustix::fs::unlinkat(&folder, name, AtFlags::empty())?));
        match removed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    fn make_folders_above(&self, path: &str) -> io::Result<()> {
        for (at, _) in path.match_indices('/') {
            let (above, name) = path[..at].rsplit_once('/').unwrap_or((".", &path[..at]));
            let folder = self.open(above, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?;
            match rustix::fs::mkdirat(&folder, name, Mode::from_raw_mode(0o755)) {
                Ok(()) => {
                    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
                    self.hand_over(&self.open(&path[..at], flags, Mode::empty())?)?;
                }
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// What this process makes belongs to the owner of the folder: the code may do with it what it likes.
    fn hand_over(&self, made: impl AsFd) -> io::Result<()> {
        let (folder, about) = (rustix::fs::fstat(&self.root)?, rustix::fs::fstat(&made)?);
        if folder.st_uid == about.st_uid {
            return Ok(());
        }
        let (user, group) =
            (rustix::fs::Uid::from_raw(folder.st_uid), rustix::fs::Gid::from_raw(folder.st_gid));
        Ok(rustix::fs::fchown(made, Some(user), Some(group))?)
    }

    fn open(&self, path: &str, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        let within = ResolveFlags::BENEATH
            | ResolveFlags::NO_SYMLINKS
            | ResolveFlags::NO_MAGICLINKS
            | ResolveFlags::NO_XDEV;
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat2(&self.root, path, flags, mode, within)?)
    }
}

/// Whether a path leads to something below a folder.
pub(crate) fn is_plain(path: &str) -> bool {
    let mut parts = Path::new(path).components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_))) && !path.ends_with('/')
}

fn size(about: &Stat) -> u64 {
    u64::try_from(about.st_size).unwrap_or(u64::MAX)
}

#[allow(clippy::useless_conversion, clippy::unnecessary_cast)]
fn stamp(about: &Stat) -> Stamp {
    // The kernel sets the time of the last change of a file's state, and no program can.
    let changed = (about.st_ctime as i64, about.st_ctime_nsec as u64);
    Stamp { bytes: size(about), number: about.st_ino as u64, changed }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        os::unix::fs::symlink,
    };

    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::new(File::open(place.path()).unwrap().into(), 1000, 5);
        (place, folder)
    }

    fn paths(folder: &Folder) -> Vec<String> {
        folder.list().unwrap().into_iter().map(|entry| entry.path).collect()
    }

    #[test]
    fn files_are_put_found_read_and_removed() {
        let (_place, folder) = folder();
        folder.create("in/deep/a.txt").unwrap().write_all(b"one").unwrap();
        folder.create("b.txt").unwrap().write_all(b"two").unwrap();
        assert_eq!(paths(&folder), ["b.txt", "in/deep/a.txt"]);
        let mut text = String::new();
        folder.read("in/deep/a.txt").unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "one");
        folder.remove("b.txt").unwrap();
        folder.remove("b.txt").unwrap();
        assert_eq!(paths(&folder), ["in/deep/a.txt"]);
    }

    #[test]
    fn a_file_that_was_written_again_has_another_stamp() {
        let (_place, folder) = folder();
        let stamp = || folder.list().unwrap()[0].stamp;
        folder.create("a").unwrap().write_all(b"one").unwrap();
        let first = stamp();
        assert_eq!(stamp(), first);
        folder.create("a").unwrap().write_all(b"two").unwrap();
        assert_ne!(stamp(), first);
    }

    #[test]
    fn nothing_outside_is_read_or_written() {
        let (place, folder) = folder();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "s").unwrap();
        symlink(outside.path(), place.path().join("out")).unwrap();
        symlink(outside.path().join("secret"), place.path().join("link")).unwrap();
        assert!(paths(&folder).is_empty());
        for path in ["link", "out/secret", "../x", "/etc/passwd", "out/../x", "", "."] {
            assert!(folder.read(path).is_err(), "{path}");
        }
        for path in ["out/new", "../new", "/new", "", "a/"] {
            assert!(folder.create(path).is_err(), "{path}");
        }
        folder.create("link").unwrap().write_all(b"own").unwrap();
        assert_eq!(std::fs::read_to_string(outside.path().join("secret")).unwrap(), "s");
        assert!(!outside.path().join("new").exists());
    }

    #[test]
    fn what_is_no_plain_file_or_too_large_is_not_listed() {
        let (place, folder) = folder();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            place.path().join("pipe"),
            FileType::Fifo,
            Mode::from_raw_mode(0o644),
            0,
        )
        .unwrap();
        File::create(place.path().join("sparse")).unwrap().set_len(1 << 40).unwrap();
        assert!(paths(&folder).is_empty());
        assert!(folder.read("pipe").is_err() && folder.read("sparse").is_err());
        for number in 0..10 {
            folder.create(&number.to_string()).unwrap();
        }
        assert_eq!(paths(&folder).len(), 5);
    }
}
