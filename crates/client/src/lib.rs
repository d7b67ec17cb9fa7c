//! The Rust SDK for Cupola and for the Azure AI Foundry Agent Service, typed and async: agents with
//! versions, conversations, responses, vector stores, connections and deployments; and the older API of threads
//! and runs.
//!
//! ```no_run
//! use cupola_client::{
//!     FunctionSet, JsonSchema, ProjectClient, output_text,
//!     types::{CreateAgentVersion, CreateConversation, CreateResponse, PromptDefinition},
//! };
//! use serde::Deserialize;
//!
//! #[derive(Deserialize, JsonSchema)]
//! #[schemars(crate = "cupola_client::schemars")]
//! struct Place {
//!     /// A city, for example "Lisbon".
//!     city: String,
//! }
//!
//! # async fn example() -> cupola_client::Result<()> {
//! let client = ProjectClient::from_env()?;
//! let functions = FunctionSet::new()
//!     .with("get_weather", "The weather in a city.", |place: Place| async move {
//!         format!("It is sunny in {}.", place.city)
//!     });
//! let definition = PromptDefinition {
//!     model: "gpt-4o".to_owned(),
//!     instructions: Some("You know the weather.".to_owned()),
//!     tools: Some(functions.tools()),
//!     ..PromptDefinition::default()
//! };
//! client.agents().create_version("weather", &CreateAgentVersion::new(definition)).await?;
//!
//! let conversation = client.conversations().create(&CreateConversation::default()).await?;
//! let question = CreateResponse::to_agent("weather", "What is the weather in Lisbon?")
//!     .in_conversation(&conversation.id);
//! let response = client.responses().create_and_process(&question, &functions).await?;
//! println!("{}", output_text(&response));
//! # Ok(())
//! # }
//! ```
//!
//! **Streams.** [`Responses::stream`] gives the events of a response as they come, and
//! [`Responses::process_stream`] those of a chain of responses with functions called in between:
//!
//! ```no_run
//! # use cupola_client::{ProjectClient, types::{CreateResponse, ResponseEvent}};
//! # use futures_util::TryStreamExt as _;
//! # async fn example(client: ProjectClient) -> cupola_client::Result<()> {
//! let question = CreateResponse::to_agent("weather", "And tomorrow?").in_background();
//! let mut events = client.responses().stream(&question).await?;
//! while let Some(event) = events.try_next().await? {
//!     match event {
//!         ResponseEvent::TextDelta(delta) => print!("{}", delta.delta),
//!         ResponseEvent::Failed(end) => println!("{:?}", end.response.error),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A stream ends with a terminal event or with an error, never in silence. The events of a response in the
//! background go on where a connection breaks off, even over a restart of the service; see
//! [`Responses::follow`] and [`Responses::wait_for`]. Lists are [`Stream`](futures_util::Stream)s too: they
//! ask for the next page when it is needed.
//!
//! **Hosted agents** are programs: an image, or a code package. A version of one takes its time to come up:
//!
//! ```no_run
//! # use cupola_client::{Patience, ProjectClient};
//! # use cupola_client::types::{CreateAgentVersion, CreateResponse, HostedDefinition};
//! # async fn example(client: ProjectClient) -> cupola_client::Result<()> {
//! let definition = HostedDefinition::image("registry.example.com/team/echo:1")
//!     .with_cpu("0.5")
//!     .with_memory("1Gi")
//!     .speaking("responses", "2.0.0");
//! let agents = client.agents();
//! let version = agents.create_version("echo", &CreateAgentVersion::new(definition)).await?;
//! agents.wait_until_active("echo", &version.version, Patience::default()).await?;
//! client.responses().create(&CreateResponse::to_agent("echo", "Hello")).await?;
//! # Ok(())
//! # }
//! ```
//!
//! [`ProjectClient::sessions`] has their sessions, with [files](Sessions::files) and [logs](Sessions::logs),
//! [`Agents::create_version_from_code`] takes a zip file, and [`ProjectClient::invocations`] sends requests
//! of any shape.
//!
//! **Vector stores** hold files that agents and programs search by what they say:
//!
//! ```no_run
//! # use cupola_client::{ProjectClient, Upload};
//! # use cupola_client::types::{CreateVectorStore, SearchVectorStore};
//! # async fn example(client: ProjectClient) -> cupola_client::Result<()> {
//! let stores = client.vector_stores();
//! let store = stores.create(&CreateVectorStore::named("handbook")).await?;
//! stores.files(&store.id).upload_and_poll(&Upload::path("handbook.pdf").await?).await?;
//! let found = stores.search(&store.id, &SearchVectorStore::new("How long is the notice period?")).await?;
//! for passage in found.data {
//!     println!("{:.2} {}: {}", passage.score, passage.filename, passage.content[0].text);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! **Credentials.** [`ProjectClient::from_env`] needs only what `cupola env` prints. [`ProjectClient::new`]
//! takes any `TokenCredential` of `azure_core`, so everything in the `azure_identity` crate works, and
//! [`ProjectClient::with_key`] takes an API key.
//!
//! **Functions.** Their arguments derive [`JsonSchema`]. The derived code names the crate `schemars`: say
//! `#[schemars(crate = "cupola_client::schemars")]` as above, or depend on the same major version of
//! `schemars` yourself. `Deserialize` always comes from your own `serde`.
//!
//! **What this version does not know** is kept: fields in an `extra` map, items and events as `Other`. It can
//! be sent the same way.
//!
//! **The older API** is [`ProjectClient::classic`], or [`AgentsClient`] on its own; see [`classic`].
//!
//! **Proxies.** The proxy variables (`HTTPS_PROXY` and so on) hold, but never for this machine itself:
//! `localhost`, `127.0.0.0/8` and `::1`.
//!
//! **Retries.** Requests go through the pipeline of `azure_core`, with its retries. A `POST` is repeated
//! only where it was surely not carried out, so that nothing runs twice.

mod agents;
mod api_key;
pub mod classic;
mod connect;
mod connections;
mod conversations;
mod decode;
mod deployments;
mod environment;
mod error;
mod function_output;
mod functions;
mod hosted;
mod list;
mod managed_identity;
mod options;
mod patience;
mod project;
mod repeat;
mod responses;
mod schema;
mod service;
mod sse;
mod transport;
mod upload;
mod values;
mod vector_stores;

pub use agents::{AgentQuery, Agents, VersionQuery};
pub use classic::{
    AgentEvent, AgentsClient, ByteStream, EventStream, MessageQuery, ProcessOptions, assistant_message,
    text_of, user_message,
};
pub use connections::{ConnectionQuery, Connections};
pub use conversations::{ConversationQuery, Conversations, ItemQuery, Items};
pub use deployments::{DeploymentQuery, Deployments};
pub use error::{Error, Result};
pub use function_output::{FunctionOutput, Json};
pub use functions::{FunctionSet, NoArguments};
pub use hosted::{
    CodeDownload, CodePackage, Invocation, InvocationAnswer, Invocations, LogQuery, LogStream, SessionFiles,
    Sessions,
};
pub use list::ItemStream;
use managed_identity::ManagedIdentity;
pub use options::ClientOptions;
pub use patience::Patience;
pub use project::ProjectClient;
pub use responses::{
    InputItemQuery, ResponseOptions, ResponseQuery, ResponseStream, Responses, function_calls, output_text,
};
pub use schemars::{self, JsonSchema};
pub use upload::{FilePurpose, Upload};
pub use vector_stores::{FileBatches, StoreFileQuery, StoreFiles, VectorStores};

/// What goes over the wire: the bodies to send and the objects that come back.
pub mod types {
    pub use cupola_wire::{
        Extra, Metadata, UnixSeconds, agents::*, classic::*, connections::*, conversations::*,
        deployments::*, error::ErrorDetail, hosted::*, responses::*, vector_stores::*,
    };
}
