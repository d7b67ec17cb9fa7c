//! The files that a request names: uploaded ones are looked up, data sources become files of their own.

use std::{collections::HashSet, sync::Arc};

use cupola_store::{Batch, Change};
use cupola_wire::{
    classic::File,
    vector_stores::{Attributes, DataSource, StaticChunking},
};

use super::{
    addition::{Addition, no_such_file},
    checks, sources,
};
use crate::{
    ApiError, Service,
    body::document,
    classic::{FILE, checks as limits, file_key},
};

/// Uploaded files, and where their ids stand in the body.
#[derive(Clone, Copy)]
pub struct Uploaded<'a> {
    /// Where.
    pub param: &'a str,
    /// The ids.
    pub ids: &'a [String],
}

/// Data sources, and where they stand in the body.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// Where.
    pub param: &'a str,
    /// Whether that is a list.
    pub is_list: bool,
    /// The sources.
    pub sources: &'a [DataSource],
}

/// Files that are to be put into a store.
#[derive(Debug, Default)]
pub struct Wanted {
    /// The files, each once.
    pub additions: Vec<Addition>,
    /// The changes that make those of them that data sources have become.
    pub new_files: Batch,
    /// Their ids.
    copies: Vec<String>,
}

impl Wanted {
    /// Looks up and copies everything that is named.
    pub async fn gather(
        service: &Service,
        project: &Arc<str>,
        uploaded: Uploaded<'_>,
        sources: Sources<'_>,
        most: usize,
        chunking: StaticChunking,
    ) -> Result<Self, ApiError> {
        limits::count(uploaded.param, uploaded.ids.len(), most)?;
        limits::count(sources.param, sources.sources.len(), most)?;
        let mut wanted = Self::default();
        wanted.look_up(service, project, uploaded, chunking).await?;
        if let Err(refusal) = wanted.copy(service, project, sources, most, chunking).await {
            wanted.give_up(service).await;
            return Err(refusal);
        }
        Ok(wanted)
    }

    async fn look_up(
        &mut self,
        service: &Service,
        project: &Arc<str>,
        uploaded: Uploaded<'_>,
        chunking: StaticChunking,
    ) -> Result<(), ApiError> {
        let mut seen = HashSet::new();
        for id in uploaded.ids {
            if seen.insert(id) {
                let file = look_up(service, project, uploaded.param, id).await?;
                self.additions.push(Addition { file, attributes: None, chunking });
            }
        }
        let names = self.additions.iter().map(|addition| addition.file.filename.as_str());
        checks::names(uploaded.param, names)
    }

    async fn copy(
        &mut self,
        service: &Service,
        project: &Arc<str>,
        sources: Sources<'_>,
        most: usize,
        chunking: StaticChunking,
    ) -> Result<(), ApiError> {
        for (index, source) in sources.sources.iter().enumerate() {
            let param = if sources.is_list {
                format!("{}[{index}]", sources.param)
            } else {
                sources.param.to_owned()
            };
            let found = sources::resolve(service, project, &param, source).await?;
            checks::names(&param, found.iter().map(|blob| blob.name.as_str()))?;
            limits::count(sources.param, self.additions.len() + found.len(), most)?;
            for blob in found {
                let file = sources::copy(service, &blob).await?;
                self.add_copy(project, file, chunking);
            }
        }
        Ok(())
    }

    fn add_copy(&mut self, project: &Arc<str>, file: File, chunking: StaticChunking) {
        self.copies.push(file.id.clone());
        self.new_files.push(Change::Insert {
            key: file_key(project, &file.id),
            parent: String::new(),
            facet: file.purpose.clone(),
            created_at: file.created_at,
            doc: document(&file),
            aside: None,
        });
        self.additions.push(Addition { file, attributes: None, chunking });
    }

    /// Says the same about all of the files.
    pub fn describe(&mut self, attributes: Option<&Attributes>) {
        for addition in &mut self.additions {
            addition.attributes = attributes.cloned();
        }
    }

    /// Takes over what others want.
    pub fn absorb(&mut self, other: Self) {
        self.additions.extend(other.additions);
        self.new_files.extend(other.new_files);
        self.copies.extend(other.copies);
    }

    /// Removes what was copied: the request is not carried out.
    pub async fn give_up(self, service: &Service) {
        for id in self.copies {
            if let Err(error) = service.blobs().delete(&id).await {
                tracing::warn!(%error, id, "a copy that nobody needs could not be removed");
            }
        }
    }
}

/// An uploaded file, or the 404 that names the field.
pub async fn look_up(service: &Service, project: &Arc<str>, param: &str, id: &str) -> Result<File, ApiError> {
    let found = service.store().get(&file_key(project, id)).await?;
    let found = found.ok_or_else(|| no_such_file(param, id))?;
    serde_json::from_slice(&found.doc)
        .map_err(|error| ApiError::internal(&format!("reading the {} {id}", FILE.name()), error))
}
