//! Vectors for what was read. A provider that is slow or fails for a while is waited for, up to a deadline.

use std::time::Duration;

use cupola_retrieval::{Chunk, EmbedError, LibraryError};
use cupola_wire::vector_stores::FileErrorCode;
use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::time::{Instant, sleep};

use super::{
    queue::Place,
    read::{Read, failed},
};
use crate::vector_stores::{VectorStores, settle::Outcome};

/// How long a provider of embeddings is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The pause before the second attempt. Each further one is twice as long.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// After this long nobody tries again.
    pub deadline: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            deadline: Duration::from_secs(15 * 60),
        }
    }
}

impl Patience {
    /// Tries until it works, fails for good, or the time is over.
    async fn embed<'a, T>(
        self,
        attempt: impl Fn() -> BoxFuture<'a, Result<T, EmbedError>>,
    ) -> Result<T, String> {
        let deadline = Instant::now() + self.deadline;
        let mut pause = self.first_pause;
        loop {
            let error = match attempt().await {
                Ok(vectors) => return Ok(vectors),
                Err(error) => error,
            };
            if !error.is_transient {
                return Err(error.message);
            }
            if Instant::now() + pause > deadline {
                let minutes = self.deadline.as_secs().div_ceil(60);
                return Err(format!("{} It was tried for {minutes} minutes.", sentence(&error.message)));
            }
            tracing::debug!(%error, ?pause, "embeddings failed; trying again");
            sleep(pause).await;
            pause = (pause * 2).min(self.longest_pause);
        }
    }
}

/// A message with a full stop.
fn sentence(message: &str) -> String {
    let message = message.trim_end();
    if message.ends_with(['.', '!', '?']) { message.to_owned() } else { format!("{message}.") }
}

impl VectorStores {
    /// Vectors for all chunks of files; those that have none of their own fault are failed. Many small files are
    /// embedded at once.
    pub(super) async fn vectors(&self, read: &mut [Read]) -> Vec<Option<Vec<Vec<f32>>>> {
        if self.library().models().embedder.is_none() {
            return read.iter().map(|_| None).collect();
        }
        let all: Vec<Chunk> = read.iter().flat_map(|file| file.outcome.iter().flatten()).cloned().collect();
        match self.patience().embed(|| self.library().models().embed(&all).boxed()).await {
            Ok(vectors) => {
                let mut vectors = vectors.unwrap_or_default().into_iter();
                let count = |file: &Read| file.outcome.as_ref().map_or(0, Vec::len);
                read.iter().map(|file| Some(vectors.by_ref().take(count(file)).collect())).collect()
            }
            // One text may be what the provider refuses, and that is the fault of one file only.
            Err(_) if read.len() > 1 => {
                let mut vectors = Vec::with_capacity(read.len());
                for file in read {
                    vectors.push(self.vectors_of(file).await);
                }
                vectors
            }
            Err(message) => {
                read.iter_mut().for_each(|file| fail(file, &message));
                vec![None; read.len()]
            }
        }
    }

    async fn vectors_of(&self, file: &mut Read) -> Option<Vec<Vec<f32>>> {
        let chunks = file.outcome.as_ref().ok()?;
        match self.patience().embed(|| self.library().models().embed(chunks).boxed()).await {
            Ok(vectors) => vectors,
            Err(message) => {
                fail(file, &message);
                None
            }
        }
    }

    /// Gives vectors of today's model to the files of a store that have none. Words find them meanwhile.
    pub(super) async fn embed_again(&self, place: &Place) -> Result<(), LibraryError> {
        let files = self.library().without_vectors(&place.store).await?;
        if !files.is_empty() {
            tracing::info!(store = %place.store, files = files.len(), "files are embedded by another model");
        }
        for file in files {
            let attempt = || {
                let embedding = self.library().embed_again(&place.store, &file);
                let unless_embedder = |embedded| match embedded {
                    Err(LibraryError::Embed(error)) => Err(error),
                    other => Ok(other),
                };
                embedding.map(unless_embedder).boxed()
            };
            match self.patience().embed(attempt).await {
                Ok(embedded) => embedded?,
                Err(message) => return Err(EmbedError { message, is_transient: false }.into()),
            }
        }
        Ok(())
    }
}

fn fail(file: &mut Read, message: &str) {
    if file.outcome.is_ok() {
        let sentence = format!("The text of the file could not be embedded: {message}");
        file.outcome = Err::<_, Outcome>(failed(FileErrorCode::ServerError, sentence));
    }
}
