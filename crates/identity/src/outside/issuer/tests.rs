#![allow(clippy::unwrap_used)]

use futures_util::FutureExt as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::*;
use crate::outside::{
    OutsideIssuers,
    provider::{ISSUER, JWKS, Provider},
};

const NOW: u64 = 1_800_000_000;

fn entry(change: Value) -> IssuerConfig {
    let mut entry = json!({
        "name": "corp", "issuer": ISSUER,
        "grants": [{"claim": "groups", "value": "dev", "projects": ["demo"], "roles": ["Foundry User"]}],
    });
    entry.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    serde_json::from_value(entry).unwrap()
}

fn claims(change: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "sub": "alice", "aud": "https://ai.azure.com", "exp": NOW + 600, "groups": ["dev"],
    });
    claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    claims
}

fn present_to(
    provider: &Arc<Provider>,
    entry: IssuerConfig,
    token: &str,
) -> Option<Result<Known, AuthError>> {
    let documents: Arc<dyn Documents> = provider.clone();
    OutsideIssuers::new(&[entry], &documents).verify(token, NOW).now_or_never().unwrap()
}

fn present(change: Value) -> Result<Known, AuthError> {
    let provider = Provider::new("one");
    let token = provider.token(&claims(change));
    present_to(&provider, entry(json!({})), &token).unwrap()
}

#[test]
fn a_token_of_a_trusted_issuer_tells_who_calls_and_what_its_groups_may() {
    let (caller, ends) = present(json!({})).unwrap();
    assert_eq!((caller.subject.as_str(), ends), ("corp:alice", NOW + 600));
    assert!(caller.may("demo", "agents/*/write"));
    assert!(!caller.allows_project("other"));
}

#[test]
fn a_caller_without_a_grant_has_no_role() {
    let (caller, _) = present(json!({"groups": ["sales"]})).unwrap();
    assert!(!caller.allows_project("demo"));
}

#[test]
fn a_token_is_good_from_its_beginning_to_its_end_give_or_take_the_clocks() {
    for good in [json!({"exp": NOW - 60}), json!({"nbf": NOW + 60}), json!({"exp": NOW as f64 + 0.5})] {
        present(good).unwrap();
    }
    assert_eq!(present(json!({"exp": NOW - 61})).unwrap_err().code(), "expired_token");
    assert_eq!(present(json!({"nbf": NOW + 61})).unwrap_err(), AuthError::NotYet);
}

#[test]
fn a_token_without_an_end_is_refused() {
    let mut claims = claims(json!({}));
    claims.as_object_mut().unwrap().remove("exp");
    let provider = Provider::new("one");
    let token = provider.token(&claims);
    let refusal = present_to(&provider, entry(json!({})), &token).unwrap().unwrap_err();
    assert_eq!(refusal, AuthError::Malformed);
}

#[test]
fn a_token_for_somebody_else_is_refused() {
    for audience in [json!("https://storage.azure.com"), json!([]), json!(["a", "b"])] {
        assert_eq!(present(json!({ "aud": audience })).unwrap_err().code(), "wrong_audience");
    }
    present(json!({"aud": ["a", "https://ai.azure.com/.default"]})).unwrap();
}

#[test]
fn the_audiences_of_the_configuration_are_the_only_ones() {
    let provider = Provider::new("one");
    let own = || entry(json!({"audiences": ["api://cupola"]}));
    let meant = provider.token(&claims(json!({"aud": "api://cupola"})));
    present_to(&provider, own(), &meant).unwrap().unwrap();
    let usual = provider.token(&claims(json!({})));
    assert_eq!(present_to(&provider, own(), &usual).unwrap().unwrap_err().code(), "wrong_audience");
}

#[test]
fn another_claim_may_name_the_caller() {
    let provider = Provider::new("one");
    let by_oid = || entry(json!({"subject_claim": "oid"}));
    let token = provider.token(&claims(json!({"oid": "4711"})));
    let (caller, _) = present_to(&provider, by_oid(), &token).unwrap().unwrap();
    assert_eq!(caller.subject, "corp:4711");
    let nameless = provider.token(&claims(json!({})));
    assert_eq!(present_to(&provider, by_oid(), &nameless).unwrap().unwrap_err().code(), "nameless_token");
}

#[test]
fn a_token_of_nobody_known_is_left_to_others() {
    let provider = Provider::new("one");
    let token = provider.token(&claims(json!({"iss": "https://elsewhere.example.org"})));
    assert!(present_to(&provider, entry(json!({})), &token).is_none());
    assert_eq!(provider.asked(), 0);
}

#[test]
fn a_token_that_somebody_else_signed_in_the_issuers_name_is_refused() {
    let (provider, stranger) = (Provider::new("one"), Provider::new("one"));
    let token = stranger.token(&claims(json!({})));
    let refusal = present_to(&provider, entry(json!({})), &token).unwrap().unwrap_err();
    assert_eq!(refusal, AuthError::NotSignedByIssuer { issuer: ISSUER.to_owned() });
}

#[test]
fn a_public_key_is_not_accepted_as_a_shared_secret() {
    let provider = Provider::new("one");
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("one".to_owned());
    let secret = EncodingKey::from_secret(provider.key_set().to_string().as_bytes());
    let token = jsonwebtoken::encode(&header, &claims(json!({})), &secret).unwrap();
    let refusal = present_to(&provider, entry(json!({})), &token).unwrap().unwrap_err();
    assert_eq!(refusal.code(), "invalid_token");
}

#[test]
fn a_shared_secret_among_the_keys_signs_nothing() {
    let provider = Provider::new("one");
    provider.replace(JWKS, Some(json!({"keys": [{"kty": "oct", "kid": "one", "k": "c2VjcmV0"}]})));
    let refusal = present_to(&provider, entry(json!({})), &provider.token(&claims(json!({}))));
    assert_eq!(refusal.unwrap().unwrap_err().code(), "invalid_token");
}

#[test]
fn an_issuer_that_is_not_reached_is_told_as_something_that_passes() {
    let provider = Provider::new("one");
    provider.replace(JWKS, None);
    let refusal = present_to(&provider, entry(json!({})), &provider.token(&claims(json!({}))));
    let refusal = refusal.unwrap().unwrap_err();
    assert_eq!(refusal.code(), "issuer_unreachable");
    assert!(!refusal.to_string().contains("connection refused"), "{refusal}");
}
