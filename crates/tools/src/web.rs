//! Searching the web through a provider that the operator chooses: SearXNG, Brave or a service like Bing's.

mod pages;
mod provider;
mod query;

pub use pages::Page;
pub use provider::{Kind, NotSearched, Provider};
pub use query::{Freshness, Query};
