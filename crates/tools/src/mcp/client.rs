//! Asks servers: for their tools, and to run one.

use std::{sync::Arc, time::Duration};

use rmcp::{
    RoleClient,
    model::{
        CallToolRequest, CallToolRequestParams, CancelledNotificationParam, ClientRequest, RequestId,
        ServerResult,
    },
    service::{Peer, PeerRequestOptions, RequestHandle},
};
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::{Failure, Listed, Outcome, Server, Wanted, catalog, pool::Pool, session::Session};
use crate::outgoing::Outgoing;

/// How long servers are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Until a session is open.
    pub open: Duration,
    /// Until everything is listed.
    pub list: Duration,
    /// For a call that says nothing about its progress.
    pub call: Duration,
    /// For a call that goes on saying how far it is.
    pub longest_call: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            open: Duration::from_secs(20),
            list: Duration::from_secs(30),
            call: Duration::from_secs(100),
            longest_call: Duration::from_secs(10 * 60),
        }
    }
}

/// Asks servers. Cheap to clone; clones share their sessions.
#[derive(Clone)]
pub struct Client {
    outgoing: Outgoing,
    patience: Patience,
    pool: Pool,
}

impl Client {
    /// Reaches servers through this.
    pub fn new(outgoing: Outgoing, patience: Patience) -> Self {
        Self { outgoing, patience, pool: Pool::default() }
    }

    /// How long servers are waited for.
    pub fn patience(&self) -> Patience {
        self.patience
    }

    /// The tools of a server, as it listed them some minutes ago at most.
    pub async fn list(&self, server: &Server, wanted: &Wanted) -> Result<Arc<Vec<Listed>>, Failure> {
        if let Some(known) = self.pool.listed(server, wanted) {
            return Ok(known);
        }
        let session = self.session(server).await?;
        let asking = catalog::ask(session.peer(), &session.host, wanted);
        let listed = match timeout(self.patience.list, asking).await {
            Ok(listed) => listed,
            Err(_) => Err(timed_out(server, "did not list its tools", self.patience.list)),
        };
        match listed {
            Ok(tools) => {
                let tools = Arc::new(tools);
                self.pool.remember(server, wanted, &tools);
                Ok(tools)
            }
            Err(failure) => {
                self.pool.forget(server, &session).await;
                Err(failure)
            }
        }
    }

    /// Has a server run a tool. Dropping this tells the server that the call is no longer wanted.
    pub async fn call(
        &self,
        server: &Server,
        tool: &str,
        arguments: Map<String, Value>,
    ) -> Result<Outcome, Failure> {
        let session = self.session(server).await?;
        let called = self.call_in(&session, tool, arguments).await;
        if matches!(called, Err(Failure::Gone { .. } | Failure::Outgoing(_) | Failure::NotUnderstood { .. }))
        {
            self.pool.forget(server, &session).await;
        }
        called
    }

    async fn call_in(
        &self,
        session: &Session,
        tool: &str,
        arguments: Map<String, Value>,
    ) -> Result<Outcome, Failure> {
        let failed = |error| Failure::of_session(&session.host, error);
        let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let mut options = PeerRequestOptions::with_timeout(self.patience.call);
        options.reset_timeout_on_progress = true;
        options.max_total_timeout = Some(self.patience.longest_call);
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
        let handle = session.peer().send_cancellable_request(request, options).await.map_err(failed)?;
        let unwanted = Unwanted::unless_answered(&handle);
        let answer = handle.await_response().await;
        unwanted.answered();
        match answer.map_err(failed)? {
            ServerResult::CallToolResult(result) => Ok(result.into()),
            _ => Err(Failure::NotUnderstood {
                host: session.host.clone(),
                reason: "it answers a call with something that is no result".to_owned(),
            }),
        }
    }

    async fn session(&self, server: &Server) -> Result<Arc<Session>, Failure> {
        let within = self.patience.open;
        let opening = timeout(within, self.pool.session(&self.outgoing, server));
        opening.await.unwrap_or_else(|_| Err(timed_out(server, "opened no session", within)))
    }
}

fn timed_out(server: &Server, what: &'static str, within: Duration) -> Failure {
    Failure::TimedOut { host: server.host(), what, within }
}

/// Tells the server that an answer is no longer wanted, where this is dropped before there is one.
struct Unwanted(Option<(Peer<RoleClient>, RequestId)>);

impl Unwanted {
    fn unless_answered(handle: &RequestHandle<RoleClient>) -> Self {
        Self(Some((handle.peer.clone(), handle.id.clone())))
    }

    fn answered(mut self) {
        self.0 = None;
    }
}

impl Drop for Unwanted {
    fn drop(&mut self) {
        let (Some((peer, id)), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        runtime.spawn(async move {
            let reason = Some("the call is no longer wanted".to_owned());
            // A server that can't be told has gone, and the call with it.
            let _ = peer.notify_cancelled(CancelledNotificationParam::new(Some(id), reason)).await;
        });
    }
}
