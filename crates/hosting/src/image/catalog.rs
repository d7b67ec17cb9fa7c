//! What the store holds: records of images, and the folders of layers that they share.
//!
//! A record or a layer is made in `partial` and renamed to its place, so what has its name is complete.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, DirBuilder, File},
    io::{self, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::{config::ImageConfig, digest::Digest};

/// What is kept of an image.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    /// The digest of its manifest.
    pub digest: Digest,
    /// The digests of indexes that led to it.
    #[serde(default)]
    pub indexes: Vec<Digest>,
    /// Its layers as they are when unpacked, bottom first.
    pub layers: Vec<Digest>,
    pub config: ImageConfig,
    /// Bytes of the layers when unpacked.
    pub size: u64,
}

/// The records and the folders of a store.
#[derive(Debug)]
pub(super) struct Catalog {
    root: PathBuf,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    records: HashMap<Digest, Record>,
    /// Layers that pulls under way count on, and how many pulls do.
    pinned: HashMap<Digest, usize>,
}

/// Keeps layers from being collected for as long as it lives.
pub(super) struct Pins {
    catalog: Arc<Catalog>,
    layers: Vec<Digest>,
}

impl Catalog {
    /// Opens the catalog of a folder that nobody else uses. What is half done is removed.
    pub fn open(root: PathBuf) -> io::Result<Self> {
        // Layers hold programs that become somebody else when they are started: nobody else gets near them.
        let folder = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path);
        let catalog = Self { root, held: Mutex::default() };
        folder(&catalog.root)?;
        rustix::fs::chmod(&catalog.root, rustix::fs::Mode::RWXU)?;
        match fs::remove_dir_all(catalog.partial()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        for path in [catalog.partial(), catalog.root.join("images"), catalog.root.join("layers")] {
            folder(&path)?;
        }
        catalog.read_records()?;
        catalog.collect()?;
        Ok(catalog)
    }

    /// Where things are made. It is on the same file system as their places.
    pub fn partial(&self) -> PathBuf {
        self.root.join("partial")
    }

    /// The folder of a layer, present or not.
    pub fn layer(&self, layer: &Digest) -> PathBuf {
        self.root.join("layers").join(layer.file_name())
    }

    /// The record under the digest of a manifest or of an index.
    pub fn find(&self, digest: &Digest) -> Option<Record> {
        let held = self.held();
        let direct = held.records.get(digest);
        direct.or_else(|| held.records.values().find(|record| record.indexes.contains(digest))).cloned()
    }

    /// Keeps these layers, present or not yet, until the pins are dropped.
    pub fn pin(self: &Arc<Self>, layers: &[Digest]) -> Pins {
        let mut held = self.held();
        for layer in layers {
            *held.pinned.entry(layer.clone()).or_default() += 1;
        }
        Pins { catalog: Arc::clone(self), layers: layers.to_vec() }
    }

    /// Keeps a record.
    pub fn add(&self, record: Record) -> io::Result<()> {
        let file = self.record(&record.digest);
        let mut made = tempfile::NamedTempFile::new_in(self.partial())?;
        made.write_all(&serde_json::to_vec(&record)?)?;
        made.as_file().sync_all()?;
        made.persist(&file).map_err(|error| error.error)?;
        sync_folder(&file)?;
        self.held().records.insert(record.digest.clone(), record);
        Ok(())
    }

    /// Forgets a record, and the layers that nobody else needs.
    pub fn remove(&self, digest: &Digest) -> io::Result<()> {
        let Some(record) = self.find(digest) else { return Ok(()) };
        match fs::remove_file(self.record(&record.digest)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.held().records.remove(&record.digest);
        self.collect()
    }

    /// Removes the layers that no record and no pull needs.
    pub fn collect(&self) -> io::Result<()> {
        let discarded = TempDir::new_in(self.partial())?;
        {
            // While this is held nobody begins to count on a layer. Renaming is quick; removing is not.
            let held = self.held();
            let mut needed: HashSet<&Digest> =
                held.records.values().flat_map(|record| &record.layers).collect();
            needed.extend(held.pinned.keys());
            for entry in fs::read_dir(self.root.join("layers"))? {
                let entry = entry?;
                let name = entry.file_name();
                let layer = name.to_str().and_then(Digest::from_file_name);
                if layer.is_none_or(|layer| !needed.contains(&layer)) {
                    fs::rename(entry.path(), discarded.path().join(name))?;
                }
            }
        }
        discarded.close()
    }

    fn read_records(&self) -> io::Result<()> {
        let mut held = self.held();
        for entry in fs::read_dir(self.root.join("images"))? {
            let path = entry?.path();
            let record = fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Record>(&text).ok());
            match record.filter(|record| record.layers.iter().all(|layer| self.layer(layer).is_dir())) {
                Some(record) => _ = held.records.insert(record.digest.clone(), record),
                None => {
                    let file = path.display();
                    tracing::warn!(%file, "forgetting an image whose record or layers are damaged");
                    fs::remove_file(&path)?;
                }
            }
        }
        Ok(())
    }

    fn record(&self, digest: &Digest) -> PathBuf {
        self.root.join("images").join(format!("{}.json", digest.file_name()))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        let mut held = self.catalog.held();
        for layer in &self.layers {
            if let Some(count) = held.pinned.get_mut(layer) {
                *count -= 1;
                if *count == 0 {
                    held.pinned.remove(layer);
                }
            }
        }
    }
}

/// Makes the name of a file durable.
pub(super) fn sync_folder(file: &Path) -> io::Result<()> {
    match file.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
