//! Hosted agents: the user's own program, run in a sandbox per session.

mod build;
pub mod containers;
mod definition;
mod environment;
pub mod files;
mod gateway;
mod hosting;
pub mod logs;
mod making;
mod owner;
mod package;
mod rooms;
pub mod session;
mod settings;
mod sources;
mod tenants;
mod warm;
mod work;

use cupola_wire::agents::CreateAgentVersion;

pub use build::{begin as begin_build, resume};
pub use gateway::{connect, forward, invoke, invoke_below, respond};
pub use hosting::{Hosting, HostingParts};
pub use making::with_progress;
pub use owner::Owner;
pub use package::{download as download_package, receive as receive_package};
pub use rooms::vacate;
pub use settings::HostingSettings;
pub use sources::{Held, give_up, tidy};
pub use work::{rest, work};

use crate::{ApiError, Service};

/// Checks the definition of a hosted agent, and adds what is understood where it was left out.
pub fn admit(service: &Service, body: CreateAgentVersion) -> Result<CreateAgentVersion, ApiError> {
    let hosting = rooms::hosting(service)?;
    let mut fields = body.definition.clone().into_fields();
    definition::HostedDefinition::read(&fields, hosting.settings())?;
    definition::complete(&mut fields);
    let definition = crate::body::parse_value(serde_json::Value::Object(fields))?;
    Ok(CreateAgentVersion { definition, ..body })
}

/// Takes up what was interrupted, and follows what becomes of sandboxes. Called once, when the service starts.
pub async fn start(service: &Service) -> Result<(), ApiError> {
    let Some(hosting) = service.hosting() else { return Ok(()) };
    hosting.sweep().await;
    tokio::spawn(session::keep(service.clone()));
    session::settle_all(service).await?;
    resume(service).await?;
    tokio::spawn(session::expire(service.clone()));
    containers::resume(service).await?;
    // Where versions are being made again, the last of them does this.
    tokio::spawn({
        let service = service.clone();
        async move { tidy(&service).await }
    });
    Ok(())
}
