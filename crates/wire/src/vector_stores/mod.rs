//! Vector stores: collections of files that can be searched by what they say. Both dialects share these types.

mod attributes;
mod batch;
mod chunking;
mod counts;
mod file;
mod filter;
mod search;
mod source;
mod store;

pub use attributes::{AttributeValue, Attributes};
pub use batch::{BatchFile, CreateFileBatch, VectorStoreFileBatch};
pub use chunking::{ChunkingChoice, ChunkingStrategy, StaticChoice, StaticChunking};
pub use counts::{FileCounts, FileStatus};
pub use file::{
    CreateVectorStoreFile, FileContent, FileError, FileErrorCode, UpdateVectorStoreFile, VectorStoreFile,
};
pub use filter::{Comparator, Comparison, Compound, Connective, Filter, FilterValue};
pub use search::{
    HybridSearch, PassagePlace, RankingOptions, SearchPage, SearchQuery, SearchResult, SearchVectorStore,
};
pub use source::{AssetType, DataSource, StoreConfiguration};
pub use store::{CreateVectorStore, ExpiresAfter, StoreStatus, UpdateVectorStore, VectorStore};
