//! What runs hosted agents on this machine: the runtime that is configured, or the best that is found.

mod automatic;

use std::{net::SocketAddr, path::Path, sync::Arc};

use cupola_api::{Hosting, HostingParts};
use cupola_hosting::{
    DockerRuntime, DockerSettings, Failure as HostingFailure, OciRuntime, OciSettings, ProcessRuntime,
    Runtime,
    image::{DockerConfig, ImageStore, StoreSettings},
};
use cupola_identity::Certificates;

use self::automatic::Automatic;
use crate::{
    config::{Config, RuntimeChoice},
    failure::Failure,
};

/// What was found.
pub struct Host {
    /// The runtime; nothing where hosting is switched off or nothing was found.
    pub runtime: Option<Arc<dyn Runtime>>,
    /// In a sentence: which runtime, and why this one, or why none.
    pub reason: String,
    /// What it does not do, in sentences.
    pub lacks: Vec<String>,
}

impl Host {
    fn none(reason: String) -> Self {
        Self { runtime: None, reason, lacks: Vec::new() }
    }

    fn of(runtime: Arc<dyn Runtime>, reason: String) -> Self {
        Self { runtime: Some(runtime), reason, lacks: Vec::new() }
    }
}

/// The runtime that is configured, or the best that is found, whose things on a shared daemon are those of
/// `owner`. One that is named and does not work is a failure.
pub async fn choose(config: &Config, owner: &str) -> Result<Host, Failure> {
    let folder = config.data.join("hosting");
    match config.hosting.runtime {
        RuntimeChoice::Off => Ok(Host::none("switched off (hosting.runtime = \"off\")".to_owned())),
        RuntimeChoice::Docker => {
            let (runtime, lacks) =
                docker(config, owner).await.map_err(|failure| unusable("docker", &failure))?;
            Ok(Host { lacks, ..Host::of(runtime, "docker, as configured".to_owned()) })
        }
        RuntimeChoice::Process => {
            let runtime = process(&folder)?;
            let reason = "plain processes without isolation, as configured (hosting.runtime = \"process\")";
            Ok(Host::of(runtime, reason.to_owned()))
        }
        RuntimeChoice::Oci => {
            let (runtime, runner) =
                oci(config, &folder).await.map_err(|failure| unusable("oci", &failure))?;
            Ok(Host::of(runtime, format!("oci with the runner {runner}, as configured")))
        }
        RuntimeChoice::Auto => {
            let runtime: Arc<dyn Runtime> = Arc::new(Automatic::new(config, owner));
            Ok(Host::of(runtime, "the best that is found once one is needed".to_owned()))
        }
    }
}

/// Without a daemon where that works, because it starts sandboxes fastest; else with one.
pub async fn best(config: &Config, owner: &str) -> Host {
    let folder = &config.data.join("hosting");
    let oci = match oci(config, folder).await {
        Ok((runtime, runner)) => {
            let reason = format!("oci with the runner {runner}: no daemon is needed, and starts are fastest");
            return Host::of(runtime, reason);
        }
        Err(failure) => failure.message,
    };
    match docker(config, owner).await {
        Ok((runtime, lacks)) => {
            Host { lacks, ..Host::of(runtime, format!("docker, because oci does not work: {oci}")) }
        }
        Err(docker) => Host::none(format!("oci does not work: {oci} Docker: {}", docker.message)),
    }
}

async fn oci(config: &Config, folder: &Path) -> Result<(Arc<dyn Runtime>, String), HostingFailure> {
    let settings = StoreSettings {
        insecure_registries: config.hosting.insecure_registries.clone(),
        docker_config: DockerConfig::of_this_user(),
        ..StoreSettings::default()
    };
    let images = Arc::new(ImageStore::open(folder.join("images"), settings)?);
    let settings = OciSettings { state: folder.join("sandboxes"), runner: config.hosting.runner };
    let runtime = OciRuntime::open(settings, images).await?;
    let runner = runtime.runner();
    Ok((Arc::new(runtime), runner))
}

async fn docker(config: &Config, owner: &str) -> Result<(Arc<dyn Runtime>, Vec<String>), HostingFailure> {
    let settings = DockerSettings {
        owner: owner.to_owned(),
        socket: config.hosting.docker.socket.clone(),
        images: config.hosting.docker.images.clone(),
    };
    let runtime = DockerRuntime::connect(settings).await?;
    let lacks = runtime.lacks().to_vec();
    Ok((Arc::new(runtime), lacks))
}

fn process(folder: &Path) -> Result<Arc<dyn Runtime>, Failure> {
    let runtime = ProcessRuntime::open(folder.join("processes"))
        .map_err(|error| Failure::plain(format!("{} can't be used: {error}", folder.display())))?;
    Ok(Arc::new(runtime))
}

/// A name for what belongs to this configuration on a shared daemon. It is the same at every start.
pub fn owner(config: &Config) -> String {
    use sha2::Digest as _;
    let folder = config.data.join("hosting");
    let digest = sha2::Sha256::digest(folder.as_os_str().as_encoded_bytes());
    hex::encode(&digest[..8])
}

fn unusable(name: &str, failure: &HostingFailure) -> Failure {
    Failure::with_code(
        "hosting_unavailable",
        format!("hosting.runtime is \"{name}\", which can't be used: {}", failure.message),
    )
}

/// Ends what an earlier process left running.
async fn swept(runtime: &dyn Runtime) {
    match runtime.sweep().await {
        Ok(left) if left.is_empty() => {}
        Ok(left) => tracing::info!(sandboxes = left.len(), "ended what an earlier process left running"),
        Err(failure) => tracing::warn!(%failure, "what an earlier process left running was not found out"),
    }
}

/// Whether there ever was a hosted agent here.
fn left_behind(config: &Config) -> bool {
    config.data.join("hosting").exists()
}

/// Hosting on the runtime that was chosen. What an earlier process left running is ended first.
pub async fn hosting(
    config: &Config,
    host: Host,
    service: SocketAddr,
    certificates: &Certificates,
) -> Option<Arc<Hosting>> {
    let Some(runtime) = host.runtime else {
        tracing::info!("hosted agents can't run: {}", host.reason);
        return None;
    };
    match config.hosting.runtime {
        // Looks around by itself, and sweeps then. What was left running is of a time before this start; that it is
        // found soon is enough.
        RuntimeChoice::Auto => {
            if left_behind(config) {
                let runtime = Arc::clone(&runtime);
                tokio::spawn(async move { runtime.sweep().await });
            }
        }
        _ => swept(&*runtime).await,
    }
    tracing::debug!(runtime = runtime.name(), "hosted agents run on {}", host.reason);
    Some(Arc::new(Hosting::new(HostingParts {
        runtime,
        folder: config.data.join("hosting"),
        service,
        bundle: certificates.bundle_file().to_owned(),
        ca: certificates.ca_file().to_owned(),
        settings: config.hosting.settings(),
    })))
}
