//! `/containers/{container}/files`: list, get, content, delete. How files come in stands in `intake`.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::Response,
};
use cupola_store::{Change, Resource, Slice, StoreError};

pub use super::intake::create;
use super::{
    fault::ContainerFault,
    kinds::{self, FILE_IN_CONTAINER},
    record::{FileRecord, read},
};
use crate::{
    ApiError, Service,
    body::{answer, document},
    listing::{ListQuery, page},
    path::{Ids, Project},
};

/// `GET /containers/{container}/files`
pub async fn list(
    State(service): State<Service>,
    Project(project): Project,
    Ids([container]): Ids<1>,
    query: ListQuery,
) -> Result<Response, ApiError> {
    service.containers().active(&project, &container).await?;
    let slice = service.store().list(query.of(&project, FILE_IN_CONTAINER, &container)).await?;
    let mut items = Vec::with_capacity(slice.items.len());
    for resource in slice.items {
        let file: FileRecord = read(&resource)?;
        items.push(Resource { doc: document(&file.shown()), ..resource });
    }
    Ok(page(&Slice { items, has_more: slice.has_more }))
}

/// `GET /containers/{container}/files/{file}`
pub async fn get(
    State(service): State<Service>,
    Project(project): Project,
    Ids([container, file]): Ids<2>,
) -> Result<Response, ApiError> {
    Ok(answer(&find(&service, &project, &container, &file).await?.shown()))
}

/// `GET /containers/{container}/files/{file}/content`
pub async fn content(
    State(service): State<Service>,
    Project(project): Project,
    Ids([container, file]): Ids<2>,
) -> Result<Response, ApiError> {
    let record = find(&service, &project, &container, &file).await?;
    let bytes = service.blobs().get(&record.blob).await?.ok_or_else(|| missing(&container, &file))?;
    let mut response = Response::new(Body::from_stream(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(record.bytes));
    Ok(response)
}

/// `DELETE /containers/{container}/files/{file}`
pub async fn delete(
    State(service): State<Service>,
    Project(project): Project,
    Ids([container, file]): Ids<2>,
) -> Result<Response, ApiError> {
    let containers = service.containers();
    let slot = containers.slots().of(&project, &container);
    let mut turn = slot.alive.lock().await;
    let record = find(&service, &project, &container, &file).await?;
    match service.store().commit(vec![Change::Delete { key: kinds::file(&project, &file) }]).await {
        Ok(()) => {}
        Err(StoreError::Conflict(_)) => return Err(missing(&container, &file)),
        Err(error) => return Err(error.into()),
    }
    if let Some(alive) = turn.as_mut() {
        alive.known.remove(&record.path);
        alive.interpreter.folder().remove(&record.path).map_err(ContainerFault::from)?;
    }
    containers.forget_blobs([record.blob]).await;
    Ok(answer(&crate::classic::deleted(file, "container.file.deleted")))
}

/// A file of a container that has not expired.
async fn find(
    service: &Service,
    project: &Arc<str>,
    container: &str,
    file: &str,
) -> Result<FileRecord, ApiError> {
    let (found, record) = service.containers().active(project, container).await?;
    service.containers().touch(project, &found, &record);
    let found = service.store().get(&kinds::file(project, file)).await?;
    let found = found.filter(|found| found.parent == container).ok_or_else(|| missing(container, file))?;
    Ok(read(&found)?)
}

fn missing(container: &str, file: &str) -> ApiError {
    ApiError::not_found(format!("No file found with id '{file}' in container '{container}'."))
        .code("not_found")
}
