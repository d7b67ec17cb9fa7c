//! The older API: agents without versions, threads, messages, runs, run steps, files and vector stores.
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
//! The events of a run end with [`AgentEvent::Done`] or with an error, never in silence.

mod agents;
mod client;
mod events;
mod files;
mod messages;
mod process;
mod process_stream;
mod run_steps;
mod runs;
mod threads;

pub use agents::Agents;
pub use client::AgentsClient;
pub use events::{AgentEvent, EventStream};
pub use files::{ByteStream, Files};
pub use messages::{MessageQuery, Messages, assistant_message, text_of, user_message};
pub use process::ProcessOptions;
pub use run_steps::RunSteps;
pub use runs::Runs;
pub use threads::Threads;
