//! The token endpoint that `DefaultAzureCredential` finds through `IDENTITY_ENDPOINT`.
//! It answers as the managed identity endpoint of Azure App Service does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::{
    Caller, Issuer, ManagedIdentityError, ProjectRoles, Secret, audience, caller::project_roles,
    default_roles_everywhere, roles::HOSTED_AGENT_ROLE,
};

/// Who the holder of the identity header is, unless it names itself.
const LOCAL_SUBJECT: &str = "local";

/// A name longer than this is not a client id.
const LONGEST_CLIENT_ID: usize = 128;

/// The query of a token request. Fields beyond these are ignored, as Azure does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct TokenRequest {
    /// What the token is for.
    #[serde(default)]
    pub resource: String,
    /// The dialect of the request; every one that is known has the same answer.
    #[serde(rename = "api-version")]
    pub api_version: Option<String>,
    /// The identity wanted, where the program has several.
    pub client_id: Option<String>,
}

/// The answer, in the form that MSAL and the SDKs read. Numbers travel as strings.
#[derive(Clone, Debug, Serialize)]
pub struct TokenAnswer {
    #[serde(serialize_with = "exposed")]
    access_token: Secret,
    expires_on: String,
    expires_in: String,
    resource: String,
    token_type: &'static str,
}

fn exposed<S: serde::Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

/// Gives tokens to whoever holds the secret of the data directory.
#[derive(Debug)]
pub struct ManagedIdentity {
    header: Secret,
    issuer: Arc<Issuer>,
    lent: Arc<Mutex<Vec<Arc<Lent>>>>,
}

/// What a sandbox holds instead of the secret of the data directory.
#[derive(Debug)]
struct Lent {
    header: Secret,
    subject: String,
    project: String,
}

/// The identity of a sandbox. It is over when this is dropped.
#[derive(Debug)]
pub struct Lease {
    own: Arc<Lent>,
    lent: Arc<Mutex<Vec<Arc<Lent>>>>,
}

impl Lease {
    /// The value of `X-IDENTITY-HEADER` with which the sandbox gets tokens.
    pub fn header(&self) -> &Secret {
        &self.own.header
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut lent = self.lent.lock().unwrap_or_else(PoisonError::into_inner);
        lent.retain(|other| !Arc::ptr_eq(other, &self.own));
    }
}

impl ManagedIdentity {
    pub(crate) fn new(header: Secret, issuer: Arc<Issuer>) -> Self {
        Self { header, issuer, lent: Arc::default() }
    }

    /// An identity of its own for a sandbox. With it, it is `subject` and nobody else, in this project alone.
    pub fn lend(&self, subject: &str, project: &str) -> Lease {
        let (subject, project) = (subject.to_owned(), project.to_owned());
        let own = Arc::new(Lent { header: Secret::random(), subject, project });
        self.lent().push(Arc::clone(&own));
        Lease { own, lent: Arc::clone(&self.lent) }
    }

    /// Whether this caller is a sandbox whose identity is over in this project. Its tokens may still be fresh.
    pub fn is_over(&self, caller: &Caller, project: &str) -> bool {
        let is_it = |lent: &Arc<Lent>| lent.subject == caller.subject && lent.project == project;
        caller.roles_in(project).any(|role| role == HOSTED_AGENT_ROLE) && !self.lent().iter().any(is_it)
    }

    fn lent(&self) -> MutexGuard<'_, Vec<Arc<Lent>>> {
        self.lent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who holds this header, and what it may do.
    fn holder(&self, header: &str, request: &TokenRequest) -> Option<(String, ProjectRoles)> {
        if self.header.matches(header) {
            return Some((subject(request).to_owned(), default_roles_everywhere()));
        }
        let lent = self.lent();
        let lent = lent.iter().find(|lent| lent.header.matches(header))?;
        let roles = project_roles(&[&lent.project], &[HOSTED_AGENT_ROLE.to_owned()]);
        Some((lent.subject.clone(), roles))
    }

    /// Answers one request; `header` is the value of `X-IDENTITY-HEADER`.
    pub fn answer(
        &self,
        header: Option<&str>,
        request: &TokenRequest,
    ) -> Result<TokenAnswer, ManagedIdentityError> {
        let Some((subject, roles)) = header.and_then(|header| self.holder(header, request)) else {
            return Err(ManagedIdentityError::WrongHeader);
        };
        let Some(audience) = audience::accepted(&request.resource) else {
            return Err(ManagedIdentityError::UnsupportedResource { resource: request.resource.clone() });
        };
        let issued = self.issuer.issue(&subject, audience, roles)?;
        Ok(TokenAnswer {
            access_token: issued.token,
            expires_on: issued.expires_on.to_string(),
            expires_in: issued.expires_in.as_secs().to_string(),
            resource: request.resource.clone(),
            token_type: "Bearer",
        })
    }
}

fn subject(request: &TokenRequest) -> &str {
    let named = request.client_id.as_deref();
    named.filter(|id| !id.is_empty() && id.len() <= LONGEST_CLIENT_ID).unwrap_or(LOCAL_SUBJECT)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{collections::BTreeSet, time::Duration};

    use super::*;
    use futures_util::FutureExt as _;

    use crate::{
        Authenticator, DEFAULT_LIFETIME, api_key::ApiKeys, issuer::unix_now, outside::OutsideIssuers,
    };

    fn endpoint() -> (tempfile::TempDir, ManagedIdentity) {
        let data = tempfile::tempdir().unwrap();
        let issuer = Issuer::open(data.path(), None, DEFAULT_LIFETIME).unwrap();
        (data, ManagedIdentity::new(Secret::random(), Arc::new(issuer)))
    }

    fn request(resource: &str) -> TokenRequest {
        TokenRequest { resource: resource.into(), ..TokenRequest::default() }
    }

    fn answer(endpoint: &ManagedIdentity, request: &TokenRequest) -> serde_json::Value {
        let header = endpoint.header.expose().to_owned();
        serde_json::to_value(endpoint.answer(Some(&header), request).unwrap()).unwrap()
    }

    #[test]
    fn the_answer_has_the_form_that_the_sdks_read() {
        let (_data, endpoint) = endpoint();
        let answer = answer(&endpoint, &request("https://ai.azure.com"));
        let names: BTreeSet<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
        let expected = ["access_token", "expires_in", "expires_on", "resource", "token_type"];
        assert_eq!(names, BTreeSet::from(expected));
        assert_eq!(answer["token_type"], "Bearer");
        assert_eq!(answer["resource"], "https://ai.azure.com");
        assert_eq!(answer["expires_in"], "3600");
        let expires_on: u64 = answer["expires_on"].as_str().unwrap().parse().unwrap();
        assert!(expires_on > unix_now() + DEFAULT_LIFETIME.as_secs() - Duration::from_secs(600).as_secs());
    }

    #[test]
    fn its_tokens_open_every_project_under_the_name_asked_for() {
        let (_data, endpoint) = endpoint();
        let client_id = Some("11111111-2222-3333-4444-555555555555".to_owned());
        let request =
            TokenRequest { client_id: client_id.clone(), ..request("https://cognitiveservices.azure.com") };
        let answer = answer(&endpoint, &request);
        let bearer = format!("Bearer {}", answer["access_token"].as_str().unwrap());
        let authenticator =
            Authenticator::new(endpoint.issuer.clone(), ApiKeys::default(), OutsideIssuers::default());
        let caller = authenticator.authenticate(Some(&bearer), None).now_or_never().unwrap().unwrap();
        assert!(caller.allows_project("demo"));
        assert_eq!(Some(&caller.subject), client_id.as_ref());
    }

    #[test]
    fn a_missing_or_wrong_header_gets_nothing() {
        let (_data, endpoint) = endpoint();
        for header in [None, Some(""), Some("anything")] {
            let error = endpoint.answer(header, &request("https://ai.azure.com")).unwrap_err();
            assert_eq!(error.code(), "wrong_identity_header");
        }
    }

    #[test]
    fn what_is_lent_is_good_for_one_project_and_until_it_is_dropped() {
        let (_data, endpoint) = endpoint();
        let authenticator =
            Authenticator::new(endpoint.issuer.clone(), ApiKeys::default(), OutsideIssuers::default());
        let request = request("https://ai.azure.com");
        let token =
            |lease: &Lease| endpoint.answer(Some(lease.header().expose()), &request).unwrap().access_token;
        // Two that are alike do not end each other.
        let (lease, other) = (endpoint.lend("sandbox/a/1/s", "demo"), endpoint.lend("sandbox/a/1/s", "demo"));
        let bearer = format!("Bearer {}", token(&lease).expose());
        let caller = authenticator.authenticate(Some(&bearer), None).now_or_never().unwrap().unwrap();
        assert_eq!(caller.subject, "sandbox/a/1/s");
        assert!(caller.allows_project("demo") && !caller.allows_project("other"));
        drop(other);
        assert!(!endpoint.is_over(&caller, "demo") && !token(&lease).expose().is_empty());
        let header = lease.header().expose().to_owned();
        drop(lease);
        assert!(endpoint.is_over(&caller, "demo"));
        assert!(endpoint.answer(Some(&header), &request).is_err());
    }

    #[test]
    fn tokens_for_other_services_are_refused() {
        let (_data, endpoint) = endpoint();
        let header = endpoint.header.expose().to_owned();
        for resource in ["https://storage.azure.com", ""] {
            let error = endpoint.answer(Some(&header), &request(resource)).unwrap_err();
            assert_eq!(error.code(), "unsupported_resource");
        }
    }

    #[test]
    fn the_query_of_the_sdks_is_understood() {
        let query = r#"{"api-version": "2019-08-01", "resource": "https://ai.azure.com", "mi_res_id": "x"}"#;
        let request: TokenRequest = serde_json::from_str(query).unwrap();
        assert_eq!(request.api_version.as_deref(), Some("2019-08-01"));
        assert_eq!(request.resource, "https://ai.azure.com");
    }
}
