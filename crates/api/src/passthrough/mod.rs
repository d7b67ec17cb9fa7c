//! What the OpenAI clients speak beside agents: models, chat completions, completions, embeddings, files.
//! Calls of a model go to the deployment's provider; its answers name the deployment as their model.

mod answer;
mod faults;
pub mod files;
mod forward;
pub mod models;
mod rename;
mod translate;

use axum::{extract::State, response::Response};
use cupola_models::RawOperation;

use crate::{ApiError, Service, body::Json};
use forward::{Call, Fields};

/// `POST /chat/completions`
pub async fn chat_completions(
    State(service): State<Service>,
    Json(fields): Json<Fields>,
) -> Result<Response, ApiError> {
    let call = Call::read(&service, fields)?;
    match call.forward(RawOperation::ChatCompletions).await? {
        Some(response) => Ok(response),
        None => answer::chat(&call, service.clock().seconds()).await,
    }
}

/// `POST /completions`
pub async fn completions(
    State(service): State<Service>,
    Json(fields): Json<Fields>,
) -> Result<Response, ApiError> {
    let call = Call::read(&service, fields)?;
    let forwarded = call.forward(RawOperation::Completions).await?;
    forwarded.ok_or_else(|| call.not_offered("completions; use chat completions or responses"))
}

/// `POST /embeddings`
pub async fn embeddings(
    State(service): State<Service>,
    Json(fields): Json<Fields>,
) -> Result<Response, ApiError> {
    let call = Call::read(&service, fields)?;
    let forwarded = call.forward(RawOperation::Embeddings).await?;
    forwarded.ok_or_else(|| call.not_offered("embeddings; configure a deployment of an embedding model"))
}
