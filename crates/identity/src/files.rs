//! Files that must be whole or absent: keys, certificates, secrets.
//! A reader, or a process that starts after a crash, never sees half of one.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use crate::IdentityError;

/// Who may read a file.
#[derive(Clone, Copy)]
pub(crate) enum Access {
    /// The owner alone.
    Private,
    /// Everybody who can reach the directory.
    Public,
}

/// The file's text, or nothing where there is no file.
pub(crate) fn read(path: &Path) -> Result<Option<String>, IdentityError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(IdentityError::File { action: "read", path: path.into(), source }),
    }
}

/// Puts the file in place as a whole and returns once it survives a loss of power.
pub(crate) fn write(path: &Path, text: &str, access: Access) -> Result<(), IdentityError> {
    replace(path, text, access).map_err(|source| IdentityError::File {
        action: "written",
        path: path.into(),
        source,
    })
}

fn replace(path: &Path, text: &str, access: Access) -> io::Result<()> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let draft = directory.join(format!(".{}.{}.draft", name.to_string_lossy(), std::process::id()));
    let outcome = write_draft(&draft, text, access).and_then(|()| fs::rename(&draft, path));
    if outcome.is_err() {
        // The first error is the one to report; a draft that stays behind does no harm.
        let _ = fs::remove_file(&draft);
    }
    outcome?;
    File::open(directory)?.sync_all()
}

fn write_draft(draft: &Path, text: &str, access: Access) -> io::Result<()> {
    // A crashed process with the same number may have left one, with other permissions.
    match fs::remove_file(draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mode = match access {
        Access::Private => 0o600,
        Access::Public => 0o644,
    };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Creates a directory for the owner alone, with its parents, where there is none.
pub(crate) fn create_directory(path: &Path) -> Result<(), IdentityError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|source| IdentityError::File {
        action: "created",
        path: path.into(),
        source,
    })
}

/// Held while files are looked at and perhaps made, so that two processes that start at the same
/// moment on a new data directory don't each make their own. Dropping it releases it.
pub(crate) struct CreationLock {
    _file: File,
}

impl CreationLock {
    /// Waits for the lock of `directory`, which is created where missing.
    pub(crate) fn acquire(directory: &Path) -> Result<Self, IdentityError> {
        create_directory(directory)?;
        let path = directory.join("creation.lock");
        let lock = || {
            let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path)?;
            file.lock()?;
            Ok(file)
        };
        lock().map(|file| Self { _file: file }).map_err(|source| IdentityError::File {
            action: "locked",
            path: path.clone(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode_of(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_missing_file_reads_as_nothing() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(read(&directory.path().join("none")).unwrap(), None);
    }

    #[test]
    fn a_private_file_is_replaced_whole_and_stays_private() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        fs::write(&path, "a much longer text, readable by all").unwrap();
        write(&path, "short", Access::Private).unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some("short"));
        assert_eq!(mode_of(&path), 0o600);
    }

    #[test]
    fn no_draft_stays_behind() {
        let directory = tempfile::tempdir().unwrap();
        write(&directory.path().join("a"), "1", Access::Public).unwrap();
        write(&directory.path().join("a"), "2", Access::Public).unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failure_names_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("no-such-directory").join("key");
        let error = write(&path, "text", Access::Private).unwrap_err();
        assert!(error.to_string().contains("no-such-directory/key"), "{error}");
    }

    #[test]
    fn a_new_directory_belongs_to_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a").join("b");
        create_directory(&path).unwrap();
        create_directory(&path).unwrap();
        assert_eq!(mode_of(&path), 0o700);
    }
}
