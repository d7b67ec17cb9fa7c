//! Records the exchanges of another provider in a file and plays them back.

mod difference;
mod digest;
mod tape;

use std::{io, path::Path, sync::Arc};

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};

pub use tape::TapeError;
use tape::{Exchange, Tape};

use crate::{
    Fault, FaultKind, ModelDelta, ModelRequest, ModelStream, Provider, config::CassetteMode, tokens,
};

/// The provider.
#[derive(Debug)]
pub struct Cassette {
    name: String,
    mode: CassetteMode,
    tape: Arc<Tape>,
    inner: Option<Arc<dyn Provider>>,
}

impl Cassette {
    /// Opens the file, which must exist to be replayed and is created to be recorded to. `inner` is the
    /// provider whose exchanges are recorded.
    pub fn open(
        name: &str,
        file: &Path,
        mode: CassetteMode,
        inner: Option<Arc<dyn Provider>>,
    ) -> Result<Self, TapeError> {
        let tape = Arc::new(Tape::open(file, mode != CassetteMode::Replay)?);
        Ok(Self { name: name.to_owned(), mode, tape, inner })
    }

    async fn record(&self, digest: String, request: &ModelRequest) -> Result<ModelStream, Fault> {
        let Some(inner) = &self.inner else {
            let message = format!("The cassette \"{}\" has no provider to record.", self.name);
            return Err(Fault::new(FaultKind::UnknownModel, message));
        };
        let recording = Recording {
            tape: Arc::clone(&self.tape),
            digest,
            request: digest::normalised(request),
            deltas: Vec::new(),
            finished: false,
        };
        let answer = inner.call(request).await?;
        Ok(Box::pin(stream::unfold((answer, recording), |(mut answer, mut recording)| async move {
            let item = answer.next().await?;
            recording.note(&item);
            Some((item, (answer, recording)))
        })))
    }

    fn missing(&self, digest: &str, request: &ModelRequest) -> Fault {
        let request = digest::normalised(request);
        let nearest = self.tape.with_requests(|recorded| difference::to_nearest(&request, recorded));
        let message = format!(
            "The cassette \"{}\" ({}) has no recorded answer to this request (digest {}). {nearest} \
             Record it: set the cassette's mode to \"auto\" or \"record\" and run again with the \
             provider at hand.",
            self.name,
            self.tape.path().display(),
            &digest[..12],
        );
        Fault::new(FaultKind::Rejected, message)
    }
}

#[async_trait]
impl Provider for Cassette {
    fn name(&self) -> &str {
        &self.name
    }

    async fn call(&self, request: &ModelRequest) -> Result<ModelStream, Fault> {
        let digest = digest::of(request);
        let played = if self.mode == CassetteMode::Record { None } else { self.tape.play(&digest) };
        match played {
            Some(deltas) => Ok(Box::pin(stream::iter(deltas.into_iter().map(Ok)))),
            None if self.mode == CassetteMode::Replay => Err(self.missing(&digest, request)),
            None => self.record(digest, request).await,
        }
    }

    async fn models(&self) -> Result<Vec<String>, Fault> {
        match &self.inner {
            Some(inner) if self.mode != CassetteMode::Replay => inner.models().await,
            _ => Ok(self.tape.with_requests(|recorded| {
                let mut models: Vec<String> = recorded.iter().map(|request| request.model.clone()).collect();
                models.sort_unstable();
                models.dedup();
                models
            })),
        }
    }

    fn count_tokens(&self, model: &str, text: &str) -> usize {
        match &self.inner {
            Some(inner) => inner.count_tokens(model, text),
            None => tokens::count(model, text),
        }
    }
}

/// An exchange that is going on. It is stored when the answer is complete and its reader has gone: usage may
/// follow the finish, and not every reader waits for it.
struct Recording {
    tape: Arc<Tape>,
    digest: String,
    request: ModelRequest,
    deltas: Vec<ModelDelta>,
    finished: bool,
}

impl Recording {
    fn note(&mut self, item: &Result<ModelDelta, Fault>) {
        if let Ok(delta) = item {
            self.finished |= matches!(delta, ModelDelta::Finish(_));
            self.deltas.push(delta.clone());
        }
    }

    fn store(&mut self) -> io::Result<()> {
        self.tape.append(Exchange {
            digest: std::mem::take(&mut self.digest),
            request: std::mem::take(&mut self.request),
            deltas: std::mem::take(&mut self.deltas),
        })
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // What failed or was left unread is not an answer worth repeating.
        if self.finished
            && let Err(error) = self.store()
        {
            tracing::error!(file = %self.tape.path().display(), %error, "an exchange could not be recorded");
        }
    }
}
