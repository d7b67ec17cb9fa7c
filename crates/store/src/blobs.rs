//! Blobs: the bytes of uploaded files.

use std::{
    io,
    path::{Path, PathBuf},
    pin::Pin,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::{
    fs,
    io::{AsyncReadExt, AsyncWriteExt},
};

use crate::StoreError;

/// Bytes as they come.
pub type ByteStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Keeps blobs under ids.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// Keeps all bytes of the stream under `id` and says how many there were. When this returns they are
    /// durable; when the stream fails, nothing is left behind. An id is written once.
    async fn put(&self, id: &str, bytes: ByteStream) -> Result<u64, StoreError>;

    /// The bytes, or `None` if there are none under that id.
    async fn get(&self, id: &str) -> Result<Option<ByteStream>, StoreError>;

    /// The bytes as a file that is read from its beginning, for readers that are not written in async Rust.
    async fn file(&self, id: &str) -> Result<Option<std::fs::File>, StoreError>;

    /// Forgets the bytes, if there are any.
    async fn delete(&self, id: &str) -> Result<(), StoreError>;
}

/// Blobs as files in a directory, two levels deep so that no directory grows without bound.
#[derive(Debug)]
pub struct FileBlobs {
    root: PathBuf,
}

impl FileBlobs {
    /// Uses `root`, which is created if it does not exist. What an interrupted upload left is removed.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let root = root.into();
        let uploads = root.join("uploads");
        match std::fs::remove_dir_all(&uploads) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        std::fs::create_dir_all(&uploads)?;
        Ok(Self { root })
    }

    /// The file of a blob. Ids are made by this service, yet nothing but a plain name may reach a path.
    fn path(&self, id: &str) -> Result<PathBuf, StoreError> {
        let plain = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if !plain {
            return Err(StoreError::Backend(format!("'{id}' is not a blob id")));
        }
        let shard = &id[id.len().saturating_sub(2)..];
        Ok(self.root.join(shard).join(id))
    }
}

/// Moves a file to a place where nothing is yet.
async fn place(upload: &Path, target: &Path) -> io::Result<()> {
    // Unlike a rename, a link never replaces what is there.
    match fs::hard_link(upload, target).await {
        Ok(()) => fs::remove_file(upload).await,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // Not every file system has links. Ids are random, so what is looked for is a defect, not a race.
        Err(_) if fs::try_exists(target).await? => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(upload, target).await,
    }
}

async fn sync_directory(path: &Path) -> io::Result<()> {
    fs::File::open(path).await?.sync_all().await
}

#[async_trait]
impl Blobs for FileBlobs {
    async fn put(&self, id: &str, mut bytes: ByteStream) -> Result<u64, StoreError> {
        let target = self.path(id)?;
        let upload = self.root.join("uploads").join(id);
        let written = async {
            let mut file = fs::File::create_new(&upload).await?;
            let mut written = 0;
            while let Some(piece) = bytes.next().await {
                let piece = piece?;
                file.write_all(&piece).await?;
                written += piece.len() as u64;
            }
            file.sync_all().await?;
            let shard = target.parent().unwrap_or(&self.root);
            fs::create_dir_all(shard).await?;
            place(&upload, &target).await?;
            sync_directory(shard).await?;
            sync_directory(&self.root).await?;
            Ok::<u64, io::Error>(written)
        }
        .await;
        if written.is_err() {
            let _ = fs::remove_file(&upload).await;
        }
        Ok(written?)
    }

    async fn get(&self, id: &str) -> Result<Option<ByteStream>, StoreError> {
        let file = match fs::File::open(self.path(id)?).await {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let pieces = futures_util::stream::try_unfold(file, |mut file| async move {
            let mut piece = Vec::with_capacity(64 * 1024);
            let read = (&mut file).take(64 * 1024).read_to_end(&mut piece).await?;
            Ok((read > 0).then(|| (Bytes::from(piece), file)))
        });
        Ok(Some(Box::pin(pieces)))
    }

    async fn file(&self, id: &str) -> Result<Option<std::fs::File>, StoreError> {
        match fs::File::open(self.path(id)?).await {
            Ok(file) => Ok(Some(file.into_std().await)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn delete(&self, id: &str) -> Result<(), StoreError> {
        match fs::remove_file(self.path(id)?).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
