//! What a sandbox is in the daemon's words: a container with all of its limits.

use std::{collections::HashMap, net::Ipv4Addr, path::Path};

use bollard::models::{
    ContainerCreateBody, HostConfig, HostConfigLogConfig, Mount as DockerMount, MountType,
};

use super::labels;
use crate::{Limits, Program, SandboxSpec};

/// The name under which a sandbox finds the service.
pub(super) const SERVICE_NAME: &str = "cupola.internal";

/// Where a sandbox sees its home.
const HOME: &str = "/home/session";

/// Where a sandbox sees its home as well.
const FILES: &str = "/files";

/// Where a sandbox sees its code.
const APP: &str = "/app";

/// An address that leads nowhere, by definition: who may not go out needs no names resolved, and the daemon
/// must not do it for them.
const NO_RESOLVER: &str = "192.0.2.1";

/// What a container is made from, beside its specification.
#[derive(Debug)]
pub(super) struct Surroundings<'a> {
    /// Whose it is.
    pub owner: &'a str,
    /// The image, by digest.
    pub image: String,
    /// What is run instead of what the image says.
    pub program: Option<&'a Program>,
    /// The network, and the address at which the service is found on it.
    pub network: String,
    /// Where the service is found.
    pub gateway: Ipv4Addr,
    /// Whether names outside are resolved.
    pub resolves: bool,
    /// The port of the proxy on the gateway, where there is one.
    pub proxy: Option<u16>,
    /// Whether the writable layer is given a size.
    pub limits_disk: bool,
}

impl Surroundings<'_> {
    /// The container's name, which is unique for the daemon.
    pub fn name(&self, spec: &SandboxSpec) -> String {
        format!("cupola-{}-{}", self.owner, spec.id)
    }

    /// All that the daemon is told.
    pub fn container(&self, spec: &SandboxSpec) -> ContainerCreateBody {
        let container = ContainerCreateBody {
            hostname: Some(spec.id.clone()),
            image: Some(self.image.clone()),
            env: Some(self.environment(spec)),
            labels: Some(labels::of_sandbox(self.owner, &spec.id)),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            host_config: Some(self.host(spec)),
            ..ContainerCreateBody::default()
        };
        match self.program {
            Some(program) => ContainerCreateBody {
                entrypoint: Some(program.entry_point.clone()),
                working_dir: Some(APP.to_owned()),
                ..container
            },
            None => container,
        }
    }

    fn environment(&self, spec: &SandboxSpec) -> Vec<String> {
        let mut environment = spec.environment.clone();
        environment.entry("HOME".to_owned()).or_insert_with(|| HOME.to_owned());
        if let Some(port) = self.proxy {
            let proxy = format!("http://{SERVICE_NAME}:{port}");
            let direct = format!("{SERVICE_NAME},localhost,127.0.0.1");
            // Programs disagree about which spelling counts.
            for (name, value) in [("HTTPS_PROXY", &proxy), ("HTTP_PROXY", &proxy), ("NO_PROXY", &direct)] {
                environment.insert(name.to_owned(), value.clone());
                environment.insert(name.to_ascii_lowercase(), value.clone());
            }
        }
        environment.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    fn host(&self, spec: &SandboxSpec) -> HostConfig {
        let memory = signed(spec.limits.memory_bytes);
        HostConfig {
            memory: Some(memory),
            // Memory and swap together: no swap.
            memory_swap: Some(memory),
            nano_cpus: Some(i64::from(spec.limits.cpu_millis) * 1_000_000),
            pids_limit: Some(i64::from(spec.limits.processes)),
            storage_opt: self.limits_disk.then(|| pair("size", &spec.limits.disk_bytes.to_string())),
            cap_drop: Some(vec!["ALL".to_owned()]),
            security_opt: Some(vec!["no-new-privileges".to_owned()]),
            init: Some(true),
            tmpfs: Some(pair("/tmp", &tmpfs_options(spec.limits))),
            mounts: Some(self.mounts(spec)),
            network_mode: Some(self.network.clone()),
            extra_hosts: Some(vec![format!("{SERVICE_NAME}:{}", self.gateway)]),
            dns: (!self.resolves).then(|| vec![NO_RESOLVER.to_owned()]),
            log_config: Some(log_config()),
            ..HostConfig::default()
        }
    }

    fn mounts(&self, spec: &SandboxSpec) -> Vec<DockerMount> {
        let home = [HOME, FILES].map(|place| bind(&spec.home, Path::new(place), true));
        let code = self.program.map(|program| bind(&program.folder, Path::new(APP), false));
        let others = spec.mounts.iter().map(|mount| bind(&mount.from, &mount.to, mount.writable));
        home.into_iter().chain(code).chain(others).collect()
    }
}

fn bind(from: &Path, to: &Path, writable: bool) -> DockerMount {
    DockerMount {
        typ: Some(MountType::BIND),
        source: Some(from.to_string_lossy().into_owned()),
        target: Some(to.to_string_lossy().into_owned()),
        read_only: Some(!writable),
        ..DockerMount::default()
    }
}

/// What lies in `/tmp` counts as memory, and may not be more than may be written at all.
fn tmpfs_options(limits: Limits) -> String {
    format!("rw,nosuid,nodev,exec,mode=1777,size={}", limits.disk_bytes.min(limits.memory_bytes))
}

/// The daemon keeps little of the output: for people who ask it, and never so much that it fills the disk.
fn log_config() -> HostConfigLogConfig {
    let config =
        HashMap::from([("max-size".to_owned(), "1m".to_owned()), ("max-file".to_owned(), "1".to_owned())]);
    HostConfigLogConfig { typ: Some("json-file".to_owned()), config: Some(config) }
}

fn pair(name: &str, value: &str) -> HashMap<String, String> {
    HashMap::from([(name.to_owned(), value.to_owned())])
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{collections::BTreeMap, sync::Arc};

    use super::*;
    use crate::Egress;

    fn spec() -> SandboxSpec {
        SandboxSpec {
            id: "one".to_owned(),
            environment: BTreeMap::from([("A".to_owned(), "1".to_owned())]),
            port: 8088,
            home: "/data/homes/one".into(),
            mounts: Vec::new(),
            limits: Limits {
                cpu_millis: 500,
                memory_bytes: 64 << 20,
                processes: 32,
                disk_bytes: 1 << 30,
                home_bytes: 1 << 30,
            },
            egress: Egress::None,
            service: "127.0.0.1:1".parse().unwrap(),
            logs: Arc::default(),
        }
    }

    fn surroundings() -> Surroundings<'static> {
        Surroundings {
            owner: "me",
            image: "agent@sha256:ab".to_owned(),
            program: None,
            network: "cupola-me-closed".to_owned(),
            gateway: Ipv4Addr::new(10, 0, 0, 1),
            resolves: false,
            proxy: None,
            limits_disk: true,
        }
    }

    #[test]
    fn a_container_has_every_limit() {
        let host = surroundings().container(&spec()).host_config.unwrap();
        assert_eq!((host.memory, host.memory_swap), (Some(64 << 20), Some(64 << 20)));
        assert_eq!((host.nano_cpus, host.pids_limit), (Some(500_000_000), Some(32)));
        assert_eq!(host.storage_opt.unwrap()["size"], (1u64 << 30).to_string());
        assert_eq!(host.cap_drop.unwrap(), ["ALL"]);
        assert_eq!(host.security_opt.unwrap(), ["no-new-privileges"]);
        assert_eq!(host.dns.unwrap(), [NO_RESOLVER]);
    }

    #[test]
    fn a_program_replaces_what_the_image_runs_and_is_read_only() {
        let program = Program {
            folder: "/data/code".into(),
            entry_point: vec!["python".to_owned(), "main.py".to_owned()],
            language: "python_3_13".to_owned(),
        };
        let container = Surroundings { program: Some(&program), ..surroundings() }.container(&spec());
        assert_eq!(container.entrypoint.unwrap(), ["python", "main.py"]);
        assert_eq!(container.working_dir.as_deref(), Some("/app"));
        let mounts = container.host_config.unwrap().mounts.unwrap();
        let seen = mounts.iter().map(|mount| (mount.target.as_deref().unwrap(), mount.read_only.unwrap()));
        assert_eq!(seen.collect::<Vec<_>>(), [("/home/session", false), ("/files", false), ("/app", true)]);
    }

    #[test]
    fn a_proxy_is_told_in_both_spellings_and_not_used_for_the_service() {
        let environment = Surroundings { proxy: Some(7), ..surroundings() }.container(&spec()).env.unwrap();
        for expected in [
            "A=1",
            "HOME=/home/session",
            "HTTPS_PROXY=http://cupola.internal:7",
            "https_proxy=http://cupola.internal:7",
            "no_proxy=cupola.internal,localhost,127.0.0.1",
        ] {
            assert!(environment.iter().any(|variable| variable == expected), "{expected}");
        }
    }
}
