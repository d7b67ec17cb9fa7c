//! The client itself: an endpoint, a credential, and a door to each kind of resource.

use std::sync::Arc;

use azure_core::{
    credentials::{Secret, TokenCredential},
    http::{
        Pipeline, Transport, Url,
        policies::{Policy, auth::BearerTokenAuthorizationPolicy},
    },
};
use cupola_wire::classic::{CreateRun, CreateThreadAndRun, Run};

use crate::{
    Agents, AgentsClientOptions, Error, EventStream, Files, Messages, Result, RunSteps, Runs, Threads,
    api_key::ApiKeyPolicy,
    environment,
    events::read_events,
    repeat::RepeatSafely,
    service::Service,
    transport::{is_loopback, transport},
};

/// What a token must be good for; Cupola and Azure agree on it.
pub(crate) const SCOPE: &str = "https://ai.azure.com/.default";

/// A client for the agents of one project. Clones share one pool of connections.
#[derive(Clone, Debug)]
pub struct AgentsClient {
    service: Arc<Service>,
}

impl AgentsClient {
    /// A client that asks `credential` for tokens.
    ///
    /// `endpoint` is the project's: `https://HOST/api/projects/PROJECT`.
    pub fn new(
        endpoint: &str,
        credential: Arc<dyn TokenCredential>,
        options: AgentsClientOptions,
    ) -> Result<Self> {
        let transport = transport(&options)?;
        Self::with_credential(endpoint, credential, options, transport)
    }

    /// A client that sends an API key.
    pub fn with_key(endpoint: &str, key: impl Into<Secret>) -> Result<Self> {
        Self::with_key_and_options(endpoint, key, AgentsClientOptions::default())
    }

    /// A client that sends an API key, set up as `options` say.
    pub fn with_key_and_options(
        endpoint: &str,
        key: impl Into<Secret>,
        options: AgentsClientOptions,
    ) -> Result<Self> {
        let endpoint = parse_endpoint(endpoint)?;
        // On the machine itself nobody listens; anywhere else a key in clear is given away.
        if endpoint.scheme() != "https" && !is_loopback(&endpoint) {
            let message = format!("{endpoint} is not https: an API key would travel in clear");
            return Err(Error::Setup(message));
        }
        let transport = transport(&options)?;
        Ok(Self::build(endpoint, Arc::new(ApiKeyPolicy::new(key.into())), options, transport))
    }

    /// A client set up by the environment, as `cupola env` prints it.
    ///
    /// `PROJECT_ENDPOINT` (or `AZURE_AI_PROJECT_ENDPOINT`, or `FOUNDRY_PROJECT_ENDPOINT`) says where,
    /// `IDENTITY_ENDPOINT` and `IDENTITY_HEADER` say where tokens come from, `SSL_CERT_FILE` says whom
    /// to trust.
    pub fn from_env() -> Result<Self> {
        Self::from_variables(|name| std::env::var(name).ok(), AgentsClientOptions::default())
    }

    /// Like [`from_env`](Self::from_env), with variables from somewhere else and with options.
    pub fn from_variables(
        variable: impl Fn(&str) -> Option<String>,
        options: AgentsClientOptions,
    ) -> Result<Self> {
        environment::client(variable, options)
    }

    pub(crate) fn with_credential(
        endpoint: &str,
        credential: Arc<dyn TokenCredential>,
        options: AgentsClientOptions,
        transport: Transport,
    ) -> Result<Self> {
        let endpoint = parse_endpoint(endpoint)?;
        if endpoint.scheme() != "https" {
            let message = format!("{endpoint} is not https: a token would travel in clear");
            return Err(Error::Setup(message));
        }
        let policy = BearerTokenAuthorizationPolicy::new(credential, [SCOPE]);
        Ok(Self::build(endpoint, Arc::new(policy), options, transport))
    }

    fn build(
        endpoint: Url,
        authorization: Arc<dyn Policy>,
        options: AgentsClientOptions,
        transport: Transport,
    ) -> Self {
        let azure = azure_core::http::ClientOptions { transport: Some(transport), ..options.azure };
        let pipeline = Pipeline::new(
            option_env!("CARGO_PKG_NAME"),
            option_env!("CARGO_PKG_VERSION"),
            azure,
            Vec::new(),
            vec![Arc::new(RepeatSafely), authorization],
            None,
        );
        Self { service: Arc::new(Service { endpoint, api_version: options.api_version, pipeline }) }
    }

    /// The project's endpoint.
    pub fn endpoint(&self) -> &str {
        self.service.endpoint.as_str()
    }

    /// Agents.
    pub fn agents(&self) -> Agents {
        Agents::new(self.service.clone())
    }

    /// Threads.
    pub fn threads(&self) -> Threads {
        Threads::new(self.service.clone())
    }

    /// The messages of one thread.
    pub fn messages(&self, thread_id: impl Into<String>) -> Messages {
        Messages::new(self.service.clone(), thread_id.into())
    }

    /// The runs on one thread.
    pub fn runs(&self, thread_id: impl Into<String>) -> Runs {
        Runs::new(self.service.clone(), thread_id.into())
    }

    /// The steps of one run.
    pub fn run_steps(&self, thread_id: impl Into<String>, run_id: impl Into<String>) -> RunSteps {
        RunSteps::new(self.service.clone(), thread_id.into(), run_id.into())
    }

    /// Files.
    pub fn files(&self) -> Files {
        Files::new(self.service.clone())
    }

    /// Creates a thread and runs an agent on it.
    pub async fn create_thread_and_run(&self, body: &CreateThreadAndRun) -> Result<Run> {
        self.service.post(&["threads", "runs"], &streaming(body, false)).await
    }

    /// Creates a thread, runs an agent on it and gives the events as they come.
    pub async fn create_thread_and_run_stream(&self, body: &CreateThreadAndRun) -> Result<EventStream> {
        let response = self.service.open_post(&["threads", "runs"], &streaming(body, true)).await?;
        Ok(read_events(response))
    }
}

fn streaming(body: &CreateThreadAndRun, stream: bool) -> CreateThreadAndRun {
    let run = CreateRun { stream: Some(stream), ..body.run.clone() };
    CreateThreadAndRun { thread: body.thread.clone(), run }
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

    #[test]
    fn an_endpoint_that_can_not_work_is_refused_with_what_is_expected() {
        for wrong in ["", "demo", "ftp://host/api/projects/demo", "https://host/p?x=1", "unix:/run/x"] {
            let error = AgentsClient::with_key(wrong, "key").unwrap_err().to_string();
            assert!(error.contains("expected https://HOST/api/projects/PROJECT"), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_key_is_not_sent_in_clear_to_another_machine() {
        let error = AgentsClient::with_key("http://example.com/api/projects/demo", "key").unwrap_err();
        assert!(matches!(error, Error::Setup(_)), "{error:?}");
        for own in ["http://localhost:1/p", "http://127.0.0.9:1/p", "http://[::1]:1/p"] {
            AgentsClient::with_key(own, "key").unwrap();
        }
    }

    #[test]
    fn no_key_is_in_the_debug_output() {
        let client = AgentsClient::with_key("https://localhost/p", "s3cret").unwrap();
        assert!(!format!("{client:?}").contains("s3cret"));
    }
}
