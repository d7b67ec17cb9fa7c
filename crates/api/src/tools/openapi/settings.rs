//! The settings of `openapi`, in the form that both dialects bring them to.

use serde::Deserialize;
use serde_json::Value;

/// The settings. Fields of newer clients are ignored.
#[derive(Clone, Debug, Deserialize)]
pub struct Settings {
    /// What the names of its functions begin with.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// The document.
    pub spec: Value,
    /// How the service is let in.
    #[serde(default)]
    pub auth: Auth,
    /// Parameters that have their defaults, whatever a model thinks.
    #[serde(default)]
    pub default_params: Option<Vec<String>>,
}

/// How the service is let in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Auth {
    /// Anybody is.
    #[default]
    Anonymous,
    /// By the keys of a connection.
    #[serde(alias = "project_connection")]
    Connection {
        /// Which one.
        security_scheme: ConnectionScheme,
    },
    /// By the identity of the machine.
    ManagedIdentity {
        /// For whom.
        security_scheme: IdentityScheme,
    },
}

/// A connection.
#[derive(Clone, Debug, Deserialize)]
pub struct ConnectionScheme {
    /// Its name or its resource id.
    #[serde(alias = "project_connection_id")]
    pub connection_id: String,
}

/// A managed identity.
#[derive(Clone, Debug, Deserialize)]
pub struct IdentityScheme {
    /// Whom its token is for.
    pub audience: String,
}

/// What a dialect gives as settings: runs the definition itself, responses the tool around it.
pub fn definition(settings: &Value) -> &Value {
    settings.get(super::KIND).filter(|inner| inner.is_object()).unwrap_or(settings)
}

impl Settings {
    /// Parameters that have their defaults.
    pub fn fixed(&self) -> &[String] {
        self.default_params.as_deref().unwrap_or_default()
    }

    /// The name of the function for an operation.
    pub fn function(&self, operation: &str) -> String {
        format!("{}_{operation}", self.name)
    }

    /// The operation that a function is for.
    pub fn operation<'f>(&self, function: &'f str) -> Option<&'f str> {
        function.strip_prefix(self.name.as_str())?.strip_prefix('_')
    }
}
