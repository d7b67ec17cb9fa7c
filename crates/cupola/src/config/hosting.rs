//! `[hosting]`: what runs hosted agents, and what they may use.

use std::{collections::BTreeMap, num::NonZeroUsize, time::Duration};

use cupola_api::HostingSettings;
use cupola_hosting::{Egress, RunnerChoice};
use serde::{Deserialize, Deserializer, de::Error};

use super::durations;

const GIB: f64 = (1_u64 << 30) as f64;

/// What runs hosted agents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuntimeChoice {
    /// The best that is found on this machine.
    #[default]
    Auto,
    /// A Docker or Podman daemon.
    Docker,
    /// This program itself, with an OCI runtime where one is installed.
    Oci,
    /// Plain processes of this machine: code packages alone, without isolation.
    Process,
    /// Nothing: hosted agents are refused.
    Off,
}

/// `[hosting]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HostingConfig {
    /// What runs hosted agents.
    pub runtime: RuntimeChoice,
    /// What starts sandboxes of the runtime `oci`.
    #[serde(deserialize_with = "runner")]
    pub runner: RunnerChoice,
    /// The most sandboxes at once.
    pub max_sandboxes: NonZeroUsize,
    /// How many wait for the next session of each version.
    pub warm_sandboxes: usize,
    /// The least processor time that an agent may ask for, in cores.
    #[serde(deserialize_with = "amount")]
    pub min_cpu: f64,
    /// The most.
    #[serde(deserialize_with = "amount")]
    pub max_cpu: f64,
    /// The least memory that an agent may ask for, in GiB.
    #[serde(deserialize_with = "amount")]
    pub min_memory_gib: f64,
    /// The most.
    #[serde(deserialize_with = "amount")]
    pub max_memory_gib: f64,
    /// What a sandbox may write outside of its home, in GiB.
    #[serde(deserialize_with = "amount")]
    pub disk_gib: f64,
    /// What the home of a session may hold, in GiB.
    #[serde(deserialize_with = "amount")]
    pub home_gib: f64,
    /// Processes and threads of one sandbox.
    pub processes: NonZeroUsize,
    /// Where sandboxes may reach: `open`, `none`, or hosts.
    #[serde(deserialize_with = "egress")]
    pub egress: Vec<String>,
    /// Where the dependencies of Python programs come from.
    pub python_index: Option<String>,
    /// How long a program may take until it is ready.
    #[serde(deserialize_with = "durations::at_least_a_second")]
    pub ready_within: Duration,
    /// How long a program may take until it begins to answer.
    #[serde(deserialize_with = "durations::at_least_a_second")]
    pub answer_within: Duration,
    /// How long a session may be unused, where its agent does not say.
    #[serde(deserialize_with = "durations::at_least_a_second")]
    pub idle_after: Duration,
    /// The least that an agent may say.
    #[serde(deserialize_with = "durations::at_least_a_second")]
    pub min_idle: Duration,
    /// The most that an agent may say.
    #[serde(deserialize_with = "durations::at_least_a_second")]
    pub max_idle: Duration,
    /// Registries that are spoken to without TLS, beside those on this machine.
    pub insecure_registries: Vec<String>,
    /// `[hosting.docker]`
    pub docker: DockerConfig,
}

/// `[hosting.docker]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DockerConfig {
    /// Where the daemon listens.
    pub socket: Option<String>,
    /// The image in which code of a language runs.
    pub images: BTreeMap<String, String>,
}

impl Default for HostingConfig {
    fn default() -> Self {
        let settings = HostingSettings::default();
        Self {
            runtime: RuntimeChoice::default(),
            runner: RunnerChoice::default(),
            max_sandboxes: NonZeroUsize::new(settings.max_sandboxes).unwrap_or(NonZeroUsize::MIN),
            warm_sandboxes: settings.warm_per_version,
            min_cpu: f64::from(settings.least_cpu_millis) / 1000.0,
            max_cpu: f64::from(settings.most_cpu_millis) / 1000.0,
            min_memory_gib: settings.least_memory_bytes as f64 / GIB,
            max_memory_gib: settings.most_memory_bytes as f64 / GIB,
            disk_gib: settings.disk_bytes as f64 / GIB,
            home_gib: settings.home_bytes as f64 / GIB,
            processes: NonZeroUsize::new(settings.processes as usize).unwrap_or(NonZeroUsize::MIN),
            egress: vec!["open".to_owned()],
            python_index: None,
            ready_within: settings.ready_within,
            answer_within: settings.answer_within,
            idle_after: settings.idle_after,
            min_idle: settings.least_idle,
            max_idle: settings.most_idle,
            insecure_registries: Vec::new(),
            docker: DockerConfig::default(),
        }
    }
}

impl HostingConfig {
    /// As the service takes them.
    pub fn settings(&self) -> HostingSettings {
        let bytes = |gib: f64| (gib * GIB) as u64;
        let millis = |cores: f64| (cores * 1000.0) as u32;
        HostingSettings {
            max_sandboxes: self.max_sandboxes.get(),
            warm_per_version: self.warm_sandboxes,
            least_cpu_millis: millis(self.min_cpu),
            most_cpu_millis: millis(self.max_cpu),
            least_memory_bytes: bytes(self.min_memory_gib),
            most_memory_bytes: bytes(self.max_memory_gib),
            processes: u32::try_from(self.processes.get()).unwrap_or(u32::MAX),
            disk_bytes: bytes(self.disk_gib),
            home_bytes: bytes(self.home_gib),
            egress: self.egress(),
            python_index: self.python_index.clone(),
            ready_within: self.ready_within,
            answer_within: self.answer_within,
            idle_after: self.idle_after,
            least_idle: self.min_idle,
            most_idle: self.max_idle,
        }
    }

    fn egress(&self) -> Egress {
        match &self.egress[..] {
            [word] if word == "open" => Egress::Open,
            [word] if word == "none" => Egress::None,
            hosts => Egress::Only(hosts.to_vec()),
        }
    }
}

fn runner<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RunnerChoice, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "auto" => Ok(RunnerChoice::Auto),
        "runc" => Ok(RunnerChoice::Runc),
        "builtin" => Ok(RunnerChoice::Builtin),
        other => Err(D::Error::unknown_variant(other, &["auto", "runc", "builtin"])),
    }
}

fn egress<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let words = Vec::<String>::deserialize(deserializer)?;
    let is_word = |word: &String| word == "open" || word == "none";
    if words.is_empty() || (words.len() > 1 && words.iter().any(is_word)) {
        return Err(D::Error::custom("write [\"open\"], [\"none\"], or hosts such as [\"*.example.com\"]"));
    }
    Ok(words)
}

fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let amount = f64::deserialize(deserializer)?;
    if amount > 0.0 && amount < 1e6 { Ok(amount) } else { Err(D::Error::custom("must be more than zero")) }
}
