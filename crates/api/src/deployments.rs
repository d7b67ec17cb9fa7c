//! Deployments: what the catalog of models has, in the form of the service.

use axum::{extract::State, response::Response};
use cupola_models::catalog::Deployment;
use serde_json::{Value, json};

use crate::{
    ApiError, Service,
    body::{answer, document},
    path::Ids,
    values::{Parameters, values},
};

/// The only type of deployment that there is.
const TYPE: &str = "ModelDeployment";

/// `GET /deployments`
pub async fn list(State(service): State<Service>, query: Parameters) -> Result<Response, ApiError> {
    let wanted = |parameter: &str, value: &str| query.get(parameter).is_none_or(|wanted| wanted == value);
    let inventory = service.catalog().inventory().await;
    let shown: Vec<_> = inventory
        .iter()
        .filter(|deployment| {
            wanted("modelPublisher", &deployment.publisher)
                && wanted("modelName", &deployment.model)
                && wanted("deploymentType", TYPE)
        })
        .map(|deployment| document(&shown(deployment)))
        .collect();
    Ok(values(&shown, None))
}

/// `GET /deployments/{name}`
pub async fn get(State(service): State<Service>, Ids([name]): Ids<1>) -> Result<Response, ApiError> {
    match service.catalog().deployment(&name).await {
        Some(deployment) => Ok(answer(&shown(&deployment))),
        None => Err(ApiError::not_found(format!("Deployment '{name}' not found.")).code("not_found")),
    }
}

/// Providers tell neither version nor size, but clients insist on the fields.
fn shown(deployment: &Deployment) -> Value {
    json!({
        "type": TYPE,
        "name": deployment.name,
        "modelName": deployment.model,
        "modelVersion": "latest",
        "modelPublisher": deployment.publisher,
        "capabilities": { capability(&deployment.model): "true" },
        "sku": { "name": "Standard", "capacity": 1, "family": "", "size": "", "tier": "Standard" },
    })
}

/// Model servers do not say what a model is for; the names of embedding models do.
fn capability(model: &str) -> &'static str {
    let model = model.to_ascii_lowercase();
    if model.contains("embed") { "embeddings" } else { "chat_completion" }
}
