//! What every handler works with.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use cupola_engine::{Clock, Dialect, Engine};
use cupola_identity::{Authenticator, ManagedIdentity, Principals, SealingKey};
use cupola_models::Catalog;
use cupola_store::{Blobs, SharedStore};
use tokio::sync::watch;

use crate::{
    CallBook, ClassicDialect, ConfiguredConnection, Hosting, containers::Containers, memory_stores::Memories,
    vector_stores::VectorStores,
};

/// How much a request may bring.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest JSON body.
    pub max_body_bytes: usize,
    /// The largest uploaded file.
    pub max_upload_bytes: u64,
    /// How long a WebSocket connection may last. What is being answered then is answered to its end.
    pub socket_lifetime: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 16 * 1024 * 1024,
            max_upload_bytes: 512 * 1024 * 1024,
            // As long as the service gives them.
            socket_lifetime: Duration::from_secs(60 * 60),
        }
    }
}

/// The parts that a service is made of.
pub struct ServiceParts {
    /// The projects that exist.
    pub projects: Vec<String>,
    /// Where resources are.
    pub store: SharedStore,
    /// Where the bytes of files are.
    pub blobs: Arc<dyn Blobs>,
    /// Drives turns.
    pub engine: Engine,
    /// The deployments and who answers for them.
    pub catalog: Arc<Catalog>,
    /// The classic dialect, as the engine knows it.
    pub classic: Arc<ClassicDialect>,
    /// The newer dialect.
    pub responses: Arc<dyn Dialect>,
    /// Tells who calls.
    pub authenticator: Arc<Authenticator>,
    /// Answers the token endpoint for programs on this machine.
    pub managed_identity: Arc<ManagedIdentity>,
    /// Gives tokens to service principals.
    pub principals: Arc<Principals>,
    /// Seals secrets at rest.
    pub sealing: Arc<SealingKey>,
    /// The connections of the configuration; they are in every project.
    pub connections: Vec<ConfiguredConnection>,
    /// What hosted agents run on; nothing where hosting is switched off.
    pub hosting: Option<Arc<Hosting>>,
    /// The vector stores.
    pub vector_stores: Arc<VectorStores>,
    /// The memory stores.
    pub memories: Arc<Memories>,
    /// The containers.
    pub containers: Arc<Containers>,
    /// How much a request may bring.
    pub limits: Limits,
}

/// The service, for those who are made before it is.
#[derive(Default)]
pub struct LateService(watch::Sender<Option<Weak<Shared>>>);

impl LateService {
    /// The service is there.
    pub fn set(&self, service: &Service) {
        self.0.send_replace(Some(Arc::downgrade(&service.parts)));
    }

    /// Waits for the service; `None` if it is gone.
    pub async fn get(&self) -> Option<Service> {
        let mut there = self.0.subscribe();
        let there = there.wait_for(Option::is_some).await.ok()?;
        there.as_ref().and_then(Weak::upgrade).map(|parts| Service { parts })
    }
}

/// What every handler works with. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    parts: Arc<Shared>,
}

struct Shared {
    projects: Vec<Arc<str>>,
    parts: ServiceParts,
    calls: CallBook,
}

impl Service {
    /// A service made of these parts.
    pub fn new(parts: ServiceParts) -> Self {
        let projects = parts.projects.iter().map(|name| Arc::from(name.as_str())).collect();
        Self { parts: Arc::new(Shared { projects, parts, calls: CallBook::default() }) }
    }

    /// The project with this name. `_project` is the first one, as the SDKs know it.
    pub fn project(&self, name: &str) -> Option<Arc<str>> {
        let projects = &self.parts.projects;
        if name == "_project" {
            return projects.first().cloned();
        }
        projects.iter().find(|project| &***project == name).cloned()
    }

    /// Where resources are.
    pub fn store(&self) -> &SharedStore {
        &self.parts.parts.store
    }

    /// Where the bytes of files are.
    pub fn blobs(&self) -> &Arc<dyn Blobs> {
        &self.parts.parts.blobs
    }

    /// Drives turns.
    pub fn engine(&self) -> &Engine {
        &self.parts.parts.engine
    }

    /// The deployments and who answers for them.
    pub fn catalog(&self) -> &Catalog {
        &self.parts.parts.catalog
    }

    /// The clock that all times come from.
    pub fn clock(&self) -> &Clock {
        self.engine().clock()
    }

    /// The classic dialect.
    pub fn classic(&self) -> &Arc<ClassicDialect> {
        &self.parts.parts.classic
    }

    /// The dialect of responses.
    pub fn responses(&self) -> &Arc<dyn Dialect> {
        &self.parts.parts.responses
    }

    /// Tells who calls.
    pub fn authenticator(&self) -> &Authenticator {
        &self.parts.parts.authenticator
    }

    /// Answers the token endpoint.
    pub fn managed_identity(&self) -> &ManagedIdentity {
        &self.parts.parts.managed_identity
    }

    /// Gives tokens to service principals.
    pub fn principals(&self) -> &Principals {
        &self.parts.parts.principals
    }

    /// Seals secrets at rest.
    pub fn sealing(&self) -> &SealingKey {
        &self.parts.parts.sealing
    }

    /// The connections of the configuration.
    pub fn connections(&self) -> &[ConfiguredConnection] {
        &self.parts.parts.connections
    }

    /// What hosted agents run on; nothing where hosting is switched off.
    pub fn hosting(&self) -> Option<&Arc<Hosting>> {
        self.parts.parts.hosting.as_ref()
    }

    /// The vector stores.
    pub fn vector_stores(&self) -> &Arc<VectorStores> {
        &self.parts.parts.vector_stores
    }

    /// The memory stores.
    pub fn memories(&self) -> &Arc<Memories> {
        &self.parts.parts.memories
    }

    /// The containers.
    pub fn containers(&self) -> &Arc<Containers> {
        &self.parts.parts.containers
    }

    /// All projects.
    pub fn projects(&self) -> &[Arc<str>] {
        &self.parts.projects
    }

    /// The calls that hosted containers are answering.
    pub fn calls(&self) -> &CallBook {
        &self.parts.calls
    }

    /// How much a request may bring.
    pub fn limits(&self) -> Limits {
        self.parts.parts.limits
    }
}
