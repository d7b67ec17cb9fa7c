//! File systems that are mounted for a test, which only root can do.

use std::{path::Path, process::Command};

use tempfile::TempDir;

/// A file system that is there as long as this is.
pub struct Mounted(TempDir);

impl Mounted {
    /// Folders above each other.
    pub fn overlay(options: &str) -> Self {
        Self::new("overlay", options)
    }

    /// One in memory.
    pub fn memory(options: &str) -> Self {
        Self::new("tmpfs", options)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    fn new(kind: &str, options: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let made = Command::new("mount")
            .args(["-t", kind, "-o", options, "cupola-test"])
            .arg(folder.path())
            .status();
        assert!(
            made.is_ok_and(|status| status.success()),
            "{kind} can't be mounted: run these tests as root"
        );
        Self(folder)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}
