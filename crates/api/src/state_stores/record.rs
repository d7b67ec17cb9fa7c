//! Stores and items as they are stored and sent.

use cupola_engine::ids;
use cupola_store::Resource;
use cupola_wire::Metadata;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::ApiError;

/// What says that items never end.
pub const NEVER: i64 = -1;

/// A state store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Store {
    /// The id; clients use the name.
    pub id: String,
    /// Always `state_store`.
    pub object: String,
    /// The name, unique among the stores of an agent.
    pub name: String,
    /// Whether every user has items of their own.
    pub user_isolation: bool,
    /// For how long an item is kept after it was written; -1 for ever.
    pub item_ttl_seconds: i64,
    /// What it is for.
    pub description: Option<String>,
    /// Labels.
    pub tags: Metadata,
    /// Unix seconds.
    pub created_at: i64,
    /// Unix seconds.
    pub updated_at: i64,
}

/// An item without its value: what a write answers with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ItemRef {
    /// The id; clients use the key.
    pub id: String,
    /// Always `state_store.item`.
    pub object: String,
    /// The key, unique in its store.
    pub key: String,
    /// Changes with every write.
    pub etag: String,
    /// Unix seconds.
    pub created_at: i64,
    /// Unix seconds.
    pub updated_at: i64,
}

/// An item as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub struct Item {
    /// What it is known by.
    pub known: ItemRef,
    /// The value, exactly as it was sent.
    pub value: Box<RawValue>,
    /// Labels.
    pub tags: Option<Metadata>,
    /// When it ends, in unix seconds.
    pub expires_at: Option<i64>,
}

/// An item as it is sent.
#[derive(Debug, Serialize)]
pub struct ShownItem<'i> {
    /// What it is known by.
    #[serde(flatten)]
    pub known: &'i ItemRef,
    /// The value; lists of keys leave it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<&'i RawValue>,
    /// Labels.
    pub tags: Option<&'i Metadata>,
}

impl Item {
    /// The item with its value.
    pub fn shown(&self) -> ShownItem<'_> {
        ShownItem { known: &self.known, value: Some(&self.value), tags: self.tags.as_ref() }
    }

    /// The item as lists of keys have it.
    pub fn shown_as_key(&self) -> ShownItem<'_> {
        ShownItem { value: None, ..self.shown() }
    }

    /// Whether its time is over.
    pub fn has_expired(&self, now: i64) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// What a new version of an item is known by.
pub fn new_etag() -> String {
    format!("\"{}\"", ids::new(""))
}

/// What is stored.
pub fn read<T: DeserializeOwned>(stored: &Resource) -> Result<T, ApiError> {
    serde_json::from_slice(&stored.doc)
        .map_err(|error| ApiError::internal(&format!("reading the state {}", stored.id), error))
}
