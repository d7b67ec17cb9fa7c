//! The composition root: the one place that knows concrete backends and puts the service together.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use cupola_api::{
    ClassicColleagues, ClassicDialect, Hosting, Keyring, LateService, Limits, ResponsesDialect, Server,
    Service, ServiceParts,
    containers::{Containers, ContainersParts},
    memory_stores::{Memories, MemoriesParts},
    tools::{self, ToolParts, a2a::Own},
    vector_stores::{Patience, VectorStores, VectorStoresParts},
};
use cupola_engine::{Dialect, Engine, Settings};
use cupola_identity::{Identity, SealingKey};
use cupola_models::{Catalog, catalog::Finding};
use cupola_retrieval::{Library, Reader, Reranker, Settings as IndexSettings};
use cupola_store::{Blobs, FileBlobs, SharedStore, SqliteStore};
use cupola_tools::{machine_identity::MachineIdentity, outgoing::Outgoing};
use tokio::{runtime::Runtime, sync::watch, task::JoinHandle};

use crate::{
    code_interpreter,
    config::{Config, Durability},
    data_dir::DataDir,
    failure::Failure,
    hosts, knowledge,
};

/// How long open requests may take to finish once no turn runs any more.
const REQUEST_GRACE: Duration = Duration::from_secs(5);

/// A service that runs in this process.
pub struct Instance {
    address: SocketAddr,
    findings: Vec<Finding>,
    deployment: Option<String>,
    recovered: usize,
    ready_after: Duration,
    engine: Engine,
    hosting: Option<Arc<Hosting>>,
    vector_stores: Arc<VectorStores>,
    memories: Arc<Memories>,
    containers: Arc<Containers>,
    drain_grace: Duration,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
    // Dropped last: while this lives, no other process may use the data directory.
    _data: DataDir,
}

/// The runtime that everything runs on.
pub fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("cupola")
        .build()
        .map_err(|error| Failure::plain(format!("the runtime could not be started: {error}")))
}

/// The providers and deployments that the configuration and this machine offer.
pub async fn catalog(config: &Config) -> Result<Catalog, Failure> {
    let variable = |name: &str| std::env::var(name).ok();
    Catalog::build(&config.models, &variable).await.map_err(|problems| {
        let problems = problems.iter().map(|problem| format!("`{}`: {}", problem.key, problem.message));
        Failure::with_code("bad_configuration", problems.collect::<Vec<_>>().join("\n       "))
    })
}

impl Instance {
    /// Starts the service. When this returns, it answers.
    pub async fn start(config: &Config) -> Result<Self, Failure> {
        let began = Instant::now();
        config.check_exposure()?;
        let data = DataDir::open(&config.data)?;
        let bound = Server::bind(config.listen).await;
        let server = bound.map_err(|error| cannot_listen(config.listen, &error))?;
        let identity = Identity::open(data.path(), &config.identity_settings())?;
        let sealing = Arc::new(SealingKey::open(data.path())?);
        let connections = config.load_connections()?;
        let store = open_store(config)?;
        let blobs: Arc<dyn Blobs> = Arc::new(FileBlobs::open(config.data.join("blobs"))?);
        let catalog = Arc::new(catalog(config).await?);
        let knowledge = knowledge::open(config, &catalog)?;

        if let Some(embedder) = &knowledge.embedder {
            let reranker = knowledge.reranker.as_deref().map(Reranker::model);
            tracing::info!(embedding = embedder.model(), reranker, "files are found by meaning");
        }

        let classic = Arc::new(ClassicDialect::new(Arc::clone(&store), Arc::clone(&blobs)));
        let responses = ResponsesDialect::new(Arc::clone(&store), Arc::clone(&blobs), Arc::clone(&sealing));
        let responses: Arc<dyn Dialect> = Arc::new(responses);
        let dialects: [Arc<dyn Dialect>; 2] = [classic.clone(), Arc::clone(&responses)];
        let settings = Settings {
            expires_after: config.runs.expires_after,
            waiting_expires_after: config.runs.waiting_expires_after,
            max_concurrent: config.runs.max_concurrent.get(),
            max_tool_rounds: config.runs.max_tool_rounds.get(),
        };
        let vector_stores = Arc::new(VectorStores::new(VectorStoresParts {
            store: Arc::clone(&store),
            blobs: Arc::clone(&blobs),
            library: Library::new(config.data.join("knowledge"), knowledge, IndexSettings::default()),
            reader: Reader::default(),
            patience: Patience::default(),
        }));
        let outgoing = Outgoing::new(config.tools.allow.clone())
            .map_err(|failure| Failure::plain(format!("requests of tools can't be made: {failure}")))?;
        let memories = Arc::new(Memories::new(MemoriesParts {
            store: Arc::clone(&store),
            deployments: Arc::clone(&catalog) as Arc<_>,
        }));
        let containers = Arc::new(Containers::new(ContainersParts {
            store: Arc::clone(&store),
            blobs: Arc::clone(&blobs),
            interpreters: code_interpreter::interpreters(config)?,
            settings: code_interpreter::settings(config),
        }));
        let identity_here = MachineIdentity::of(&|name| std::env::var(name).ok())
            .map_err(|failure| Failure::plain(format!("the identity of this machine: {failure}")))?;
        let late_service = Arc::new(LateService::default());
        let tools = tools::registry(ToolParts {
            library: Arc::clone(&vector_stores) as Arc<_>,
            containers: Arc::clone(&containers),
            outgoing,
            colleagues: Arc::new(ClassicColleagues::new(Arc::clone(&late_service))),
            own: Own::new(config.own_hosts(), server.address().port()),
            memories: Arc::clone(&memories),
            service: Arc::clone(&late_service),
            mcp: config.tools.mcp(),
            keyring: Keyring::new(Arc::clone(&store), Arc::clone(&sealing), connections.as_slice()),
            sealing: Arc::clone(&sealing),
            identity: identity_here,
            web: config.load_web_search()?,
        });
        let engine = Engine::new(Arc::clone(&store), catalog.clone(), dialects, tools, settings);
        let recovered = engine.recover().await?;

        let tls = identity.certificates.server_config()?;
        let address = server.address();
        let host = hosts::choose(config, &hosts::owner(config)).await?;
        let hosting = hosts::hosting(config, host, address, &identity.certificates).await;
        let service = Service::new(ServiceParts {
            projects: vec![config.project.clone()],
            store,
            blobs,
            engine: engine.clone(),
            catalog: Arc::clone(&catalog),
            classic,
            responses,
            authenticator: identity.authenticator,
            managed_identity: identity.managed_identity,
            principals: identity.principals,
            sealing,
            connections,
            hosting: hosting.clone(),
            vector_stores: Arc::clone(&vector_stores),
            memories: Arc::clone(&memories),
            containers: Arc::clone(&containers),
            limits: Limits {
                max_body_bytes: config.limits.max_body_bytes.get(),
                max_upload_bytes: config.limits.max_upload_bytes.get() as u64,
                ..Limits::default()
            },
        });
        late_service.set(&service);
        cupola_api::hosted::start(&service).await.map_err(|error| {
            Failure::plain(format!("hosted agents could not be taken up again: {}", error.detail().message))
        })?;
        service.vector_stores().start(service.projects()).await?;
        service.memories().start(service.projects()).await?;
        service.containers().start(service.projects()).await?;
        let deployment = catalog.suggested_deployment().map(str::to_owned);
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(server.serve(service, tls, stopped, REQUEST_GRACE));
        data.announce(address, &config.project, deployment.as_deref())?;
        Ok(Self {
            address,
            findings: catalog.findings().to_vec(),
            deployment,
            recovered,
            ready_after: began.elapsed(),
            engine,
            hosting,
            vector_stores,
            memories,
            containers,
            drain_grace: config.runs.drain_grace,
            stop,
            serving,
            _data: data,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The providers that it found.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The deployment that programs use unless they choose, where one is known.
    pub fn deployment(&self) -> Option<&str> {
        self.deployment.as_deref()
    }

    /// How many turns it took up again.
    pub fn recovered(&self) -> usize {
        self.recovered
    }

    /// How long the start took.
    pub fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// Takes on nothing new, lets what runs finish within the grace period, and leaves the rest where the
    /// next start finds it.
    pub async fn stop(self) {
        if let Some(hosting) = &self.hosting {
            hosting.end_log_streams();
        }
        self.engine.drain(self.drain_grace).await;
        self.stop.send_replace(true);
        let _ = self.serving.await;
        self.containers.close().await;
        self.vector_stores.close().await;
        self.memories.close().await;
        if let Some(hosting) = self.hosting {
            hosting.close().await;
        }
    }
}

fn open_store(config: &Config) -> Result<SharedStore, Failure> {
    let durability = match config.store.durability {
        Durability::Full => cupola_store::Durability::Full,
        Durability::Normal => cupola_store::Durability::Normal,
    };
    Ok(Arc::new(SqliteStore::open(&config.data.join("cupola.db"), durability)?))
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> Failure {
    let advice = match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            "Another program uses this port. Stop it, or choose another one: --listen 127.0.0.1:9443"
        }
        std::io::ErrorKind::PermissionDenied => "Ports below 1024 need privileges. Choose a higher one.",
        std::io::ErrorKind::AddrNotAvailable => "This machine has no such address.",
        _ => "Choose another address with --listen ADDR:PORT.",
    };
    Failure::with_code("cannot_listen", format!("{address} can't be listened on: {error}. {advice}"))
}
