//! Decides who is calling, from the two headers that the official clients send.

use std::sync::Arc;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Validation, errors::ErrorKind};
use sha2::{Digest, Sha256};

use crate::{
    AuthError, Caller, Claims, Issuer,
    api_key::ApiKeys,
    audience,
    issuer::unix_now,
    outside::OutsideIssuers,
    token_cache::{Fingerprint, TokenCache},
};

/// Clocks of two machines may differ by this much.
const LEEWAY_SECONDS: u64 = 60;

/// Enough for every program of a large team; about two megabytes.
const REMEMBERED_TOKENS: usize = 8192;

/// Knows the issuer's key, the API keys and the issuers outside.
pub struct Authenticator {
    issuer: Arc<Issuer>,
    api_keys: ApiKeys,
    outside: OutsideIssuers,
    verified: TokenCache,
}

impl Authenticator {
    pub(crate) fn new(issuer: Arc<Issuer>, api_keys: ApiKeys, outside: OutsideIssuers) -> Self {
        Self { issuer, api_keys, outside, verified: TokenCache::new(REMEMBERED_TOKENS) }
    }

    /// Finds the caller from the `Authorization` and the `api-key` header. Either may hold a token
    /// or an API key; a bearer credential is looked at first. It only waits where an issuer outside has
    /// to be asked for its keys.
    pub async fn authenticate(
        &self,
        authorization: Option<&str>,
        api_key: Option<&str>,
    ) -> Result<Arc<Caller>, AuthError> {
        self.authenticate_at(unix_now(), authorization, api_key).await
    }

    async fn authenticate_at(
        &self,
        now: u64,
        authorization: Option<&str>,
        api_key: Option<&str>,
    ) -> Result<Arc<Caller>, AuthError> {
        let credential = presented_credential(authorization, api_key)?;
        let fingerprint: Fingerprint = Sha256::digest(credential).into();
        if let Some((expires, caller)) = self.verified.get(&fingerprint) {
            return match check_expiry(expires, now) {
                Ok(()) => Ok(caller),
                Err(expired) => {
                    self.verified.remove(&fingerprint);
                    Err(expired)
                }
            };
        }
        if let Some(caller) = self.api_keys.find(&fingerprint) {
            return Ok(caller.clone());
        }
        if !looks_like_token(credential) {
            return Err(AuthError::UnknownApiKey);
        }
        let (caller, expires) = match self.outside.verify(credential, now).await {
            Some(verified) => verified?,
            None => {
                let claims = self.verify(credential, now)?;
                (Arc::new(Caller { subject: claims.sub, roles: claims.roles }), claims.exp)
            }
        };
        self.verified.insert(fingerprint, expires, caller.clone());
        Ok(caller)
    }

    /// Checks the signature first: nothing in an unsigned token deserves an answer.
    fn verify(&self, token: &str, now: u64) -> Result<Claims, AuthError> {
        let claims = jsonwebtoken::decode::<Claims>(token, self.issuer.verifying_key(), &signature_only())
            .map_err(|error| match error.kind() {
                // A foreign algorithm or claims of another shape mean a foreign issuer.
                ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm => AuthError::BadSignature,
                _ => AuthError::Malformed,
            })?
            .claims;
        if claims.iss != self.issuer.name() {
            return Err(AuthError::WrongIssuer { expected: self.issuer.name().to_owned() });
        }
        if audience::accepted(&claims.aud).is_none() {
            return Err(AuthError::WrongAudience { found: claims.aud });
        }
        check_expiry(claims.exp, now)?;
        Ok(claims)
    }
}

/// The claims are checked here, against our own clock and with our own sentences.
fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}

fn check_expiry(expires: u64, now: u64) -> Result<(), AuthError> {
    if now <= expires.saturating_add(LEEWAY_SECONDS) {
        return Ok(());
    }
    Err(expired(expires))
}

/// Once good, but no longer.
pub(crate) fn expired(expires: u64) -> AuthError {
    let at = i64::try_from(expires).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    AuthError::Expired { at: at.unwrap_or(Timestamp::MAX) }
}

fn presented_credential<'a>(
    authorization: Option<&'a str>,
    api_key: Option<&'a str>,
) -> Result<&'a str, AuthError> {
    let bearer = authorization.and_then(bearer_credential);
    let key = api_key.map(str::trim).filter(|key| !key.is_empty());
    match (bearer.or(key), authorization) {
        (Some(credential), _) => Ok(credential),
        (None, Some(header)) if !is_empty_bearer(header) => Err(AuthError::WrongScheme),
        (None, _) => Err(AuthError::Missing),
    }
}

fn bearer_credential(header: &str) -> Option<&str> {
    let (scheme, credential) = header.trim().split_once(' ')?;
    let credential = credential.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !credential.is_empty()).then_some(credential)
}

fn is_empty_bearer(header: &str) -> bool {
    let header = header.trim();
    header.is_empty() || header.eq_ignore_ascii_case("bearer")
}

/// Three parts of base64url: anything else was meant as an API key.
fn looks_like_token(credential: &str) -> bool {
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    credential.starts_with("ey")
        && credential.split('.').count() == 3
        && credential.split('.').all(|part| part.bytes().all(is_base64url))
}

#[cfg(test)]
mod tests;
