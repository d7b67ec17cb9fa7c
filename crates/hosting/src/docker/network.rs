//! The two networks of an owner: one that leads everywhere, and one that leads nowhere.
//!
//! Both are bridges of this machine. A sandbox is dialled at its own address, so nothing is published, and a
//! sandbox finds the service at the bridge's gateway.

use std::{
    collections::HashMap,
    net::Ipv4Addr,
    sync::{Mutex, PoisonError},
};

use bollard::{
    errors::Error,
    models::{NetworkCreateRequest, NetworkInspect},
    query_parameters::InspectNetworkOptions,
};

use super::{daemon::Daemon, found, labels, wall::Fenced, words};
use crate::{Code, Egress, Failure};

/// One of the two networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Everywhere that this machine can.
    Everywhere,
    /// The gateway and nothing beyond it.
    Gateway,
}

impl Reach {
    pub fn of(egress: &Egress) -> Self {
        match egress {
            Egress::Open => Self::Everywhere,
            Egress::None | Egress::Only(_) => Self::Gateway,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Everywhere => "open",
            Self::Gateway => "closed",
        }
    }
}

/// The networks of an owner.
#[derive(Debug)]
pub(super) struct Networks {
    owner: String,
    gateways: Mutex<[Ipv4Addr; 2]>,
}

impl Networks {
    /// Makes both networks, where they are not there from an earlier time.
    pub async fn open(daemon: &Daemon, owner: &str) -> Result<Self, Failure> {
        let everywhere = bounds(daemon, owner, Reach::Everywhere).await?;
        let nowhere = bounds(daemon, owner, Reach::Gateway).await?;
        Ok(Self { owner: owner.to_owned(), gateways: Mutex::new([everywhere.gateway, nowhere.gateway]) })
    }

    /// The bounds of a network, which is made again where somebody has removed it.
    pub async fn ensure(&self, daemon: &Daemon, reach: Reach) -> Result<Fenced, Failure> {
        let bounds = bounds(daemon, &self.owner, reach).await?;
        self.gateways.lock().unwrap_or_else(PoisonError::into_inner)[reach as usize] = bounds.gateway;
        Ok(bounds)
    }

    /// The gateways of both networks.
    pub fn gateways(&self) -> [Ipv4Addr; 2] {
        *self.gateways.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The name of a network.
    pub fn name(&self, reach: Reach) -> String {
        name(&self.owner, reach)
    }
}

fn name(owner: &str, reach: Reach) -> String {
    format!("cupola-{owner}-{}", reach.word())
}

async fn bounds(daemon: &Daemon, owner: &str, reach: Reach) -> Result<Fenced, Failure> {
    let name = name(owner, reach);
    let network = match inspect(daemon, &name).await {
        Err(error) if words::status(&error) == Some(404) => {
            create(daemon, owner, reach).await?;
            inspect(daemon, &name).await
        }
        answer => answer,
    };
    let network = network.map_err(|error| words::of_daemon(&format!("show the network {name}"), &error))?;
    bounds_of(&network).ok_or_else(|| {
        let message = format!("The Docker network {name} has no gateway. Remove it; it is then made again.");
        Failure::new(Code::SandboxUnavailable, message)
    })
}

async fn inspect(daemon: &Daemon, name: &str) -> Result<NetworkInspect, Error> {
    daemon.client.inspect_network(name, None::<InspectNetworkOptions>).await
}

async fn create(daemon: &Daemon, owner: &str, reach: Reach) -> Result<(), Failure> {
    // Podman refuses options that it does not know.
    let options = (!found::is_podman(&daemon.version)).then(|| {
        let alone = ("com.docker.network.bridge.enable_icc", "false");
        HashMap::from([(alone.0.to_owned(), alone.1.to_owned())])
    });
    let request = NetworkCreateRequest {
        name: name(owner, reach),
        driver: Some("bridge".to_owned()),
        internal: Some(reach == Reach::Gateway),
        labels: Some(labels::of_owner(owner)),
        options,
        ..NetworkCreateRequest::default()
    };
    match daemon.client.create_network(request).await {
        Ok(_) => Ok(()),
        // Somebody was faster.
        Err(error) if words::status(&error) == Some(409) => Ok(()),
        Err(error) => Err(words::of_daemon(&format!("make the network {}", name(owner, reach)), &error)),
    }
}

fn bounds_of(network: &NetworkInspect) -> Option<Fenced> {
    let configs = network.ipam.as_ref()?.config.as_ref()?;
    configs.iter().find_map(|config| {
        // An older Podman appends the width of the subnet.
        let gateway = config.gateway.as_deref()?.split('/').next()?.parse().ok()?;
        Some(Fenced { subnet: config.subnet.clone()?, gateway })
    })
}
