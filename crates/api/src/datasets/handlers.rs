//! The records: list, list versions, get, patch, delete.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use cupola_store::Kind;
use serde_json::Value;

use super::{storage, uploads};
use crate::{
    ApiError, Service,
    assets::{Asset, Fields, Place, require_texts},
    body::{Json, json},
    path::{Ids, Project},
    values::{Origin, Parameters},
};

pub(super) const DATASET: Asset =
    Asset { kind: Kind::named("dataset"), collection: "datasets", id_collection: "data", complete };

/// `GET /datasets`
pub async fn list(State(service): State<Service>, Project(project): Project) -> Result<Response, ApiError> {
    DATASET.list(&service, &project).await
}

/// `GET /datasets/{name}/versions`
pub async fn list_versions(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
    Origin(origin): Origin,
    query: Parameters,
) -> Result<Response, ApiError> {
    DATASET.versions(&service, &project, &name, &query, &origin).await
}

/// `GET /datasets/{name}/versions/{version}`
pub async fn get(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name, version]): Ids<2>,
) -> Result<Response, ApiError> {
    Ok(json(DATASET.get(&service, &Place { project, name, version }).await?))
}

/// `PATCH /datasets/{name}/versions/{version}`
pub async fn patch(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name, version]): Ids<2>,
    Json(mut fields): Json<Fields>,
) -> Result<Response, ApiError> {
    uploads::remove_signature(&project, &mut fields);
    DATASET.patch(&service, &Place { project, name, version }, fields).await
}

/// `DELETE /datasets/{name}/versions/{version}`: the data goes with the record.
pub async fn delete(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name, version]): Ids<2>,
) -> Result<Response, ApiError> {
    let place = Place { project, name, version };
    let deleted = DATASET.delete(&service, &place).await?;
    let address = deleted.as_deref().and_then(uploads::data_uri);
    if let Some(container) = address.as_deref().and_then(|uri| uploads::container_of(&place.project, uri)) {
        storage::delete_container_of(&service, &place, &container).await?;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn complete(fields: &mut Fields) -> Result<(), ApiError> {
    require_texts(fields, &["type", "dataUri"])?;
    if let Some(kind) = fields.get("type").and_then(Value::as_str)
        && !matches!(kind, "uri_file" | "uri_folder")
    {
        return Err(ApiError::invalid(format!(
            "Invalid value: '{kind}'. Supported values are: 'uri_file' and 'uri_folder'."
        ))
        .code("invalid_value")
        .param("type"));
    }
    fields.entry("isReference").or_insert(Value::Bool(false));
    Ok(())
}
