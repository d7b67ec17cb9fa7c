//! The data directory: one process owns it, and others find that process through it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};

const LOCK_FILE: &str = "lock";
const SERVING_FILE: &str = "serving.json";

/// Somebody who only looks holds the lock for a moment; a server holds it for good.
const LOCK_ATTEMPTS: u32 = 5;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// What the process that owns the directory tells others about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serving {
    /// Its process number.
    pub pid: u32,
    /// The address it serves on, with the real port.
    pub listen: SocketAddr,
    /// The project it started with.
    pub project: String,
    /// The deployment that programs use unless they choose, where one is known.
    pub deployment: Option<String>,
}

/// A directory that belongs to this process until it is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// Why a directory can't be had.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process owns it.
    #[error("{path} is in use by {owner}. Stop it, or give this one another directory with --data DIR")]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The other process, in words.
        owner: String,
    },
    /// The file system said no.
    #[error("{path} can't be {action}: {source}")]
    Unusable {
        /// What was tried, as a participle.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl DataDirError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InUse { .. } => "data_dir_in_use",
            Self::Unusable { .. } => "data_dir_unusable",
        }
    }

    fn unusable(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Unusable { action, path: path.into(), source }
    }
}

impl DataDir {
    /// Creates the directory where missing and takes it for this process.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(DataDirError::unusable("created", path))?;
        let lock_path = path.join(LOCK_FILE);
        let mut lock = open_lock(&lock_path).map_err(DataDirError::unusable("opened", &lock_path))?;
        if !take(&lock).map_err(DataDirError::unusable("locked", &lock_path))? {
            return Err(DataDirError::InUse { path: path.into(), owner: owner(&mut lock) });
        }
        write_pid(&mut lock).map_err(DataDirError::unusable("written", &lock_path))?;
        let directory = Self { path: path.into(), _lock: lock };
        // What a process that died told about itself is no longer true.
        directory.withdraw().map_err(DataDirError::unusable("removed", &path.join(SERVING_FILE)))?;
        Ok(directory)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Tells other processes where this one serves.
    pub fn announce(
        &self,
        listen: SocketAddr,
        project: &str,
        deployment: Option<&str>,
    ) -> Result<(), DataDirError> {
        let serving = Serving {
            pid: std::process::id(),
            listen,
            project: project.to_owned(),
            deployment: deployment.map(str::to_owned),
        };
        let path = self.path.join(SERVING_FILE);
        let draft = self.path.join(".serving.json.draft");
        serde_json::to_vec(&serving)
            .map_err(io::Error::from)
            .and_then(|text| fs::write(&draft, text))
            .and_then(|()| fs::rename(&draft, &path))
            .map_err(DataDirError::unusable("written", &path))
    }

    fn withdraw(&self) -> io::Result<()> {
        match fs::remove_file(self.path.join(SERVING_FILE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        // Nobody believes the file once the lock is gone, so a failure does no harm.
        let _ = self.withdraw();
    }
}

/// The server that runs on this directory, if one does.
pub fn serving(path: &Path) -> Option<Serving> {
    let lock = File::open(path.join(LOCK_FILE)).ok()?;
    let is_owned = matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock));
    let text = is_owned.then(|| fs::read(path.join(SERVING_FILE)).ok())??;
    serde_json::from_slice(&text).ok()
}

fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn take(lock: &File) -> io::Result<bool> {
    for attempt in 1..=LOCK_ATTEMPTS {
        match lock.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) if attempt < LOCK_ATTEMPTS => thread::sleep(LOCK_PAUSE),
            Err(TryLockError::WouldBlock) => break,
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(false)
}

fn write_pid(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    write!(lock, "{}", std::process::id())
}

fn owner(lock: &mut File) -> String {
    let mut text = String::new();
    let pid = lock.read_to_string(&mut text).ok().and_then(|_| text.parse::<u32>().ok());
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn address() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 4711))
    }

    #[test]
    fn a_new_directory_is_made_for_its_owner_alone() {
        let parent = tempfile::tempdir().unwrap();
        let directory = DataDir::open(&parent.path().join("a/b")).unwrap();
        let mode = fs::metadata(directory.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_second_owner_is_refused_and_told_who_the_first_is() {
        let parent = tempfile::tempdir().unwrap();
        let _first = DataDir::open(parent.path()).unwrap();
        let error = DataDir::open(parent.path()).unwrap_err();
        assert_eq!(error.code(), "data_dir_in_use");
        assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    }

    #[test]
    fn the_directory_is_free_again_once_its_owner_is_gone() {
        let parent = tempfile::tempdir().unwrap();
        drop(DataDir::open(parent.path()).unwrap());
        DataDir::open(parent.path()).unwrap();
    }

    #[test]
    fn others_find_the_server_for_as_long_as_it_runs() {
        let parent = tempfile::tempdir().unwrap();
        assert_eq!(serving(parent.path()), None);
        let directory = DataDir::open(parent.path()).unwrap();
        assert_eq!(serving(parent.path()), None);
        directory.announce(address(), "demo", Some("gpt-4o")).unwrap();
        let found = serving(parent.path()).unwrap();
        assert_eq!((found.pid, found.listen), (std::process::id(), address()));
        assert_eq!((found.project.as_str(), found.deployment.as_deref()), ("demo", Some("gpt-4o")));
        drop(directory);
        assert_eq!(serving(parent.path()), None);
    }

    #[test]
    fn what_a_killed_server_left_behind_is_not_believed() {
        let parent = tempfile::tempdir().unwrap();
        let stale =
            Serving { pid: 1, listen: address(), project: "demo".into(), deployment: Some("gpt-4o".into()) };
        fs::write(parent.path().join(LOCK_FILE), "1").unwrap();
        fs::write(parent.path().join(SERVING_FILE), serde_json::to_vec(&stale).unwrap()).unwrap();
        assert_eq!(serving(parent.path()), None);
        let _owner = DataDir::open(parent.path()).unwrap();
        assert_eq!(serving(parent.path()), None);
    }

    #[test]
    fn a_directory_that_can_not_be_is_refused_with_its_path() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        fs::write(&file, "").unwrap();
        let error = DataDir::open(&file.join("data")).unwrap_err();
        assert_eq!(error.code(), "data_dir_unusable");
        assert!(error.to_string().contains("file/data"), "{error}");
    }
}
