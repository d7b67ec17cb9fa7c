//! Files become documents. What could do harm to its reader is read in a process of its own.

mod doc;
mod docx;
mod encoding;
mod flow;
mod html;
mod kind;
mod limits;
mod markdown;
mod office;
mod package;
mod parse;
mod pdf;
mod pptx;
mod process;
mod relations;
mod rtf;
mod sections;
mod xml;

use std::{fs::File, num::NonZero, sync::Arc, thread};

use tokio::{
    sync::Semaphore,
    task::{JoinError, spawn_blocking},
};

pub use kind::Kind;
pub use limits::Limits;
pub use process::read_if_asked;

use crate::{Document, Unreadable};

/// Reads files, as many at a time as there are processors. Clones count together.
#[derive(Clone, Debug)]
pub struct Reader {
    limits: Limits,
    turns: Arc<Semaphore>,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Reader {
    /// Reads with these limits. The program that uses it calls [`read_if_asked`] first in `main`.
    pub fn new(limits: Limits) -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        Self { limits, turns: Arc::new(Semaphore::new(processors)) }
    }

    /// Reads a file from its beginning. Its name says what it should be.
    ///
    /// Dropping the future ends the process that reads it.
    pub async fn read(&self, name: &str, file: File) -> Result<Document, Unreadable> {
        let kind = Kind::of_name(name)?;
        let bytes = file.metadata().map_err(parse::cannot_read)?.len();
        self.limits.check_file(bytes)?;
        let Ok(turn) = Arc::clone(&self.turns).acquire_owned().await else { return Err(stopped()) };
        if kind.needs_parser() {
            return process::read(kind, file, &self.limits).await;
        }
        let limits = self.limits;
        let reading = spawn_blocking(move || {
            let document = parse::parse(kind, file, &limits);
            drop(turn);
            document
        });
        reading.await.unwrap_or_else(|error: JoinError| {
            Err(if error.is_panic() { process::stumbled() } else { stopped() })
        })
    }
}

fn stopped() -> Unreadable {
    Unreadable::Failed("Reading the file was given up, since the service was stopping.".into())
}
