//! Documents, chunks, embeddings and search: what vector stores are made of.
//!
//! A file becomes a [`Document`] (text with the places where it stands), a document becomes [`Chunk`]s, a
//! chunk may get a vector from an [`Embedder`], and an index finds chunks again. Nothing here knows a wire
//! dialect, a project or the store of resources.

mod chunk;
mod document;
pub mod embed;
mod embedder;
mod index;
mod library;
mod reader;
mod vector;

pub use chunk::{Chunk, Chunking, TokenCounter};
pub use document::{Document, Place, Section, Unreadable};
pub use embedder::{EmbedError, Embedder, Purpose, Reranker};
pub use index::{
    Embedded, Embedding, Found, Hit, Index, IndexError, IndexedFile, Query, QueryVector, Settings, Stats,
    Weights, Writer, words_of,
};
pub use library::{Entry, Library, LibraryError, Models, Question};
pub use reader::{Kind, Limits, Reader, read_if_asked};
pub use vector::unit_length;
