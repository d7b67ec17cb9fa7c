//! The runtime that is chosen by itself, once somebody needs one: looking around takes longer than the whole start
//! of the service, and most services never run a hosted agent.

use std::{fmt, net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use cupola_hosting::{Code, Failure, Prepared, ProgressSink, Runtime, Sandbox, SandboxSpec, Source};
use tokio::sync::OnceCell;

use super::{best, swept};
use crate::config::Config;

/// The best runtime of this machine, or why there is none.
pub struct Automatic {
    config: Config,
    owner: String,
    chosen: OnceCell<Result<Arc<dyn Runtime>, Failure>>,
}

impl fmt::Debug for Automatic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Automatic").field("chosen", &self.chosen.get()).finish_non_exhaustive()
    }
}

impl Automatic {
    /// Nothing is chosen yet.
    pub fn new(config: &Config, owner: &str) -> Self {
        Self { config: config.clone(), owner: owner.to_owned(), chosen: OnceCell::new() }
    }

    async fn chosen(&self) -> Result<&Arc<dyn Runtime>, Failure> {
        let chosen = self.chosen.get_or_init(|| async {
            let found = best(&self.config, &self.owner).await;
            match found.runtime {
                Some(runtime) => {
                    tracing::info!("hosted agents run on {}", found.reason);
                    swept(&*runtime).await;
                    Ok(runtime)
                }
                None => Err(Failure::new(
                    Code::CapabilityHostNotFound,
                    format!("Nothing on this machine can run hosted agents: {}", found.reason),
                )),
            }
        });
        chosen.await.as_ref().map_err(Failure::clone)
    }
}

#[async_trait]
impl Runtime for Automatic {
    fn name(&self) -> &'static str {
        match self.chosen.get() {
            Some(Ok(runtime)) => runtime.name(),
            _ => "auto",
        }
    }

    async fn prepare(&self, source: &Source, progress: &dyn ProgressSink) -> Result<Prepared, Failure> {
        self.chosen().await?.prepare(source, progress).await
    }

    async fn start(&self, prepared: &Prepared, spec: SandboxSpec) -> Result<Arc<dyn Sandbox>, Failure> {
        self.chosen().await?.start(prepared, spec).await
    }

    fn address_of_service(&self, service: SocketAddr) -> String {
        match self.chosen.get() {
            Some(Ok(runtime)) => runtime.address_of_service(service),
            // Nothing starts before something was prepared, and with that the choice is made.
            _ => service.to_string(),
        }
    }

    async fn sweep(&self) -> Result<Vec<String>, Failure> {
        // The choice sweeps by itself.
        self.chosen().await.map(|_| Vec::new())
    }

    async fn forget(&self, prepared: &Prepared) -> Result<(), Failure> {
        self.chosen().await?.forget(prepared).await
    }
}
