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
}

/// The runtime that is configured, or the best that is found. One that is named and does not work is a failure.
pub async fn choose(config: &Config) -> Result<Host, Failure> {
    let folder = config.data.join("hosting");
    match config.hosting.runtime {
        RuntimeChoice::Off => {
            Ok(Host { runtime: None, reason: "switched off (hosting.runtime = \"off\")".to_owned() })
        }
        RuntimeChoice::Docker => {
            let runtime = docker(config, &folder).await.map_err(|failure| unusable("docker", &failure))?;
            Ok(Host { runtime: Some(runtime), reason: "docker, as configured".to_owned() })
        }
        RuntimeChoice::Process => {
            let runtime = process(&folder)?;
            let reason = "plain processes without isolation, as configured (hosting.runtime = \"process\")";
            Ok(Host { runtime: Some(runtime), reason: reason.to_owned() })
        }
        RuntimeChoice::Oci => {
            let (runtime, runner) =
                oci(config, &folder).await.map_err(|failure| unusable("oci", &failure))?;
            Ok(Host {
                runtime: Some(runtime),
                reason: format!("oci with the runner {runner}, as configured"),
            })
        }
        RuntimeChoice::Auto => {
            let runtime: Arc<dyn Runtime> = Arc::new(Automatic::new(config));
            Ok(Host {
                runtime: Some(runtime),
                reason: "the best that is found once one is needed".to_owned(),
            })
        }
    }
}

/// Without a daemon where that works, because it starts sandboxes fastest; else with one.
pub async fn best(config: &Config, folder: &Path) -> Host {
    let oci = match oci(config, folder).await {
        Ok((runtime, runner)) => {
            let reason = format!("oci with the runner {runner}: no daemon is needed, and starts are fastest");
            return Host { runtime: Some(runtime), reason };
        }
        Err(failure) => failure.message,
    };
    match docker(config, folder).await {
        Ok(runtime) => {
            Host { runtime: Some(runtime), reason: format!("docker, because oci does not work: {oci}") }
        }
        Err(docker) => {
            Host { runtime: None, reason: format!("oci does not work: {oci} Docker: {}", docker.message) }
        }
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

async fn docker(config: &Config, folder: &Path) -> Result<Arc<dyn Runtime>, HostingFailure> {
    let settings = DockerSettings {
        owner: owner(folder),
        socket: config.hosting.docker.socket.clone(),
        images: config.hosting.docker.images.clone(),
    };
    Ok(Arc::new(DockerRuntime::connect(settings).await?))
}

fn process(folder: &Path) -> Result<Arc<dyn Runtime>, Failure> {
    let runtime = ProcessRuntime::open(folder.join("processes"))
        .map_err(|error| Failure::plain(format!("{} can't be used: {error}", folder.display())))?;
    Ok(Arc::new(runtime))
}

/// A name for this data directory that is the same at every start, for what is found on a shared daemon.
fn owner(folder: &Path) -> String {
    use sha2::Digest as _;
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
