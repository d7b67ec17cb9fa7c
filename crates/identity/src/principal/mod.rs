//! Service principals: programs that get their tokens here, by a secret or by a token that they have from
//! somewhere else. They speak the client credentials grant (RFC 6749, section 4.4) as `azure-identity` does.

mod config;
mod federated;
mod grant;

pub use config::{FederatedConfig, PrincipalConfig};
pub use grant::{Grant, GrantRefused, GrantRequest, TokenGrant};

use std::{collections::HashMap, sync::Arc};

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::{Documents, IdentityError, Issuer, audience, caller::project_roles, token_cache::Fingerprint};
use federated::Federation;

/// Gives tokens to service principals.
pub struct Principals {
    issuer: Arc<Issuer>,
    known: HashMap<String, Principal>,
    federation: Federation,
}

struct Principal {
    entry: PrincipalConfig,
    secret: Option<Fingerprint>,
}

impl Principals {
    pub(crate) fn new(
        issuer: Arc<Issuer>,
        entries: &[PrincipalConfig],
        documents: &Arc<dyn Documents>,
    ) -> Result<Self, IdentityError> {
        let mut known = HashMap::new();
        for entry in entries {
            let principal = Principal { secret: entry.check()?, entry: entry.clone() };
            if known.insert(entry.client_id.clone(), principal).is_some() {
                return Err(entry.bad("another entry has the same `client_id`".to_owned()));
            }
        }
        let issuers =
            entries.iter().flat_map(|entry| &entry.federated).map(|trusted| trusted.issuer.as_str());
        Ok(Self { issuer, federation: Federation::new(issuers, documents), known })
    }

    /// The name that tokens have for who made them.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Answers a request for a token.
    pub async fn grant(&self, request: &GrantRequest) -> Result<TokenGrant, GrantRefused> {
        self.grant_at(request, crate::issuer::unix_now()).await
    }

    async fn grant_at(&self, request: &GrantRequest, now: u64) -> Result<TokenGrant, GrantRefused> {
        let principal = self.known.get(&request.client_id);
        let proven = match &request.proof {
            Grant::Secret(secret) => principal.filter(|principal| principal.has_secret(secret)),
            Grant::Assertion(token) => match principal {
                Some(principal) => {
                    self.federation.check(&principal.entry.federated, token, now).await?;
                    Some(principal)
                }
                None => None,
            },
        };
        // Who does not exist and whose secret is wrong look the same from outside.
        let Some(Principal { entry, .. }) = proven else { return Err(GrantRefused::InvalidClient) };
        let Some(audience) = audience::accepted(&request.scope) else {
            return Err(GrantRefused::InvalidScope { scope: request.scope.clone() });
        };
        let roles = project_roles(&entry.projects, &entry.roles);
        let issued = self.issuer.issue(&entry.client_id, audience, roles).map_err(GrantRefused::Signing)?;
        Ok(TokenGrant::of(issued))
    }
}

impl Principal {
    fn has_secret(&self, presented: &str) -> bool {
        let digest: Fingerprint = Sha256::digest(presented).into();
        self.secret.is_some_and(|secret| secret.ct_eq(&digest).into())
    }
}

#[cfg(test)]
mod tests;
