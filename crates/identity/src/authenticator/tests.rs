#![allow(clippy::unwrap_used)]

use futures_util::FutureExt as _;

use super::*;
use crate::{
    ApiKeyConfig, DEFAULT_AUDIENCE, DEFAULT_LIFETIME, DEFAULT_ROLE, ProjectRoles, default_roles_everywhere,
};

const KEY: &str = "correct-horse-battery-staple";

struct House {
    data: tempfile::TempDir,
    issuer: Arc<Issuer>,
    authenticator: Authenticator,
}

fn house() -> House {
    let data = tempfile::tempdir().unwrap();
    let issuer = Arc::new(Issuer::open(data.path(), None, DEFAULT_LIFETIME).unwrap());
    let entry = ApiKeyConfig {
        name: "ci".into(),
        sha256: Some(hex::encode(Sha256::digest(KEY))),
        env: None,
        file: None,
        projects: vec!["demo".into()],
        roles: vec![DEFAULT_ROLE.into()],
    };
    let authenticator =
        Authenticator::new(issuer.clone(), ApiKeys::load(&[entry]).unwrap(), OutsideIssuers::default());
    House { data, issuer, authenticator }
}

/// Nobody outside has to be asked about own tokens and keys.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().unwrap()
}

impl House {
    fn claims(&self) -> Claims {
        self.issuer.claims("alice", DEFAULT_AUDIENCE, default_roles_everywhere())
    }

    fn token(&self, claims: &Claims) -> String {
        self.issuer.sign(claims).unwrap().expose().to_owned()
    }

    fn present(&self, token: &str) -> Result<Arc<Caller>, AuthError> {
        at_once(self.authenticator.authenticate(Some(&format!("Bearer {token}")), None))
    }

    fn present_at(&self, now: u64, token: &str) -> Result<Arc<Caller>, AuthError> {
        at_once(self.authenticator.authenticate_at(now, None, Some(token)))
    }
}

#[test]
fn a_good_token_tells_who_calls_and_what_they_may() {
    let house = house();
    let roles = ProjectRoles::from([("demo".to_owned(), vec!["Foundry User".to_owned()])]);
    let claims = house.issuer.claims("alice", DEFAULT_AUDIENCE, roles);
    let caller = house.present(&house.token(&claims)).unwrap();
    assert_eq!(caller.subject, "alice");
    assert!(caller.allows_project("demo"));
    assert!(!caller.allows_project("other"));
}

#[test]
fn the_second_use_of_a_token_is_answered_from_memory() {
    let house = house();
    let token = house.token(&house.claims());
    let first = house.present(&token).unwrap();
    let second = house.present(&token).unwrap();
    assert!(Arc::ptr_eq(&first, &second));
}

#[test]
fn a_remembered_token_expires_all_the_same() {
    let house = house();
    let claims = house.claims();
    let token = house.token(&claims);
    house.present_at(claims.iat, &token).unwrap();
    let error = house.present_at(claims.exp + LEEWAY_SECONDS + 1, &token).unwrap_err();
    assert_eq!(error.code(), "expired_token");
}

#[test]
fn a_token_is_good_until_its_end_and_a_minute_longer() {
    let house = house();
    let claims = house.claims();
    let token = house.token(&claims);
    house.present_at(claims.exp + LEEWAY_SECONDS, &token).unwrap();
}

#[test]
fn a_clock_that_was_set_back_refuses_nobody() {
    let house = house();
    let token = house.token(&house.claims());
    house.present_at(1_000_000, &token).unwrap();
}

#[test]
fn an_expired_token_is_told_when_it_expired_and_what_to_do() {
    let house = house();
    let token = house.token(&Claims { exp: 1_767_225_600, ..house.claims() });
    let message = house.present(&token).unwrap_err().to_string();
    assert!(message.contains("expired at 2026-01-01T00:00:00Z"), "{message}");
    assert!(message.contains("cupola token"), "{message}");
}

#[test]
fn a_token_of_another_data_directory_is_refused() {
    let (house, stranger) = (house(), house());
    let token = stranger.token(&stranger.claims());
    assert_eq!(house.present(&token).unwrap_err(), AuthError::BadSignature);
}

#[test]
fn a_token_changed_on_its_way_is_refused() {
    let house = house();
    let mine = house.token(&house.claims());
    let other = house.token(&Claims { sub: "root".into(), ..house.claims() });
    let (mine, other): (Vec<&str>, Vec<&str>) = (mine.split('.').collect(), other.split('.').collect());
    let forged = [mine[0], other[1], mine[2]].join(".");
    assert_eq!(house.present(&forged).unwrap_err(), AuthError::BadSignature);
}

#[test]
fn an_unsigned_token_is_refused() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
    let house = house();
    let claims = BASE64.encode(serde_json::to_vec(&house.claims()).unwrap());
    for header in [r#"{"alg":"none"}"#, r#"{"alg":"HS256"}"#] {
        let token = format!("{}.{claims}.", BASE64.encode(header));
        assert_eq!(house.present(&token).unwrap_err().code(), "invalid_token", "{header}");
    }
}

#[test]
fn a_token_signed_with_the_public_key_as_a_shared_secret_is_refused() {
    use jsonwebtoken::{EncodingKey, Header};
    let house = house();
    let public_key = house.issuer.verifying_key().try_get_as_bytes().unwrap();
    let header = Header::new(Algorithm::HS256);
    let token =
        jsonwebtoken::encode(&header, &house.claims(), &EncodingKey::from_secret(public_key)).unwrap();
    assert_eq!(house.present(&token).unwrap_err(), AuthError::BadSignature);
}

#[test]
fn a_token_for_another_service_is_refused_with_the_audience_it_has() {
    let house = house();
    let token = house.token(&Claims { aud: "https://storage.azure.com".into(), ..house.claims() });
    let error = house.present(&token).unwrap_err();
    assert_eq!(error.code(), "wrong_audience");
    assert!(error.to_string().contains("https://storage.azure.com"));
}

#[test]
fn every_audience_of_the_sdks_is_let_in() {
    let house = house();
    for audience in
        ["https://ai.azure.com/.default", "https://ml.azure.com/", "https://cognitiveservices.azure.com"]
    {
        let token = house.token(&Claims { aud: audience.into(), ..house.claims() });
        house.present(&token).unwrap();
    }
}

#[test]
fn a_token_from_before_the_issuer_was_renamed_is_refused() {
    let house = house();
    let renamed =
        Issuer::open(house.data.path(), Some("https://login.example.org"), DEFAULT_LIFETIME).unwrap();
    let authenticator = Authenticator::new(Arc::new(renamed), ApiKeys::default(), OutsideIssuers::default());
    let token = house.token(&house.claims());
    let error = at_once(authenticator.authenticate(None, Some(&token))).unwrap_err();
    assert_eq!(error.code(), "wrong_issuer");
}

#[test]
fn a_token_cut_short_is_malformed() {
    let house = house();
    let token = house.token(&house.claims());
    let cut = &token[..token.len() - 7];
    assert_eq!(house.present(cut).unwrap_err().code(), "invalid_token");
    assert_eq!(house.present("eyJ9.eyJ9.eyJ9").unwrap_err(), AuthError::Malformed);
}

#[test]
fn an_api_key_is_accepted_in_either_header() {
    let house = house();
    let bearer = format!("bearer {KEY}");
    for (authorization, api_key) in [(Some(bearer.as_str()), None), (None, Some(KEY))] {
        let caller = at_once(house.authenticator.authenticate(authorization, api_key)).unwrap();
        assert_eq!(caller.subject, "ci");
        assert!(caller.allows_project("demo"));
        assert!(!caller.allows_project("other"));
    }
}

#[test]
fn an_unknown_api_key_is_refused_and_not_repeated() {
    let house = house();
    let error = at_once(house.authenticator.authenticate(None, Some("a-wrong-key"))).unwrap_err();
    assert_eq!(error, AuthError::UnknownApiKey);
    assert!(!error.to_string().contains("a-wrong-key"));
}

#[test]
fn a_request_without_credentials_learns_what_to_send() {
    let house = house();
    for (authorization, api_key) in [(None, None), (Some(""), Some("")), (Some("Bearer "), None)] {
        let error = at_once(house.authenticator.authenticate(authorization, api_key)).unwrap_err();
        assert_eq!(error, AuthError::Missing);
    }
}

#[test]
fn another_scheme_is_refused_unless_an_api_key_comes_along() {
    let house = house();
    let basic = Some("Basic dXNlcjpwYXNz");
    assert_eq!(at_once(house.authenticator.authenticate(basic, None)).unwrap_err(), AuthError::WrongScheme);
    at_once(house.authenticator.authenticate(basic, Some(KEY))).unwrap();
}
