//! Starting a sandbox: network, container, output, and somebody who waits for its end.

use std::{
    fs, io,
    net::Ipv4Addr,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex, atomic::Ordering},
};

use bollard::{
    Docker,
    container::LogOutput,
    errors::Error,
    query_parameters::{
        AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, InspectContainerOptions,
        StartContainerOptions,
    },
};
use futures_util::Stream;
use tokio::sync::{OnceCell, watch};

use super::{
    DockerRuntime,
    container::Surroundings,
    ending,
    gatekeeper::Gatekeeper,
    network::Reach,
    output,
    removal::Removal,
    sandbox::DockerSandbox,
    wall::{self, Door, Fenced},
    words,
};
use crate::{Code, Exit, Failure, LogBook, LogStream, Prepared, Runtime as _, SandboxSpec, Source};

type Output = Pin<Box<dyn Stream<Item = Result<LogOutput, Error>> + Send>>;

impl DockerRuntime {
    pub(super) async fn launch(
        &self,
        prepared: &Prepared,
        spec: SandboxSpec,
    ) -> Result<DockerSandbox, Failure> {
        let client = &self.daemon.client;
        self.removal.catch_up(client).await;
        let (mut surroundings, bounds) = self.surroundings(prepared, &spec).await?;
        let exits = Gatekeeper::open(&spec, surroundings.gateway, self.address_of_service(spec.service))?;
        surroundings.proxy = exits.as_ref().map(Gatekeeper::port);
        let doors = self.fence_in(&spec, &bounds, surroundings.proxy).await?;
        open_to_all_users(&spec.home)?;
        let container = self.create(&mut surroundings, &spec).await?;
        let container = Unfinished { client, container, removal: &self.removal };
        let output = attach(client, &container.container).await?;
        let started = client.start_container(&container.container, None::<StartContainerOptions>).await;
        started.map_err(|error| words::of_start(&error))?;
        let address = address(client, &container.container, &surroundings.network).await?;
        let container = container.finish();
        let exit = observe(client.clone(), container.clone(), output, Arc::clone(&spec.logs));
        Ok(DockerSandbox {
            client: client.clone(),
            container,
            address,
            port: spec.port,
            exit,
            removal: Arc::clone(&self.removal),
            stopped: OnceCell::new(),
            is_disk_limited: surroundings.limits_disk,
            wall: Arc::clone(&self.wall),
            doors: Mutex::new(doors),
            _gatekeeper: exits.zip(address).map(|(gatekeeper, address)| gatekeeper.serve(address)),
        })
    }

    async fn surroundings<'a>(
        &'a self,
        prepared: &'a Prepared,
        spec: &SandboxSpec,
    ) -> Result<(Surroundings<'a>, Fenced), Failure> {
        let reach = Reach::of(&spec.egress);
        let bounds = self.networks.ensure(&self.daemon, reach).await?;
        let surroundings = Surroundings {
            owner: &self.settings.owner,
            image: self.image_of(prepared)?,
            program: match &prepared.source {
                Source::Image(_) => None,
                Source::Code(program) => Some(program),
            },
            network: self.networks.name(reach),
            gateway: bounds.gateway,
            resolves: reach == Reach::Everywhere,
            proxy: None,
            limits_disk: self.limits_disk.load(Ordering::Relaxed),
        };
        Ok((surroundings, bounds))
    }

    /// Lets a sandbox reach the service, and where it may not go out, nothing else of this machine but its
    /// proxy.
    async fn fence_in(
        &self,
        spec: &SandboxSpec,
        bounds: &Fenced,
        proxy: Option<u16>,
    ) -> Result<Vec<Door>, Failure> {
        let service = self.port_of_service(spec.service)?;
        if Reach::of(&spec.egress) == Reach::Everywhere {
            return Ok(Vec::new());
        }
        let ports: Vec<u16> = proxy.into_iter().chain([service]).collect();
        Ok(self.wall.open(bounds, &ports).await.unwrap_or_else(|reason| {
            spec.logs.add(LogStream::Platform, wall::lack(&reason).as_bytes());
            Vec::new()
        }))
    }

    /// Creates the container; without a limit on its disk where the daemon turns out to have none.
    async fn create(
        &self,
        surroundings: &mut Surroundings<'_>,
        spec: &SandboxSpec,
    ) -> Result<String, Failure> {
        loop {
            let options = CreateContainerOptionsBuilder::default().name(&surroundings.name(spec)).build();
            let created =
                self.daemon.client.create_container(Some(options), surroundings.container(spec)).await;
            match created {
                Ok(created) => return Ok(created.id),
                Err(error) if surroundings.limits_disk && is_about_disk(&error) => {
                    tracing::warn!(
                        reason = words::said(&error),
                        "what sandboxes write is measured, because the daemon does not limit it"
                    );
                    self.limits_disk.store(false, Ordering::Relaxed);
                    surroundings.limits_disk = false;
                }
                Err(error) => return Err(words::of_start(&error)),
            }
        }
    }
}

fn is_about_disk(error: &Error) -> bool {
    let said = words::said(error).to_ascii_lowercase();
    said.contains("storage-opt") || said.contains("storage opt") || said.contains("quota")
}

/// The program's user is the image's choice, and without capabilities not even root may write into a folder
/// that belongs to somebody else. Above it the data directory lets nobody else through.
fn open_to_all_users(home: &Path) -> Result<(), Failure> {
    let open = || {
        let permissions = fs::metadata(home)?.permissions();
        if permissions.mode() & 0o777 == 0o777 {
            return Ok(());
        }
        fs::set_permissions(home, fs::Permissions::from_mode(0o777))
    };
    open().map_err(|error: io::Error| {
        let message = format!("The home folder {} can't be given to a sandbox ({error}).", home.display());
        Failure::new(Code::SandboxUnavailable, message)
    })
}

/// The output from its first byte on: attached before the start.
async fn attach(client: &Docker, container: &str) -> Result<Output, Failure> {
    let options = AttachContainerOptionsBuilder::default().stream(true).stdout(true).stderr(true).build();
    let attached = client.attach_container(container, Some(options)).await;
    Ok(attached.map_err(|error| words::of_start(&error))?.output)
}

async fn address(client: &Docker, container: &str, network: &str) -> Result<Option<Ipv4Addr>, Failure> {
    let found = client.inspect_container(container, None::<InspectContainerOptions>).await;
    let settings = found.map_err(|error| words::of_start(&error))?.network_settings;
    let networks = settings.and_then(|settings| settings.networks).unwrap_or_default();
    Ok(networks.get(network).and_then(|endpoint| endpoint.ip_address.as_ref()?.parse().ok()))
}

/// Tells the end once the last line is in the log.
fn observe(
    client: Docker,
    container: String,
    output: Output,
    logs: Arc<LogBook>,
) -> watch::Receiver<Option<Exit>> {
    let (sender, receiver) = watch::channel(None);
    tokio::spawn(async move {
        let (exit, ()) =
            tokio::join!(ending::wait(&client, &container, &logs), output::copy(output, Arc::clone(&logs)));
        sender.send_replace(Some(exit));
    });
    receiver
}

/// A container that is removed again unless its start is finished: also when nobody waits for it any more.
struct Unfinished<'a> {
    client: &'a Docker,
    container: String,
    removal: &'a Arc<Removal>,
}

impl Unfinished<'_> {
    fn finish(mut self) -> String {
        std::mem::take(&mut self.container)
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if self.container.is_empty() {
            return;
        }
        let (client, container) = (self.client.clone(), std::mem::take(&mut self.container));
        let removal = Arc::clone(self.removal);
        tokio::spawn(async move { removal.remove(&client, &container).await });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_without_quotas_is_asked_again_without_them() {
        for (message, expected) in [
            ("--storage-opt is supported only for overlay over xfs with 'pquota' mount option", true),
            ("Quota not supported on this filesystem", true),
            ("Conflict. The container name is already in use", false),
        ] {
            let error = Error::DockerResponseServerError { status_code: 400, message: message.to_owned() };
            assert_eq!(is_about_disk(&error), expected, "{message}");
        }
    }
}
