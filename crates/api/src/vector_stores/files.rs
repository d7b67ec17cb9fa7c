//! `/vector_stores/{store}/files`: create, list, get, update, delete, content.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderName, HeaderValue},
    response::Response,
};
use cupola_store::{Change, Conflict, Resource, Slice, StoreError};
use cupola_wire::vector_stores::{
    CreateVectorStoreFile, DataSource, FileContent, FileStatus, UpdateVectorStoreFile,
};
use serde_json::json;

use super::{
    addition, checks,
    handle::replace,
    kinds::{self, FILE_IN_STORE, STORE},
    record::{FileRecord, read},
    stores,
    wanted::{Sources, Uploaded, Wanted},
};
use crate::{
    ApiError, Service,
    body::{Json, answer, document},
    listing::{ListQuery, page},
    path::{Ids, Project},
    values::Parameters,
};

/// Milliseconds after which a client should ask again.
const PAUSE: HeaderName = HeaderName::from_static("openai-poll-after-ms");

/// `POST /vector_stores/{store}/files`
pub async fn create(
    State(service): State<Service>,
    Project(project): Project,
    Ids([store]): Ids<1>,
    Json(body): Json<CreateVectorStoreFile>,
) -> Result<Response, ApiError> {
    let chunking = checks::chunking("chunking_strategy", body.chunking_strategy.as_ref())?;
    checks::attributes("attributes", body.attributes.as_ref())?;
    stores::find_active(&service, &project, &store).await?;
    let (ids, sources) = one_of(body.file_id, body.data_source)?;
    let uploaded = Uploaded { param: "file_id", ids: &ids };
    let sources = Sources { param: "data_source", is_list: false, sources: &sources };
    let mut wanted = Wanted::gather(&service, &project, uploaded, sources, 1, chunking).await?;
    if body.attributes.is_some() {
        wanted.describe(body.attributes.as_ref());
    }
    let files = add(&service, &project, &store, wanted, None, Vec::new()).await;
    let file = files.map_err(|error| addition::refusal("file_id", error))?.into_iter().next();
    let file = file.ok_or_else(|| ApiError::internal("putting a file into a vector store", &store))?;
    Ok(answer(&file.shown()))
}

/// Exactly one of both has to be named.
fn one_of(
    file: Option<String>,
    source: Option<DataSource>,
) -> Result<(Vec<String>, Vec<DataSource>), ApiError> {
    match (file, source) {
        (Some(file), None) => Ok((vec![file], Vec::new())),
        (None, Some(source)) => Ok((Vec::new(), vec![source])),
        (None, None) => Err(ApiError::invalid("Missing required parameter: 'file_id'.")
            .code("missing_required_parameter")
            .param("file_id")),
        (Some(_), Some(_)) => Err(ApiError::invalid(
            "Mutually exclusive parameters: 'file_id' and 'data_source'. Name one of both.",
        )
        .code("mutually_exclusive_parameters")
        .param("data_source")),
    }
}

/// Puts files into a store that must be there, or removes what was copied for that.
pub async fn add(
    service: &Service,
    project: &Arc<str>,
    store: &str,
    wanted: Wanted,
    batch: Option<&str>,
    more: Vec<Change>,
) -> Result<Vec<FileRecord>, StoreError> {
    let mut first = vec![Change::RequirePresent { key: kinds::store(project, store) }];
    first.extend(wanted.new_files.iter().cloned());
    first.extend(more);
    let added = service.vector_stores().add(project, store, &wanted.additions, batch, &first).await;
    if added.is_err() {
        wanted.give_up(service).await;
    }
    added
}

/// `GET /vector_stores/{store}/files`
pub async fn list(
    State(service): State<Service>,
    Project(project): Project,
    Ids([store]): Ids<1>,
    query: ListQuery,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let status = status_filter(&parameters)?;
    let inner = Inner::of(&query, &store);
    let listing = cupola_store::Listing {
        facet: status.map(FileStatus::as_str),
        after: inner.after.as_deref(),
        before: inner.before.as_deref(),
        ..query.of(&project, FILE_IN_STORE, &store)
    };
    let slice = service.store().list(listing).await.map_err(plain_cursor)?;
    if slice.items.is_empty() {
        stores::find(&service, &project, &store).await?;
    }
    let items = slice.items.into_iter().map(|resource| {
        let record: FileRecord = read(&resource)?;
        let (id, doc) = (record.id.clone(), document(&record.shown()));
        Ok(Resource { id, doc, ..resource })
    });
    let items = items.collect::<Result<_, StoreError>>()?;
    Ok(page(&Slice { items, has_more: slice.has_more }))
}

/// Cursors of a list whose ids are kept with the id of what they are in.
pub struct Inner {
    /// The cursor to go on after.
    pub after: Option<String>,
    /// The cursor to go on before.
    pub before: Option<String>,
}

impl Inner {
    /// The cursors of a query.
    pub fn of(query: &ListQuery, whole: &str) -> Self {
        let inside = |id: &String| kinds::inside(whole, id);
        Self { after: query.after.as_ref().map(inside), before: query.before.as_ref().map(inside) }
    }
}

/// A cursor that is not known, in the client's words.
pub fn plain_cursor(error: StoreError) -> ApiError {
    match error {
        StoreError::UnknownCursor(id) => StoreError::UnknownCursor(kinds::part(&id).to_owned()).into(),
        other => other.into(),
    }
}

/// Only files that are so far.
pub fn status_filter(parameters: &Parameters) -> Result<Option<FileStatus>, ApiError> {
    let Some(word) = parameters.get("filter") else { return Ok(None) };
    let unknown = || {
        ApiError::invalid(format!(
            "Invalid value: '{word}'. Supported values are: \
             'in_progress', 'completed', 'failed' and 'cancelled'."
        ))
        .code("invalid_value")
        .param("filter")
    };
    FileStatus::from_word(word).ok_or_else(unknown).map(Some)
}

/// `GET /vector_stores/{store}/files/{file}`
pub async fn get(
    State(service): State<Service>,
    Project(project): Project,
    Ids([store, file]): Ids<2>,
) -> Result<Response, ApiError> {
    let (_, record) = find(&service, &project, &store, &file).await?;
    let status = record.status;
    Ok(with_pause(answer(&record.shown()), status))
}

/// Tells the OpenAI clients to ask soon how far it is; else they wait a second, which most files don't take.
pub fn with_pause(mut response: Response, status: FileStatus) -> Response {
    if status == FileStatus::InProgress {
        response.headers_mut().insert(PAUSE, HeaderValue::from_static("200"));
    }
    response
}

/// `POST /vector_stores/{store}/files/{file}`: other attributes.
pub async fn update(
    State(service): State<Service>,
    Project(project): Project,
    Ids([store, file]): Ids<2>,
    Json(body): Json<UpdateVectorStoreFile>,
) -> Result<Response, ApiError> {
    checks::attributes("attributes", body.attributes.as_ref())?;
    loop {
        let (found, mut record) = find(&service, &project, &store, &file).await?;
        record.attributes = body.attributes.clone().unwrap_or_default();
        let key = kinds::file(&project, &store, &file);
        match service.store().commit(vec![replace(&key, &found, &record)]).await {
            Ok(()) => {
                service.vector_stores().touch(&project, &store).await?;
                return Ok(answer(&record.shown()));
            }
            Err(StoreError::Conflict(Conflict::Changed(_))) => {}
            Err(StoreError::Conflict(_)) => return Err(kinds::no_file(&store, &file)),
            Err(error) => return Err(error.into()),
        }
    }
}

/// `DELETE /vector_stores/{store}/files/{file}`: out of the store. The uploaded file stays.
pub async fn delete(
    State(service): State<Service>,
    Project(project): Project,
    Ids([store, file]): Ids<2>,
) -> Result<Response, ApiError> {
    match service.vector_stores().remove(&project, &store, &file).await {
        Ok(()) => Ok(answer(&crate::classic::deleted(file, "vector_store.file.deleted"))),
        Err(StoreError::Conflict(_)) => Err(not_there(&service, &project, &store, &file).await),
        Err(error) => Err(error.into()),
    }
}

/// `GET /vector_stores/{store}/files/{file}/content`: what was read from the file.
pub async fn content(
    State(service): State<Service>,
    Project(project): Project,
    Ids([store, file]): Ids<2>,
) -> Result<Response, ApiError> {
    let (_, record) = find(&service, &project, &store, &file).await?;
    if record.status != FileStatus::Completed {
        return Err(ApiError::invalid(format!(
            "Nothing has been read from the file '{file}': its status is '{}'.",
            record.status.as_str()
        ))
        .code("invalid_value"));
    }
    let passages = service.vector_stores().content(&store, &file).await?;
    let data: Vec<FileContent> = passages.into_iter().map(FileContent::text).collect();
    let page = json!({
        "object": "vector_store.file_content.page",
        "data": data,
        "has_more": false,
        "next_page": null,
    });
    Ok(answer(&page))
}

async fn find(
    service: &Service,
    project: &Arc<str>,
    store: &str,
    file: &str,
) -> Result<(Resource, FileRecord), ApiError> {
    match service.store().get(&kinds::file(project, store, file)).await? {
        Some(found) => {
            let record = read(&found)?;
            Ok((found, record))
        }
        None => Err(not_there(service, project, store, file).await),
    }
}

/// The 404 of whichever is not there.
async fn not_there(service: &Service, project: &Arc<str>, store: &str, file: &str) -> ApiError {
    match service.store().get(&cupola_store::Key::new(project, STORE, store)).await {
        Ok(Some(_)) => kinds::no_file(store, file),
        Ok(None) => kinds::no_store(store),
        Err(error) => error.into(),
    }
}
