#![allow(clippy::unwrap_used)]

use futures_util::FutureExt as _;
use serde_json::json;

use super::*;
use crate::outside::provider::{ISSUER, JWKS, Provider};

fn keys_of(provider: &Arc<Provider>) -> Keys {
    Keys::new(ISSUER.to_owned(), None, provider.clone())
}

fn find(keys: &Keys, id: &str, at: Instant) -> Result<Arc<DecodingKey>, NoKey> {
    keys.find_at(Some(id), at).now_or_never().unwrap()
}

#[test]
fn keys_are_fetched_once() {
    let provider = Provider::new("one");
    let (keys, now) = (keys_of(&provider), Instant::now());
    find(&keys, "one", now).unwrap();
    find(&keys, "one", now + FRESH_FOR - Duration::from_secs(1)).unwrap();
    assert_eq!(provider.asked(), 2, "the discovery document and the set");
}

#[test]
fn a_new_key_is_found_when_a_token_names_it() {
    let provider = Provider::new("one");
    let (keys, now) = (keys_of(&provider), Instant::now());
    find(&keys, "one", now).unwrap();
    provider.rotate("two");
    find(&keys, "two", now + PAUSE).unwrap();
    assert_eq!(find(&keys, "one", now + PAUSE).err(), Some(NoKey::Unknown));
}

#[test]
fn made_up_names_make_nobody_ask_again_and_again() {
    let provider = Provider::new("one");
    let (keys, now) = (keys_of(&provider), Instant::now());
    find(&keys, "one", now).unwrap();
    for name in 0..100 {
        assert_eq!(find(&keys, &name.to_string(), now).err(), Some(NoKey::Unknown));
    }
    assert_eq!(provider.asked(), 2);
}

#[test]
fn a_key_that_was_withdrawn_is_forgotten_within_an_hour() {
    let provider = Provider::new("one");
    let (keys, now) = (keys_of(&provider), Instant::now());
    find(&keys, "one", now).unwrap();
    provider.rotate("two");
    assert_eq!(find(&keys, "one", now + FRESH_FOR).err(), Some(NoKey::Unknown));
}

#[test]
fn while_the_issuer_is_away_its_keys_are_believed_for_a_day() {
    let provider = Provider::new("one");
    let (keys, now) = (keys_of(&provider), Instant::now());
    find(&keys, "one", now).unwrap();
    provider.replace(JWKS, None);
    find(&keys, "one", now + BELIEVED_FOR - Duration::from_secs(1)).unwrap();
    assert!(matches!(find(&keys, "one", now + BELIEVED_FOR).err(), Some(NoKey::Unreachable(_))));
}

#[test]
fn a_document_of_another_issuer_is_not_believed() {
    let provider = Provider::new("one");
    let address = format!("{ISSUER}/.well-known/openid-configuration");
    provider.replace(&address, Some(json!({"issuer": "https://other.example.org", "jwks_uri": JWKS})));
    let refusal = find(&keys_of(&provider), "one", Instant::now()).err();
    assert!(matches!(refusal, Some(NoKey::Unreachable(why)) if why.contains("other.example.org")));
}

#[test]
fn keys_of_unknown_kinds_are_passed_over() {
    let provider = Provider::new("one");
    let mut set = provider.key_set();
    set["keys"].as_array_mut().unwrap().insert(0, json!({"kty": "quantum", "kid": "zero"}));
    provider.replace(JWKS, Some(set));
    let (keys, now) = (keys_of(&provider), Instant::now());
    find(&keys, "one", now).unwrap();
    assert_eq!(find(&keys, "zero", now).err(), Some(NoKey::Unknown));
}

#[test]
fn a_token_without_a_name_of_a_key_has_the_only_one() {
    let provider = Provider::new("one");
    keys_of(&provider).find_at(None, Instant::now()).now_or_never().unwrap().unwrap();
}
