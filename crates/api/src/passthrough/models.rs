//! Models in OpenAI's form: the deployments that there are.

use axum::{extract::State, response::Response};
use cupola_models::catalog::Deployment;
use serde_json::{Value, json};

use crate::{ApiError, Service, body::answer, path::Ids};

/// `GET /models`
pub async fn list(State(service): State<Service>) -> Response {
    let models: Vec<Value> = service.catalog().inventory().await.iter().map(shown).collect();
    answer(&json!({ "object": "list", "data": models }))
}

/// `GET /models/{model}`
pub async fn get(State(service): State<Service>, Ids([model]): Ids<1>) -> Result<Response, ApiError> {
    match service.catalog().deployment(&model).await {
        Some(deployment) => Ok(answer(&shown(&deployment))),
        None => Err(ApiError::not_found(format!("The model '{model}' does not exist."))
            .code("not_found")
            .param("model")),
    }
}

/// Providers do not say when a model was made.
fn shown(deployment: &Deployment) -> Value {
    json!({ "id": deployment.name, "object": "model", "created": 0, "owned_by": deployment.publisher })
}
