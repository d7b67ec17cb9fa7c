//! What was read goes into the index, and then the resources say so.

use std::time::Duration;

use cupola_retrieval::{Chunk, Entry, LibraryError};
use cupola_store::{Batch, Conflict, StoreError};
use cupola_wire::vector_stores::{FileErrorCode, StaticChunking};
use tokio::time::sleep;

use super::{
    Job,
    queue::{Group, Place},
    read::{Read, failed, is_as_read},
};
use crate::vector_stores::{VectorStores, kinds, settle::Outcome};

/// How long to wait before a group is tried again that the resources could not be read or written for.
const TROUBLE: Duration = Duration::from_secs(5);

/// What became of a file, and how it was cut.
struct Settled {
    id: String,
    chunking: StaticChunking,
    outcome: Outcome,
}

impl VectorStores {
    /// Puts files into the index of their store, in one commit, and says what became of them, in another.
    pub(super) async fn take_in(&self, place: &Place, mut read: Vec<Read>) -> Result<(), StoreError> {
        let (mut good, bad): (Vec<Read>, Vec<Read>) = read.drain(..).partition(|file| file.outcome.is_ok());
        // What has failed is told at once: embedding the others may take long.
        let bad = bad.into_iter().filter_map(|file| Some((file.id, file.chunking, file.outcome.err()?)));
        let bad: Vec<Settled> =
            bad.map(|(id, chunking, outcome)| Settled { id, chunking, outcome }).collect();
        self.tell(place, bad).await?;
        let vectors = self.vectors(&mut good).await;
        let mut settled = Vec::with_capacity(good.len());
        let mut entries = Vec::with_capacity(good.len());
        for (file, vectors) in good.into_iter().zip(vectors) {
            match file.outcome {
                Ok(chunks) => entries.push((file.chunking, entry(file.id, chunks, vectors))),
                Err(outcome) => settled.push(Settled { id: file.id, chunking: file.chunking, outcome }),
            }
        }
        settled.extend(self.index(place, entries).await?);
        self.tell(place, settled).await
    }

    async fn index(
        &self,
        place: &Place,
        entries: Vec<(StaticChunking, Entry)>,
    ) -> Result<Vec<Settled>, StoreError> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let files: Vec<(StaticChunking, String)> =
            entries.iter().map(|(chunking, entry)| (*chunking, entry.file_id.clone())).collect();
        let entries = entries.into_iter().map(|(_, entry)| entry).collect();
        let outcomes = match self.library().put(&place.store, entries).await {
            Ok(bytes) => bytes.into_iter().map(Outcome::Completed).collect(),
            Err(LibraryError::Stopped) => return Err(StoreError::Stopped),
            Err(error) if error.is_damage() => {
                self.make_again(place).await?;
                return Ok(Vec::new());
            }
            Err(error) => {
                tracing::error!(%error, store = %place.store, "an index could not be written");
                let sentence = format!("The passages of the file could not be kept: {error}.");
                vec![failed(FileErrorCode::ServerError, sentence); files.len()]
            }
        };
        let settled = files.into_iter().zip(outcomes);
        Ok(settled.map(|((chunking, id), outcome)| Settled { id, chunking, outcome }).collect())
    }

    /// Says what became of files. Those that have left meanwhile, or are to be read in another way, are passed over.
    async fn tell(&self, place: &Place, settled: Vec<Settled>) -> Result<(), StoreError> {
        if settled.is_empty() {
            return Ok(());
        }
        loop {
            let (mut changes, mut gone) = (Batch::new(), Vec::new());
            for file in &settled {
                let found = self.store().get(&kinds::file(&place.project, &place.store, &file.id)).await?;
                match found {
                    Some(found) if is_as_read(&found, file.chunking)? => {
                        changes.extend(self.settle(&place.project, &found, &file.outcome).await?);
                    }
                    _ => gone.push(file.id.as_str()),
                }
            }
            match self.store().commit(changes).await {
                Ok(()) => {
                    gone.into_iter().for_each(|file| self.forget_file(&place.project, &place.store, file));
                    self.tell_settled();
                    return Ok(());
                }
                Err(StoreError::Conflict(Conflict::Changed(_) | Conflict::Missing(_))) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Puts a group into the queue again, after a while.
    pub(super) async fn again(&self, group: Group) {
        sleep(TROUBLE).await;
        self.waiting().add(|all| {
            for file in group.files {
                all.queue.push(&group.place, Job { file, bytes: 0 });
            }
        });
    }
}

fn entry(file_id: String, chunks: Vec<Chunk>, vectors: Option<Vec<Vec<f32>>>) -> Entry {
    Entry { file_id, chunks, vectors }
}
