//! Documents on their way to the service, several at a time.

use cupola_client::{Error, Upload, classic::Files};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::walk::Document;
use crate::{progress::Bar, terminal};

/// What became of a document.
#[derive(Clone, Debug)]
pub struct Sent<'a> {
    /// The document.
    pub document: &'a Document,
    /// The id of its file, or why the service does not take it.
    pub file: Result<String, String>,
}

/// Uploads all documents, `jobs` at a time. What the service does not take is told; the first thing that is wrong with
/// all of them ends it.
pub async fn all<'a>(files: &Files, documents: &'a [Document], jobs: usize) -> Result<Vec<Sent<'a>>, Error> {
    let bar = Bar::of("Uploading", documents.len() as u64);
    let sending = stream::iter(documents).map(|document| one(files, document)).buffered(jobs);
    let mut failed = 0;
    let count = |mut sent: Vec<Sent<'a>>, one: Sent<'a>| {
        failed += u64::from(one.file.is_err());
        sent.push(one);
        bar.set(sent.len() as u64, failed);
        std::future::ready(Ok(sent))
    };
    sending.try_fold(Vec::new(), count).await
}

async fn one<'a>(files: &Files, document: &'a Document) -> Result<Sent<'a>, Error> {
    let uploading = async { files.upload(&Upload::path(&document.path).await?).await };
    let file = match uploading.await {
        Ok(file) => Ok(file.id),
        Err(Error::File { source, .. }) => Err(source.to_string()),
        Err(Error::Service { status: 400 | 413 | 422, message, .. }) => Err(terminal::clean(&message)),
        Err(error) => return Err(error),
    };
    Ok(Sent { document, file })
}
