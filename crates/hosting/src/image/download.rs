//! Fetches a blob into a file. A connection that breaks off is taken up where it ended, and what has
//! arrived is compared with its digest.

use std::{io, path::Path};

use futures_util::StreamExt as _;
use reqwest::{Response, StatusCode};
use sha2::{Digest as _, Sha256};
use tokio::{
    fs::File,
    io::{AsyncSeekExt as _, AsyncWriteExt as _},
};

use super::{
    digest::Digest,
    manifest::{Descriptor, invalid},
    registry::{Problem, Registry},
    unpack::disk,
};
use crate::Failure;

/// A blob on its way.
struct Download<'a> {
    registry: &'a Registry<'a>,
    blob: &'a Descriptor,
    path: &'a Path,
    file: File,
    hasher: Sha256,
    done: u64,
    /// Is told how many bytes more are here.
    received: &'a (dyn Fn(i64) + Sync),
}

enum Interruption {
    Passing(Problem),
    Lasting(Failure),
}

/// Fetches `blob` into a new file at `path`.
pub(super) async fn fetch(
    registry: &Registry<'_>,
    blob: &Descriptor,
    path: &Path,
    received: &(dyn Fn(i64) + Sync),
) -> Result<(), Failure> {
    let file = File::create_new(path).await.map_err(|error| disk(path, &error))?;
    let mut download = Download { registry, blob, path, file, hasher: Sha256::new(), done: 0, received };
    let mut attempts = 1;
    loop {
        let before = download.done;
        match download.proceed().await {
            Ok(()) => return download.finish().await,
            Err(Interruption::Lasting(failure)) => return Err(failure),
            Err(Interruption::Passing(problem)) => {
                attempts = if download.done > before { 1 } else { attempts + 1 };
                if attempts > registry.patience().attempts {
                    return Err(registry.failure(problem));
                }
                registry.pause(attempts.saturating_sub(1).max(1)).await;
            }
        }
    }
}

impl Download<'_> {
    /// Fetches what is missing.
    async fn proceed(&mut self) -> Result<(), Interruption> {
        let answer = self.registry.blob(&self.blob.digest, self.done).await;
        let answer = answer.map_err(|problem| self.interrupted(problem))?;
        if self.done > 0 && !continues(&answer, self.done) {
            self.begin_anew().await.map_err(|error| Interruption::Lasting(disk(self.path, &error)))?;
        }
        let mut body = answer.bytes_stream();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| self.interrupted(error.into()))?;
            if self.done + chunk.len() as u64 > self.blob.size {
                return Err(self.interrupted(Problem::TooMuch(self.blob.size)));
            }
            self.file
                .write_all(&chunk)
                .await
                .map_err(|error| Interruption::Lasting(disk(self.path, &error)))?;
            self.hasher.update(&chunk);
            self.done += chunk.len() as u64;
            (self.received)(signed(chunk.len() as u64));
        }
        if self.done < self.blob.size {
            let missing = self.blob.size - self.done;
            return Err(self.interrupted(Problem::BrokenOff(format!("{missing} bytes are missing"))));
        }
        Ok(())
    }

    fn interrupted(&self, problem: Problem) -> Interruption {
        if problem.may_pass() {
            Interruption::Passing(problem)
        } else {
            Interruption::Lasting(self.registry.failure(problem))
        }
    }

    async fn begin_anew(&mut self) -> io::Result<()> {
        self.file.rewind().await?;
        self.file.set_len(0).await?;
        self.hasher = Sha256::new();
        (self.received)(-signed(self.done));
        self.done = 0;
        Ok(())
    }

    async fn finish(mut self) -> Result<(), Failure> {
        self.file.flush().await.map_err(|error| disk(self.path, &error))?;
        let found = Digest::finish(self.hasher);
        if found == self.blob.digest {
            return Ok(());
        }
        Err(invalid(format!("The registry sent a damaged layer: {found} in place of {}.", self.blob.digest)))
    }
}

/// Whether an answer goes on at `offset`. A registry may send everything again.
fn continues(answer: &Response, offset: u64) -> bool {
    let range = answer.headers().get("content-range").and_then(|range| range.to_str().ok());
    let begins_there = |range: &str| range.starts_with(&format!("bytes {offset}-"));
    answer.status() == StatusCode::PARTIAL_CONTENT && range.is_some_and(begins_there)
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
