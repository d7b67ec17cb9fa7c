//! Sandboxes without a daemon: images and code packages in cages that this service makes itself, or has made
//! by an installed OCI runtime.

mod host;
mod images;
mod output;
mod plan;
mod record;
mod runner;
mod sandbox;
mod slots;

use std::{fmt, net::SocketAddr, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use cupola_sandbox::StartError;
use tokio::sync::Semaphore;
use tokio_util::task::AbortOnDropHandle;

use self::{host::Interpreters, plan::Plan, record::Records, sandbox::OciSandbox, slots::Slots};
pub use self::{
    images::{Images, RootImage},
    runner::RunnerChoice,
};
use crate::{
    Code, Egress, Failure, LogStream, Prepared, Progress, ProgressSink, Runtime, Sandbox, SandboxSpec,
    Source, proxy::Proxy, relay,
};

/// Where sandboxes find the service, on their own loopback.
const WAY_BACK: u16 = 8087;

/// Where they find the proxy that leads out.
const WAY_OUT: u16 = 8086;

/// Connections of one sandbox to the service at a time, so that none takes all files of the service.
const CONNECTIONS: usize = 256;

/// How sandboxes are made.
#[derive(Clone, Debug)]
pub struct OciSettings {
    /// A folder of this runtime's own, in which it remembers what it has started.
    pub state: PathBuf,
    /// Who puts programs into their cages.
    pub runner: RunnerChoice,
}

/// Runs images and code packages without a daemon.
pub struct OciRuntime {
    images: Arc<dyn Images>,
    records: Records,
    runner: cupola_sandbox::Runner,
    interpreters: Interpreters,
    slots: Arc<Slots>,
}

impl fmt::Debug for OciRuntime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OciRuntime").field("runner", &self.runner).finish_non_exhaustive()
    }
}

impl OciRuntime {
    /// A runtime that finds images here. Fails where sandboxes can't be made on this machine, and says why.
    pub async fn open(settings: OciSettings, images: Arc<dyn Images>) -> Result<Self, Failure> {
        let records = Records::open(settings.state).map_err(|error| {
            unavailable(format!("The folder in which sandboxes are remembered can't be used: {error}."))
        })?;
        let runner = runner::choose(settings.runner).await?;
        Ok(Self { images, records, runner, interpreters: Interpreters::default(), slots: Arc::default() })
    }

    /// Who puts programs into their cages, for people to read.
    pub fn runner(&self) -> String {
        match &self.runner {
            cupola_sandbox::Runner::Builtin => "builtin".to_owned(),
            cupola_sandbox::Runner::Oci(path) => path.display().to_string(),
        }
    }

    async fn plan(&self, prepared: &Prepared, spec: &SandboxSpec) -> Result<Plan, Failure> {
        match &prepared.source {
            Source::Image(source) => {
                let image = self.images.find(&prepared.digest).ok_or_else(|| {
                    let message = format!(
                        "The image {} is no longer in this service's store. Create the version again.",
                        source.reference
                    );
                    Failure::new(Code::ImagePullBackOff, message)
                })?;
                Ok(Plan::of_image(image, spec))
            }
            Source::Code(program) => {
                let interpreter = self.interpreters.find(program).await?;
                Ok(Plan::of_code(program, interpreter, spec))
            }
        }
    }
}

#[async_trait]
impl Runtime for OciRuntime {
    fn name(&self) -> &'static str {
        "oci"
    }

    async fn prepare(&self, source: &Source, progress: &dyn ProgressSink) -> Result<Prepared, Failure> {
        let digest = match source {
            Source::Image(image) => {
                let image = self.images.pull(image, progress).await?;
                image.check()?;
                image.digest
            }
            Source::Code(program) => {
                self.interpreters.find(program).await?;
                progress.report(Progress::Present { cached: true });
                program.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
            }
        };
        Ok(Prepared { source: source.clone(), digest })
    }

    async fn start(&self, prepared: &Prepared, spec: SandboxSpec) -> Result<Arc<dyn Sandbox>, Failure> {
        let slot =
            self.slots.take().ok_or_else(|| unavailable("This machine runs as many sandboxes as it can."))?;
        let way_out = match &spec.egress {
            Egress::None => None,
            Egress::Open => Some(Proxy::open(Arc::clone(&spec.logs))),
            Egress::Only(hosts) => Some(Proxy::new(hosts, Arc::clone(&spec.logs))?),
        };
        let way_out = way_out.map(|proxy| proxy.with_service(way_back(), spec.service));
        let plan = self.plan(prepared, &spec).await?;
        let plan = plan.spec(&spec, slot.first_id(), self.runner.clone(), way_out.is_some());
        let mut child =
            cupola_sandbox::spawn(plan).await.map_err(|error| failure_of(error, &prepared.source))?;
        let record = self.records.keep(&spec.id, child.trace()).map_err(|error| {
            unavailable(format!("The sandbox can't be remembered, and so was not started: {error}."))
        })?;
        for warning in child.warnings() {
            spec.logs.add(LogStream::Platform, warning.as_bytes());
        }
        let mut listeners = child.take_listeners().into_iter();
        let mut ways = Vec::new();
        if let Some(back) = listeners.next() {
            ways.push(AbortOnDropHandle::new(tokio::spawn(relay::pass_on(
                back,
                spec.service,
                Arc::new(Semaphore::new(CONNECTIONS)),
            ))));
        }
        if let Some((out, proxy)) = listeners.next().zip(way_out) {
            ways.push(AbortOnDropHandle::new(tokio::spawn(proxy.serve(out, None))));
        }
        Ok(Arc::new(OciSandbox::watch(child, &spec, (slot, record, ways))))
    }

    fn address_of_service(&self, _: SocketAddr) -> String {
        way_back()
    }

    async fn sweep(&self) -> Result<Vec<String>, Failure> {
        let found = self.records.all();
        let found = found.map_err(|error| unavailable(format!("What ran before can't be read: {error}.")))?;
        let mut lived = Vec::new();
        for (id, trace) in found {
            let erased = tokio::task::spawn_blocking(move || trace.erase());
            if erased.await.unwrap_or(false) {
                lived.push(id.clone());
            }
            self.records.forget(&id);
        }
        let _ = tokio::task::spawn_blocking(cupola_sandbox::remove_abandoned).await;
        Ok(lived)
    }

    async fn forget(&self, prepared: &Prepared) -> Result<(), Failure> {
        match &prepared.source {
            Source::Image(_) => self.images.forget(&prepared.digest).await,
            Source::Code(_) => Ok(()),
        }
    }
}

fn way_back() -> String {
    format!("127.0.0.1:{WAY_BACK}")
}

fn unavailable(message: impl Into<String>) -> Failure {
    Failure::new(Code::SandboxUnavailable, message)
}

fn failure_of(error: StartError, source: &Source) -> Failure {
    match (error, source) {
        (StartError::Program(why), Source::Image(_)) => Failure::new(Code::InvalidContainerImage, why),
        (StartError::Program(why), Source::Code(_)) => Failure::new(Code::CodeError, why),
        (StartError::Machine(why), _) => unavailable(format!("The sandbox could not be started. {why}.")),
    }
}
