//! What was read from a file: its passages, without what they share.

use cupola_retrieval::Chunk;

use super::{SearchFault, VectorStores};

impl VectorStores {
    /// The text of a file, in the pieces that it was cut into.
    pub(super) async fn content(&self, store: &str, file: &str) -> Result<Vec<String>, SearchFault> {
        let passages = self.library().passages(store, file).await;
        let passages = passages.map_err(|error| SearchFault::index(store, &error))?.unwrap_or_default();
        let own =
            |passage: &Chunk| passage.text.get(passage.shared as usize..).unwrap_or_default().to_owned();
        Ok(passages.iter().map(own).filter(|piece| !piece.is_empty()).collect())
    }
}
