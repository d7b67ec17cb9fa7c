//! The keys of an issuer, fetched when they are needed and again when they may have changed.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use jsonwebtoken::{
    DecodingKey,
    jwk::{AlgorithmParameters, Jwk, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use super::documents::Documents;

/// A key that is not known is looked for again, but not more often than this: anybody can make up names of keys.
const PAUSE: Duration = Duration::from_secs(30);
/// After this, keys are fetched again also where the one that is asked for is known: it may have been withdrawn.
const FRESH_FOR: Duration = Duration::from_secs(60 * 60);
/// While the issuer can't be reached, keys are believed for this long.
const BELIEVED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// The keys of one issuer.
pub(super) struct Keys {
    issuer: String,
    jwks_uri: Option<String>,
    documents: Arc<dyn Documents>,
    known: RwLock<Option<Arc<KeySet>>>,
    /// Held by whoever fetches; says when that was last tried and what came of it.
    fetching: Mutex<Option<Attempt>>,
}

struct Attempt {
    at: Instant,
    failure: Option<String>,
}

struct KeySet {
    by_id: HashMap<String, Arc<DecodingKey>>,
    /// Of sets with one key only, which some issuers leave without a name.
    nameless: Option<Arc<DecodingKey>>,
    fetched: Instant,
}

/// Why there is no key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoKey {
    /// The issuer has none of this name.
    Unknown,
    /// The issuer could not be asked.
    Unreachable(String),
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

impl Keys {
    pub(super) fn new(issuer: String, jwks_uri: Option<String>, documents: Arc<dyn Documents>) -> Self {
        Self { issuer, jwks_uri, documents, known: RwLock::default(), fetching: Mutex::default() }
    }

    /// The key of this name. Tokens without a name of a key have that of the only one there is.
    pub(super) async fn find(&self, id: Option<&str>) -> Result<Arc<DecodingKey>, NoKey> {
        self.find_at(id, Instant::now()).await
    }

    async fn find_at(&self, id: Option<&str>, now: Instant) -> Result<Arc<DecodingKey>, NoKey> {
        // Whoever has a key that is known does not wait for those who have not.
        if let Some(set) = self.known()
            && now.saturating_duration_since(set.fetched) < FRESH_FOR
            && let Some(key) = set.key(id)
        {
            return Ok(key);
        }
        let mut last = self.fetching.lock().await;
        let may_ask = last.as_ref().is_none_or(|last| now.saturating_duration_since(last.at) >= PAUSE);
        if may_ask {
            let fetched = self.fetch(now).await;
            if let Err(failure) = &fetched {
                tracing::warn!(issuer = %self.issuer, %failure, "the keys of an issuer can't be fetched");
            }
            *last = Some(Attempt { at: now, failure: fetched.err() });
        }
        let is_believed = |set: &Arc<KeySet>| now.saturating_duration_since(set.fetched) < BELIEVED_FOR;
        let key = self.known().filter(is_believed).and_then(|set| set.key(id));
        let failure = last.as_ref().and_then(|last| last.failure.clone());
        key.ok_or_else(|| failure.map_or(NoKey::Unknown, NoKey::Unreachable))
    }

    fn known(&self) -> Option<Arc<KeySet>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn fetch(&self, now: Instant) -> Result<(), String> {
        let address = match &self.jwks_uri {
            Some(address) => address.clone(),
            None => self.discover().await?,
        };
        let set: Set = self.read(&address).await?;
        let set = KeySet::of(set, now);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(set));
        Ok(())
    }

    /// Where the keys are. A document that names another issuer is somebody else's (Discovery 1.0, section 4.3).
    async fn discover(&self) -> Result<String, String> {
        let address = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let found: Discovery = self.read(&address).await?;
        if found.issuer != self.issuer {
            return Err(format!(
                "{address} is of the issuer {:?}, but the configuration says {:?}",
                found.issuer, self.issuer
            ));
        }
        Ok(found.jwks_uri)
    }

    async fn read<T: for<'de> Deserialize<'de>>(&self, address: &str) -> Result<T, String> {
        let bytes = self.documents.get(address).await?;
        serde_json::from_slice(&bytes).map_err(|error| format!("{address} can't be read: {error}"))
    }
}

impl KeySet {
    /// The keys of a set that can check signatures. Those of kinds that are not known here are left out.
    fn of(set: Set, now: Instant) -> Self {
        let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        let keys: Vec<_> = keys.filter(is_for_signatures).filter_map(readable).collect();
        let nameless = match keys.as_slice() {
            [(_, only)] => Some(Arc::clone(only)),
            _ => None,
        };
        let by_id = keys.into_iter().filter_map(|(id, key)| Some((id?, key))).collect();
        Self { by_id, nameless, fetched: now }
    }

    fn key(&self, id: Option<&str>) -> Option<Arc<DecodingKey>> {
        match id {
            Some(id) => self.by_id.get(id).cloned(),
            None => self.nameless.clone(),
        }
    }
}

fn readable(key: Jwk) -> Option<(Option<String>, Arc<DecodingKey>)> {
    let decoding = DecodingKey::from_jwk(&key).ok()?;
    Some((key.common.key_id, Arc::new(decoding)))
}

/// A shared secret in a public document would let everybody sign.
fn is_for_signatures(key: &Jwk) -> bool {
    let is_public = !matches!(key.algorithm, AlgorithmParameters::OctetKey(_));
    is_public && !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption))
}

#[cfg(test)]
mod tests;
