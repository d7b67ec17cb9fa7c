//! Whether the stores that a tool names can be searched, found out before anything is accepted.

use std::sync::Arc;

use cupola_engine::{ToolSpec, TurnSpec};

use super::KIND;
use crate::{ApiError, Service, vector_stores};

/// Refuses a turn whose stores are not there, or have expired.
pub async fn check_stores(service: &Service, project: &Arc<str>, spec: &TurnSpec) -> Result<(), ApiError> {
    for (index, tool) in spec.tools.iter().enumerate() {
        let ToolSpec::Served { kind, settings } = tool else { continue };
        if kind != KIND {
            continue;
        }
        let stores = settings["vector_store_ids"].as_array().into_iter().flatten();
        for (place, store) in stores.enumerate() {
            let store = store.as_str().unwrap_or_default();
            let found = vector_stores::find_active(service, project, store).await;
            found.map_err(|error| error.param(format!("tools[{index}].vector_store_ids[{place}]")))?;
        }
    }
    Ok(())
}
