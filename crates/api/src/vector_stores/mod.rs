//! Vector stores: files that can be searched by what they say. Resources say what there is and how far it is;
//! `cupola_retrieval` keeps the passages.

mod addition;
pub(crate) mod attached;
mod batches;
mod checks;
mod content;
mod expiry;
mod files;
mod filter;
mod handle;
mod ingestion;
mod kinds;
mod record;
mod removal;
mod rewriting;
mod search;
mod searching;
mod settle;
mod sources;
mod stores;
mod wanted;

pub(crate) use batches::{
    cancel as cancel_batch, create as create_batch, get as get_batch, list_files as list_batch_files,
};
pub(crate) use files::{
    content as get_content, create as create_file, delete as delete_file, get as get_file,
    list as list_files, update as update_file,
};
pub use handle::{VectorStores, VectorStoresParts};
pub use ingestion::Patience;
pub use kinds::USE;
pub use search::{DEFAULT_RESULTS, FoundPassage, Query, Ranking, SearchFault};
pub(crate) use searching::search;
pub(crate) use stores::{NewStore, create, delete, find_active, get, list, modify};
