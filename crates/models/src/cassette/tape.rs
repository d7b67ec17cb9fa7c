//! The cassette's file: one exchange per line, as JSON.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::{ModelDelta, ModelRequest};

/// A stored exchange.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exchange {
    pub(crate) digest: String,
    pub(crate) request: ModelRequest,
    pub(crate) deltas: Vec<ModelDelta>,
}

/// Why a cassette can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TapeError {
    /// The file can't be opened.
    #[error("{path} can't be opened: {error}")]
    File {
        /// The file.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// A line is not an exchange.
    #[error("{path}, line {line}: not a recorded exchange: {error}")]
    Line {
        /// The file.
        path: String,
        /// Which line.
        line: usize,
        /// Why.
        error: serde_json::Error,
    },
}

/// The file and what is in it.
#[derive(Debug)]
pub(crate) struct Tape {
    path: PathBuf,
    reels: Mutex<Reels>,
}

#[derive(Debug)]
struct Reels {
    /// Where to append; `None` when only replaying.
    file: Option<File>,
    exchanges: Vec<Exchange>,
    /// By digest: the exchanges in order, and how many were played.
    index: HashMap<String, (Vec<usize>, usize)>,
}

impl Tape {
    pub(crate) fn open(path: &Path, writable: bool) -> Result<Self, TapeError> {
        let file_error = |error| TapeError::File { path: path.display().to_string(), error };
        let file = if writable {
            Some(OpenOptions::new().append(true).create(true).open(path).map_err(file_error)?)
        } else {
            None
        };
        let text = fs::read_to_string(path).map_err(file_error)?;
        let mut reels = Reels { file, exchanges: Vec::new(), index: HashMap::new() };
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let line_error =
                |error| TapeError::Line { path: path.display().to_string(), line: at + 1, error };
            reels.add(serde_json::from_str(line).map_err(line_error)?);
        }
        Ok(Self { path: path.to_owned(), reels: Mutex::new(reels) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The next answer to this request; the last one again when all were played.
    pub(crate) fn play(&self, digest: &str) -> Option<Vec<ModelDelta>> {
        let reels = &mut *self.reels.lock().unwrap_or_else(PoisonError::into_inner);
        let (order, played) = reels.index.get_mut(digest)?;
        let at = order.get(*played).or(order.last())?;
        *played = (*played + 1).min(order.len());
        Some(reels.exchanges[*at].deltas.clone())
    }

    /// Stores an exchange with a single write, so that a crash leaves whole lines.
    pub(crate) fn append(&self, exchange: Exchange) -> io::Result<()> {
        let mut line = serde_json::to_vec(&exchange)?;
        line.push(b'\n');
        let mut reels = self.reels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &mut reels.file {
            file.write_all(&line)?;
        }
        reels.add(exchange);
        Ok(())
    }

    pub(crate) fn with_requests<T>(&self, look: impl FnOnce(&[&ModelRequest]) -> T) -> T {
        let reels = self.reels.lock().unwrap_or_else(PoisonError::into_inner);
        let requests: Vec<&ModelRequest> = reels.exchanges.iter().map(|exchange| &exchange.request).collect();
        look(&requests)
    }
}

impl Reels {
    fn add(&mut self, exchange: Exchange) {
        self.index.entry(exchange.digest.clone()).or_default().0.push(self.exchanges.len());
        self.exchanges.push(exchange);
    }
}
