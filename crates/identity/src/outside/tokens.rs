//! Checks tokens that others have signed.

use std::{sync::Arc, time::Duration};

use jsonwebtoken::{Algorithm, Header, Validation, dangerous, decode, decode_header, errors::ErrorKind};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Documents,
    claims::Registered,
    keys::{Keys, NoKey},
};
use crate::AuthError;

/// By how much clocks may differ unless configured otherwise.
const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// The algorithms that need no shared secret.
const ALGORITHMS: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// The tokens of one issuer.
pub(crate) struct ForeignTokens {
    issuer: String,
    keys: Keys,
    clock_skew: Duration,
}

/// What a token says that the issuer has signed, and that is valid now.
pub(crate) struct Said {
    /// The subject; empty where it has none.
    pub subject: String,
    /// Whom it is for.
    pub audiences: Vec<String>,
    /// Until when it is good, in unix seconds.
    pub ends: u64,
    /// All of it.
    pub claims: Value,
}

#[derive(Deserialize)]
struct Claimed {
    iss: String,
}

impl ForeignTokens {
    /// The tokens of an issuer whose keys are found by its discovery document.
    pub(crate) fn of(issuer: &str, documents: Arc<dyn Documents>) -> Self {
        Self::with(issuer, None, CLOCK_SKEW, documents)
    }

    pub(super) fn with(
        issuer: &str,
        jwks_uri: Option<String>,
        clock_skew: Duration,
        documents: Arc<dyn Documents>,
    ) -> Self {
        let keys = Keys::new(issuer.to_owned(), jwks_uri, documents);
        Self { issuer: issuer.to_owned(), keys, clock_skew }
    }

    /// Which issuer a token claims to come from. It says whose keys to look at, and nothing more.
    pub(crate) fn claimed_issuer(token: &str) -> Option<String> {
        dangerous::insecure_decode_claims::<Claimed>(token).ok().map(|claimed| claimed.iss)
    }

    /// What the token says. The signature comes first: nothing in an unsigned token deserves an answer.
    pub(crate) async fn verify(&self, token: &str, now: u64) -> Result<Said, AuthError> {
        let Header { alg, kid, .. } = decode_header(token).map_err(|_| AuthError::Malformed)?;
        if !ALGORITHMS.contains(&alg) {
            return Err(self.not_signed());
        }
        let key = self.keys.find(kid.as_deref()).await.map_err(|no| match no {
            NoKey::Unknown => self.not_signed(),
            // Why it can't be reached stands in the log: it may be about the network in here.
            NoKey::Unreachable(_) => AuthError::IssuerUnreachable { issuer: self.issuer.clone() },
        })?;
        let decoded =
            decode::<Value>(token, &key, &signature_only(alg)).map_err(|error| match error.kind() {
                ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm | ErrorKind::InvalidKeyFormat => {
                    self.not_signed()
                }
                _ => AuthError::Malformed,
            })?;
        let registered = Registered::deserialize(&decoded.claims).map_err(|_| AuthError::Malformed)?;
        let ends = registered.ends(self.clock_skew, now)?;
        let Registered { sub, aud, .. } = registered;
        let audiences = aud.map(Vec::from).unwrap_or_default();
        Ok(Said { subject: sub.unwrap_or_default(), audiences, ends, claims: decoded.claims })
    }

    fn not_signed(&self) -> AuthError {
        AuthError::NotSignedByIssuer { issuer: self.issuer.clone() }
    }
}

/// The claims are checked here, against our own clock and with our own sentences.
fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}
