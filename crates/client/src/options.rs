//! How a client reaches its service.

use std::time::Duration;

/// How a client reaches its service. The default suits both Cupola and Azure.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// The value of `api-version`; `v1` by default.
    pub api_version: String,
    /// What of the service is wanted although it is a preview, for example `DraftAgents=V1Preview`. An answer
    /// with the code `preview_feature_required` names what is missing.
    pub preview_features: Vec<String>,
    /// Certificates in PEM to trust in addition to the system's, for example Cupola's own CA.
    pub ca_pem: Option<Vec<u8>>,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long the service may say nothing at all before a request fails.
    pub idle_timeout: Duration,
    /// Retries, user agent, logging, tracing and policies of `azure_core`.
    ///
    /// A transport set here replaces the client's own, so `ca_pem` and the timeouts can't apply.
    pub azure: azure_core::http::ClientOptions,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            api_version: "v1".to_owned(),
            preview_features: Vec::new(),
            ca_pem: None,
            connect_timeout: Duration::from_secs(20),
            // A model may think for minutes before its first word.
            idle_timeout: Duration::from_secs(300),
            azure: azure_core::http::ClientOptions::default(),
        }
    }
}
