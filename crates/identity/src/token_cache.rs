//! Tokens that were verified already, so that a client's second request costs a look-up.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::Caller;

/// The SHA-256 of a credential; the credential itself is not kept.
pub(crate) type Fingerprint = [u8; 32];

/// A bounded map of good tokens. When it is full, the one that expires first makes room.
pub(crate) struct TokenCache {
    capacity: usize,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    callers: HashMap<Fingerprint, (u64, Arc<Caller>)>,
    by_expiry: BTreeSet<(u64, Fingerprint)>,
}

impl TokenCache {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, entries: Mutex::default() }
    }

    /// The token's caller and expiry.
    pub(crate) fn get(&self, fingerprint: &Fingerprint) -> Option<(u64, Arc<Caller>)> {
        self.lock().callers.get(fingerprint).cloned()
    }

    pub(crate) fn insert(&self, fingerprint: Fingerprint, expires: u64, caller: Arc<Caller>) {
        let mut entries = self.lock();
        entries.remove(&fingerprint);
        while entries.callers.len() >= self.capacity {
            let Some((_, first)) = entries.by_expiry.first().copied() else {
                break;
            };
            entries.remove(&first);
        }
        entries.callers.insert(fingerprint, (expires, caller));
        entries.by_expiry.insert((expires, fingerprint));
    }

    pub(crate) fn remove(&self, fingerprint: &Fingerprint) {
        self.lock().remove(fingerprint);
    }

    /// No code in here panics half-way through a change, so a poisoned lock guards good data.
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn remove(&mut self, fingerprint: &Fingerprint) {
        if let Some((expires, _)) = self.callers.remove(fingerprint) {
            self.by_expiry.remove(&(expires, *fingerprint));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn caller(subject: &str) -> Arc<Caller> {
        Arc::new(Caller { subject: subject.into(), roles: Default::default() })
    }

    #[test]
    fn what_goes_in_comes_out_and_is_gone_once_removed() {
        let cache = TokenCache::new(2);
        cache.insert([1; 32], 100, caller("a"));
        assert_eq!(cache.get(&[1; 32]).unwrap(), (100, caller("a")));
        cache.remove(&[1; 32]);
        assert_eq!(cache.get(&[1; 32]), None);
    }

    #[test]
    fn the_first_to_expire_makes_room() {
        let cache = TokenCache::new(2);
        cache.insert([1; 32], 300, caller("long"));
        cache.insert([2; 32], 100, caller("short"));
        cache.insert([3; 32], 200, caller("new"));
        assert!(cache.get(&[1; 32]).is_some());
        assert!(cache.get(&[2; 32]).is_none());
        assert!(cache.get(&[3; 32]).is_some());
    }

    #[test]
    fn the_same_token_twice_takes_one_place() {
        let cache = TokenCache::new(2);
        cache.insert([1; 32], 100, caller("a"));
        cache.insert([2; 32], 100, caller("b"));
        cache.insert([2; 32], 150, caller("b"));
        assert!(cache.get(&[1; 32]).is_some());
        assert_eq!(cache.lock().by_expiry.len(), 2);
    }
}
