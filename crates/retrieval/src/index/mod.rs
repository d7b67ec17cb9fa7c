//! The searchable index of one vector store: a directory of derived data, safe against a crash at any moment.
//!
//! ```text
//! DIR/words/           an index of words (tantivy); its commit carries the state of all the rest
//! DIR/catalog-G.log    which files there are: a journal of changes
//! DIR/passages-G.log   the chunks of each file, packed
//! DIR/vectors-G.f32    the exact vectors, one row for each chunk
//! DIR/vectors-G.i8     the same, quantised
//! ```
//! All files but those of words only grow. A commit syncs them, then replaces the one record that says how much of
//! each counts ([`state`]); what a crash leaves behind that is never looked at. A file with much garbage is written
//! anew under the next generation `G`.
//!
//! Reading: [`Index`] holds a [`snapshot`] of the last commit, which searches share. Writing: the one [`Writer`] has
//! the threads and the memory that indexing needs, for as long as it lives.

mod analysis;
mod catalog;
mod compaction;
mod error;
mod fusion;
mod log;
mod nearest;
mod open;
mod passages;
mod quantise;
mod query;
mod rows;
mod snapshot;
mod state;
mod stem;
mod top;
mod words;
mod writer;

use crate::Chunk;

pub use analysis::words_of_query as words_of;
pub use error::IndexError;
pub use open::Index;
pub use query::{Embedded, Embedding, Found, Hit, IndexedFile, Query, QueryVector, Settings, Stats, Weights};
pub use writer::Writer;
