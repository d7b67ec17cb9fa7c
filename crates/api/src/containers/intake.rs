//! `POST /containers/{container}/files`: a file that comes with the request, or a copy of an uploaded one.

use std::sync::Arc;

use axum::{
    extract::{FromRequest, Multipart, Request, State},
    http::header,
    response::Response,
};
use cupola_store::Change;
use cupola_wire::containers::CreateContainerFile;

use super::{
    carrying::{Copied, insert, plain_name},
    fault::ContainerFault,
    kinds,
    record::{BY_USER, FileRecord},
};
use crate::{
    ApiError, Service,
    body::{Json, answer},
    classic::upload,
    path::{Ids, Project},
};

/// What a request brings.
enum Brought {
    /// Its bytes are kept; its resource is not there yet.
    File(FileRecord),
    /// An uploaded file is to be copied.
    Uploaded(String),
}

/// `POST /containers/{container}/files`
pub async fn create(
    State(service): State<Service>,
    Project(project): Project,
    Ids([container]): Ids<1>,
    request: Request,
) -> Result<Response, ApiError> {
    let (found, record) = service.containers().active(&project, &container).await?;
    service.containers().touch(&project, &found, &record);
    let brought = receive(&service, &container, request).await?;
    let file = take_in(&service, &project, &container, brought).await?;
    Ok(answer(&file.shown()))
}

async fn receive(service: &Service, container: &str, request: Request) -> Result<Brought, ApiError> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if kind.is_none_or(|kind| !kind.starts_with("multipart/")) {
        let Json(body) = Json::<CreateContainerFile>::from_request(request, service).await?;
        return Ok(Brought::Uploaded(body.file_id));
    }
    let mut form = Multipart::from_request(request, service).await.map_err(|refusal| {
        ApiError::invalid(format!("The body is not multipart/form-data: {}.", refusal.body_text()))
            .code("invalid_value")
    })?;
    while let Some(field) = form.next_field().await.map_err(upload::broken)? {
        match field.name() {
            Some("file") => {
                let name = field.file_name().map_or_else(|| "file".to_owned(), upload::readable_name);
                let containers = service.containers();
                let mut file = containers.new_file(container, &plain_name(&name), BY_USER);
                file.bytes = match upload::keep(service, field, &file.blob).await {
                    Ok(bytes) => bytes,
                    Err(refusal) => {
                        containers.forget_blobs([file.blob]).await;
                        return Err(refusal);
                    }
                };
                return Ok(Brought::File(file));
            }
            Some("file_id") => {
                return Ok(Brought::Uploaded(upload::short_text(field, "file_id").await?));
            }
            _ => {}
        }
    }
    Err(ApiError::invalid("Missing required parameter: 'file'. Send a file, or name one in 'file_id'.")
        .code("missing_required_parameter")
        .param("file"))
}

/// Makes what was brought a file of the container, in place of one that has its path.
async fn take_in(
    service: &Service,
    project: &Arc<str>,
    container: &str,
    brought: Brought,
) -> Result<FileRecord, ApiError> {
    let containers = service.containers();
    let slot = containers.slots().of(project, container);
    // Nothing runs in the container meanwhile: what code writes and what comes are told apart.
    let mut turn = slot.alive.lock().await;
    let there = containers.files(project, container).await?;
    let file = match brought {
        Brought::File(file) => file,
        Brought::Uploaded(id) => {
            let copied =
                containers.copy_uploaded(project, container, std::slice::from_ref(&id), &there).await;
            let copied = copied.map_err(|fault| ApiError::from(fault).param("file_id"))?;
            match copied.into_iter().next() {
                Some(Copied(file)) => file,
                // It was copied before.
                None => return known_copy(there, &id).ok_or_else(|| ContainerFault::NoFile(id).into()),
            }
        }
    };
    let replaced: Vec<FileRecord> = there.into_iter().filter(|other| other.path == file.path).collect();
    if let Err(fault) = commit(service, project, container, &file, &replaced).await {
        containers.forget_blobs([file.blob]).await;
        return Err(fault);
    }
    containers.forget_blobs(replaced.into_iter().map(|file| file.blob)).await;
    if let Some(alive) = turn.as_mut() {
        containers.carry_in(alive, file.clone()).await?;
    }
    Ok(file)
}

fn known_copy(there: Vec<FileRecord>, id: &str) -> Option<FileRecord> {
    there.into_iter().find(|file| file.copy_of.as_deref() == Some(id))
}

async fn commit(
    service: &Service,
    project: &Arc<str>,
    container: &str,
    file: &FileRecord,
    replaced: &[FileRecord],
) -> Result<(), ApiError> {
    let containers = service.containers();
    let others = containers.files(project, container).await?;
    let others = others.iter().filter(|other| !replaced.iter().any(|gone| gone.id == other.id));
    let held: u64 = others.map(|other| other.bytes).sum();
    if held.saturating_add(file.bytes) > containers.most_bytes() {
        return Err(containers.full(container).into());
    }
    let mut changes: Vec<Change> =
        replaced.iter().map(|gone| Change::Delete { key: kinds::file(project, &gone.id) }).collect();
    changes.push(Change::RequirePresent { key: kinds::container(project, container) });
    changes.push(insert(project, file));
    Ok(service.store().commit(changes).await?)
}
