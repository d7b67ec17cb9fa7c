//! Sends requests: each hop is checked, and connected only where that is allowed.

use std::{sync::Arc, time::Duration};

use reqwest::{Client, redirect::Policy};
use tokio::time::{Instant, timeout_at};
use url::{Host, Url};

use super::{
    Allow, Answer, Failure, Patience, Request,
    failure::host,
    redirect::{follow, target},
    resolver::Guarded,
};

/// How many redirects are followed.
const MOST_REDIRECTS: usize = 5;
/// How long is waited for a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How long a connection without a request is kept.
const IDLE_CONNECTION: Duration = Duration::from_secs(60);

/// Sends requests where tools may reach. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Outgoing {
    allow: Arc<Allow>,
    /// Connects what the allowance holds.
    guarded: Client,
    /// Connects hosts that are allowed by name, wherever they lead.
    named: Client,
}

impl Outgoing {
    /// Reaches the public internet, and what is allowed beside it.
    pub fn new(allow: Allow) -> Result<Self, Failure> {
        let allow = Arc::new(allow);
        let built = |builder: reqwest::ClientBuilder| {
            builder.build().map_err(|error| Failure::BadRequest { reason: format!("{error}.") })
        };
        Ok(Self {
            guarded: built(client().dns_resolver(Guarded(Arc::clone(&allow))))?,
            named: built(client())?,
            allow,
        })
    }

    /// Sends a request and waits for the head of its answer, wherever redirects lead.
    pub async fn send(&self, mut request: Request) -> Result<Answer, Failure> {
        let (began, patience) = (Instant::now(), request.patience);
        let until = began + patience.whole;
        let head_by = until.min(began + patience.head);
        let first_host = host(&request.url);
        for _ in 0..=MOST_REDIRECTS {
            let sending = self.hop(&request);
            let response = timeout_at(head_by, sending).await.map_err(|_| Failure::TimedOut {
                host: host(&request.url),
                what: "did not answer",
                within: head_by - began,
            })??;
            let status = response.status();
            let to = target(&request.url, status, response.headers()).filter(|_| request.follows);
            let Some(to) = to else {
                let Request { url, limit, .. } = request;
                let Patience { idle, whole, .. } = patience;
                return Ok(Answer { url, response, left: limit, limit, idle, whole, until });
            };
            request = follow(request, status, to)?;
        }
        Err(Failure::TooManyRedirects { host: first_host, most: MOST_REDIRECTS })
    }

    /// Whether a request to this address may be tried. A name may still turn out to lead where it may not.
    pub fn check(&self, url: &Url) -> Result<(), Failure> {
        self.client_for(url).map(|_| ())
    }

    async fn hop(&self, request: &Request) -> Result<reqwest::Response, Failure> {
        let client = self.client_for(&request.url)?;
        let sending = client.request(request.method.clone(), request.url.clone());
        let sending = sending.headers(request.headers.clone()).body(request.body.clone());
        sending.send().await.map_err(|error| Failure::before_answer(&request.url, &error))
    }

    /// Who connects this address. Literal addresses are never resolved, so they are looked at here.
    fn client_for(&self, url: &Url) -> Result<&Client, Failure> {
        let bad = |reason| {
            let mut address = url.clone();
            address.set_query(None);
            // Addresses that can't be a base have no user, and keep what they have.
            let _ = address.set_password(None);
            Failure::BadAddress { address: address.to_string(), reason }
        };
        if !["http", "https"].contains(&url.scheme()) {
            return Err(bad("it has to begin with http:// or https://."));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("it must not hold a user or a password."));
        }
        if self.allow.names(url) {
            return Ok(&self.named);
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            Some(Host::Domain(_)) => None,
            None => return Err(bad("it has no host.")),
        };
        match literal {
            Some(address) if !self.allow.holds(address) => Err(Failure::NotAllowed { host: host(url) }),
            _ => Ok(&self.guarded),
        }
    }
}

/// A client that goes straight to where it is sent: a proxy would connect what nobody here has checked.
fn client() -> reqwest::ClientBuilder {
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_WITHIN)
        .pool_idle_timeout(IDLE_CONNECTION)
        .tcp_nodelay(true)
        .user_agent(concat!("cupola/", env!("CARGO_PKG_VERSION")))
}
