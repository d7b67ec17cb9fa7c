//! Secrets at rest: sealed with AES-256-GCM under a key that stays in the data directory, so that a copy
//! of the database alone tells nothing.

use std::{fmt, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};

use crate::{
    IdentityError, Secret,
    files::{self, Access, CreationLock},
};

/// The form of what [`SealingKey::seal`] returns; another form will have another name.
const FORM: &str = "v1:";
/// The length of the key.
const KEY_LEN: usize = 32;

/// What the key for signatures is made of, beside the key itself: no key has two uses.
const SIGNATURES: &[u8] = b"cupola signatures";

/// Seals secrets and opens them again; signs what clients bring back.
pub struct SealingKey {
    sealing: LessSafeKey,
    signing: hmac::Key,
}

/// What was sealed can't be opened: with another key, for another owner, or it was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stored secret can't be opened with the key of this data directory (identity/secrets.key)")]
pub struct Unopenable;

impl SealingKey {
    /// The key of this data directory, which is made where there is none.
    pub fn open(data: &Path) -> Result<Self, IdentityError> {
        let directory = data.join("identity");
        let _lock = CreationLock::acquire(&directory)?;
        let path = directory.join("secrets.key");
        let text = match files::read(&path)? {
            Some(text) => Secret::new(text),
            None => {
                let made = Secret::random();
                files::write(&path, made.expose(), Access::Private)?;
                made
            }
        };
        let mut key = [0; KEY_LEN];
        hex::decode_to_slice(text.expose().trim(), &mut key).map_err(|_| IdentityError::Unusable {
            path,
            reason: "it must hold 64 hex digits".into(),
            remedy: "Bring it back from a backup; without it, the credentials of connections are lost",
        })?;
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), SIGNATURES);
        let signing = hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref());
        let key = UnboundKey::new(&AES_256_GCM, &key).map_err(IdentityError::crypto("making a key"))?;
        Ok(Self { sealing: LessSafeKey::new(key), signing })
    }

    /// Seals a text for its owner, a name without which it can't be opened again.
    pub fn seal(&self, owner: &str, text: &str) -> Result<String, IdentityError> {
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = text.as_bytes().to_vec();
        self.sealing
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(owner.as_bytes()),
                &mut sealed,
            )
            .map_err(IdentityError::crypto("sealing a secret"))?;
        Ok(format!("{FORM}{}", BASE64_STANDARD.encode([nonce.as_slice(), sealed.as_slice()].concat())))
    }

    /// Opens what was sealed for this owner.
    pub fn unseal(&self, owner: &str, sealed: &str) -> Result<Secret, Unopenable> {
        let encoded = sealed.strip_prefix(FORM).ok_or(Unopenable)?;
        let bytes = BASE64_STANDARD.decode(encoded).map_err(|_| Unopenable)?;
        let (nonce, rest) = bytes.split_first_chunk::<NONCE_LEN>().ok_or(Unopenable)?;
        let mut rest = rest.to_vec();
        let opened = self
            .sealing
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(owner.as_bytes()), &mut rest)
            .map_err(|_| Unopenable)?;
        String::from_utf8(opened.to_vec()).map(Secret::new).map_err(|_| Unopenable)
    }

    /// The signature of a text, for a client to bring back together with it.
    pub fn sign(&self, text: &str) -> String {
        BASE64_STANDARD.encode(hmac::sign(&self.signing, text.as_bytes()))
    }

    /// Whether this is the signature of the text. Takes as long whatever is wrong with it.
    pub fn verify(&self, text: &str, signature: &str) -> bool {
        let Ok(signature) = BASE64_STANDARD.decode(signature) else { return false };
        hmac::verify(&self.signing, text.as_bytes(), &signature).is_ok()
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SealingKey(hidden)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_was_sealed_is_opened_after_the_next_start() {
        let data = tempfile::tempdir().unwrap();
        let sealed = SealingKey::open(data.path()).unwrap().seal("demo/search", "k3y").unwrap();
        assert!(!sealed.contains("k3y"));
        let again = SealingKey::open(data.path()).unwrap();
        assert_eq!(again.unseal("demo/search", &sealed).unwrap().expose(), "k3y");
    }

    #[test]
    fn nobody_else_can_open_it() {
        let (here, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let key = SealingKey::open(here.path()).unwrap();
        let sealed = key.seal("demo/search", "k3y").unwrap();
        assert_eq!(key.unseal("demo/other", &sealed).unwrap_err(), Unopenable);
        let stranger = SealingKey::open(elsewhere.path()).unwrap();
        assert_eq!(stranger.unseal("demo/search", &sealed).unwrap_err(), Unopenable);
    }

    #[test]
    fn what_was_changed_or_cut_is_refused() {
        let data = tempfile::tempdir().unwrap();
        let key = SealingKey::open(data.path()).unwrap();
        let sealed = key.seal("a", "k3y").unwrap();
        for damaged in [&sealed[..sealed.len() - 8], "v1:", "v2:AAAA", ""] {
            assert_eq!(key.unseal("a", damaged).unwrap_err(), Unopenable, "{damaged}");
        }
    }

    #[test]
    fn a_signature_holds_for_its_text_and_this_key_alone() {
        let (here, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let key = SealingKey::open(here.path()).unwrap();
        let signature = key.sign("read until noon");
        assert!(key.verify("read until noon", &signature));
        assert!(!key.verify("read until night", &signature));
        assert!(!key.verify("read until noon", "no base64!"));
        assert!(!SealingKey::open(elsewhere.path()).unwrap().verify("read until noon", &signature));
    }

    #[test]
    fn the_same_text_is_sealed_differently_each_time() {
        let data = tempfile::tempdir().unwrap();
        let key = SealingKey::open(data.path()).unwrap();
        assert_ne!(key.seal("a", "k3y").unwrap(), key.seal("a", "k3y").unwrap());
    }

    #[test]
    fn a_damaged_key_file_is_refused_and_not_replaced() {
        let data = tempfile::tempdir().unwrap();
        std::fs::create_dir(data.path().join("identity")).unwrap();
        let path = data.path().join("identity/secrets.key");
        std::fs::write(&path, "short").unwrap();
        let error = SealingKey::open(data.path()).unwrap_err();
        assert!(error.to_string().contains("secrets.key is not usable"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "short");
    }
}
