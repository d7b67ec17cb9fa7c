//! Searches.

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::Value;

use super::{Attributes, FileContent, Filter};
use crate::{Extra, tagged::variant};

/// The body of a search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchVectorStore {
    /// What is looked for.
    pub query: SearchQuery,
    /// Which files may be found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filters: Option<Filter>,
    /// How many passages at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_num_results: Option<i64>,
    /// How passages are ranked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranking_options: Option<RankingOptions>,
    /// Whether the query may be put in other words first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewrite_query: Option<bool>,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

impl SearchVectorStore {
    /// A search for one text.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            query: SearchQuery::One(text.into()),
            filters: None,
            max_num_results: None,
            ranking_options: None,
            rewrite_query: None,
            extra: Extra::new(),
        }
    }
}

/// What is looked for: one text or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum SearchQuery {
    /// One text.
    One(String),
    /// Several texts, each looked for by itself.
    Several(Vec<String>),
}

impl SearchQuery {
    /// The texts.
    pub fn into_texts(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Several(texts) => texts,
        }
    }
}

impl<'de> Deserialize<'de> for SearchQuery {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self::One(text)),
            Value::Array(texts) => variant(Value::Array(texts)).map(Self::Several),
            _ => Err(D::Error::custom("invalid type, expected a string or an array of strings")),
        }
    }
}

/// How passages are ranked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RankingOptions {
    /// `none`, `auto` or the name of a ranker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranker: Option<String>,
    /// The least score that a passage must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score_threshold: Option<f64>,
    /// How much meaning and words count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hybrid_search: Option<HybridSearch>,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

/// How much meaning and words count.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HybridSearch {
    /// How much meaning counts.
    pub embedding_weight: f64,
    /// How much words count.
    pub text_weight: f64,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchPage {
    /// Always `vector_store.search_results.page`.
    pub object: String,
    /// What was looked for.
    pub search_query: Vec<String>,
    /// The passages, the best first.
    pub data: Vec<SearchResult>,
    /// Whether there are more.
    pub has_more: bool,
    /// Where they are.
    #[serde(default)]
    pub next_page: Option<String>,
}

/// A passage that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchResult {
    /// The file that it stands in.
    pub file_id: String,
    /// Its name.
    pub filename: String,
    /// How good it is, from 0 to 1.
    pub score: f64,
    /// What the client says about the file.
    #[serde(default)]
    pub attributes: Attributes,
    /// The passage.
    pub content: Vec<FileContent>,
    /// Where it stands in the file, as far as the file says. Cupola alone tells this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PassagePlace>,
}

/// Where a passage stands in its file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassagePlace {
    /// The page or slide, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// The nearest heading above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heading: Option<String>,
}
