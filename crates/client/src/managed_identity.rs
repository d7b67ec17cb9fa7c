//! Tokens from an identity endpoint in the shape of App Service, as Cupola has one.
//! It spares programs that need nothing else the `azure_identity` crate.

use azure_core::{
    Error, Result,
    credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions},
    error::ErrorKind,
    http::{
        ClientOptions, Context, Method, Pipeline, PipelineSendOptions, Request, RetryOptions, Transport, Url,
    },
    time::OffsetDateTime,
};
use serde::Deserialize;
use serde_json::Value;

use crate::error::{chain, service_error};

/// A credential that asks the identity endpoint of the machine.
#[derive(Debug)]
pub(crate) struct ManagedIdentity {
    endpoint: Url,
    header: Secret,
    client_id: Option<String>,
    pipeline: Pipeline,
}

/// The endpoint's answer.
#[derive(Deserialize)]
struct Token {
    access_token: Secret,
    /// Seconds since the epoch: a text here, a number there.
    expires_on: Value,
}

impl ManagedIdentity {
    pub(crate) fn new(
        endpoint: &str,
        header: Secret,
        transport: Transport,
        retry: RetryOptions,
    ) -> crate::Result<Self> {
        let endpoint = Url::parse(endpoint)
            .map_err(|error| crate::Error::Setup(format!("IDENTITY_ENDPOINT {endpoint:?}: {error}")))?;
        let options = ClientOptions { transport: Some(transport), retry, ..ClientOptions::default() };
        let (name, version) = (option_env!("CARGO_PKG_NAME"), option_env!("CARGO_PKG_VERSION"));
        let pipeline = Pipeline::new(name, version, options, Vec::new(), Vec::new(), None);
        Ok(Self { endpoint, header, client_id: None, pipeline })
    }

    /// Asks for the identity with this client id, where the machine has several.
    pub(crate) fn for_client(self, client_id: Option<String>) -> Self {
        Self { client_id, ..self }
    }

    fn request(&self, scope: &str) -> Request {
        let resource = scope.strip_suffix("/.default").unwrap_or(scope);
        let mut url = self.endpoint.clone();
        url.query_pairs_mut()
            .append_pair("api-version", "2019-08-01")
            .append_pair("resource", resource)
            .extend_pairs(self.client_id.iter().map(|id| ("client_id", id)));
        let mut request = Request::new(url, Method::Get);
        request.insert_header("x-identity-header", self.header.secret().to_owned());
        request.insert_header("metadata", "true");
        request
    }
}

#[async_trait::async_trait]
impl TokenCredential for ManagedIdentity {
    async fn get_token(&self, scopes: &[&str], _: Option<TokenRequestOptions<'_>>) -> Result<AccessToken> {
        let [scope] = scopes else {
            return Err(failure("an identity endpoint gives tokens for exactly one scope".to_owned()));
        };
        let options = PipelineSendOptions { skip_checks: true, ..PipelineSendOptions::default() };
        let mut request = self.request(scope);
        let response = self
            .pipeline
            .send(&Context::new(), &mut request, Some(options))
            .await
            .map_err(|error| failure(format!("{}: {}", self.endpoint, chain(&error))))?;
        if !response.status().is_success() {
            return Err(failure(format!("{}: {}", self.endpoint, service_error(&response))));
        }
        // The body holds the token, so the reader's own words are not repeated.
        let unreadable = || failure(format!("{}: the answer is not a token", self.endpoint));
        let token: Token = serde_json::from_slice(response.body()).map_err(|_| unreadable())?;
        let expires_on = expiry(&token.expires_on).ok_or_else(unreadable)?;
        Ok(AccessToken::new(token.access_token, expires_on))
    }
}

fn expiry(value: &Value) -> Option<OffsetDateTime> {
    let seconds = value.as_i64().or_else(|| value.as_str()?.parse().ok())?;
    OffsetDateTime::from_unix_timestamp(seconds).ok()
}

fn failure(message: String) -> Error {
    Error::with_message(ErrorKind::Credential, message)
}
