//! What the service has and this one does not have yet. Saying so is better than a route that is not there.

use crate::{ApiError, path::Ids};

/// `POST /agents:import`
pub async fn import() -> ApiError {
    from_manifest()
}

/// `POST /agents/{agent}/import`
pub async fn import_into(Ids([_]): Ids<1>) -> ApiError {
    from_manifest()
}

/// `POST /agents/{agent}/versions:import`
pub async fn import_version(Ids([_]): Ids<1>) -> ApiError {
    from_manifest()
}

/// `POST /agents:generate`
pub async fn generate() -> ApiError {
    not_built(
        "Generating an agent from a prompt is not built yet. Create a version with a definition instead.",
    )
}

fn from_manifest() -> ApiError {
    not_built(
        "Creating an agent from a manifest is not built yet. Create a version with its definition instead.",
    )
}

fn not_built(message: &str) -> ApiError {
    ApiError::invalid(message).code("not_built_yet")
}
