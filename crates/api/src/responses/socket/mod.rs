//! `GET responses` with an upgrade to WebSocket: responses over one connection, one after the other.

mod connection;
mod events;
mod message;

use axum::{
    Extension,
    extract::{State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    response::Response,
};

use self::connection::Connection;
use crate::{
    ApiError, Service,
    path::{BoundAgent, Project},
    server::Slot,
    storage::Requester,
};

/// `GET responses` with an upgrade
pub async fn connect(
    State(service): State<Service>,
    Project(project): Project,
    BoundAgent(bound): BoundAgent,
    requester: Requester,
    slot: Option<Extension<Slot>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let upgrade = upgrade.map_err(|refusal| {
        let message = format!("This request can't become a WebSocket connection: {refusal}.");
        ApiError::invalid(message).code("invalid_value")
    })?;
    let limit = service.limits().max_body_bytes;
    Ok(upgrade.max_message_size(limit).max_frame_size(limit).on_upgrade(move |socket| async move {
        Connection::new(service, project, (requester, bound), socket).serve().await;
        // Until here the connection counts as one.
        drop(slot);
    }))
}
