//! Reads the documents of issuers.

use std::{sync::OnceLock, time::Duration};

use async_trait::async_trait;
use futures_util::StreamExt as _;

/// How long an issuer may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Discovery documents and key sets are small.
const MOST_BYTES: usize = 1 << 20;

/// Gets documents from issuers.
#[async_trait]
pub trait Documents: Send + Sync {
    /// The document at this address, or why it could not be had.
    async fn get(&self, address: &str) -> Result<Vec<u8>, String>;
}

/// Over HTTP. The addresses come from the configuration and from issuers that it trusts.
#[derive(Debug, Default)]
pub struct HttpDocuments(OnceLock<reqwest::Client>);

impl HttpDocuments {
    /// Made when it is first needed: most services have no issuer but their own.
    fn client(&self) -> Result<&reqwest::Client, String> {
        if let Some(client) = self.0.get() {
            return Ok(client);
        }
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| format!("no HTTP client could be made: {error}"))?;
        Ok(self.0.get_or_init(|| client))
    }
}

#[async_trait]
impl Documents for HttpDocuments {
    async fn get(&self, address: &str) -> Result<Vec<u8>, String> {
        let answer = self.client()?.get(address).header("accept", "application/json").send().await;
        let answer = answer.map_err(|error| told(&error))?;
        if !answer.status().is_success() {
            return Err(format!("{address} answers {}", answer.status()));
        }
        let mut bytes = Vec::new();
        let mut body = answer.bytes_stream();
        while let Some(piece) = body.next().await {
            bytes.extend_from_slice(&piece.map_err(|error| told(&error))?);
            if bytes.len() > MOST_BYTES {
                return Err(format!("{address} answers more than {MOST_BYTES} bytes"));
            }
        }
        Ok(bytes)
    }
}

/// An error with its causes, which say more than it does.
fn told(error: &reqwest::Error) -> String {
    let mut told = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        told.push_str(&format!(": {error}"));
        cause = error.source();
    }
    told
}
