//! The home of a session as a handle, below which everything happens. All of this blocks.

use std::{fs::File, io, os::unix::fs::PermissionsExt as _, path::Path, time::UNIX_EPOCH};

use cap_std::{
    ambient_authority,
    fs::{Dir, Metadata, OpenOptions, OpenOptionsExt as _, Permissions, PermissionsExt as _},
};
use rustix::fs::OFlags;
use serde::Serialize;
use tempfile::NamedTempFile;

use super::{
    page::{Page, Window},
    path::HomePath,
    removal,
};
use crate::hosted::rooms;

/// Programs may run as any user, and may write what clients have sent.
const FOLDER_MODE: u32 = 0o777;
const FILE_MODE: u32 = 0o666;

/// The home of a session.
#[derive(Debug)]
pub struct Home {
    dir: Dir,
    /// The folder that it lies in, which its program can't see.
    beside: Dir,
}

/// A file or folder as it is shown.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// In bytes; 0 for folders.
    pub size: u64,
    /// Whether it is a folder.
    pub is_directory: bool,
    /// In seconds.
    pub modified_time: u64,
}

impl Home {
    /// The home in this folder. It is made if it is not there.
    pub fn open(folder: &Path) -> io::Result<Self> {
        rooms::make_home(folder)?;
        let beside = folder.parent().ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Self {
            dir: Dir::open_ambient_dir(folder, ambient_authority())?,
            beside: Dir::open_ambient_dir(beside, ambient_authority())?,
        })
    }

    /// Opens a file, and says how long it is.
    pub fn read(&self, path: &HomePath) -> io::Result<(File, u64)> {
        let mut options = OpenOptions::new();
        // A pipe without a writer would hold this up for ever.
        options.read(true).custom_flags(OFlags::NONBLOCK.bits() as i32);
        let file = self.dir.open_with(path.as_path(), &options)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is neither a file nor a folder"));
        }
        Ok((file.into_std(), metadata.len()))
    }

    /// Moves a file that was received beside the home to its place: readers see the old one or the new one.
    pub fn place(&self, received: NamedTempFile, path: &HomePath) -> io::Result<()> {
        received.as_file().set_permissions(std::fs::Permissions::from_mode(FILE_MODE))?;
        received.as_file().sync_data()?;
        self.make_folders(&path.folders())?;
        let name = received.path().file_name().ok_or(io::ErrorKind::InvalidInput)?;
        self.beside.rename(name, &self.dir, path.as_path())?;
        // It is no longer where its end would look for it.
        let _ = received.into_temp_path().keep();
        Ok(())
    }

    /// Makes a folder and those that it lies in. One that is there is fine.
    pub fn make_folder(&self, path: &HomePath) -> io::Result<()> {
        let mut folders = path.folders();
        folders.push(path.as_path());
        self.make_folders(&folders)?;
        if self.dir.metadata(path.as_path())?.is_dir() {
            Ok(())
        } else {
            Err(io::ErrorKind::AlreadyExists.into())
        }
    }

    fn make_folders(&self, folders: &[&Path]) -> io::Result<()> {
        for folder in folders {
            match self.dir.create_dir(folder) {
                Ok(()) => {
                    self.dir.set_permissions(folder, Permissions::from_mode(FOLDER_MODE))?;
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Deletes a file or a folder; with `recursive` also one that is not empty.
    pub fn remove(&self, path: &HomePath, recursive: bool) -> io::Result<()> {
        if !self.dir.symlink_metadata(path.as_path())?.is_dir() {
            return self.dir.remove_file(path.as_path());
        }
        if recursive {
            return removal::remove_tree(&self.beside, &self.dir, path.as_path());
        }
        self.dir.remove_dir(path.as_path())
    }

    /// What a path names.
    pub fn entry(&self, path: &HomePath) -> io::Result<Entry> {
        let metadata = self.dir.metadata(path.as_path())?;
        Ok(Entry::of(path.name(), &metadata))
    }

    /// A part of a folder, in the order of the names.
    pub fn page(&self, path: &HomePath, window: &Window) -> io::Result<Page<Entry>> {
        let folder = self.dir.open_dir(path.as_path())?;
        let mut names = window.collect();
        for entry in folder.entries()? {
            names.offer(entry?.file_name());
        }
        let names = names.page();
        let mut entries = Vec::with_capacity(names.items.len());
        for name in names.items {
            // Where a link leads out of the home, the link is shown, not what it names.
            let found = folder.metadata(&name).or_else(|_| folder.symlink_metadata(&name));
            match found {
                Ok(metadata) => entries.push(Entry::of(name.to_string_lossy().into_owned(), &metadata)),
                // It went away meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Page { items: entries, has_more: names.has_more })
    }
}

impl Entry {
    fn of(name: String, metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok().map(cap_std::time::SystemTime::into_std);
        let modified = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Self {
            name,
            size: if metadata.is_dir() { 0 } else { metadata.len() },
            is_directory: metadata.is_dir(),
            modified_time: modified.unwrap_or_default().as_secs(),
        }
    }
}
