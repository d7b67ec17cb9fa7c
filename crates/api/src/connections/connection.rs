//! A connection, and how it is shown.

use std::collections::BTreeMap;

use cupola_identity::Secret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The secret parts of credentials by their names on the wire: `key`, `SAS`, or names that users choose.
pub type Secrets = BTreeMap<String, Secret>;

/// A connection without its secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// Its name.
    pub name: String,
    /// What is at the other end, for example `CognitiveSearch`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where that is.
    pub target: String,
    /// Whether it is the one to use for its type.
    pub is_default: bool,
    /// What kind of credentials it has: `ApiKey`, `AAD`, `SAS`, `CustomKeys`, `None`.
    pub credential_type: String,
    /// What else is to be known.
    pub metadata: Map<String, Value>,
    /// Fields that this service does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A connection that the configuration names.
#[derive(Clone, Debug)]
pub struct ConfiguredConnection {
    /// The connection.
    pub connection: Connection,
    /// Its secrets.
    pub secrets: Secrets,
}

impl Connection {
    /// The connection as it is sent; with its secrets only where the client asked for them.
    pub(super) fn shown(&self, project: &str, secrets: Option<&Secrets>) -> Value {
        let mut credentials = Map::new();
        credentials.insert("type".to_owned(), self.credential_type.clone().into());
        for (name, secret) in secrets.into_iter().flatten() {
            credentials.insert(name.clone(), secret.expose().into());
        }
        let mut shown = json!({
            "name": self.name,
            "id": self.resource_id(project),
            "type": self.kind,
            "target": self.target,
            "isDefault": self.is_default,
            "credentials": credentials,
            "metadata": self.metadata,
        });
        if let Some(fields) = shown.as_object_mut() {
            for (name, value) in &self.extra {
                fields.entry(name).or_insert_with(|| value.clone());
            }
        }
        shown
    }

    /// The id in the form that tools refer to connections by.
    fn resource_id(&self, project: &str) -> String {
        format!("{}/connections/{}", project_resource_id(project), self.name)
    }
}

/// A project's id in the form that the control plane of the service uses.
pub fn project_resource_id(project: &str) -> String {
    format!(
        "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/cupola/providers\
         /Microsoft.CognitiveServices/accounts/cupola/projects/{project}"
    )
}
