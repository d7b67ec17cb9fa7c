//! Agents of the newer API: an agent has a name and versions, and each version a definition that never
//! changes.

mod definition;
mod endpoint;
mod object;
mod progress;
mod version;

pub use definition::{Definition, KINDS, PromptDefinition, StructuredInput};
pub use endpoint::{AgentEndpoint, FixedRatio, VersionSelectionRule, VersionSelector};
pub use object::{AgentDeleted, AgentObject, AgentPatch, AgentState, AgentVersionDeleted, AgentVersions};
pub use progress::BuildProgress;
pub use version::{AgentVersion, AgentVersionStatus, CreateAgentVersion};
