//! HTTP with the program in a sandbox. Connections are kept and used again; nothing of a body is held back.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;

use crate::Sandbox;

/// The body of a request to a program.
pub type RequestBody = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// The body of its answer.
pub type ResponseBody = Incoming;

/// Connections that are kept while nobody uses them.
const KEPT: usize = 16;

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The program does not take connections.
    #[error("the container does not accept connections: {0}")]
    Connect(#[from] io::Error),
    /// The program closed the connection, or sent what is no HTTP.
    #[error("the container broke the connection off or sent something that is not HTTP: {0}")]
    Http(#[from] hyper::Error),
}

impl ExchangeError {
    /// Whether the program said something that is not HTTP. Otherwise it said nothing, or not all.
    pub fn is_about_words(&self) -> bool {
        matches!(self, Self::Http(error) if error.is_parse())
    }
}

type Sender = http1::SendRequest<RequestBody>;

/// The connections to one program.
pub struct Exchanges {
    sandbox: Arc<dyn Sandbox>,
    kept: Mutex<Vec<Sender>>,
}

impl Exchanges {
    /// Without any connection yet.
    pub fn new(sandbox: Arc<dyn Sandbox>) -> Self {
        Self { sandbox, kept: Mutex::default() }
    }

    /// Sends a request and gives the head of the answer with a body that is still coming.
    pub async fn send(&self, mut request: Request<RequestBody>) -> Result<Response<Incoming>, ExchangeError> {
        // A kept connection may have been closed meanwhile. A request that was not sent is sent on another one.
        while let Some(mut sender) = self.take() {
            match sender.try_send_request(request).await {
                Ok(response) => {
                    self.keep(sender);
                    return Ok(response);
                }
                Err(mut refused) => match refused.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(refused.into_error().into()),
                },
            }
        }
        let mut sender = self.open().await?;
        let response = sender.send_request(request).await?;
        self.keep(sender);
        Ok(response)
    }

    async fn open(&self) -> Result<Sender, ExchangeError> {
        let connection = self.sandbox.connect().await?;
        let (sender, exchange) = http1::handshake(TokioIo::new(connection)).await?;
        tokio::spawn(async move {
            // Whoever waits on this connection is told by its own error.
            let _ = exchange.with_upgrades().await;
        });
        Ok(sender)
    }

    /// A kept connection whose last answer has been read to its end.
    fn take(&self) -> Option<Sender> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|sender| !sender.is_closed());
        let free = kept.iter().position(Sender::is_ready)?;
        Some(kept.swap_remove(free))
    }

    fn keep(&self, sender: Sender) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT {
            kept.push(sender);
        }
    }
}
