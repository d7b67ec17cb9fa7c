//! The settings of `code_interpreter`, in the form that both dialects bring them to.

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The settings. Fields of newer clients are ignored.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Settings {
    /// The container.
    #[serde(default)]
    pub container: Option<Container>,
    /// Whether what code writes becomes files of the project, because clients know no others.
    #[serde(default)]
    pub publishes: bool,
}

/// Where code runs.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Container {
    /// In the container with this id.
    Named(String),
    /// In one that belongs to the conversation.
    Auto(Auto),
}

/// A container that is made when it is needed.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Auto {
    /// Its id, which hangs on the conversation alone.
    #[serde(default)]
    pub id: Option<String>,
    /// Uploaded files that code finds in it.
    #[serde(default)]
    pub file_ids: Option<Vec<String>>,
    /// How much memory code may use.
    #[serde(default)]
    pub memory_limit: Option<String>,
}

impl Settings {
    /// The id of the container.
    pub fn container_id(&self) -> Option<&str> {
        match self.container.as_ref()? {
            Container::Named(id) => Some(id),
            Container::Auto(auto) => auto.id.as_deref(),
        }
    }
}

/// The id of the container that belongs to a conversation, a thread or a chain of responses.
pub fn auto_id(project: &str, anchor: &str) -> String {
    let digest = Sha256::digest(format!("{project}\n{anchor}"));
    format!("cntr_{}", hex::encode(&digest[..20]))
}

/// A setting for a container that belongs to something, with what a client says about it.
pub fn auto(given: &Value, id: &str) -> Value {
    let mut container = if given.is_object() { given.clone() } else { json!({"type": "auto"}) };
    container["id"] = json!(id);
    container
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn id(settings: Value) -> Option<String> {
        Settings::deserialize(settings).unwrap().container_id().map(str::to_owned)
    }

    #[test]
    fn the_container_is_named_or_belongs_to_the_conversation() {
        assert_eq!(id(json!({"container": "cntr_1"})).as_deref(), Some("cntr_1"));
        let auto = auto(&json!({"type": "auto", "file_ids": ["a"]}), "cntr_2");
        assert_eq!(auto["file_ids"], json!(["a"]));
        assert_eq!(id(json!({"container": auto})).as_deref(), Some("cntr_2"));
        assert_eq!(id(json!({})), None);
    }

    #[test]
    fn a_conversation_has_one_container_for_good_and_shares_it_with_no_other() {
        assert_eq!(auto_id("demo", "conv_1"), auto_id("demo", "conv_1"));
        assert_ne!(auto_id("demo", "conv_1"), auto_id("demo", "conv_2"));
        assert_ne!(auto_id("demo", "conv_1"), auto_id("other", "conv_1"));
    }
}
