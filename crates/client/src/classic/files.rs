//! Files.

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use cupola_wire::classic::{Deleted, File, FileList};
use futures_util::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use tokio::{
    io::AsyncWriteExt as _,
    time::{sleep, timeout},
};

use super::ProcessOptions;
use crate::{
    Error, FilePurpose, Result, Upload,
    service::{Query, Service},
};

/// The bytes of a file as they come.
pub type ByteStream = BoxStream<'static, Result<Bytes>>;

/// Files.
#[derive(Clone, Debug)]
pub struct Files {
    service: Arc<Service>,
    options: ProcessOptions,
}

impl Files {
    pub(crate) fn new(service: Arc<Service>) -> Self {
        Self { service, options: ProcessOptions::default() }
    }

    /// The same files, waited for as `options` say.
    pub fn with_options(self, options: ProcessOptions) -> Self {
        Self { options, ..self }
    }

    /// Uploads a file.
    pub async fn upload(&self, upload: &Upload) -> Result<File> {
        let (content_type, form) = upload.form();
        self.service.post_with(&["files"], &[("content-type", content_type)], form).await
    }

    /// Uploads a file and waits until the service has processed it, well or not: see its `status`.
    pub async fn upload_and_poll(&self, upload: &Upload) -> Result<File> {
        let mut file = self.upload(upload).await?;
        let wait = async {
            while is_pending(&file) {
                sleep(self.options.poll_interval).await;
                file = self.get(&file.id).await?;
            }
            Ok(())
        };
        match timeout(self.options.deadline, wait).await {
            Ok(waited) => waited.map(|()| file),
            Err(_) => Err(Error::Deadline {
                id: file.id,
                status: file.status.unwrap_or_default(),
                after: self.options.deadline,
            }),
        }
    }

    /// All files, or those for one purpose.
    pub async fn list(&self, purpose: Option<FilePurpose>) -> Result<Vec<File>> {
        let query = purpose.map(|purpose| ("purpose", purpose.as_str().to_owned())).into_iter().collect();
        let list: FileList = self.service.get(&["files"], query).await?;
        Ok(list.data)
    }

    /// What is known of one file.
    pub async fn get(&self, file_id: &str) -> Result<File> {
        self.service.get(&["files", file_id], Query::new()).await
    }

    /// The bytes of one file as they come.
    pub async fn content(&self, file_id: &str) -> Result<ByteStream> {
        let response = self.service.open_get(&["files", file_id, "content"], Query::new()).await?;
        Ok(response.into_body().map_err(Error::from).boxed())
    }

    /// Writes the bytes of one file to `path`, which is replaced; the number of bytes.
    pub async fn save(&self, file_id: &str, path: impl AsRef<Path>) -> Result<u64> {
        let path = path.as_ref();
        let failed = |source| Error::File { path: path.to_owned(), source };
        let mut content = self.content(file_id).await?;
        let mut file = tokio::fs::File::create(path).await.map_err(failed)?;
        let mut written = 0;
        while let Some(bytes) = content.try_next().await? {
            file.write_all(&bytes).await.map_err(failed)?;
            written += bytes.len() as u64;
        }
        file.flush().await.map_err(failed)?;
        Ok(written)
    }

    /// Deletes a file.
    pub async fn delete(&self, file_id: &str) -> Result<Deleted> {
        self.service.delete(&["files", file_id]).await
    }
}

fn is_pending(file: &File) -> bool {
    matches!(file.status.as_deref(), Some("uploaded" | "pending" | "running"))
}
