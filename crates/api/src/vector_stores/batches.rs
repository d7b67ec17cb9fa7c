//! `/vector_stores/{store}/file_batches`: create, get, cancel, list files.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use cupola_store::{Change, Conflict, Resource, Slice, StoreError};
use cupola_wire::vector_stores::{BatchFile, CreateFileBatch, FileStatus};
use rand::RngExt as _;

use super::{
    addition::{self, Addition},
    checks,
    files::{self, Inner},
    handle::replace,
    kinds::{self, FILE_IN_BATCH},
    record::{BatchRecord, read},
    stores,
    wanted::{Sources, Uploaded, Wanted, look_up},
};
use crate::{
    ApiError, Service,
    body::{Json, answer, document},
    classic::checks as limits,
    listing::{ListQuery, page},
    path::{Ids, Project},
    values::Parameters,
};

/// `POST /vector_stores/{store}/file_batches`
pub async fn create(
    State(service): State<Service>,
    Project(project): Project,
    Ids([store]): Ids<1>,
    Json(body): Json<CreateFileBatch>,
) -> Result<Response, ApiError> {
    stores::find_active(&service, &project, &store).await?;
    let (param, wanted) = wanted(&service, &project, body).await?;
    let batch = BatchRecord {
        id: new_id(),
        vector_store_id: store.clone(),
        created_at: service.vector_stores().now(),
        is_cancelled: false,
    };
    let insert = Change::Insert {
        key: kinds::batch(&project, &batch.id),
        parent: store.clone(),
        facet: String::new(),
        created_at: batch.created_at,
        doc: document(&batch),
        aside: None,
    };
    let added = files::add(&service, &project, &store, wanted, Some(&batch.id), vec![insert]).await;
    let files = added.map_err(|error| addition::refusal(param, error))?;
    Ok(answer(&batch.new_with(files.iter().map(|file| file.status))))
}

/// `vsfb_` and 32 hex digits.
fn new_id() -> String {
    let random: u128 = rand::rng().random();
    format!("vsfb_{random:032x}")
}

/// The files of a batch, and where they stand in the body.
async fn wanted(
    service: &Service,
    project: &Arc<str>,
    body: CreateFileBatch,
) -> Result<(&'static str, Wanted), ApiError> {
    let chunking = checks::chunking("chunking_strategy", body.chunking_strategy.as_ref())?;
    checks::attributes("attributes", body.attributes.as_ref())?;
    let (ids, sources) = (body.file_ids.unwrap_or_default(), body.data_sources.unwrap_or_default());
    if let Some(files) = body.files {
        if !ids.is_empty() || !sources.is_empty() {
            let sentence = "Mutually exclusive parameters: 'files' stands alone.";
            return Err(ApiError::invalid(sentence).code("mutually_exclusive_parameters").param("files"));
        }
        return Ok(("files", each(service, project, &files).await?));
    }
    let param = if ids.is_empty() && !sources.is_empty() { "data_sources" } else { "file_ids" };
    if ids.is_empty() && sources.is_empty() {
        return Err(ApiError::invalid("Missing required parameter: 'file_ids'.")
            .code("missing_required_parameter")
            .param("file_ids"));
    }
    let uploaded = Uploaded { param: "file_ids", ids: &ids };
    let sources = Sources { param: "data_sources", is_list: true, sources: &sources };
    let mut wanted = Wanted::gather(service, project, uploaded, sources, checks::MAX_BATCH, chunking).await?;
    if body.attributes.is_some() {
        wanted.describe(body.attributes.as_ref());
    }
    Ok((param, wanted))
}

/// Files with attributes and sizes of their own. One that is named twice is as it was named last.
async fn each(service: &Service, project: &Arc<str>, files: &[BatchFile]) -> Result<Wanted, ApiError> {
    if files.is_empty() {
        let sentence = "Invalid 'files': empty array. Expected an array with minimum length 1, \
                        but got an empty array instead.";
        return Err(ApiError::invalid(sentence).code("array_below_min_length").param("files"));
    }
    limits::count("files", files.len(), checks::MAX_BATCH)?;
    let mut wanted = Wanted::default();
    for (index, named) in files.iter().enumerate() {
        let path = |field: &str| format!("files[{index}].{field}");
        let chunking = checks::chunking(&path("chunking_strategy"), named.chunking_strategy.as_ref())?;
        checks::attributes(&path("attributes"), named.attributes.as_ref())?;
        let param = path("file_id");
        let file = look_up(service, project, &param, &named.file_id).await?;
        checks::names(&param, std::iter::once(file.filename.as_str()))?;
        wanted.additions.retain(|other| other.file.id != file.id);
        wanted.additions.push(Addition { file, attributes: named.attributes.clone(), chunking });
    }
    Ok(wanted)
}

/// `GET /vector_stores/{store}/file_batches/{batch}`
pub async fn get(
    State(service): State<Service>,
    Project(project): Project,
    Ids([store, batch]): Ids<2>,
) -> Result<Response, ApiError> {
    let (_, record) = find(&service, &project, &store, &batch).await?;
    let shown = service.vector_stores().shown_batch(&project, record).await?;
    Ok(files::with_pause(answer(&shown), shown.status))
}

/// `POST /vector_stores/{store}/file_batches/{batch}/cancel`: files whose turn has not come are given up. A batch
/// that has ended stays as it is.
pub async fn cancel(
    State(service): State<Service>,
    Project(project): Project,
    Ids([store, batch]): Ids<2>,
) -> Result<Response, ApiError> {
    loop {
        let (found, mut record) = find(&service, &project, &store, &batch).await?;
        let shown = service.vector_stores().shown_batch(&project, record.clone()).await?;
        if shown.status != FileStatus::InProgress {
            return Ok(answer(&shown));
        }
        record.is_cancelled = true;
        let key = kinds::batch(&project, &batch);
        let mut changes = vec![replace(&key, &found, &record)];
        changes.extend(service.vector_stores().cancellation(&project, &record).await?);
        match service.store().commit(changes).await {
            Ok(()) => {
                service.vector_stores().tell_settled();
                return Ok(answer(&service.vector_stores().shown_batch(&project, record).await?));
            }
            // A file came to its end meanwhile, or was deleted.
            Err(StoreError::Conflict(Conflict::Changed(_) | Conflict::Missing(_) | Conflict::Exists(_))) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// `GET /vector_stores/{store}/file_batches/{batch}/files`
pub async fn list_files(
    State(service): State<Service>,
    Project(project): Project,
    Ids([store, batch]): Ids<2>,
    query: ListQuery,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let status = files::status_filter(&parameters)?;
    find(&service, &project, &store, &batch).await?;
    let inner = Inner::of(&query, &batch);
    let listing = cupola_store::Listing {
        facet: status.map(FileStatus::as_str),
        after: inner.after.as_deref(),
        before: inner.before.as_deref(),
        ..query.of(&project, FILE_IN_BATCH, &batch)
    };
    let slice = service.store().list(listing).await.map_err(files::plain_cursor)?;
    let items = slice.items.into_iter();
    let items =
        items.map(|resource| Resource { id: kinds::part(&resource.id).to_owned(), ..resource }).collect();
    Ok(page(&Slice { items, has_more: slice.has_more }))
}

async fn find(
    service: &Service,
    project: &Arc<str>,
    store: &str,
    batch: &str,
) -> Result<(Resource, BatchRecord), ApiError> {
    match service.store().get(&kinds::batch(project, batch)).await? {
        Some(found) if found.parent == store => {
            let record = read(&found)?;
            Ok((found, record))
        }
        _ => {
            stores::find(service, project, store).await?;
            Err(kinds::no_batch(store, batch))
        }
    }
}
