//! `/vector_stores`: create, list, get, modify, delete.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use cupola_engine::ids;
use cupola_store::{Batch, Change, Conflict, Resource, Slice, StoreError};
use cupola_wire::vector_stores::{CreateVectorStore, UpdateVectorStore};

use super::{
    addition::{self, Addition, Additions},
    checks,
    handle::replace,
    kinds::{self, STORE},
    record::{FileRecord, HAS_EXPIRED, StoreRecord, WILL_EXPIRE, read},
    wanted::{self, Wanted},
};
use crate::{
    ApiError, Service,
    body::{Json, answer, document},
    classic::checks as limits,
    listing::{ListQuery, page},
    path::{Ids, Project},
};

/// Fields that the service sets.
const OWN: &[&str] =
    &["id", "object", "status", "usage_bytes", "created_at", "file_counts", "expires_at", "last_active_at"];

/// A store that is about to be made, with the changes that make it.
pub struct NewStore {
    /// What it is.
    pub record: StoreRecord,
    /// What makes it.
    pub changes: Batch,
    /// The files that are read once it is made.
    pub files: Vec<FileRecord>,
    /// Copies that were made for it.
    wanted: Wanted,
}

impl NewStore {
    /// Prepares a store. `within` is the path of its body, with a dot behind it.
    pub async fn prepare(
        service: &Service,
        project: &Arc<str>,
        within: &str,
        body: CreateVectorStore,
    ) -> Result<Self, ApiError> {
        let path = |field: &str| format!("{within}{field}");
        limits::text(&path("name"), body.name.as_deref(), limits::MAX_NAME)?;
        limits::text(&path("description"), body.description.as_deref(), limits::MAX_DESCRIPTION)?;
        limits::metadata(&path("metadata"), body.metadata.as_ref())?;
        checks::expiry(&path("expires_after"), body.expires_after.as_ref())?;
        let chunking = checks::chunking(&path("chunking_strategy"), body.chunking_strategy.as_ref())?;
        let now = service.vector_stores().now();
        let record = StoreRecord {
            id: ids::new("vs_"),
            created_at: now,
            name: body.name,
            description: body.description,
            metadata: body.metadata.unwrap_or_default(),
            expires_after: body.expires_after,
            last_active_at: now,
            extra: limits::extra(body.extra, OWN),
        };
        let uploaded = body.file_ids.unwrap_or_default();
        let sources = body.configuration.map(|configuration| configuration.data_sources).unwrap_or_default();
        let uploaded = wanted::Uploaded { param: &path("file_ids"), ids: &uploaded };
        let sources =
            wanted::Sources { param: &path("configuration.data_sources"), is_list: true, sources: &sources };
        let wanted = Wanted::gather(service, project, uploaded, sources, checks::MAX_FILES, chunking).await?;
        let mut new = Self {
            changes: vec![insert(project, &record)],
            record,
            files: Vec::new(),
            wanted: Wanted::default(),
        };
        new.add(project, wanted);
        Ok(new)
    }

    /// Puts further files into it.
    pub fn add(&mut self, project: &Arc<str>, wanted: Wanted) {
        let known: Vec<&str> = self.files.iter().map(|file| file.id.as_str()).collect();
        let is_new = |addition: &&Addition| !known.contains(&addition.file.id.as_str());
        let fresh: Vec<Addition> = wanted.additions.iter().filter(is_new).cloned().collect();
        let additions = Additions::to_new_store(project, &self.record.id, &fresh, self.record.created_at);
        self.changes.extend(wanted.new_files.iter().cloned());
        self.changes.extend(additions.changes);
        self.files.extend(additions.files);
        self.wanted.absorb(wanted);
    }

    /// It was made: its files are read.
    pub fn begin(self, service: &Service, project: &Arc<str>) {
        service.vector_stores().begin(project, &self.files);
        service.vector_stores().watch_expiry(project, &self.record);
    }

    /// It was not made: what was copied for it is removed.
    pub async fn give_up(self, service: &Service) {
        self.wanted.give_up(service).await;
    }
}

fn insert(project: &Arc<str>, record: &StoreRecord) -> Change {
    Change::Insert {
        key: kinds::store(project, &record.id),
        parent: String::new(),
        facet: facet(record).to_owned(),
        created_at: record.created_at,
        doc: document(record),
        aside: None,
    }
}

fn facet(record: &StoreRecord) -> &'static str {
    if record.expires_after.is_some() { WILL_EXPIRE } else { "" }
}

/// `POST /vector_stores`
pub async fn create(
    State(service): State<Service>,
    Project(project): Project,
    Json(body): Json<CreateVectorStore>,
) -> Result<Response, ApiError> {
    let mut new = NewStore::prepare(&service, &project, "", body).await?;
    let changes = std::mem::take(&mut new.changes);
    if let Err(error) = service.store().commit(changes).await {
        new.give_up(&service).await;
        return Err(addition::refusal("file_ids", error));
    }
    let record = new.record.clone();
    // Counted before the files are read, so that the answer is the same for everybody.
    let shown = service.vector_stores().shown(&project, record).await?;
    new.begin(&service, &project);
    Ok(answer(&shown))
}

/// `GET /vector_stores`
pub async fn list(
    State(service): State<Service>,
    Project(project): Project,
    query: ListQuery,
) -> Result<Response, ApiError> {
    let slice = service.store().list(query.of(&project, STORE, "")).await?;
    let mut items = Vec::with_capacity(slice.items.len());
    for resource in slice.items {
        let shown = service.vector_stores().shown(&project, read(&resource)?).await?;
        items.push(Resource { doc: document(&shown), ..resource });
    }
    Ok(page(&Slice { items, has_more: slice.has_more }))
}

/// `GET /vector_stores/{store}`
pub async fn get(
    State(service): State<Service>,
    Project(project): Project,
    Ids([store]): Ids<1>,
) -> Result<Response, ApiError> {
    let (_, record) = find(&service, &project, &store).await?;
    Ok(answer(&service.vector_stores().shown(&project, record).await?))
}

/// `POST /vector_stores/{store}`: what the body names is replaced.
pub async fn modify(
    State(service): State<Service>,
    Project(project): Project,
    Ids([store]): Ids<1>,
    Json(body): Json<UpdateVectorStore>,
) -> Result<Response, ApiError> {
    limits::text("name", body.name.as_ref().and_then(Option::as_deref), limits::MAX_NAME)?;
    limits::metadata("metadata", body.metadata.as_ref().and_then(Option::as_ref))?;
    checks::expiry("expires_after", body.expires_after.as_ref().and_then(Option::as_ref))?;
    loop {
        let (found, mut record) = find_active(&service, &project, &store).await?;
        if let Some(name) = &body.name {
            record.name.clone_from(name);
        }
        if let Some(metadata) = &body.metadata {
            record.metadata = metadata.clone().unwrap_or_default();
        }
        if let Some(rule) = &body.expires_after {
            record.expires_after.clone_from(rule);
        }
        record.last_active_at = service.vector_stores().now();
        let key = kinds::store(&project, &store);
        let refile = Change::Refile { key: key.clone(), facet: facet(&record).to_owned(), weight: 0 };
        match service.store().commit(vec![replace(&key, &found, &record), refile]).await {
            Ok(()) => {
                service.vector_stores().watch_expiry(&project, &record);
                return Ok(answer(&service.vector_stores().shown(&project, record).await?));
            }
            Err(StoreError::Conflict(Conflict::Changed(_))) => {}
            Err(StoreError::Conflict(_)) => return Err(kinds::no_store(&store)),
            Err(error) => return Err(error.into()),
        }
    }
}

/// `DELETE /vector_stores/{store}`: with its passages. The uploaded files stay.
pub async fn delete(
    State(service): State<Service>,
    Project(project): Project,
    Ids([store]): Ids<1>,
) -> Result<Response, ApiError> {
    match service.vector_stores().delete(&project, &store).await {
        Ok(()) => Ok(answer(&crate::classic::deleted(store, "vector_store.deleted"))),
        Err(StoreError::Conflict(_)) => Err(kinds::no_store(&store)),
        Err(error) => Err(error.into()),
    }
}

/// A store, or its 404.
pub async fn find(
    service: &Service,
    project: &Arc<str>,
    store: &str,
) -> Result<(Resource, StoreRecord), ApiError> {
    let found = service.store().get(&kinds::store(project, store)).await?;
    let found = found.ok_or_else(|| kinds::no_store(store))?;
    let record = read(&found)?;
    Ok((found, record))
}

/// A store that may still be used, or why not.
pub async fn find_active(
    service: &Service,
    project: &Arc<str>,
    store: &str,
) -> Result<(Resource, StoreRecord), ApiError> {
    let (found, record) = find(service, project, store).await?;
    if found.facet == HAS_EXPIRED || record.has_expired(service.vector_stores().now()) {
        return Err(expired(store));
    }
    Ok((found, record))
}

/// 400: nobody has used the store for too long.
pub fn expired(store: &str) -> ApiError {
    ApiError::invalid(format!(
        "The vector store '{store}' has expired: it can't be searched or changed any more. Create another one."
    ))
    .code("vector_store_expired")
}
