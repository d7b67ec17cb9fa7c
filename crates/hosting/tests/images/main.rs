//! The store of images against a real registry: what is pulled, what is not pulled twice, and what is said
//! when it can't be had.
#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

mod front;
mod identity;
mod made;
mod mounted;
mod pulls;
mod refusals;
mod registry;

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use cupola_hosting::{
    Failure, ImageSource, Progress,
    image::{Image, ImageStore, Patience, StoreSettings},
};
use tempfile::TempDir;

/// A store in a folder of its own.
struct Store {
    images: ImageStore,
    folder: TempDir,
    seen: Arc<Mutex<Vec<Progress>>>,
}

impl Store {
    fn new() -> Self {
        Self::with(settings())
    }

    fn with(settings: StoreSettings) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = TempDir::new().unwrap();
        let images = ImageStore::open(folder.path(), settings).unwrap();
        Self { images, folder, seen: Arc::default() }
    }

    async fn pull(&self, reference: &str) -> Result<Image, Failure> {
        self.pull_as(ImageSource { reference: reference.into(), credentials: None }).await
    }

    async fn pull_as(&self, source: ImageSource) -> Result<Image, Failure> {
        let seen = Arc::clone(&self.seen);
        let sink = move |progress| seen.lock().unwrap().push(progress);
        self.images.pull(&source, &sink).await
    }

    fn last_seen(&self) -> Progress {
        self.seen.lock().unwrap().last().unwrap().clone()
    }

    /// How many layers and images there are, and whether anything is half done.
    fn holds(&self) -> (usize, usize, usize) {
        let count = |name: &str| fs::read_dir(self.folder.path().join(name)).unwrap().count();
        (count("layers"), count("images"), count("partial"))
    }
}

/// Settings that lose no time.
fn settings() -> StoreSettings {
    let patience =
        Patience { silence: Duration::from_secs(20), attempts: 3, pause: Duration::from_millis(1) };
    StoreSettings { patience, ..StoreSettings::default() }
}

fn text(folder: &Path, path: &str) -> String {
    fs::read_to_string(folder.join(path)).unwrap()
}
