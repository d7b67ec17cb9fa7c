//! The token endpoint for programs on this machine: what `DefaultAzureCredential` asks when
//! `IDENTITY_ENDPOINT` and `IDENTITY_HEADER` are set.

use std::net::SocketAddr;

use axum::{
    Extension,
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::Response,
};
use cupola_identity::TokenRequest;

use crate::{ApiError, Service, body::answer};

/// The address of the client, as the accept loop saw it.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Answers a token request from this machine.
pub async fn token(
    State(service): State<Service>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    request: Result<Query<TokenRequest>, QueryRejection>,
) -> Result<Response, ApiError> {
    if !peer.ip().to_canonical().is_loopback() {
        return Err(ApiError::no_such_route());
    }
    let Query(request) = request.map_err(|refusal| {
        ApiError::invalid(format!("The query can't be read: {}.", refusal.body_text())).code("invalid_value")
    })?;
    let header = headers.get("x-identity-header").and_then(|value| value.to_str().ok());
    let token = service
        .managed_identity()
        .answer(header, &request)
        .map_err(|refusal| ApiError::unauthenticated(refusal.code(), refusal.to_string()))?;
    Ok(answer(&token))
}
