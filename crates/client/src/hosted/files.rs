//! Files of a session. Paths begin at its home; they can be used whether its sandbox runs or not.

use std::sync::Arc;

use bytes::Bytes;
use cupola_wire::hosted::{FileEntry, FileStat, FolderPage, UploadedFile};
use futures_util::{
    StreamExt as _, TryStreamExt as _,
    stream::{self},
};
use serde_json::json;

use crate::{
    Error, ItemStream, Result,
    classic::ByteStream,
    service::{Query, Service},
};

/// Files of one session.
#[derive(Clone, Debug)]
pub struct SessionFiles {
    service: Arc<Service>,
    agent: String,
    session: String,
}

impl SessionFiles {
    pub(super) fn new(service: Arc<Service>, agent: &str, session: &str) -> Self {
        Self { service, agent: agent.to_owned(), session: session.to_owned() }
    }

    /// Writes a file. One that is there is replaced, and folders that are missing are made.
    pub async fn upload(&self, path: &str, bytes: impl Into<Bytes>) -> Result<UploadedFile> {
        self.service.put_bytes(&self.below("content"), at(path), bytes.into()).await
    }

    /// The bytes of a file as they come.
    pub async fn download(&self, path: &str) -> Result<ByteStream> {
        let answer = self.service.open_get(&self.below("content"), at(path)).await?;
        Ok(answer.into_body().map_err(Error::from).boxed())
    }

    /// What lies in a folder, by name; the empty path is the home.
    pub fn list(&self, path: &str) -> ItemStream<FileEntry> {
        let (files, path) = (self.clone(), path.to_owned());
        let step = move |after: Option<Option<String>>| {
            let (files, path) = (files.clone(), path.clone());
            async move {
                let Some(after) = after else { return Ok(None) };
                let page = files.list_page(&path, after.as_deref()).await?;
                let next = page.last_id.filter(|last| page.has_more && after.as_ref() != Some(last));
                let entries: Vec<_> = page.entries.into_iter().map(Ok).collect();
                Ok::<_, Error>(Some((stream::iter(entries), next.map(Some))))
            }
        };
        stream::try_unfold(Some(None), step).try_flatten().boxed()
    }

    /// One page of a folder, behind the name `after`.
    pub async fn list_page(&self, path: &str, after: Option<&str>) -> Result<FolderPage> {
        let mut query = at(path);
        query.extend(after.map(|after| ("after", after.to_owned())));
        self.service.get(&self.all(), query).await
    }

    /// What a path names.
    pub async fn stat(&self, path: &str) -> Result<FileStat> {
        self.service.get(&self.below("stat"), at(path)).await
    }

    /// Makes a folder, and those that it lies in. One that is there is fine.
    pub async fn make_folder(&self, path: &str) -> Result<()> {
        self.service.tell(&self.below("mkdir"), &json!({"path": path})).await
    }

    /// Deletes a file or an empty folder.
    pub async fn delete(&self, path: &str) -> Result<()> {
        self.service.remove(&self.all(), at(path)).await
    }

    /// Deletes a file, or a folder with all that lies in it.
    pub async fn delete_all(&self, path: &str) -> Result<()> {
        let mut query = at(path);
        query.push(("recursive", "true".to_owned()));
        self.service.remove(&self.all(), query).await
    }

    fn all(&self) -> [&str; 6] {
        ["agents", &self.agent, "endpoint", "sessions", &self.session, "files"]
    }

    fn below<'a>(&'a self, word: &'a str) -> [&'a str; 7] {
        ["agents", &self.agent, "endpoint", "sessions", &self.session, "files", word]
    }
}

fn at(path: &str) -> Query {
    vec![("path", path.to_owned())]
}
