//! The proxy of a sandbox that may reach some hosts only. It listens before the sandbox is there, and serves
//! once it is known under which address the sandbox comes.

use std::{
    io,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::way_back::listen_on;
use crate::{Code, Egress, Failure, SandboxSpec, proxy::Proxy};

/// A proxy that waits for its sandbox.
#[derive(Debug)]
pub(super) struct Gatekeeper {
    proxy: Proxy,
    listener: TcpListener,
    port: u16,
}

impl Gatekeeper {
    /// A proxy on the gateway, if the sandbox is to have one.
    pub fn open(spec: &SandboxSpec, gateway: Ipv4Addr, service: String) -> Result<Option<Self>, Failure> {
        let Egress::Only(hosts) = &spec.egress else { return Ok(None) };
        let proxy = Proxy::new(hosts, Arc::clone(&spec.logs))?.with_service(service, spec.service);
        let (listener, port) = listen(gateway).map_err(|error| {
            let message = format!("The proxy of a sandbox can't listen on {gateway} ({error}).");
            Failure::new(Code::SandboxUnavailable, message)
        })?;
        Ok(Some(Self { proxy, listener, port }))
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Serves the sandbox, and nobody else on its network.
    pub fn serve(self, sandbox: Ipv4Addr) -> AbortOnDropHandle<()> {
        let serving = self.proxy.serve(self.listener, Some(IpAddr::V4(sandbox)));
        AbortOnDropHandle::new(tokio::spawn(serving))
    }
}

fn listen(gateway: Ipv4Addr) -> io::Result<(TcpListener, u16)> {
    let listener = listen_on(gateway, 0)?;
    listener.set_nonblocking(true)?;
    let port = listener.local_addr()?.port();
    Ok((TcpListener::from_std(listener)?, port))
}
