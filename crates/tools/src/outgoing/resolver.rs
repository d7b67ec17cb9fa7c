//! Names become addresses here, and only those that may be reached are handed on to be connected.

use std::{io, net::SocketAddr, sync::Arc};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::{allow::Allow, failure::Refused};

/// Hands on what is allowed.
pub(super) struct Guarded(pub(super) Arc<Allow>);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let allow = Arc::clone(&self.0);
        Box::pin(async move {
            let found: Vec<_> = addresses(&name).await?.collect();
            if found.is_empty() {
                return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address").into());
            }
            let allowed: Vec<_> = found.into_iter().filter(|address| allow.holds(address.ip())).collect();
            if allowed.is_empty() {
                return Err(Refused.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

async fn addresses(name: &Name) -> io::Result<impl Iterator<Item = SocketAddr>> {
    // The client puts the port in where there is none.
    tokio::net::lookup_host((name.as_str(), 0)).await
}
