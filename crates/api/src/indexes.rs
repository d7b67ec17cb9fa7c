//! Indexes: versioned records of where something can be searched.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use cupola_store::Kind;

use crate::{
    ApiError, Service,
    assets::{Asset, Fields, Place, require_texts},
    body::{Json, json},
    path::{Ids, Project},
    values::{Origin, Parameters},
};

const INDEX: Asset =
    Asset { kind: Kind::named("index"), collection: "indexes", id_collection: "indexes", complete };

/// `GET /indexes`
pub async fn list(State(service): State<Service>, Project(project): Project) -> Result<Response, ApiError> {
    INDEX.list(&service, &project).await
}

/// `GET /indexes/{name}/versions`
pub async fn list_versions(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
    Origin(origin): Origin,
    query: Parameters,
) -> Result<Response, ApiError> {
    INDEX.versions(&service, &project, &name, &query, &origin).await
}

/// `GET /indexes/{name}/versions/{version}`
pub async fn get(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name, version]): Ids<2>,
) -> Result<Response, ApiError> {
    Ok(json(INDEX.get(&service, &Place { project, name, version }).await?))
}

/// `PATCH /indexes/{name}/versions/{version}`
pub async fn patch(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name, version]): Ids<2>,
    Json(fields): Json<Fields>,
) -> Result<Response, ApiError> {
    INDEX.patch(&service, &Place { project, name, version }, fields).await
}

/// `DELETE /indexes/{name}/versions/{version}`
pub async fn delete(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name, version]): Ids<2>,
) -> Result<Response, ApiError> {
    INDEX.delete(&service, &Place { project, name, version }).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Types that this service does not know are kept as they are.
fn complete(fields: &mut Fields) -> Result<(), ApiError> {
    require_texts(fields, &["type"])?;
    let needed: &[&str] = match fields.get("type").and_then(|kind| kind.as_str()) {
        Some("AzureSearch") => &["connectionName", "indexName"],
        Some("ManagedAzureSearch") => &["vectorStoreId"],
        Some("CosmosDBNoSqlVectorStore") => &["connectionName", "databaseName", "containerName"],
        _ => &[],
    };
    require_texts(fields, needed)
}
