//! A connection with its secrets, for the service's own use.

use std::sync::Arc;

use super::{ConfiguredConnection, shelf};
use crate::{ApiError, Service};

/// The connection with this name, or with this resource id, which ends in its name.
pub async fn reveal(
    service: &Service,
    project: &Arc<str>,
    name_or_id: &str,
) -> Result<Option<ConfiguredConnection>, ApiError> {
    let name = name_or_id.rsplit_once("/connections/").map_or(name_or_id, |(_, name)| name);
    if let Some(configured) = shelf::configured(service, name) {
        return Ok(Some(configured.clone()));
    }
    let Some(stored) = shelf::find(service.store(), project, name).await? else { return Ok(None) };
    let secrets = stored.unseal(service.sealing(), project)?;
    Ok(Some(ConfiguredConnection { connection: stored.connection, secrets }))
}
