//! An issuer whose tokens open projects: who holds one, and what grants say of them.

use std::sync::Arc;

use super::{Documents, IssuerConfig, Known, tokens::ForeignTokens};
use crate::{AuthError, Caller, audience};

/// One issuer.
pub(super) struct Outside {
    entry: IssuerConfig,
    tokens: ForeignTokens,
}

impl Outside {
    pub(super) fn new(entry: IssuerConfig, documents: Arc<dyn Documents>) -> Self {
        let jwks_uri = entry.jwks_uri.clone();
        let tokens = ForeignTokens::with(&entry.issuer, jwks_uri, entry.clock_skew(), documents);
        Self { entry, tokens }
    }

    /// Who holds this token, if everything about it is right.
    pub(super) async fn verify(&self, token: &str, now: u64) -> Result<Known, AuthError> {
        let said = self.tokens.verify(token, now).await?;
        if !said.audiences.iter().any(|found| self.accepts(found)) {
            return Err(AuthError::WrongAudience { found: said.audiences.join(", ") });
        }
        let subject = match said.claims[self.entry.subject_claim.as_str()].as_str() {
            Some(subject) if !subject.is_empty() => format!("{}:{subject}", self.entry.name),
            _ => return Err(AuthError::Nameless { claim: self.entry.subject_claim.clone() }),
        };
        Ok((Arc::new(Caller { subject, roles: self.entry.roles(&said.claims) }), said.ends))
    }

    fn accepts(&self, audience: &str) -> bool {
        match self.entry.audiences.as_slice() {
            [] => audience::accepted(audience).is_some(),
            wanted => wanted.iter().any(|wanted| wanted == audience),
        }
    }
}

#[cfg(test)]
mod tests;
