//! An issuer in memory, for tests: signs tokens, and shows its keys as the real ones do.

#![allow(clippy::unwrap_used)]

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _};
use serde_json::{Value, json};

use super::Documents;

pub(crate) const ISSUER: &str = "https://id.example.org/realms/main";
pub(crate) const JWKS: &str = "https://id.example.org/keys";

/// The issuer.
#[derive(Default)]
pub(crate) struct Provider {
    keys: Mutex<Vec<(String, KeyPair)>>,
    /// Documents in place of its own; nothing stands for a place that can't be reached.
    replaced: Mutex<Vec<(String, Option<Value>)>>,
    asked: AtomicUsize,
}

impl Provider {
    /// An issuer with one key.
    pub fn new(key: &str) -> Arc<Self> {
        let provider = Self::default();
        provider.rotate(key);
        Arc::new(provider)
    }

    /// From now on, it signs with a new key and shows that alone.
    pub fn rotate(&self, key: &str) {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        *self.keys.lock().unwrap() = vec![(key.to_owned(), pair)];
    }

    /// Shows something else in a place, or can't be reached there.
    pub fn replace(&self, address: &str, document: Option<Value>) {
        self.replaced.lock().unwrap().push((address.to_owned(), document));
    }

    /// How often it was asked for a document.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// A token that says this, signed with the newest key.
    pub fn token(&self, claims: &Value) -> String {
        let keys = self.keys.lock().unwrap();
        let (id, pair) = keys.last().unwrap();
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(id.clone());
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_ec_der(pair.serialized_der())).unwrap()
    }

    /// Its keys, as it shows them.
    pub fn key_set(&self) -> Value {
        let shown = |(id, pair): &(String, KeyPair)| {
            // An uncompressed point: 4, x, y.
            let point = pair.der_bytes();
            let (x, y) = (BASE64.encode(&point[1..33]), BASE64.encode(&point[33..]));
            json!({"kty": "EC", "crv": "P-256", "use": "sig", "kid": id, "x": x, "y": y})
        };
        json!({ "keys": self.keys.lock().unwrap().iter().map(shown).collect::<Vec<_>>() })
    }
}

#[async_trait]
impl Documents for Provider {
    async fn get(&self, address: &str) -> Result<Vec<u8>, String> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let replaced = self.replaced.lock().unwrap();
        let document = match replaced.iter().rev().find(|(place, _)| place == address) {
            Some((_, Some(document))) => document.clone(),
            Some((_, None)) => return Err("connection refused".to_owned()),
            None if address == JWKS => self.key_set(),
            None if address == format!("{ISSUER}/.well-known/openid-configuration") => {
                json!({"issuer": ISSUER, "jwks_uri": JWKS})
            }
            None => return Err(format!("{address} answers 404")),
        };
        Ok(serde_json::to_vec(&document).unwrap())
    }
}
