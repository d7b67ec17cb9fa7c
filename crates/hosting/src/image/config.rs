//! The configuration of an image: what it starts, and how.

use serde::{Deserialize, Serialize};

use super::{
    digest::Digest,
    manifest::{Platform, invalid, wrong_architecture},
};
use crate::Failure;

/// What an image starts, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageConfig {
    /// The program and its first arguments.
    pub entrypoint: Vec<String>,
    /// Further arguments or, without an entry point, the program.
    pub cmd: Vec<String>,
    /// The environment, in the image's order.
    pub env: Vec<(String, String)>,
    /// The folder in which it starts. Empty for `/`.
    pub working_dir: String,
    /// Who it runs as, as the image has it: `user`, `uid`, `user:group`, … See [`crate::image::User`].
    pub user: String,
    /// The signal that asks it to end, for example `SIGTERM`, where the image names one.
    pub stop_signal: Option<String>,
    /// The TCP ports that the image says it listens on.
    pub exposed_ports: Vec<u16>,
}

impl ImageConfig {
    /// The program and its arguments.
    pub fn command(&self) -> Vec<String> {
        self.entrypoint.iter().chain(&self.cmd).cloned().collect()
    }
}

#[derive(Deserialize)]
struct Document {
    #[serde(flatten)]
    platform: Platform,
    rootfs: RootFs,
    #[serde(default)]
    config: Option<Settings>,
}

#[derive(Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Vec<Digest>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Settings {
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    env: Option<Vec<String>>,
    working_dir: Option<String>,
    user: Option<String>,
    stop_signal: Option<String>,
    exposed_ports: Option<serde_json::Map<String, serde_json::Value>>,
}

/// Reads a configuration and checks that it can be run here. Gives the digests of its layers, too, as they
/// are when unpacked.
pub(super) fn read(bytes: &[u8], machine: &Platform) -> Result<(ImageConfig, Vec<Digest>), Failure> {
    let document: Document = serde_json::from_slice(bytes)
        .map_err(|error| invalid(format!("Its configuration is damaged: {error}.")))?;
    if !document.platform.is_for(machine) {
        return Err(wrong_architecture(&document.platform.name(), machine));
    }
    let config = document.config.unwrap_or_default().into_config();
    if config.command().is_empty() {
        return Err(invalid("There is nothing to start in it: it has neither ENTRYPOINT nor CMD."));
    }
    Ok((config, document.rootfs.diff_ids))
}

impl Settings {
    fn into_config(self) -> ImageConfig {
        let pair = |line: String| match line.split_once('=') {
            Some((name, value)) => (name.to_owned(), value.to_owned()),
            None => (line, String::new()),
        };
        let port = |port: String| match port.split_once('/') {
            Some((number, "tcp")) => number.parse().ok(),
            Some(_) => None,
            None => port.parse().ok(),
        };
        ImageConfig {
            entrypoint: self.entrypoint.unwrap_or_default(),
            cmd: self.cmd.unwrap_or_default(),
            env: self.env.unwrap_or_default().into_iter().map(pair).collect(),
            working_dir: self.working_dir.unwrap_or_default(),
            user: self.user.unwrap_or_default(),
            stop_signal: self.stop_signal.filter(|signal| !signal.is_empty()),
            exposed_ports: self
                .exposed_ports
                .unwrap_or_default()
                .into_iter()
                .filter_map(|(key, _)| port(key))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;

    fn read_here(mut document: Value) -> Result<(ImageConfig, Vec<Digest>), Failure> {
        let machine = Platform::of_this_machine();
        let fields = document.as_object_mut().unwrap();
        fields.entry("os").or_insert("linux".into());
        fields.entry("architecture").or_insert(machine.architecture.clone().into());
        fields.insert("rootfs".into(), json!({"type": "layers", "diff_ids": [Digest::of(b"x")]}));
        read(&serde_json::to_vec(&document).unwrap(), &machine)
    }

    #[test]
    fn what_an_image_says_is_read() {
        let (config, layers) = read_here(json!({"config": {
            "Entrypoint": ["/agent"], "Cmd": ["serve"], "Env": ["A=1=2", "B"], "WorkingDir": "/app",
            "User": "app", "StopSignal": "SIGINT", "ExposedPorts": {"8088/tcp": {}, "53/udp": {}},
        }}))
        .unwrap();
        assert_eq!(config.command(), ["/agent", "serve"]);
        assert_eq!(config.env, [("A".into(), "1=2".into()), ("B".into(), String::new())]);
        assert_eq!(config.exposed_ports, [8088]);
        assert_eq!((config.working_dir.as_str(), config.user.as_str()), ("/app", "app"));
        assert_eq!(layers, [Digest::of(b"x")]);
    }

    #[test]
    fn one_that_starts_nothing_is_refused() {
        for config in [json!(null), json!({}), json!({"Entrypoint": [], "Cmd": null})] {
            let failure = read_here(json!({"config": config})).unwrap_err();
            assert!(failure.message.contains("nothing to start"), "{failure}");
        }
    }

    #[test]
    fn one_for_another_machine_is_refused() {
        let document = json!({"architecture": "s390x", "config": {"Cmd": ["/x"]}});
        let failure = read_here(document).unwrap_err();
        assert!(failure.message.contains("it has linux/s390x, and this machine is linux/"), "{failure}");
    }
}
