//! The older transport: the server says everything on one stream of events, and is told everything by requests
//! to an address that it names first.

use futures_util::StreamExt;
use rmcp::{
    RoleClient,
    model::{ClientJsonRpcMessage, ServerJsonRpcMessage},
    transport::Transport,
};
use url::Url;

use super::{
    Failure,
    http::{Events, Http},
};

/// A connection of this kind.
pub struct TwoChannels {
    http: Http,
    events: Events,
    /// Where messages are posted.
    to: Url,
}

impl TwoChannels {
    /// Opens the stream and waits for the address.
    pub async fn open(http: Http) -> Result<Self, Failure> {
        let mut events = http.events().await?;
        while let Some(event) = events.next().await {
            let event = event.map_err(|error| http.misunderstood(&error.to_string()))?;
            if event.event.as_deref() == Some("endpoint") {
                let to = address(&http, event.data.as_deref().unwrap_or_default().trim())?;
                return Ok(Self { http, events, to });
            }
        }
        Err(Failure::Gone { host: http.server().host() })
    }
}

/// The address that the server names. Credentials go there, so it is one of the same server.
fn address(http: &Http, named: &str) -> Result<Url, Failure> {
    let own = &http.server().url;
    let to = own.join(named).map_err(|_| http.misunderstood("it names no address to post to"))?;
    if to.origin() != own.origin() {
        return Err(http.misunderstood("it names an address of another server to post to"));
    }
    Ok(to)
}

impl Transport<RoleClient> for TwoChannels {
    type Error = Failure;

    fn send(
        &mut self,
        message: ClientJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Failure>> + Send + 'static {
        let (http, to) = (self.http.clone(), self.to.clone());
        async move { http.post(to, &message).await }
    }

    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        loop {
            let event = self.events.next().await?.ok()?;
            let is_message = event.event.as_deref().is_none_or(|kind| kind == "message");
            let data = event.data.filter(|data| is_message && !data.trim().is_empty());
            // What is no message concerns no request: whoever waits for an answer has a deadline.
            if let Some(message) = data.and_then(|data| serde_json::from_str(&data).ok()) {
                return Some(message);
            }
        }
    }

    async fn close(&mut self) -> Result<(), Failure> {
        self.events = futures_util::stream::empty().boxed();
        Ok(())
    }
}
