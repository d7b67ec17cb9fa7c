//! Containers, blobs and blocks as resources; their bytes are blobs of the store.
//!
//! A blob is a list of parts, so that the blocks of a large upload become a blob without being copied.

use std::sync::Arc;

use bytes::Bytes;
use cupola_engine::ids;
use cupola_store::{Change, Conflict, Key, Kind, Listing, Resource, StoreError};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{ApiError, Service, assets::Place, body::document};

const CONTAINER: Kind = Kind::named("blob_container").owning(&[BLOB, BLOCK]);
const BLOB: Kind = Kind::named("blob");
const BLOCK: Kind = Kind::named("blob_block");

/// A container and what it was made for.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Container {
    dataset: String,
    version: String,
}

/// A part of a blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its bytes in the store.
    pub id: String,
    /// How many there are.
    pub len: u64,
    /// The client's name for it, if it was put as a block.
    pub block: Option<String>,
}

/// A blob.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Blob {
    /// Its name.
    pub name: String,
    /// What it holds, as the client said.
    pub content_type: String,
    /// Changes with each write.
    pub etag: String,
    /// When it was written, in seconds since the Unix epoch.
    pub modified: i64,
    /// Its bytes.
    pub parts: Vec<Part>,
}

impl Blob {
    /// A blob that is written now.
    pub fn new(service: &Service, name: &str, content_type: String, parts: Vec<Part>) -> Self {
        let (etag, modified) = (format!("\"{}\"", ids::new("0x")), service.clock().seconds());
        Self { name: name.to_owned(), content_type, etag, modified, parts }
    }

    /// How many bytes it has.
    pub fn len(&self) -> u64 {
        self.parts.iter().map(|part| part.len).sum()
    }
}

/// What a write met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is done.
    Done,
    /// The blob exists and must not be replaced.
    Exists,
    /// There is no such container.
    NoContainer,
}

/// A container of a project.
#[derive(Clone, Debug)]
pub struct Shelf {
    /// The project.
    pub project: Arc<str>,
    /// The container.
    pub container: String,
}

impl Shelf {
    fn container_key(&self) -> Key {
        Key::new(&self.project, CONTAINER, &self.container)
    }

    fn blob_key(&self, name: &str) -> Key {
        Key::new(&self.project, BLOB, format!("{}/{name}", self.container))
    }

    fn block_key(&self, name: &str, block: &str) -> Key {
        Key::new(&self.project, BLOCK, format!("{}/{name}#{block}", self.container))
    }

    /// Whether the container is there.
    pub async fn exists(&self, service: &Service) -> Result<bool, ApiError> {
        Ok(service.store().get(&self.container_key()).await?.is_some())
    }

    /// A blob.
    pub async fn blob(&self, service: &Service, name: &str) -> Result<Option<Blob>, ApiError> {
        service.store().get(&self.blob_key(name)).await?.map(|resource| read(&resource)).transpose()
    }

    /// All blobs, by name.
    pub async fn blobs(&self, service: &Service) -> Result<Vec<Blob>, ApiError> {
        let items = self.list(service, BLOB, None).await?;
        let mut blobs = items.iter().map(read::<Blob>).collect::<Result<Vec<_>, _>>()?;
        blobs.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(blobs)
    }

    /// Puts a blob in place of what was there before, whose bytes are forgotten unless it still uses them.
    pub async fn put(&self, service: &Service, blob: &Blob, may_replace: bool) -> Result<Written, ApiError> {
        let key = self.blob_key(&blob.name);
        loop {
            let current = service.store().get(&key).await?;
            if current.is_some() && !may_replace {
                return Ok(Written::Exists);
            }
            let doc = document(blob);
            let change = match &current {
                Some(current) => Change::Replace { key: key.clone(), if_etag: current.etag, doc },
                None => self.insert(service, key.clone(), String::new(), doc),
            };
            let present = Change::RequirePresent { key: self.container_key() };
            match service.store().commit(vec![present, change]).await {
                Ok(()) => {
                    let old: Vec<Part> = match &current {
                        Some(current) => read::<Blob>(current)?.parts,
                        None => Vec::new(),
                    };
                    let unused: Vec<Part> =
                        old.into_iter().filter(|part| !blob.parts.contains(part)).collect();
                    forget(service, &unused).await?;
                    return Ok(Written::Done);
                }
                Err(StoreError::Conflict(Conflict::Missing(missing))) if missing.kind == CONTAINER => {
                    return Ok(Written::NoContainer);
                }
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Keeps a block until its blob is put together.
    pub async fn put_block(
        &self,
        service: &Service,
        name: &str,
        block: &str,
        part: &Part,
    ) -> Result<Written, ApiError> {
        let key = self.block_key(name, block);
        loop {
            let current = service.store().get(&key).await?;
            let doc = document(part);
            let change = match &current {
                Some(current) => Change::Replace { key: key.clone(), if_etag: current.etag, doc },
                None => self.insert(service, key.clone(), self.blob_key(name).id, doc),
            };
            let present = Change::RequirePresent { key: self.container_key() };
            match service.store().commit(vec![present, change]).await {
                Ok(()) => {
                    let old: Option<Part> = current.as_ref().map(read).transpose()?;
                    forget(service, old.as_slice()).await?;
                    return Ok(Written::Done);
                }
                Err(StoreError::Conflict(Conflict::Missing(missing))) if missing.kind == CONTAINER => {
                    return Ok(Written::NoContainer);
                }
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The blocks of a blob that wait to be put together.
    pub async fn blocks(&self, service: &Service, name: &str) -> Result<Vec<Part>, ApiError> {
        let facet = self.blob_key(name).id;
        self.list(service, BLOCK, Some(&facet)).await?.iter().map(read).collect()
    }

    /// Forgets the blocks of a blob that was put together; the bytes of those it does not use go with them.
    pub async fn clear_blocks(&self, service: &Service, name: &str, used: &[Part]) -> Result<(), ApiError> {
        for part in self.blocks(service, name).await? {
            let key = self.block_key(name, part.block.as_deref().unwrap_or_default());
            match service.store().commit(vec![Change::Delete { key }]).await {
                Ok(()) | Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
            if !used.contains(&part) {
                forget(service, std::slice::from_ref(&part)).await?;
            }
        }
        Ok(())
    }

    /// Deletes a blob; says whether it was there.
    pub async fn delete(&self, service: &Service, name: &str) -> Result<bool, ApiError> {
        let Some(blob) = self.blob(service, name).await? else { return Ok(false) };
        match service.store().commit(vec![Change::Delete { key: self.blob_key(name) }]).await {
            Ok(()) => {}
            Err(StoreError::Conflict(_)) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        forget(service, &blob.parts).await?;
        Ok(true)
    }

    async fn list(
        &self,
        service: &Service,
        kind: Kind,
        facet: Option<&str>,
    ) -> Result<Vec<Resource>, ApiError> {
        let listing = Listing { facet, ..Listing::all(&self.project, kind, &self.container) };
        Ok(service.store().list(listing).await?.items)
    }

    fn insert(&self, service: &Service, key: Key, facet: String, doc: Bytes) -> Change {
        let created_at = service.clock().seconds();
        Change::Insert { key, parent: self.container.clone(), facet, created_at, doc, aside: None }
    }
}

/// Makes an empty container for a version of a dataset.
pub async fn create_container(service: &Service, place: &Place, container: &str) -> Result<(), ApiError> {
    let doc = Container { dataset: place.name.clone(), version: place.version.clone() };
    let change = Change::Insert {
        key: Key::new(&place.project, CONTAINER, container),
        parent: String::new(),
        facet: String::new(),
        created_at: service.clock().seconds(),
        doc: document(&doc),
        aside: None,
    };
    Ok(service.store().commit(vec![change]).await?)
}

/// Deletes a container with all its blobs, if it was made for this version: a record may point anywhere.
pub async fn delete_container_of(service: &Service, place: &Place, container: &str) -> Result<(), ApiError> {
    let shelf = Shelf { project: Arc::clone(&place.project), container: container.to_owned() };
    let Some(resource) = service.store().get(&shelf.container_key()).await? else { return Ok(()) };
    let owner: Container = read(&resource)?;
    if (&owner.dataset, &owner.version) != (&place.name, &place.version) {
        return Ok(());
    }
    let mut parts: Vec<Part> = shelf.blobs(service).await?.into_iter().flat_map(|blob| blob.parts).collect();
    for block in shelf.list(service, BLOCK, None).await? {
        parts.push(read(&block)?);
    }
    match service.store().commit(vec![Change::Delete { key: shelf.container_key() }]).await {
        Ok(()) | Err(StoreError::Conflict(_)) => {}
        Err(error) => return Err(error.into()),
    }
    forget(service, &parts).await
}

/// Bytes without a resource can't be reached any more; losing power in between leaks only space.
async fn forget(service: &Service, parts: &[Part]) -> Result<(), ApiError> {
    for part in parts {
        service.blobs().delete(&part.id).await?;
    }
    Ok(())
}

fn read<T: DeserializeOwned>(resource: &Resource) -> Result<T, ApiError> {
    serde_json::from_slice(&resource.doc)
        .map_err(|error| ApiError::internal(&format!("reading {}", resource.id), error))
}
