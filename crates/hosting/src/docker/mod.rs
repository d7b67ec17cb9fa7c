//! Sandboxes as containers of a Docker or Podman daemon on this machine.

mod container;
mod daemon;
mod ending;
mod found;
mod gatekeeper;
mod image;
mod labels;
mod network;
mod output;
mod pulling;
mod removal;
mod sandbox;
mod start;
mod wall;
mod way_back;
mod words;

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, atomic::AtomicBool},
};

use async_trait::async_trait;
use bollard::query_parameters::ListContainersOptionsBuilder;

pub use found::Found;

use self::{
    daemon::Daemon,
    network::{Networks, Reach},
    removal::Removal,
    wall::Wall,
    way_back::WaysBack,
};
use crate::{
    Code, Failure, ImageSource, Prepared, Program, ProgressSink, Runtime, Sandbox, SandboxSpec, Source,
    image::{DockerConfig, Reference},
};

/// What the runtime is told by the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DockerSettings {
    /// Whose sandboxes these are: letters, digits and `-`. Two services on one daemon have different owners.
    pub owner: String,
    /// Where the daemon listens: `unix://PATH`, a path, or `tcp://HOST:PORT`.
    pub socket: Option<String>,
    /// The image in which code of a language runs, for example `python_3_13` → `python:3.13-slim`.
    pub images: BTreeMap<String, String>,
}

/// Runs sandboxes as containers.
#[derive(Debug)]
pub struct DockerRuntime {
    settings: DockerSettings,
    daemon: Daemon,
    networks: Networks,
    ways: WaysBack,
    removal: Arc<Removal>,
    limits_disk: AtomicBool,
    wall: Arc<Wall>,
    lacks: Vec<String>,
    registries: Option<DockerConfig>,
}

impl DockerRuntime {
    /// Looks for a daemon and says what was found.
    pub async fn check(socket: Option<&str>) -> Result<Found, Failure> {
        Ok(Daemon::find(socket).await?.found())
    }

    /// Connects to the daemon and makes the networks of the owner. What the daemon can't hold sandboxes to is
    /// said in the log.
    pub async fn connect(settings: DockerSettings) -> Result<Self, Failure> {
        let daemon = Daemon::find(settings.socket.as_deref()).await?;
        let networks = Networks::open(&daemon, &settings.owner).await?;
        daemon.check(&networks.gateways()).map_err(|error| unreachable_service(&daemon, &error))?;
        let wall = Wall::of(&settings.owner);
        let open = networks.ensure(&daemon, Reach::Everywhere).await?;
        let closed = networks.ensure(&daemon, Reach::Gateway).await?;
        let walled = async {
            wall.clear_site(&[open, closed.clone()]).await?;
            wall.open(&closed, &[]).await
        };
        let mut lacks = daemon.found().lacks;
        lacks.extend(walled.await.err().map(|reason| wall::lack(&reason)));
        for lack in &lacks {
            tracing::info!("{lack}");
        }
        let limits_disk = AtomicBool::new(found::may_limit_disk(&daemon.info));
        Ok(Self {
            settings,
            daemon,
            networks,
            ways: WaysBack::new(),
            removal: Arc::default(),
            limits_disk,
            wall: Arc::new(wall),
            lacks,
            registries: DockerConfig::of_this_user(),
        })
    }

    /// What it does not do, in sentences.
    pub fn lacks(&self) -> &[String] {
        &self.lacks
    }

    /// Takes from this file what registries are told, and not from that of this user.
    #[must_use]
    pub fn with_docker_config(self, config: DockerConfig) -> Self {
        Self { registries: Some(config), ..self }
    }

    /// The port under which sandboxes find the service.
    fn port_of_service(&self, service: SocketAddr) -> Result<u16, Failure> {
        let port = self.ways.port(service, &self.networks.gateways());
        port.map_err(|error| unreachable_service(&self.daemon, &error))
    }

    /// What is to be pulled.
    fn source_image(&self, source: &Source) -> Result<ImageSource, Failure> {
        match source {
            Source::Image(image) => Ok(image.clone()),
            Source::Code(program) => {
                Ok(ImageSource { reference: self.image_for(program)?.to_owned(), credentials: None })
            }
        }
    }

    /// What is to be run.
    fn image_of(&self, prepared: &Prepared) -> Result<String, Failure> {
        let image = self.source_image(&prepared.source)?;
        Ok(image::pinned(&Reference::parse(&image.reference)?, &prepared.digest))
    }

    fn image_for(&self, program: &Program) -> Result<&str, Failure> {
        let language = &program.language;
        self.settings.images.get(language).map(String::as_str).ok_or_else(|| {
            let message = format!(
                "No image is configured in which {language} runs. Name one in the setting \
                 hosting.docker.images.{language}."
            );
            Failure::new(Code::CodeError, message)
        })
    }
}

#[async_trait]
impl Runtime for DockerRuntime {
    fn name(&self) -> &'static str {
        "docker"
    }

    async fn prepare(&self, source: &Source, progress: &dyn ProgressSink) -> Result<Prepared, Failure> {
        if let Source::Code(program) = source {
            check_program(program)?;
        }
        let image = self.source_image(source)?;
        let digest = image::prepare(&self.daemon, &image, self.registries.as_ref(), progress).await?;
        Ok(Prepared { source: source.clone(), digest })
    }

    async fn start(&self, prepared: &Prepared, spec: SandboxSpec) -> Result<Arc<dyn Sandbox>, Failure> {
        Ok(Arc::new(self.launch(prepared, spec).await?))
    }

    fn address_of_service(&self, service: SocketAddr) -> String {
        // Where there is no way, a start fails and says why.
        let port = self.port_of_service(service).unwrap_or(service.port());
        format!("{}:{port}", container::SERVICE_NAME)
    }

    async fn sweep(&self) -> Result<Vec<String>, Failure> {
        let filters = labels::filter(&self.settings.owner);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let client = &self.daemon.client;
        let found = client.list_containers(Some(options)).await;
        let found = found.map_err(|error| words::of_daemon("list its containers", &error))?;
        let mut swept = Vec::new();
        for (container, labels) in found.into_iter().filter_map(|it| Some((it.id?, it.labels?))) {
            let removed = removal::remove(client, &container).await;
            removed.map_err(|error| words::of_daemon("remove a container", &error))?;
            swept.extend(labels.get(labels::SANDBOX).cloned());
        }
        Ok(swept)
    }

    async fn forget(&self, prepared: &Prepared) -> Result<(), Failure> {
        match &prepared.source {
            Source::Image(_) => image::forget(&self.daemon, &self.image_of(prepared)?).await,
            // Other code runs in the same image.
            Source::Code(_) => Ok(()),
        }
    }
}

fn unreachable_service(daemon: &Daemon, error: &io::Error) -> Failure {
    let reason = match error.kind() {
        io::ErrorKind::AddrNotAvailable => {
            "its networks are not on this machine, as with a rootless or a remote daemon".to_owned()
        }
        _ => error.to_string(),
    };
    let message = format!(
        "Sandboxes of the Docker daemon at {} could not reach the service: {reason}. Use a daemon that runs \
         as root on this machine, or another runtime.",
        daemon.address
    );
    Failure::new(Code::SandboxUnavailable, message)
}

fn check_program(program: &Program) -> Result<(), Failure> {
    if program.entry_point.is_empty() {
        return Err(Failure::new(Code::CodeError, "The code package has no entry point."));
    }
    if !program.folder.is_dir() {
        let message = format!("The code folder {} is not there.", program.folder.display());
        return Err(Failure::new(Code::CodeError, message));
    }
    Ok(())
}
