//! Issuers outside of this service: sign-in through an OpenID Connect provider of one's own.
//!
//! An issuer is trusted because the configuration names it. Its keys are found by OpenID Connect Discovery 1.0
//! (`ISSUER/.well-known/openid-configuration`) and read as JSON Web Key Sets (RFC 7517); what its tokens say of
//! their holder becomes roles by the grants of the configuration, and by nothing else.

mod claims;
mod config;
mod documents;
mod issuer;
mod keys;
#[cfg(test)]
pub(crate) mod provider;
mod tokens;

pub use config::{GrantConfig, IssuerConfig};
pub use documents::{Documents, HttpDocuments};

pub(crate) use config::{is_name, is_trustworthy};
pub(crate) use tokens::ForeignTokens;

use std::{collections::HashMap, sync::Arc};

use crate::{AuthError, Caller};
use issuer::Outside;

/// The issuers that are trusted, by their names in tokens.
#[derive(Default)]
pub(crate) struct OutsideIssuers(HashMap<String, Outside>);

/// Who holds a token, and until when, in unix seconds.
pub(crate) type Known = (Arc<Caller>, u64);

impl OutsideIssuers {
    /// Trusts these issuers. Nothing is fetched before the first token of each.
    pub(crate) fn new(entries: &[IssuerConfig], documents: &Arc<dyn Documents>) -> Self {
        let known =
            |entry: &IssuerConfig| (entry.issuer.clone(), Outside::new(entry.clone(), Arc::clone(documents)));
        Self(entries.iter().map(known).collect())
    }

    /// Who holds a token that one of these issuers has signed. Nothing where none of them claims to have.
    pub(crate) async fn verify(&self, token: &str, now: u64) -> Option<Result<Known, AuthError>> {
        let issuer = self.0.get(&ForeignTokens::claimed_issuer(token)?)?;
        Some(issuer.verify(token, now).await)
    }
}
