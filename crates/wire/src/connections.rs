//! Connections: where other services are and how to be let in there.

use std::fmt;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{Extra, Metadata};

/// A connection.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// Its name.
    pub name: String,
    /// Its id in the form that tools refer to connections by.
    pub id: String,
    /// What is at the other end, for example `CognitiveSearch`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where that is.
    pub target: String,
    /// Whether it is the one to use for its type.
    #[serde(default)]
    pub is_default: bool,
    /// How to be let in; with the secrets only where they were asked for.
    pub credentials: ConnectionCredentials,
    /// What else is to be known.
    #[serde(default)]
    pub metadata: Metadata,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The body that puts a connection.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PutConnection {
    /// What is at the other end, for example `CognitiveSearch`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where that is.
    pub target: String,
    /// Whether it is the one to use for its type; left out, the first of a type is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_default: Option<bool>,
    /// How to be let in.
    pub credentials: ConnectionCredentials,
    /// What else is to be known.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// How to be let in at the other end.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct ConnectionCredentials {
    /// `ApiKey`, `AAD`, `SAS`, `CustomKeys` or `None`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The secrets by their names: `key`, `SAS`, or names that users choose.
    #[serde(flatten)]
    pub secrets: IndexMap<String, String>,
}

impl Default for ConnectionCredentials {
    fn default() -> Self {
        Self { kind: "None".to_owned(), secrets: IndexMap::new() }
    }
}

/// Names the secrets and does not tell them.
impl fmt::Debug for ConnectionCredentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.secrets.keys().collect();
        formatter
            .debug_struct("ConnectionCredentials")
            .field("kind", &self.kind)
            .field("secrets", &names)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_debug_output_names_secrets_and_does_not_tell_them() {
        let sent = json!({"type": "CustomKeys", "token": "hunter2"});
        let credentials: ConnectionCredentials = serde_json::from_value(sent.clone()).expect("is read");
        let shown = format!("{credentials:?}");
        assert!(shown.contains("token") && !shown.contains("hunter2"), "{shown}");
        assert_eq!(serde_json::to_value(&credentials).expect("is written"), sent);
    }
}
