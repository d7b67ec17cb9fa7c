//! What the configuration says of a service principal.

use std::path::PathBuf;

use serde::Deserialize;

use crate::{
    IdentityError,
    api_key::{default_roles, every_project},
    credential::Source,
    outside::{is_name, is_trustworthy},
    roles,
    token_cache::Fingerprint,
};

/// One `[[identity.principals]]` entry. It has a secret (one of `sha256`, `env` and `file`), or tokens of others that
/// it is known by, or both.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrincipalConfig {
    /// Its client id, which is also what it is called as a caller.
    pub client_id: String,
    /// The secret's SHA-256 in hex.
    pub sha256: Option<String>,
    /// The environment variable that holds the secret.
    pub env: Option<String>,
    /// The file that holds the secret.
    pub file: Option<PathBuf>,
    /// Tokens of other issuers that it is known by: workload identity federation.
    #[serde(default)]
    pub federated: Vec<FederatedConfig>,
    /// The projects that it is let into; all of them where left out.
    #[serde(default = "every_project")]
    pub projects: Vec<String>,
    /// The roles that it has there.
    #[serde(default = "default_roles")]
    pub roles: Vec<String>,
}

/// One `[[identity.principals.federated]]` entry: whose tokens, and which of them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FederatedConfig {
    /// The issuer, exactly as its tokens name it.
    pub issuer: String,
    /// The subject, exactly.
    pub subject: String,
    /// The audience.
    #[serde(default = "exchange")]
    pub audience: String,
}

/// What Azure's own clients have such tokens made for.
fn exchange() -> String {
    "api://AzureADTokenExchange".to_owned()
}

impl PrincipalConfig {
    /// The digest of the secret, where it has one; or why the entry can't be meant.
    pub(crate) fn check(&self) -> Result<Option<Fingerprint>, IdentityError> {
        if !is_name(&self.client_id) {
            return Err(self.bad("`client_id` has to be of letters, digits, '.', '-' and '_'".to_owned()));
        }
        if let Some(unknown) = self.roles.iter().find(|role| !roles::is_role(role)) {
            let known = roles::names().collect::<Vec<_>>().join(", ");
            return Err(self.bad(format!("there is no role {unknown:?}; there are: {known}")));
        }
        if self.federated.iter().any(|trusted| !is_trustworthy(&trusted.issuer)) {
            return Err(self.bad("`federated.issuer` has to begin with https://".to_owned()));
        }
        let has_source = self.sha256.is_some() || self.env.is_some() || self.file.is_some();
        if !has_source && !self.federated.is_empty() {
            return Ok(None);
        }
        let source =
            Source { sha256: self.sha256.as_deref(), env: self.env.as_deref(), file: self.file.as_deref() };
        source.fingerprint().map(Some).map_err(|reason| self.bad(reason))
    }

    pub(super) fn bad(&self, reason: String) -> IdentityError {
        IdentityError::BadPrincipal { client_id: self.client_id.clone(), reason }
    }
}
