//! Where stores and items are found. Their names may hold anything, so paths carry them in base64url, and
//! their ids are digests of them.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use cupola_store::{Key, Kind};
use sha2::{Digest, Sha256};

use crate::{ApiError, storage::Requester};

/// A state store; its facet is the agent that it belongs to.
pub const STORE: Kind = Kind::named("state_store").owning(&[ITEM]);
/// An item; its parent is the store, its facet the user that it belongs to.
pub const ITEM: Kind = Kind::named("state_store_item");

/// No agent is called so: whose stores are those of requests that no agent makes.
const NO_AGENT: &str = "*";
/// How many digits of a digest an id has.
const DIGITS: usize = 32;

/// The agent whose stores are meant.
pub fn agent_of(requester: &Requester) -> &str {
    requester.agent.as_deref().unwrap_or(NO_AGENT)
}

/// The key of a store.
pub fn store_key(project: &Arc<str>, agent: &str, name: &str) -> Key {
    Key::new(project, STORE, digest("ss_", &[agent, name]))
}

/// The key of an item. `user` is empty where the store makes no difference between users.
pub fn item_key(project: &Arc<str>, store: &str, user: &str, key: &str) -> Key {
    Key::new(project, ITEM, digest("it_", &[store, user, key]))
}

/// The name that a segment of a path carries.
pub fn decoded(segment: &str) -> Result<String, ApiError> {
    let bytes = URL_SAFE_NO_PAD.decode(segment.trim_end_matches('='));
    let name = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok()).filter(|name| !name.is_empty());
    name.ok_or_else(|| {
        let message = format!("Invalid name in the path: '{segment}'. Expected text in base64url.");
        ApiError::invalid(message).code("invalid_value")
    })
}

fn digest(prefix: &str, parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        // With its length in front, no part can be taken for the end of the one before it.
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let mut id = hex::encode(digest.finalize());
    id.truncate(DIGITS);
    format!("{prefix}{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_with_and_without_padding() {
        for segment in ["Y2hlY2twb2ludHMvYQ", "Y2hlY2twb2ludHMvYQ=="] {
            assert_eq!(decoded(segment).expect("is a name"), "checkpoints/a");
        }
        for segment in ["", "%", "_w"] {
            assert!(decoded(segment).is_err(), "{segment}");
        }
    }

    #[test]
    fn parts_that_join_to_the_same_text_have_different_ids() {
        assert_ne!(digest("", &["a", "bc"]), digest("", &["ab", "c"]));
    }
}
