//! What this runtime needs of an image, and of whoever has them.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use async_trait::async_trait;

use crate::{Code, Failure, ImageSource, ProgressSink};

/// An image whose layers lie unpacked on this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RootImage {
    /// The digest that says which bytes it is: `sha256:…`.
    pub digest: String,
    /// The layers as folders, the lowest first. What a layer removes is marked as overlayfs has it.
    pub layers: Vec<PathBuf>,
    /// What is started: the entry point and its arguments, or the command alone.
    pub command: Vec<String>,
    /// Its environment.
    pub environment: BTreeMap<String, String>,
    /// Where the program starts; empty for `/`.
    pub folder: String,
    /// Who runs it; empty for root.
    pub user: String,
}

impl RootImage {
    /// Says what makes it impossible to run.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let what = match () {
            () if self.command.is_empty() => "names no program to start (ENTRYPOINT or CMD)",
            () if self.layers.is_empty() => "has no files in it",
            () => return Ok(()),
        };
        Err(Failure::new(Code::InvalidContainerImage, format!("The image {} {what}.", self.digest)))
    }
}

/// Whoever has images.
#[async_trait]
pub trait Images: Send + Sync + fmt::Debug {
    /// Makes an image present.
    async fn pull(&self, source: &ImageSource, progress: &dyn ProgressSink) -> Result<RootImage, Failure>;

    /// An image that is present.
    fn find(&self, digest: &str) -> Option<RootImage>;

    /// Forgets an image, where nothing else needs it.
    async fn forget(&self, digest: &str) -> Result<(), Failure>;
}
