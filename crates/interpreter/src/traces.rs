//! What is remembered of cages, so that the next start of the service cleans up after a killed one.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use cupola_sandbox::Trace;

/// A folder with a file for each cage that lives.
#[derive(Debug)]
pub struct Traces {
    folder: PathBuf,
}

/// The trace of a cage. It is forgotten when this is dropped.
#[derive(Debug)]
pub struct Remembered {
    path: PathBuf,
}

impl Traces {
    /// Uses a folder, and erases what a killed service has left.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            // Half of a trace is what a crash while writing leaves.
            if let Ok(trace) = serde_json::from_slice::<Trace>(&fs::read(&path)?) {
                trace.erase();
            }
            fs::remove_file(&path)?;
        }
        Ok(Self { folder })
    }

    /// Remembers a cage.
    pub fn keep(&self, name: &str, trace: &Trace) -> io::Result<Remembered> {
        let path = self.folder.join(name);
        fs::write(&path, serde_json::to_vec(trace)?)?;
        Ok(Remembered { path })
    }
}

impl Drop for Remembered {
    fn drop(&mut self) {
        forget(&self.path);
    }
}

fn forget(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "the trace of an interpreter can't be removed");
        }
        _ => {}
    }
}
