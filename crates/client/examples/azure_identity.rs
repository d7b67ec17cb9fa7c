//! Credentials of the `azure_identity` crate, against Azure or against Cupola.
//!
//! Log in with `az login` (or `azd auth login`), then
//! `PROJECT_ENDPOINT=https://HOST/api/projects/PROJECT cargo run -p cupola-client --example azure_identity`.
//! With the variables of `cupola env` it takes its tokens from Cupola instead.

use std::sync::Arc;

use anyhow::Context as _;
use azure_core::credentials::TokenCredential;
use azure_identity::{DeveloperToolsCredential, ManagedIdentityCredential};
use cupola_client::{ClientOptions, ProjectClient, types::ListQuery};
use futures_util::TryStreamExt as _;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // `azure_identity` makes HTTP clients of its own, which take the process's provider of TLS.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok()
        .context("another provider of TLS is installed")?;

    let credential: Arc<dyn TokenCredential> = match std::env::var_os("IDENTITY_ENDPOINT") {
        Some(_) => ManagedIdentityCredential::new(None)?,
        None => DeveloperToolsCredential::new(None)?,
    };
    let endpoint = std::env::var("PROJECT_ENDPOINT").context("set PROJECT_ENDPOINT")?;
    let client = ProjectClient::new(&endpoint, credential, ClientOptions::default())?;

    let mut agents = client.agents().list(ListQuery::default());
    while let Some(agent) = agents.try_next().await? {
        let version = agent.versions.latest.map(|latest| latest.version);
        println!("{}  {}", agent.name, version.unwrap_or_default());
    }
    Ok(())
}
