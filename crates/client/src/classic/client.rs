//! The client of the older API: a door to each kind of resource.

use std::sync::Arc;

use azure_core::credentials::{Secret, TokenCredential};
use cupola_wire::classic::{CreateRun, CreateThreadAndRun, Run};

use super::{Agents, EventStream, Files, Messages, RunSteps, Runs, Threads, events::read_events};
use crate::{ClientOptions, ProjectClient, Result, VectorStores, service::Service};

/// A client for the classic agents of one project. Clones share one pool of connections.
#[derive(Clone, Debug)]
pub struct AgentsClient {
    service: Arc<Service>,
}

impl AgentsClient {
    /// A client that asks `credential` for tokens.
    ///
    /// `endpoint` is the project's: `https://HOST/api/projects/PROJECT`.
    pub fn new(endpoint: &str, credential: Arc<dyn TokenCredential>, options: ClientOptions) -> Result<Self> {
        Ok(ProjectClient::new(endpoint, credential, options)?.classic())
    }

    /// A client that sends an API key.
    pub fn with_key(endpoint: &str, key: impl Into<Secret>) -> Result<Self> {
        Self::with_key_and_options(endpoint, key, ClientOptions::default())
    }

    /// A client that sends an API key, set up as `options` say.
    pub fn with_key_and_options(
        endpoint: &str,
        key: impl Into<Secret>,
        options: ClientOptions,
    ) -> Result<Self> {
        Ok(ProjectClient::with_key_and_options(endpoint, key, options)?.classic())
    }

    /// A client set up by the environment, as `cupola env` prints it.
    ///
    /// `PROJECT_ENDPOINT` (or `AZURE_AI_PROJECT_ENDPOINT`, or `FOUNDRY_PROJECT_ENDPOINT`) says where,
    /// `IDENTITY_ENDPOINT` and `IDENTITY_HEADER` say where tokens come from, `SSL_CERT_FILE` says whom
    /// to trust.
    pub fn from_env() -> Result<Self> {
        Self::from_variables(|name| std::env::var(name).ok(), ClientOptions::default())
    }

    /// Like [`from_env`](Self::from_env), with variables from somewhere else and with options.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>, options: ClientOptions) -> Result<Self> {
        Ok(ProjectClient::from_variables(variable, options)?.classic())
    }

    pub(crate) fn of(service: Arc<Service>) -> Self {
        Self { service }
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

    /// Vector stores.
    pub fn vector_stores(&self) -> VectorStores {
        VectorStores::new(self.service.clone())
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
