//! Agents of the newer API: versions that never change under a name, and how the name is reached.

mod checks;
mod create;
mod delete;
mod endpoint;
mod get;
mod identity;
mod kinds;
mod list;
mod not_built;
mod patch;
mod preview;
mod record;
mod resolve;
mod schema;
mod selector;
mod settle;
mod state;
mod structured_inputs;
mod template;

pub use create::{create, create_version, update};
pub use delete::{delete, delete_version};
pub use get::{download_code, get, get_version};
pub use kinds::{agent_key, find_agent, version_key};
pub use list::{list, list_versions};
pub use not_built::{generate, import, import_into, import_version};
pub use patch::patch;
pub use resolve::{ResolvedAgent, is_hosted, require, resolve, resolve_by_traffic};
pub use settle::{hosted_names, hosted_versions, settle};
pub use state::{disable, enable};
pub use structured_inputs::fill;
