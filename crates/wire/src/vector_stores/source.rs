//! Data sources: files that are not uploaded but lie in storage or in a dataset.

use serde::{Deserialize, Serialize};

use crate::{Extra, words::words};

words! {
    /// What the address of a data source is.
    AssetType {
        /// An address of storage.
        "uri_asset" => Uri,
        /// The id of a dataset.
        "id_asset" => Id,
    }
}

/// Where data lies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataSource {
    /// The address or the id.
    pub uri: String,
    /// Which of both it is.
    #[serde(rename = "type")]
    pub kind: AssetType,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What a store is filled from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoreConfiguration {
    /// Where the data lies.
    #[serde(default)]
    pub data_sources: Vec<DataSource>,
    /// Fields of newer clients.
    #[serde(flatten)]
    pub extra: Extra,
}
