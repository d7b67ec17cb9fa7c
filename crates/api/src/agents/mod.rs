//! Agents of the newer API: versions that never change under a name, and how the name is reached.

mod checks;
mod create;
mod delete;
mod endpoint;
mod get;
mod kinds;
mod list;
mod not_built;
mod patch;
mod preview;
mod record;
mod resolve;
mod schema;
mod selector;
mod state;
mod structured_inputs;
mod template;

pub use create::{create, create_version, update};
pub use delete::{delete, delete_version};
pub use get::{get, get_version};
pub use kinds::{agent_key, find_agent};
pub use list::{list, list_versions};
pub use not_built::{download_code, generate, import, import_into, import_version};
pub use patch::patch;
pub use resolve::{ResolvedAgent, require, resolve};
pub use state::{disable, enable};
pub use structured_inputs::fill;
