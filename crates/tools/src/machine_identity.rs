//! Tokens of the identity that the machine has where this runs: of App Service and its kin, or of a virtual
//! machine in Azure. They say who this service is to others in the same directory.

use std::{fmt, time::Duration};

use serde_json::Value;
use url::Url;

use crate::outgoing::{Allow, Failure, Outgoing, Patience, Request};

/// Where virtual machines ask.
const VIRTUAL_MACHINE: &str = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01";
/// The form in which App Service and its kin are asked.
const APP_SERVICE: (&str, &str) = ("api-version", "2019-08-01");
/// Such an endpoint is near, or there is none.
const PATIENCE: Duration = Duration::from_secs(3);
/// Tokens for these open this service itself: whoever is sent one could use it here.
const OWN: &[&str] = &["https://ai.azure.com", "https://cognitiveservices.azure.com", "https://ml.azure.com"];

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoToken {
    /// It would open this service.
    #[error("Tokens for '{0}' open this service itself, so they are not sent to others.")]
    Own(String),
    /// The endpoint did not give one.
    #[error(
        "This service runs where no managed identity can be asked for a token ({0}). Run it in Azure with one, or \
         use a connection with a key."
    )]
    Unavailable(String),
}

/// The identity of the machine.
#[derive(Clone)]
pub struct MachineIdentity {
    outgoing: Outgoing,
    endpoint: Url,
    /// What lets programs of App Service in.
    header: Option<String>,
}

impl fmt::Debug for MachineIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MachineIdentity").field("endpoint", &self.endpoint.as_str()).finish_non_exhaustive()
    }
}

impl MachineIdentity {
    /// The identity that these variables name, else that of a virtual machine.
    pub fn of(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let bad = |reason| Failure::BadAddress { address: "IDENTITY_ENDPOINT".to_owned(), reason };
        let given = variable("IDENTITY_ENDPOINT").zip(variable("IDENTITY_HEADER"));
        let (endpoint, header) = match given {
            Some((endpoint, header)) => (endpoint, Some(header)),
            None => (VIRTUAL_MACHINE.to_owned(), None),
        };
        let endpoint = Url::parse(&endpoint).map_err(|_| bad("it is not a whole address."))?;
        let host = endpoint.host_str().ok_or_else(|| bad("it has no host."))?;
        let allow = Allow::read([host]).map_err(|_| bad("its host is none."))?;
        Ok(Self { outgoing: Outgoing::new(allow)?, endpoint, header })
    }

    /// A token for this audience.
    pub async fn token(&self, audience: &str) -> Result<String, NoToken> {
        let audience = audience.trim_end_matches("/.default").trim_end_matches('/');
        if OWN.contains(&audience.to_ascii_lowercase().as_str()) {
            return Err(NoToken::Own(audience.to_owned()));
        }
        let unavailable = |failure: Failure| NoToken::Unavailable(failure.to_string());
        let answer = self.outgoing.send(self.request(audience).map_err(unavailable)?).await;
        let answer = answer.map_err(unavailable)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(unavailable)?;
        let token: Option<Value> = serde_json::from_slice(&body).ok();
        match token.as_ref().and_then(|token| token["access_token"].as_str()) {
            Some(token) if status.is_success() => Ok(token.to_owned()),
            _ => Err(NoToken::Unavailable(format!("its endpoint answered {status}"))),
        }
    }

    fn request(&self, audience: &str) -> Result<Request, Failure> {
        let mut url = self.endpoint.clone();
        url.query_pairs_mut().append_pair("resource", audience);
        if self.header.is_some() {
            url.query_pairs_mut().append_pair(APP_SERVICE.0, APP_SERVICE.1);
        }
        let patience = Patience { head: PATIENCE, idle: PATIENCE, whole: 2 * PATIENCE };
        let request = Request::get(url).header("metadata", "true")?.patience(patience).without_redirects();
        match &self.header {
            Some(header) => request.secret_header("x-identity-header", header),
            None => Ok(request),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::{Json, Router, extract::RawQuery, http::HeaderMap, routing::get};
    use serde_json::json;
    use tokio::net::TcpListener;

    use super::*;

    async fn identity() -> MachineIdentity {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = |RawQuery(query): RawQuery, headers: HeaderMap| async move {
            let is_known = headers.get("x-identity-header").is_some_and(|header| header == "s3cret");
            let token = if is_known { json!({"access_token": query}) } else { json!({}) };
            Json(token)
        };
        let router = Router::new().route("/token", get(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let endpoint = format!("http://{address}/token");
        MachineIdentity::of(&|name| match name {
            "IDENTITY_ENDPOINT" => Some(endpoint.clone()),
            "IDENTITY_HEADER" => Some("s3cret".to_owned()),
            _ => None,
        })
        .unwrap()
    }

    #[tokio::test]
    async fn a_token_is_asked_for_its_audience() {
        let token = identity().await.token("https://storage.azure.com/").await.unwrap();
        assert_eq!(token, "resource=https%3A%2F%2Fstorage.azure.com&api-version=2019-08-01");
    }

    #[tokio::test]
    async fn tokens_that_open_this_service_are_not_made_for_others() {
        for audience in ["https://ai.azure.com", "https://AI.azure.com/.default", "https://ml.azure.com/"] {
            let refusal = identity().await.token(audience).await.unwrap_err();
            assert!(matches!(refusal, NoToken::Own(_)), "{refusal}");
        }
    }

    #[tokio::test]
    async fn a_machine_without_an_identity_says_so() {
        let mut identity = identity().await;
        assert!(!format!("{identity:?}").contains("s3cret"));
        identity.header = None;
        let refusal = identity.token("https://storage.azure.com").await.unwrap_err();
        assert!(refusal.to_string().contains("use a connection"), "{refusal}");
    }
}
