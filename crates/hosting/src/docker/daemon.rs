//! The daemon: where its socket may be, which one answers, and a client that speaks its version.

use std::{env, io, net::Ipv4Addr};

use bollard::{
    API_DEFAULT_VERSION, BollardRequest, Docker,
    models::{SystemInfo, SystemVersion},
};

use super::{
    found::{self, Found},
    way_back, words,
};
use crate::{Code, Failure};

/// For how long an answer may take to begin, in seconds.
const PATIENCE: u64 = 120;

/// A daemon that answered.
#[derive(Clone, Debug)]
pub(super) struct Daemon {
    pub client: Docker,
    pub address: String,
    pub info: SystemInfo,
    pub version: SystemVersion,
}

impl Daemon {
    /// The first daemon that answers.
    pub async fn find(setting: Option<&str>) -> Result<Self, Failure> {
        let mut tried = Vec::new();
        for address in candidates(setting, |name| env::var(name).ok().filter(|value| !value.is_empty())) {
            match Self::open(&address).await {
                Ok(daemon) => return Ok(daemon),
                Err(reason) => tried.push(format!("{address} ({reason})")),
            }
        }
        Err(Failure::new(
            Code::SandboxUnavailable,
            format!(
                "No Docker or Podman daemon can be used. Tried: {}. Start one, or say where it listens in \
                 the setting hosting.docker.socket or in DOCKER_HOST.",
                tried.join(", ")
            ),
        ))
    }

    async fn open(address: &str) -> Result<Self, String> {
        let client = client(address)?.with_request_modifier(url_safe_credentials);
        let client = client.negotiate_version().await.map_err(|error| words::said(&error))?;
        let version = client.version().await.map_err(|error| words::said(&error))?;
        let info = client.info().await.map_err(|error| words::said(&error))?;
        match info.os_type.as_deref() {
            Some("linux") | None => Ok(Self { client, address: address.to_owned(), info, version }),
            Some(other) => Err(format!("it runs {other} containers, not Linux ones")),
        }
    }

    /// Whether the gateways of its networks are on this machine, where sandboxes find the service.
    pub fn check(&self, gateways: &[Ipv4Addr]) -> io::Result<()> {
        if found::is_podman(&self.version) {
            // It makes a bridge with the first container, so there may be none yet.
            return match found::is_rootless(&self.info) {
                true => Err(io::ErrorKind::AddrNotAvailable.into()),
                false => Ok(()),
            };
        }
        gateways.iter().try_for_each(|gateway| way_back::check(*gateway))
    }

    /// What `cupola doctor` says of it.
    pub fn found(&self) -> Found {
        Found::of(&self.address, &self.client.client_version().to_string(), &self.info, &self.version)
    }

    /// The operating system and the architecture of the images that it runs, in the words that images use.
    pub fn platform(&self) -> (&str, &str) {
        let architecture = match self.info.architecture.as_deref().unwrap_or(env::consts::ARCH) {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "armv7l" => "arm",
            "i386" | "i686" => "386",
            other => other,
        };
        (self.info.os_type.as_deref().unwrap_or("linux"), architecture)
    }
}

/// A setting is taken at its word, and so is the environment; otherwise the usual places are tried.
fn candidates(setting: Option<&str>, variable: impl Fn(&str) -> Option<String>) -> Vec<String> {
    if let Some(named) = setting.map(ToOwned::to_owned).or_else(|| variable("DOCKER_HOST")) {
        return vec![named];
    }
    let mut usual = vec!["unix:///var/run/docker.sock".to_owned()];
    if let Some(folder) = variable("XDG_RUNTIME_DIR") {
        usual.push(format!("unix://{folder}/docker.sock"));
        usual.push(format!("unix://{folder}/podman/podman.sock"));
    }
    usual.push("unix:///run/podman/podman.sock".to_owned());
    usual
}

fn client(address: &str) -> Result<Docker, String> {
    let client = match address.split_once("://") {
        None => Docker::connect_with_unix(address, PATIENCE, API_DEFAULT_VERSION),
        Some(("unix", path)) => Docker::connect_with_unix(path, PATIENCE, API_DEFAULT_VERSION),
        Some(("tcp" | "http", _)) => Docker::connect_with_http(address, PATIENCE, API_DEFAULT_VERSION),
        Some(_) => return Err("the address is neither unix://PATH nor tcp://HOST:PORT".to_owned()),
    };
    client.map_err(|error| words::said(&error))
}

/// The daemon reads credentials in the URL-safe alphabet of base64 and ignores what it can't read, but the
/// client writes the other alphabet. They differ in two letters.
fn url_safe_credentials(mut request: BollardRequest) -> BollardRequest {
    if let Some(value) = request.headers_mut().get_mut("x-registry-auth")
        && let Ok(text) = value.to_str()
        && let Ok(mut safe) = text.replace('+', "-").replace('/', "_").parse::<http::HeaderValue>()
    {
        safe.set_sensitive(true);
        *value = safe;
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> Option<String> {
        (name == "XDG_RUNTIME_DIR").then(|| "/run/user/7".to_owned())
    }

    #[test]
    fn a_named_daemon_is_the_only_one_that_is_tried() {
        assert_eq!(candidates(Some("/a.sock"), |_| Some("tcp://b:1".to_owned())), ["/a.sock"]);
        assert_eq!(candidates(None, |_| Some("tcp://b:1".to_owned())), ["tcp://b:1"]);
    }

    #[test]
    fn without_a_name_the_usual_places_are_tried() {
        let expected = [
            "unix:///var/run/docker.sock",
            "unix:///run/user/7/docker.sock",
            "unix:///run/user/7/podman/podman.sock",
            "unix:///run/podman/podman.sock",
        ];
        assert_eq!(candidates(None, environment), expected);
    }

    #[tokio::test]
    async fn the_failure_says_what_was_tried_and_what_to_set() {
        for (address, reason) in [
            ("unix:///nonexistent/docker.sock", "not there"),
            ("ssh://host", "neither unix://PATH nor tcp://HOST:PORT"),
            ("tcp://127.0.0.1:1", "refused"),
        ] {
            let failure = Daemon::find(Some(address)).await.err().map(|failure| failure.message);
            let message = failure.unwrap_or_default();
            for part in [address, reason, "hosting.docker.socket", "DOCKER_HOST"] {
                assert!(message.contains(part), "{message}");
            }
        }
    }
}
