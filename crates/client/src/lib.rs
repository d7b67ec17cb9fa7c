//! The Rust SDK for Cupola and for the Azure AI Foundry Agent Service: agents, threads, messages, runs,
//! run steps and files, typed and async.
//!
//! ```no_run
//! use cupola_client::{
//!     AgentsClient, FunctionSet, JsonSchema, text_of,
//!     types::{CreateAgent, CreateRun, CreateThread, ListQuery},
//!     user_message,
//! };
//! use futures_util::TryStreamExt as _;
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
//! let client = AgentsClient::from_env()?;
//! let functions = FunctionSet::new()
//!     .with("get_weather", "The weather in a city.", |place: Place| async move {
//!         format!("It is sunny in {}.", place.city)
//!     });
//! let agent = client
//!     .agents()
//!     .create(&CreateAgent {
//!         model: "gpt-4o".to_owned(),
//!         instructions: Some("You know the weather.".to_owned()),
//!         tools: Some(functions.definitions()),
//!         ..CreateAgent::default()
//!     })
//!     .await?;
//! let thread = client.threads().create(&CreateThread::default()).await?;
//! let messages = client.messages(&thread.id);
//! messages.create(&user_message("What is the weather in Lisbon?")).await?;
//!
//! let run = CreateRun { assistant_id: agent.id, ..CreateRun::default() };
//! let run = client.runs(&thread.id).create_and_process(&run, &functions).await?;
//! println!("{}", run.status.as_str());
//!
//! let mut messages = messages.list(ListQuery::default());
//! while let Some(message) = messages.try_next().await? {
//!     println!("{:?}: {}", message.role, text_of(&message));
//! }
//! # Ok(())
//! # }
//! ```
//!
//! **Credentials.** [`AgentsClient::from_env`] needs only what `cupola env` prints. [`AgentsClient::new`]
//! takes any `TokenCredential` of `azure_core`, so everything in the `azure_identity` crate works, and
//! [`AgentsClient::with_key`] takes an API key.
//!
//! **Functions.** Their arguments derive [`JsonSchema`]. The derived code names the crate `schemars`: say
//! `#[schemars(crate = "cupola_client::schemars")]` as above, or depend on the same major version of
//! `schemars` yourself. `Deserialize` always comes from your own `serde`.
//!
//! **Proxies.** The proxy variables (`HTTPS_PROXY` and so on) hold, but never for this machine itself:
//! `localhost`, `127.0.0.0/8` and `::1`.
//!
//! **Retries.** Requests go through the pipeline of `azure_core`, with its retries. A `POST` is repeated
//! only where it was surely not carried out, so that nothing runs twice.
//!
//! **Streams.** Lists and runs come as [`Stream`](futures_util::Stream)s. A list asks for its next page
//! when it is needed; the events of a run end with [`AgentEvent::Done`] or with an error, never in
//! silence.

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
mod list;
mod managed_identity;
mod options;
mod project;
mod repeat;
mod responses;
mod schema;
mod service;
mod sse;
mod transport;
mod upload;
mod values;

pub use agents::{AgentQuery, Agents, VersionQuery};
pub use classic::{
    AgentEvent, AgentsClient, EventStream, MessageQuery, ProcessOptions, assistant_message, text_of,
    user_message,
};
pub use connections::{ConnectionQuery, Connections};
pub use conversations::{ConversationQuery, Conversations, ItemQuery, Items};
pub use deployments::{DeploymentQuery, Deployments};
pub use error::{Error, Result};
pub use function_output::{FunctionOutput, Json};
pub use functions::{FunctionSet, NoArguments};
pub use list::ItemStream;
use managed_identity::ManagedIdentity;
pub use options::ClientOptions;
pub use project::ProjectClient;
pub use responses::{
    InputItemQuery, ResponseOptions, ResponseQuery, ResponseStream, Responses, function_calls, output_text,
};
pub use schemars::{self, JsonSchema};
pub use upload::{FilePurpose, Upload};

/// What goes over the wire: the bodies to send and the objects that come back.
pub mod types {
    pub use cupola_wire::{
        Extra, Metadata, UnixSeconds, agents::*, classic::*, connections::*, conversations::*,
        deployments::*, error::ErrorDetail, responses::*,
    };
}
