//! What a sandbox has written where no file system holds it to a limit: found out by looking now and then.

use std::{
    collections::HashSet,
    fmt, fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::live::Live;
use crate::{Code, Failure, Limits};

/// The pause before the next look while somebody visits.
const PAUSE: Duration = Duration::from_secs(1);

/// The same while nobody does.
const LONG_PAUSE: Duration = Duration::from_secs(30);

/// A pause is at least so many times as long as the look before it.
const SHARE: u32 = 20;

/// What may be written, and where.
#[derive(Clone, Debug)]
pub struct Writing {
    /// The home.
    pub home: PathBuf,
    /// What it may hold, and what may be written beside it.
    pub limits: Limits,
}

/// More was written than may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// The home holds too much.
    Home {
        /// What it holds, in bytes.
        bytes: u64,
        /// What it may.
        limit: u64,
    },
    /// The home has folders in folders, too deep to look into.
    Depth,
    /// Too much was written outside of the home.
    Disk {
        /// How much, in bytes.
        bytes: u64,
        /// What may be.
        limit: u64,
    },
}

impl fmt::Display for Excess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Home { bytes, limit } => write!(
                formatter,
                "its home holds {}, and {} are the most (hosting.home_gib)",
                mib(bytes),
                mib(limit)
            ),
            Self::Depth => formatter.write_str("its home has folders so deep that they can't be measured"),
            Self::Disk { bytes, limit } => write!(
                formatter,
                "it has written {} outside of its home, and {} are the most (hosting.disk_gib)",
                mib(bytes),
                mib(limit)
            ),
        }
    }
}

fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

impl Writing {
    /// Refuses a start with a home that holds too much: it would only be stopped again.
    pub async fn admit(&self) -> Result<(), Failure> {
        match self.excess_of_home().await {
            None => Ok(()),
            Some(excess) => {
                let message =
                    format!("The sandbox was not started, because {excess}. Delete files of the session.");
                Err(Failure::new(Code::SandboxUnavailable, message))
            }
        }
    }

    /// Waits until more was written than may be.
    pub async fn until_exceeded(&self, live: &Live) -> Excess {
        loop {
            if live.visits() == Some(0) {
                tokio::select! {
                    () = sleep(LONG_PAUSE) => {}
                    () = live.entered() => sleep(PAUSE).await,
                }
            } else {
                sleep(PAUSE).await;
            }
            let begun = Instant::now();
            if let Some(excess) = self.excess(live).await {
                return excess;
            }
            sleep(begun.elapsed() * SHARE).await;
        }
    }

    async fn excess(&self, live: &Live) -> Option<Excess> {
        let limit = self.limits.disk_bytes;
        match live.sandbox().written().await {
            Some(bytes) if bytes > limit => Some(Excess::Disk { bytes, limit }),
            _ => self.excess_of_home().await,
        }
    }

    async fn excess_of_home(&self) -> Option<Excess> {
        let (home, limit) = (self.home.clone(), self.limits.home_bytes);
        match tokio::task::spawn_blocking(move || held(&home)).await {
            Ok(Ok(bytes)) if bytes > limit => Some(Excess::Home { bytes, limit }),
            Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidFilename => Some(Excess::Depth),
            _ => None,
        }
    }
}

/// How much disk a folder takes with everything in it. A file with two names counts once.
pub fn held(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    let mut seen = HashSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // What goes away meanwhile, or may not be read, does not count. What lies too deep does not go
        // unseen.
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::InvalidFilename => return Err(error),
            Err(_) => continue,
            Ok(entries) => entries,
        };
        for entry in entries.flatten() {
            let about = match entry.metadata() {
                Err(error) if error.kind() == io::ErrorKind::InvalidFilename => return Err(error),
                Err(_) => continue,
                Ok(about) => about,
            };
            if about.is_dir() {
                folders.push(entry.path());
            }
            if about.nlink() == 1 || about.is_dir() || seen.insert((about.dev(), about.ino())) {
                bytes += about.blocks() * 512;
            }
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_lies_in_a_folder_counts_once_and_with_what_it_takes() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        let before = held(folder.path()).unwrap();
        fs::write(inner.join("file"), vec![1; 1 << 20]).unwrap();
        fs::hard_link(inner.join("file"), folder.path().join("other name")).unwrap();
        symlink("/usr", folder.path().join("way out")).unwrap();
        // A hole takes nothing.
        fs::File::create(inner.join("hole")).unwrap().set_len(1 << 30).unwrap();
        let added = held(folder.path()).unwrap() - before;
        assert!((1 << 20..(1 << 20) + (64 << 10)).contains(&added), "{added}");
        assert_eq!(held(&folder.path().join("missing")).unwrap(), 0);
    }

    #[test]
    fn what_lies_too_deep_is_not_overlooked() {
        use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
        let folder = tempfile::tempdir().unwrap();
        let mut place = openat(CWD, folder.path(), OFlags::DIRECTORY, Mode::empty()).unwrap();
        let name = "d".repeat(250);
        for _ in 0..20 {
            mkdirat(&place, &name, Mode::RWXU).unwrap();
            place = openat(&place, &name, OFlags::DIRECTORY, Mode::empty()).unwrap();
        }
        let error = held(folder.path()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidFilename);
        // Nobody but the kernel removes by such a path: from the inside out.
        drop(place);
        assert!(std::process::Command::new("rm").arg("-rf").arg(folder.path()).status().unwrap().success());
    }
}
