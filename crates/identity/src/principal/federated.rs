//! Tokens of other issuers by which service principals are known.

use std::{collections::HashMap, sync::Arc};

use super::{FederatedConfig, GrantRefused};
use crate::{AuthError, Documents, outside::ForeignTokens};

/// The issuers whose tokens may stand for a principal. They open no project by themselves.
pub(super) struct Federation(HashMap<String, ForeignTokens>);

impl Federation {
    pub(super) fn new<'a>(issuers: impl Iterator<Item = &'a str>, documents: &Arc<dyn Documents>) -> Self {
        let tokens_of = |issuer: &str| (issuer.to_owned(), ForeignTokens::of(issuer, Arc::clone(documents)));
        Self(issuers.map(tokens_of).collect())
    }

    /// Whether the token is one of those that these entries name.
    pub(super) async fn check(
        &self,
        trusted: &[FederatedConfig],
        token: &str,
        now: u64,
    ) -> Result<(), GrantRefused> {
        let claimed = ForeignTokens::claimed_issuer(token).ok_or(GrantRefused::InvalidClient)?;
        let of_issuer: Vec<_> = trusted.iter().filter(|entry| entry.issuer == claimed).collect();
        let (Some(tokens), false) = (self.0.get(&claimed), of_issuer.is_empty()) else {
            return Err(GrantRefused::InvalidClient);
        };
        let said = tokens.verify(token, now).await.map_err(|refusal| match refusal {
            AuthError::IssuerUnreachable { .. } => GrantRefused::Unreachable(refusal),
            refusal => GrantRefused::Assertion(refusal),
        })?;
        let is_meant = |entry: &&FederatedConfig| {
            said.subject == entry.subject && said.audiences.contains(&entry.audience)
        };
        match of_issuer.iter().any(is_meant) {
            true => Ok(()),
            false => Err(GrantRefused::InvalidClient),
        }
    }
}
