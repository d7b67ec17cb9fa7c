//! The older API: agents without versions, threads, messages, runs, run steps and files.

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
