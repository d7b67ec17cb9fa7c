//! The way from sandboxes to the service, which listens on loopback where they can't reach it: listeners on
//! the gateways of their networks, from which connections are passed on.

use std::{
    collections::HashMap,
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener as Listener},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{net::TcpListener, runtime::Handle, sync::Semaphore};
use tokio_util::task::AbortOnDropHandle;

use crate::relay;

/// Connections that wait to be taken.
#[cfg(target_os = "linux")]
const BACKLOG: i32 = 128;

/// How often a port that is free on all gateways is looked for.
const ATTEMPTS: usize = 16;

/// The ways to the services that sandboxes were told of.
#[derive(Debug)]
pub(super) struct WaysBack {
    runtime: Handle,
    ways: Mutex<HashMap<SocketAddr, Way>>,
}

/// One port, on every gateway.
#[derive(Debug)]
struct Way {
    port: u16,
    doors: HashMap<Ipv4Addr, AbortOnDropHandle<()>>,
}

impl WaysBack {
    /// No ways yet. Their tasks will run where this is called.
    pub fn new() -> Self {
        Self { runtime: Handle::current(), ways: Mutex::default() }
    }

    /// The port on all gateways that leads to the service. A gateway that is new gets it too.
    pub fn port(&self, service: SocketAddr, gateways: &[Ipv4Addr]) -> io::Result<u16> {
        // Who listens everywhere listens on the gateways as well.
        if service.ip().is_unspecified() {
            return Ok(service.port());
        }
        let mut ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(way) = ways.get_mut(&service) {
            let new = gateways.iter().filter(|gateway| !way.doors.contains_key(gateway));
            let listeners = listen(new.copied(), way.port)?;
            way.doors.extend(self.doors(listeners, service)?);
            return Ok(way.port);
        }
        let (port, listeners) = find_port(gateways, service.port())?;
        let doors = self.doors(listeners, service)?.into_iter().collect();
        ways.insert(service, Way { port, doors });
        Ok(port)
    }

    fn doors(
        &self,
        listeners: Vec<(Ipv4Addr, Listener)>,
        service: SocketAddr,
    ) -> io::Result<Vec<(Ipv4Addr, AbortOnDropHandle<()>)>> {
        let _entered = self.runtime.enter();
        let open = |(gateway, listener): (Ipv4Addr, Listener)| {
            listener.set_nonblocking(true)?;
            // Sandboxes share this way, so none may fill it.
            let places = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
            let way = relay::pass_on(TcpListener::from_std(listener)?, service, places);
            let task = self.runtime.spawn(way);
            Ok((gateway, AbortOnDropHandle::new(task)))
        };
        listeners.into_iter().map(open).collect()
    }
}

/// Whether a gateway is an address of this machine.
pub(super) fn check(gateway: Ipv4Addr) -> io::Result<()> {
    Listener::bind((gateway, 0)).map(drop)
}

/// The service's own port if it is free on the gateways, else any that is.
fn find_port(gateways: &[Ipv4Addr], preferred: u16) -> io::Result<(u16, Vec<(Ipv4Addr, Listener)>)> {
    let mut outcome = listen(gateways.iter().copied(), preferred).map(|listeners| (preferred, listeners));
    for _ in 0..ATTEMPTS {
        match &outcome {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => outcome = listen_anywhere(gateways),
            _ => break,
        }
    }
    outcome
}

fn listen_anywhere(gateways: &[Ipv4Addr]) -> io::Result<(u16, Vec<(Ipv4Addr, Listener)>)> {
    let Some((first, others)) = gateways.split_first() else { return Ok((0, Vec::new())) };
    let listener = listen_on(*first, 0)?;
    let port = listener.local_addr()?.port();
    let mut listeners = listen(others.iter().copied(), port)?;
    listeners.push((*first, listener));
    Ok((port, listeners))
}

fn listen(gateways: impl Iterator<Item = Ipv4Addr>, port: u16) -> io::Result<Vec<(Ipv4Addr, Listener)>> {
    gateways.map(|gateway| Ok((gateway, listen_on(gateway, port)?))).collect()
}

/// Listens on a gateway, also on one that this machine has not got yet: Podman makes a bridge with the first container
/// of its network.
#[cfg(target_os = "linux")]
pub(super) fn listen_on(gateway: Ipv4Addr, port: u16) -> io::Result<Listener> {
    use rustix::net::{
        AddressFamily, SocketAddrV4, SocketFlags, SocketType, bind, listen, socket_with, sockopt,
    };
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    sockopt::set_ip_freebind(&socket, true)?;
    bind(&socket, &SocketAddrV4::new(gateway, port))?;
    listen(&socket, BACKLOG)?;
    Ok(socket.into())
}

/// Listens on a gateway.
#[cfg(not(target_os = "linux"))]
pub(super) fn listen_on(gateway: Ipv4Addr, port: u16) -> io::Result<Listener> {
    Listener::bind((gateway, port))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpStream,
    };

    use super::*;

    const GATEWAYS: [Ipv4Addr; 2] = [Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::new(127, 0, 0, 3)];

    /// A service that says back what it hears.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (mut read, mut write) = stream.split();
                tokio::io::copy(&mut read, &mut write).await.unwrap();
            }
        });
        address
    }

    async fn ask(address: (Ipv4Addr, u16)) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"hello").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn every_gateway_leads_to_the_service_on_one_port() {
        let (ways, service) = (WaysBack::new(), echo().await);
        let port = ways.port(service, &GATEWAYS).unwrap();
        for gateway in GATEWAYS {
            assert_eq!(ask((gateway, port)).await, "hello");
        }
        assert_eq!(ways.port(service, &GATEWAYS).unwrap(), port);
    }

    #[tokio::test]
    async fn a_port_that_is_taken_on_one_gateway_is_taken_on_none() {
        let (ways, service) = (WaysBack::new(), echo().await);
        let taken = Listener::bind((GATEWAYS[1], service.port())).unwrap();
        let port = ways.port(service, &GATEWAYS).unwrap();
        assert_ne!(port, taken.local_addr().unwrap().port());
        assert_eq!(ask((GATEWAYS[0], port)).await, "hello");
    }

    #[tokio::test]
    async fn a_new_gateway_gets_the_same_port() {
        let (ways, service) = (WaysBack::new(), echo().await);
        let port = ways.port(service, &GATEWAYS[..1]).unwrap();
        assert_eq!(ways.port(service, &GATEWAYS).unwrap(), port);
        assert_eq!(ask((GATEWAYS[1], port)).await, "hello");
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn a_gateway_that_is_not_there_yet_can_be_listened_on() {
        // For documentation: no machine has it.
        let later = Ipv4Addr::new(192, 0, 2, 77);
        assert!(check(later).is_err());
        assert_ne!(WaysBack::new().port(echo().await, &[later]).unwrap(), 0);
    }

    #[tokio::test]
    async fn a_service_that_listens_everywhere_needs_no_way() {
        let service = "0.0.0.0:7".parse().unwrap();
        assert_eq!(WaysBack::new().port(service, &GATEWAYS).unwrap(), 7);
    }
}
