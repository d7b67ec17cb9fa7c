//! Documents, chunks, embeddings and search: what vector stores are made of.
//!
//! A file becomes a [`Document`] (text with the places where it stands), a document becomes [`Chunk`]s, a chunk
//! may get a vector from an [`Embedder`], and an index finds chunks again. Nothing here knows a wire dialect, a
//! project or the store of resources.

mod chunk;
mod document;
pub mod embed;
mod embedder;
mod vector;

pub use chunk::{Chunk, Chunking};
pub use document::{Document, Place, Section, Unreadable};
pub use embedder::{EmbedError, Embedder, Purpose, Reranker};
pub use vector::unit_length;
