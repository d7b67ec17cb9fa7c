//! Vector stores: files that can be searched by what they say. Resources say what there is and how far it is;
//! `cupola_retrieval` keeps the passages.

mod kinds;
mod record;
mod search;
mod stores;

pub use search::{DEFAULT_RESULTS, FoundPassage, Query, Ranking, SearchFault};
pub use stores::{VectorStores, VectorStoresParts};
