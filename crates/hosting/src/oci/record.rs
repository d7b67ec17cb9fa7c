//! What is remembered of sandboxes, so that the next start of the service can clean up after a killed one.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use cupola_sandbox::Trace;

/// A folder with a file for each sandbox that lives.
#[derive(Debug)]
pub(super) struct Records {
    folder: PathBuf,
}

/// The record of a sandbox. It is forgotten when this is dropped.
#[derive(Debug)]
pub(super) struct Record {
    path: PathBuf,
}

impl Records {
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// Remembers a sandbox.
    pub fn keep(&self, id: &str, trace: &Trace) -> io::Result<Record> {
        let path = self.folder.join(id);
        fs::write(&path, serde_json::to_vec(trace)?)?;
        Ok(Record { path })
    }

    /// All that are remembered.
    pub fn all(&self) -> io::Result<Vec<(String, Trace)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            match serde_json::from_slice(&fs::read(entry.path())?) {
                Ok(trace) => found.push((entry.file_name().to_string_lossy().into_owned(), trace)),
                // Half of a record is what a crash while writing leaves.
                Err(_) => fs::remove_file(entry.path())?,
            }
        }
        Ok(found)
    }

    pub fn forget(&self, id: &str) {
        forget(&self.folder.join(id));
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        forget(&self.path);
    }
}

fn forget(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "the record of a sandbox can't be removed");
        }
        _ => {}
    }
}
