//! Signs the tokens of this server: JWTs with Ed25519, by a key that never leaves the data directory.

use std::{
    fmt,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_ED25519};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    IdentityError, ProjectRoles, Secret,
    files::{self, Access, CreationLock},
};

/// How long a token lives unless configured otherwise.
pub const DEFAULT_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who signed it.
    pub iss: String,
    /// The service it is for.
    pub aud: String,
    /// Who holds it.
    pub sub: String,
    /// When it was made, in unix seconds.
    pub iat: u64,
    /// When it ends, in unix seconds.
    pub exp: u64,
    /// Role names by project.
    pub roles: ProjectRoles,
}

/// A token with what its holder needs to know about it.
#[derive(Clone, Debug)]
pub struct IssuedToken {
    /// The token.
    pub token: Secret,
    /// When it ends, in unix seconds.
    pub expires_on: u64,
    /// How long it lives from now.
    pub expires_in: Duration,
}

/// The signing key and the name it signs under.
pub struct Issuer {
    name: String,
    key_id: String,
    lifetime: Duration,
    signing: EncodingKey,
    verifying: DecodingKey,
}

impl Issuer {
    /// Reads the signing key under `data`, or makes it. `name` defaults to one that is the data
    /// directory's own: `https://cupola.local/<key id>`.
    pub fn open(data: &Path, name: Option<&str>, lifetime: Duration) -> Result<Self, IdentityError> {
        let directory = data.join("identity");
        let _lock = CreationLock::acquire(&directory)?;
        let key = open_key(&directory.join("signing.key"))?;
        let key_id = hex::encode(&Sha256::digest(key.public_key_raw())[..8]);
        Ok(Self {
            name: name.map_or_else(|| format!("https://cupola.local/{key_id}"), str::to_owned),
            key_id,
            lifetime,
            signing: EncodingKey::from_ed_der(key.serialized_der()),
            verifying: DecodingKey::from_ed_der(key.public_key_raw()),
        })
    }

    /// The issuer's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the signing key.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    pub(crate) fn verifying_key(&self) -> &DecodingKey {
        &self.verifying
    }

    /// The key that checks its tokens, as a JSON Web Key (RFC 8037).
    pub fn public_key(&self) -> serde_json::Value {
        let point = self.verifying.try_get_as_bytes().unwrap_or_default();
        let x = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, point);
        json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.key_id, "x": x})
    }

    /// What a token made now would say.
    pub fn claims(&self, subject: &str, audience: &str, roles: ProjectRoles) -> Claims {
        let now = unix_now();
        Claims {
            iss: self.name.clone(),
            aud: audience.to_owned(),
            sub: subject.to_owned(),
            iat: now,
            exp: now + self.lifetime.as_secs(),
            roles,
        }
    }

    /// Makes a token for `subject`.
    pub fn issue(
        &self,
        subject: &str,
        audience: &str,
        roles: ProjectRoles,
    ) -> Result<IssuedToken, IdentityError> {
        let claims = self.claims(subject, audience, roles);
        Ok(IssuedToken { token: self.sign(&claims)?, expires_on: claims.exp, expires_in: self.lifetime })
    }

    /// Signs the claims as they are.
    pub fn sign(&self, claims: &Claims) -> Result<Secret, IdentityError> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.key_id.clone());
        jsonwebtoken::encode(&header, claims, &self.signing)
            .map(Secret::new)
            .map_err(IdentityError::crypto("signing a token"))
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Issuer")
            .field("name", &self.name)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

fn open_key(path: &Path) -> Result<KeyPair, IdentityError> {
    if let Some(pem) = files::read(path)? {
        return KeyPair::from_pkcs8_pem_and_sign_algo(&pem, &PKCS_ED25519).map_err(|error| {
            IdentityError::Unusable {
                path: path.into(),
                reason: format!("it holds no Ed25519 key ({error})"),
                remedy: "Restore it, or delete it; a new one is made, and older tokens stop working",
            }
        });
    }
    let key =
        KeyPair::generate_for(&PKCS_ED25519).map_err(IdentityError::crypto("making the signing key"))?;
    files::write(path, &key.serialize_pem(), Access::Private)?;
    Ok(key)
}

/// Seconds since 1970; a clock before that counts as 1970.
pub(crate) fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_key_survives_a_restart_and_so_does_the_issuers_name() {
        let data = tempfile::tempdir().unwrap();
        let first = Issuer::open(data.path(), None, DEFAULT_LIFETIME).unwrap();
        let second = Issuer::open(data.path(), None, DEFAULT_LIFETIME).unwrap();
        assert_eq!(first.name(), second.name());
        assert!(first.name().starts_with("https://cupola.local/"));
    }

    #[test]
    fn two_data_directories_are_two_issuers() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let one = Issuer::open(one.path(), None, DEFAULT_LIFETIME).unwrap();
        let other = Issuer::open(other.path(), None, DEFAULT_LIFETIME).unwrap();
        assert_ne!(one.name(), other.name());
    }

    #[test]
    fn a_damaged_key_is_refused_and_not_replaced() {
        let data = tempfile::tempdir().unwrap();
        Issuer::open(data.path(), None, DEFAULT_LIFETIME).unwrap();
        let path = data.path().join("identity/signing.key");
        std::fs::write(&path, "not a key").unwrap();
        let error = Issuer::open(data.path(), None, DEFAULT_LIFETIME).unwrap_err();
        assert_eq!(error.code(), "identity_file_unusable");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "not a key");
    }

    #[test]
    fn debug_output_holds_no_key() {
        let data = tempfile::tempdir().unwrap();
        let issuer = Issuer::open(data.path(), None, DEFAULT_LIFETIME).unwrap();
        let shown = format!("{issuer:?}");
        assert!(shown.contains(issuer.key_id()));
        assert!(!shown.contains("signing"));
    }
}
