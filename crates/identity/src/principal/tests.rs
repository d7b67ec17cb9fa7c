#![allow(clippy::unwrap_used)]

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::*;
use crate::{
    Authenticator, DEFAULT_LIFETIME,
    api_key::ApiKeys,
    outside::{
        OutsideIssuers,
        provider::{ISSUER, Provider},
    },
};

const NOW: u64 = 1_800_000_000;
const SECRET: &str = "correct-horse-battery-staple";

struct House {
    _data: tempfile::TempDir,
    provider: Arc<Provider>,
    principals: Principals,
}

fn house() -> House {
    let data = tempfile::tempdir().unwrap();
    let issuer = Arc::new(Issuer::open(data.path(), None, DEFAULT_LIFETIME).unwrap());
    let entries = json!([
        {"client_id": "ci", "sha256": hex::encode(Sha256::digest(SECRET)), "projects": ["demo"], "roles": ["Reader"]},
        {"client_id": "pipeline", "federated": [{"issuer": ISSUER, "subject": "repo:app"}]},
    ]);
    let entries: Vec<PrincipalConfig> = serde_json::from_value(entries).unwrap();
    let provider = Provider::new("one");
    let documents: Arc<dyn Documents> = provider.clone();
    let principals = Principals::new(issuer, &entries, &documents).unwrap();
    House { _data: data, provider, principals }
}

impl House {
    fn ask(&self, client_id: &str, proof: Grant, scope: &str) -> Result<Value, GrantRefused> {
        let request = GrantRequest { client_id: client_id.to_owned(), proof, scope: scope.to_owned() };
        let granted = self.principals.grant_at(&request, NOW).now_or_never().unwrap()?;
        Ok(serde_json::to_value(granted).unwrap())
    }

    fn with_secret(&self, client_id: &str, secret: &str) -> Result<Value, GrantRefused> {
        self.ask(client_id, Grant::Secret(secret.to_owned()), "https://ai.azure.com/.default")
    }

    fn with_token(&self, client_id: &str, change: Value) -> Result<Value, GrantRefused> {
        let mut claims = json!({
            "iss": ISSUER, "sub": "repo:app", "aud": "api://AzureADTokenExchange", "exp": NOW + 600,
        });
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let token = self.provider.token(&claims);
        self.ask(client_id, Grant::Assertion(token), "https://ai.azure.com/.default")
    }

    fn caller(&self, granted: &Value) -> Arc<crate::Caller> {
        let issuer = self.principals.issuer.clone();
        let authenticator = Authenticator::new(issuer, ApiKeys::default(), OutsideIssuers::default());
        let token = granted["access_token"].as_str();
        authenticator.authenticate(None, token).now_or_never().unwrap().unwrap()
    }
}

#[test]
fn a_secret_gets_a_token_with_the_roles_of_its_client() {
    let house = house();
    let granted = house.with_secret("ci", SECRET).unwrap();
    assert_eq!((&granted["token_type"], &granted["expires_in"]), (&json!("Bearer"), &json!(3600)));
    let caller = house.caller(&granted);
    assert_eq!(caller.subject, "ci");
    assert!(caller.may("demo", "agents/*/read") && !caller.may("demo", "agents/*/write"));
    assert!(!caller.allows_project("other"));
}

#[test]
fn a_token_from_elsewhere_gets_one_from_here() {
    let house = house();
    let granted = house.with_token("pipeline", json!({})).unwrap();
    assert_eq!(house.caller(&granted).subject, "pipeline");
}

#[test]
fn who_is_not_known_and_what_is_not_right_look_the_same() {
    let house = house();
    for refused in [
        house.with_secret("nobody", SECRET),
        house.with_secret("ci", "a-wrong-secret-of-some-length"),
        house.with_secret("pipeline", ""),
        house.with_token("ci", json!({})),
        house.with_token("nobody", json!({})),
        house.with_token("pipeline", json!({"sub": "repo:other"})),
        house.with_token("pipeline", json!({"aud": "https://ai.azure.com"})),
        house.with_token("pipeline", json!({"iss": "https://elsewhere.example.org"})),
    ] {
        assert_eq!(refused.unwrap_err().to_string(), GrantRefused::InvalidClient.to_string());
    }
}

#[test]
fn an_assertion_that_has_ended_is_refused_with_the_reason() {
    let refusal = house().with_token("pipeline", json!({"exp": NOW - 1000})).unwrap_err();
    assert_eq!(refusal.code(), "invalid_client");
    assert!(refusal.to_string().contains("expired"), "{refusal}");
}

#[test]
fn there_are_no_tokens_for_other_services() {
    let proof = Grant::Secret(SECRET.to_owned());
    let refusal = house().ask("ci", proof, "https://storage.azure.com/.default").unwrap_err();
    assert_eq!(refusal.code(), "invalid_scope");
}

#[test]
fn an_entry_that_proves_nothing_is_refused() {
    let entry: PrincipalConfig = serde_json::from_value(json!({"client_id": "ci"})).unwrap();
    assert!(entry.check().unwrap_err().to_string().contains("exactly one of"));
}
