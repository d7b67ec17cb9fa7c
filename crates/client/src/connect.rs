//! The way to a project: its endpoint, and a pipeline that proves who asks.

use std::sync::Arc;

use azure_core::{
    credentials::{Secret, TokenCredential},
    http::{
        Pipeline, Transport, Url,
        policies::{Policy, auth::BearerTokenAuthorizationPolicy},
    },
};

use crate::{
    ClientOptions, Error, Result,
    api_key::ApiKeyPolicy,
    repeat::RepeatSafely,
    service::Service,
    transport::{is_loopback, transport},
};

/// What a token must be good for; Cupola and Azure agree on it.
pub(crate) const SCOPE: &str = "https://ai.azure.com/.default";

/// A project that is asked with tokens of `credential`, over `transport`.
pub(crate) fn with_credential(
    endpoint: &str,
    credential: Arc<dyn TokenCredential>,
    options: ClientOptions,
    transport: Transport,
) -> Result<Service> {
    let endpoint = parse_endpoint(endpoint)?;
    if endpoint.scheme() != "https" {
        let message = format!("{endpoint} is not https: a token would travel in clear");
        return Err(Error::Setup(message));
    }
    let policy = BearerTokenAuthorizationPolicy::new(credential, [SCOPE]);
    Ok(build(endpoint, Arc::new(policy), options, transport))
}

/// A project that is asked with an API key.
pub(crate) fn with_key(endpoint: &str, key: Secret, options: ClientOptions) -> Result<Service> {
    let endpoint = parse_endpoint(endpoint)?;
    // On the machine itself nobody listens; anywhere else a key in clear is given away.
    if endpoint.scheme() != "https" && !is_loopback(&endpoint) {
        let message = format!("{endpoint} is not https: an API key would travel in clear");
        return Err(Error::Setup(message));
    }
    let transport = transport(&options)?;
    Ok(build(endpoint, Arc::new(ApiKeyPolicy::new(key)), options, transport))
}

fn build(
    endpoint: Url,
    authorization: Arc<dyn Policy>,
    options: ClientOptions,
    transport: Transport,
) -> Service {
    let azure = azure_core::http::ClientOptions { transport: Some(transport), ..options.azure };
    let pipeline = Pipeline::new(
        option_env!("CARGO_PKG_NAME"),
        option_env!("CARGO_PKG_VERSION"),
        azure,
        Vec::new(),
        vec![Arc::new(RepeatSafely), authorization],
        None,
    );
    let preview_features = options.preview_features.join(",");
    Service { endpoint, api_version: Some(options.api_version), preview_features, pipeline }
}

fn parse_endpoint(text: &str) -> Result<Url> {
    let wrong = |why: &str| {
        Error::Setup(format!("the endpoint {text:?} {why}; expected https://HOST/api/projects/PROJECT"))
    };
    let url = Url::parse(text.trim().trim_end_matches('/')).map_err(|_| wrong("is not a URL"))?;
    if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
        return Err(wrong("is not an https URL"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("has a query or a fragment"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn keyed(endpoint: &str) -> Result<Service> {
        with_key(endpoint, "s3cret".into(), ClientOptions::default())
    }

    #[test]
    fn an_endpoint_that_can_not_work_is_refused_with_what_is_expected() {
        for wrong in ["", "demo", "ftp://host/api/projects/demo", "https://host/p?x=1", "unix:/run/x"] {
            let error = keyed(wrong).unwrap_err().to_string();
            assert!(error.contains("expected https://HOST/api/projects/PROJECT"), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_key_is_not_sent_in_clear_to_another_machine() {
        let error = keyed("http://example.com/api/projects/demo").unwrap_err();
        assert!(matches!(error, Error::Setup(_)), "{error:?}");
        for own in ["http://localhost:1/p", "http://127.0.0.9:1/p", "http://[::1]:1/p"] {
            keyed(own).unwrap();
        }
    }

    #[test]
    fn no_key_is_in_the_debug_output() {
        assert!(!format!("{:?}", keyed("https://localhost/p").unwrap()).contains("s3cret"));
    }
}
