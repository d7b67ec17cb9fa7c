//! Model providers behind one interface.
//!
//! [`Provider`] is what the turn engine calls. Behind it stand OpenAI-compatible servers, the builtin
//! offline model, and a wrapper that records exchanges and plays them back. The catalog knows which
//! provider answers for which deployment.

pub mod builtin;
pub mod cassette;
pub mod catalog;
pub mod config;
mod exchange;
pub mod measure;
pub mod openai;
mod provider;
mod raw;
mod retrieval;
mod secret;
mod span;
pub mod tokens;

pub use catalog::Catalog;
pub use config::ModelsConfig;
pub use exchange::{
    ChatMessage, Finish, FunctionDeclaration, ModelDelta, ModelRequest, ModelUsage, Part, RequestedCall,
    ResponseFormat, ToolChoice,
};
pub use provider::{CODES, Fault, FaultKind, ModelStream, Provider};
pub use raw::{RawAnswer, RawBody, RawOperation, RawRefusal};
pub use retrieval::NoAnswer;
pub use secret::Secret;
pub use span::Span;
