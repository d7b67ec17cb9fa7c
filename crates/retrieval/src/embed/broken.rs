//! Why a model directory can't be used: which file, and what is wrong with it.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::EmbedError;

/// A model directory that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", file.display())]
pub struct BrokenModel {
    /// The file at fault.
    pub file: PathBuf,
    /// What is wrong with it, and what to do where that is known.
    pub reason: String,
}

impl BrokenModel {
    pub(super) fn new(file: &Path, reason: impl Into<String>) -> Self {
        Self { file: file.to_owned(), reason: reason.into() }
    }

    pub(super) fn unreadable(file: &Path, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::new(file, "this file is missing"),
            _ => Self::new(file, format!("it can't be read: {error}")),
        }
    }
}

impl From<BrokenModel> for EmbedError {
    fn from(broken: BrokenModel) -> Self {
        Self { message: format!("the model can't be loaded: {broken}"), is_transient: false }
    }
}
