//! The client of a project: a door to each kind of resource.

use std::sync::Arc;

use azure_core::credentials::{Secret, TokenCredential};

use crate::{
    Agents, AgentsClient, ClientOptions, Connections, Conversations, Deployments, Invocations, Responses,
    Result, Sessions, VectorStores, classic::Files, connect, environment, service::Service,
    transport::transport,
};

/// A client for one project: agents with versions, conversations, responses and what they use.
///
/// Clones share one pool of connections.
#[derive(Clone, Debug)]
pub struct ProjectClient {
    service: Arc<Service>,
    /// The same project by the addresses of the OpenAI API.
    openai: Arc<Service>,
}

impl ProjectClient {
    /// A client that asks `credential` for tokens.
    ///
    /// `endpoint` is the project's: `https://HOST/api/projects/PROJECT`.
    pub fn new(endpoint: &str, credential: Arc<dyn TokenCredential>, options: ClientOptions) -> Result<Self> {
        let transport = transport(&options)?;
        connect::with_credential(endpoint, credential, options, transport).and_then(Self::of)
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
        connect::with_key(endpoint, key.into(), options).and_then(Self::of)
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
        environment::project(variable, options).and_then(Self::of)
    }

    fn of(service: Service) -> Result<Self> {
        let openai = service.openai()?;
        Ok(Self { service: Arc::new(service), openai: Arc::new(openai) })
    }

    /// The project's endpoint.
    pub fn endpoint(&self) -> &str {
        self.service.endpoint.as_str()
    }

    /// Agents with versions.
    pub fn agents(&self) -> Agents {
        Agents::new(self.service.clone())
    }

    /// Conversations and their items.
    pub fn conversations(&self) -> Conversations {
        Conversations::new(self.openai.clone())
    }

    /// Other services that agents and tools may use.
    pub fn connections(&self) -> Connections {
        Connections::new(self.service.clone())
    }

    /// Responses.
    pub fn responses(&self) -> Responses {
        Responses::new(self.openai.clone())
    }

    /// Responses of one agent, asked for at its own endpoint: a request names no agent there.
    pub fn responses_of(&self, agent: &str) -> Result<Responses> {
        Ok(Responses::new(Arc::new(self.service.of_agent(agent)?)))
    }

    /// Conversations with one agent, at its own endpoint.
    pub fn conversations_of(&self, agent: &str) -> Result<Conversations> {
        Ok(Conversations::new(Arc::new(self.service.of_agent(agent)?)))
    }

    /// Sessions of a hosted agent.
    pub fn sessions(&self, agent: &str) -> Sessions {
        Sessions::new(self.service.clone(), agent)
    }

    /// Requests of any shape to the program of a hosted agent.
    pub fn invocations(&self, agent: &str) -> Invocations {
        Invocations::new(self.service.clone(), agent)
    }

    /// Files.
    pub fn files(&self) -> Files {
        Files::new(self.openai.clone())
    }

    /// Collections of files that can be searched by what they say.
    pub fn vector_stores(&self) -> VectorStores {
        VectorStores::new(self.openai.clone())
    }

    /// What models there are.
    pub fn deployments(&self) -> Deployments {
        Deployments::new(self.service.clone())
    }

    /// The older API of the same project: agents, threads, runs.
    pub fn classic(&self) -> AgentsClient {
        AgentsClient::of(self.service.clone())
    }
}
