//! A session with a server: opened over whichever transport it speaks.

use std::{sync::Arc, time::Duration};

use rmcp::{
    RoleClient,
    model::{ClientCapabilities, ClientConfig, Implementation},
    service::{Peer, RunningService, serve_client},
    transport::{
        StreamableHttpClientTransport, common::client_side_sse::SseRetryPolicy,
        streamable_http_client::StreamableHttpClientTransportConfig,
    },
};

use super::{Failure, Server, http::Http, sse::TwoChannels};
use crate::outgoing::Outgoing;

/// How often an answer that broke off is asked for again, where the server can go on with it.
const MOST_READS: usize = 3;
/// The pause before that.
const PAUSE: Duration = Duration::from_millis(300);

/// Reads answers on that broke off.
#[derive(Debug)]
struct ReadOn;

impl SseRetryPolicy for ReadOn {
    fn retry(&self, so_far: usize) -> Option<Duration> {
        (so_far < MOST_READS).then_some(PAUSE)
    }
}

/// A session. It ends when this is dropped.
pub struct Session {
    running: RunningService<RoleClient, ClientConfig>,
    pub host: String,
}

impl Session {
    /// Opens a session: over streamable HTTP, or the older transport where that is refused.
    pub async fn open(outgoing: &Outgoing, server: &Server) -> Result<Self, Failure> {
        let host = server.host();
        let http = Http::new(outgoing.clone(), Arc::new(server.clone()));
        let mut config = StreamableHttpClientTransportConfig::with_uri(server.url.as_str());
        config.retry_config = Arc::new(ReadOn);
        let transport = StreamableHttpClientTransport::with_client(http.clone(), config);
        let refused = match serve_client(caller(), transport).await {
            Ok(running) => return Ok(Self { running, host }),
            Err(error) => Failure::of_opening(&host, error),
        };
        if !refused.may_be_older() {
            return Err(refused);
        }
        let transport = match TwoChannels::open(http).await {
            Ok(transport) => transport,
            // It does not speak that one either: its first answer says more.
            Err(Failure::Status { .. } | Failure::NotUnderstood { .. }) => return Err(refused),
            Err(failure) => return Err(failure),
        };
        match serve_client(caller(), transport).await {
            Ok(running) => Ok(Self { running, host }),
            Err(error) => Err(Failure::of_opening(&host, error)),
        }
    }

    /// The server.
    pub fn peer(&self) -> &Peer<RoleClient> {
        self.running.peer()
    }

    /// Whether nothing can be asked any more.
    pub fn is_over(&self) -> bool {
        self.running.peer().is_transport_closed()
    }
}

fn caller() -> ClientConfig {
    ClientConfig::new(ClientCapabilities::default(), Implementation::new("cupola", env!("CARGO_PKG_VERSION")))
}
