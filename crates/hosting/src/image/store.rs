//! The store of images: pulls what is missing, once, and forgets what nobody needs.

use std::{
    collections::HashSet,
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, future::BoxFuture, stream};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use super::{
    Credentials, ImageConfig, Reference, StoreSettings, User,
    catalog::{Catalog, Record},
    config,
    digest::Digest,
    download, file,
    manifest::{self, Descriptor, Manifest, Platform, invalid},
    meter::Meter,
    registry::{self, Registry},
    turns::Turns,
    unpack::{self, Allowance, disk},
};
use crate::{Code, Failure, ImageSource, Progress, ProgressSink};

/// How many layers are fetched at the same time.
const LAYERS_AT_ONCE: usize = 3;

/// The largest file of accounts that is read.
const LARGEST_ACCOUNTS: u64 = 1 << 20;

/// Images on this machine, each layer unpacked in a folder of its own in the form that overlays take. A
/// folder has one store at a time.
#[derive(Clone)]
pub struct ImageStore {
    catalog: Arc<Catalog>,
    settings: Arc<StoreSettings>,
    http: reqwest::Client,
    images: Arc<Turns>,
    layers: Arc<Turns>,
}

/// An image that is present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The digest of its manifest for this machine: which bytes it is.
    pub digest: String,
    /// The folders of its layers, bottom first. They are shared and must not be written. No folder is in it
    /// twice.
    pub layers: Vec<PathBuf>,
    /// What it starts, and how.
    pub config: ImageConfig,
    /// Bytes of all layers, unpacked.
    pub size: u64,
}

impl Image {
    /// Who it runs as.
    pub fn user(&self) -> Result<User, Failure> {
        let accounts = |path: &str| self.read(path).map(|text| String::from_utf8_lossy(&text).into_owned());
        User::resolve(&self.config.user, &accounts("etc/passwd")?, &accounts("etc/group")?)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, Failure> {
        let found = file::read(&self.layers, Path::new(path), LARGEST_ACCOUNTS);
        let found = found.map_err(|error| invalid(format!("Its /{path} can't be read: {error}.")))?;
        Ok(found.unwrap_or_default())
    }
}

impl fmt::Debug for ImageStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ImageStore").field("catalog", &self.catalog).finish_non_exhaustive()
    }
}

impl ImageStore {
    /// Opens the store in a folder, which is made if it is missing. What an earlier process left half done is
    /// removed.
    pub fn open(root: impl Into<PathBuf>, settings: StoreSettings) -> Result<Self, Failure> {
        let root = root.into();
        let http = registry::client(&settings)?;
        let catalog = Catalog::open(root.clone()).map_err(|error| disk(&root, &error))?;
        Ok(Self {
            catalog: Arc::new(catalog),
            settings: Arc::new(settings),
            http,
            images: Arc::default(),
            layers: Arc::default(),
        })
    }

    /// Makes an image present. What is here is not fetched again.
    pub async fn pull(&self, source: &ImageSource, progress: &dyn ProgressSink) -> Result<Image, Failure> {
        let reference = Reference::parse(&source.reference)?;
        let pulled = self.pull_reference(source, &reference, progress).await;
        let (record, cached) = pulled.map_err(|failure| about(&reference, failure))?;
        progress.report(Progress::Present { cached });
        Ok(self.image(&record))
    }

    /// The image with this digest, if it is present. The digest of an index finds the image that it led to.
    pub fn find(&self, digest: &str) -> Option<Image> {
        let record = self.catalog.find(&Digest::parse(digest)?)?;
        Some(self.image(&record))
    }

    /// Forgets an image, and its layers where no other image has them. Nothing may run from it any more.
    pub async fn forget(&self, digest: &str) -> Result<(), Failure> {
        let Some(digest) = Digest::parse(digest) else { return Ok(()) };
        let catalog = Arc::clone(&self.catalog);
        blocking(move || catalog.remove(&digest).map_err(|error| disk(&catalog.partial(), &error))).await
    }

    async fn pull_reference(
        &self,
        source: &ImageSource,
        reference: &Reference,
        progress: &dyn ProgressSink,
    ) -> Result<(Record, bool), Failure> {
        let here = |digest: Option<Digest>| digest.and_then(|digest| self.catalog.find(&digest));
        if let Some(record) = here(reference.digest().and_then(Digest::parse)) {
            return Ok((record, true));
        }
        progress.report(Progress::Resolving);
        let credentials = Credentials::of(source, reference, self.settings.docker_config.as_ref()).await?;
        let registry = Registry::of(&self.http, reference, credentials, &self.settings).await;
        if reference.digest().is_none()
            && let Some(record) = here(registry.digest().await?)
        {
            return Ok((record, true));
        }
        self.pull_from(&registry, reference, progress).await
    }

    async fn pull_from(
        &self,
        registry: &Registry<'_>,
        reference: &Reference,
        progress: &dyn ProgressSink,
    ) -> Result<(Record, bool), Failure> {
        let machine = Platform::of_this_machine();
        let mut found = registry.manifest(reference.version()).await?;
        let mut index = None;
        if let Manifest::Index(entries) = found.manifest {
            let entry = manifest::choose(entries, &machine)?;
            index = Some(found.digest);
            found = registry.manifest(entry.digest.as_str()).await?;
        }
        let Manifest::Image { config, layers } = found.manifest else {
            return Err(invalid("Its index leads to another index."));
        };
        let _turn = self.images.take(&found.digest).await;
        if let Some(mut record) = self.catalog.find(&found.digest) {
            if let Some(index) = index.filter(|index| !record.indexes.contains(index)) {
                record.indexes.push(index);
                self.keep(record.clone()).await?;
            }
            return Ok((record, true));
        }
        let config = registry.small_blob(&config).await?;
        let (config, contents) = config::read(&config, &machine)?;
        let layers = self.checked(layers, &contents)?;
        let pins = self.catalog.pin(&contents);
        let size = match self.fetch(registry, &layers, progress).await {
            Ok(size) => size,
            Err(failure) => {
                drop(pins);
                self.tidy(&failure).await;
                return Err(failure);
            }
        };
        let layers = contents;
        let record =
            Record { digest: found.digest, indexes: index.into_iter().collect(), layers, config, size };
        self.keep(record.clone()).await?;
        Ok((record, false))
    }

    /// Pairs layers as they are sent with what they are when unpacked.
    fn checked(
        &self,
        layers: Vec<Descriptor>,
        contents: &[Digest],
    ) -> Result<Vec<(Descriptor, Digest)>, Failure> {
        let limits = &self.settings.limits;
        if layers.len() != contents.len() {
            let (sent, named) = (layers.len(), contents.len());
            return Err(invalid(format!("Its manifest has {sent} layers and its configuration {named}.")));
        }
        if layers.len() > limits.layers {
            return Err(invalid(format!(
                "It has {} layers, and {} are the limit.",
                layers.len(),
                limits.layers
            )));
        }
        let bytes = layers.iter().fold(0, |sum: u64, layer| sum.saturating_add(layer.size));
        if bytes > limits.download_bytes {
            let limit = limits.download_bytes;
            return Err(invalid(format!("It has {bytes} bytes to download, and {limit} are the limit.")));
        }
        Ok(layers.into_iter().zip(contents.iter().cloned()).collect())
    }

    /// Makes all layers present and says how many bytes they have.
    async fn fetch(
        &self,
        registry: &Registry<'_>,
        layers: &[(Descriptor, Digest)],
        progress: &dyn ProgressSink,
    ) -> Result<u64, Failure> {
        let mut seen = HashSet::new();
        let missing = |content: &Digest| !self.catalog.layer(content).is_dir();
        let missing = layers.iter().filter(|(_, content)| seen.insert(content) && missing(content));
        let sizes: Vec<u64> = missing.map(|(blob, _)| blob.size).collect();
        let meter = Meter::begin(progress, sizes.iter().sum(), sizes.len());
        let unpacking = Unpacking::new(self.settings.limits.unpacked_bytes);
        let all: Vec<BoxFuture<'_, _>> = layers
            .iter()
            .map(|(blob, content)| self.layer(registry, blob, content, &meter, &unpacking).boxed())
            .collect();
        let outcome = stream::iter(all).buffer_unordered(LAYERS_AT_ONCE).try_collect::<()>().await;
        unpacking.end().await;
        outcome?;
        let folders: HashSet<PathBuf> =
            layers.iter().map(|(_, content)| self.catalog.layer(content)).collect();
        blocking(move || {
            folders.iter().map(|folder| unpack::size(folder).map_err(|error| disk(folder, &error))).sum()
        })
        .await
    }

    async fn layer(
        &self,
        registry: &Registry<'_>,
        blob: &Descriptor,
        content: &Digest,
        meter: &Meter<'_>,
        unpacking: &Unpacking,
    ) -> Result<(), Failure> {
        let _turn = self.layers.take(content).await;
        let place = self.catalog.layer(content);
        if place.is_dir() {
            return Ok(());
        }
        let partial = self.catalog.partial();
        let folder = tempfile::TempDir::new_in(&partial).map_err(|error| disk(&partial, &error))?;
        let file = folder.path().join("blob");
        download::fetch(registry, blob, &file, &|bytes| meter.received(bytes)).await?;
        meter.unpacking();
        let (content, entries) = (content.clone(), self.settings.limits.entries);
        let allowance = Arc::clone(&unpacking.allowance);
        // The folder goes along: should nobody wait any more, it is removed when this is done.
        let work = move || unpack::layer(folder, &content, &place, &allowance, entries);
        finished(unpacking.tasks.spawn_blocking(work)).await
    }

    /// Removes the layers of a pull that failed. Where the registry is at fault they stay: who tries again
    /// does not have to fetch them again, and who does not loses them when the store is next tidied.
    async fn tidy(&self, failure: &Failure) {
        if failure.code == Code::ImagePullBackOff {
            return;
        }
        let catalog = Arc::clone(&self.catalog);
        let tidied =
            blocking(move || catalog.collect().map_err(|error| disk(&catalog.partial(), &error))).await;
        if let Err(failure) = tidied {
            tracing::warn!(%failure, "layers that nobody needs were not removed");
        }
    }

    async fn keep(&self, record: Record) -> Result<(), Failure> {
        let catalog = Arc::clone(&self.catalog);
        blocking(move || catalog.add(record).map_err(|error| disk(&catalog.partial(), &error))).await
    }

    /// A layer that an image has twice does all that it does where it is on top, and overlays take none
    /// twice.
    fn image(&self, record: &Record) -> Image {
        let mut seen = HashSet::new();
        let mut layers: Vec<PathBuf> = record
            .layers
            .iter()
            .rev()
            .filter(|layer| seen.insert(*layer))
            .map(|layer| self.catalog.layer(layer))
            .collect();
        layers.reverse();
        let (config, size) = (record.config.clone(), record.size);
        Image { digest: record.digest.to_string(), layers, config, size }
    }
}

/// The layers of a pull that are being unpacked. It ends with the pull, however that ends.
struct Unpacking {
    allowance: Arc<Allowance>,
    tasks: TaskTracker,
}

impl Unpacking {
    fn new(bytes: u64) -> Self {
        Self { allowance: Arc::new(Allowance::new(bytes)), tasks: TaskTracker::new() }
    }

    /// Ends what still goes on after a failure, and waits until it has removed what it made.
    async fn end(&self) {
        self.allowance.withdraw();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Unpacking {
    fn drop(&mut self) {
        self.allowance.withdraw();
    }
}

/// Failures of what an image is begin with its name; those of registries have it already.
fn about(reference: &Reference, failure: Failure) -> Failure {
    match failure.code {
        Code::InvalidContainerImage => {
            let message = format!("The image '{reference}' can't be used. {}", failure.message);
            Failure { message, ..failure }
        }
        _ => failure,
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    finished(tokio::task::spawn_blocking(work)).await
}

async fn finished<T>(work: JoinHandle<Result<T, Failure>>) -> Result<T, Failure> {
    match work.await {
        Ok(outcome) => outcome,
        Err(error) => {
            let error = io::Error::other(error);
            Err(Failure::new(Code::SandboxUnavailable, format!("The store of images failed: {error}.")))
        }
    }
}
