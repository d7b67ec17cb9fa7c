//! What takes long to load is loaded once, when it is first needed, and the log is told.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use tokio::sync::OnceCell;

use super::broken::BrokenModel;
use crate::EmbedError;

/// Something that is loaded when it is first needed. After a failure the next one tries again.
pub(super) struct Loaded<T> {
    directory: PathBuf,
    cell: OnceCell<Arc<T>>,
}

impl<T: Send + Sync + 'static> Loaded<T> {
    pub(super) fn later(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), cell: OnceCell::new() }
    }

    pub(super) async fn get(
        &self,
        load: impl FnOnce() -> Result<T, BrokenModel> + Send + 'static,
    ) -> Result<Arc<T>, EmbedError> {
        self.cell.get_or_try_init(|| self.load(load)).await.cloned()
    }

    async fn load(
        &self,
        load: impl FnOnce() -> Result<T, BrokenModel> + Send + 'static,
    ) -> Result<Arc<T>, EmbedError> {
        let (began, directory) = (Instant::now(), self.directory.display());
        let loaded = tokio::task::spawn_blocking(load).await.map_err(|_| EmbedError {
            message: format!("loading the model in {directory} broke down; the log says more"),
            is_transient: false,
        })?;
        match loaded {
            Ok(loaded) => {
                tracing::info!(model = %directory, took = ?began.elapsed(), "model loaded");
                Ok(Arc::new(loaded))
            }
            Err(broken) => {
                tracing::error!(model = %directory, %broken, "model can't be loaded");
                Err(broken.into())
            }
        }
    }
}
