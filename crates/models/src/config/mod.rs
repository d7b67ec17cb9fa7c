//! The `[models]` section of the configuration: providers, deployments, the default.

mod check;

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

pub use check::Problem;
pub(crate) use check::server_address;

use crate::{Span, openai::LengthField};

/// The `[models]` section.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct ModelsConfig {
    /// The provider for deployments that are not listed, or `"none"`. If it is not set, the only configured
    /// provider is it; with none or several, what is found on this machine; else `builtin`.
    pub default: Option<String>,
    /// Whether to look for providers in the environment and on this machine.
    pub discover: bool,
    /// Where to look for model servers, as `address:port`. The default is the usual ports on 127.0.0.1.
    pub discover_on: Option<Vec<String>>,
    /// Providers by name.
    pub providers: BTreeMap<String, ProviderConfig>,
    /// Deployments by name.
    pub deployments: BTreeMap<String, DeploymentConfig>,
}

impl Default for ModelsConfig {
    fn default() -> Self {
        Self {
            default: None,
            discover: true,
            discover_on: None,
            providers: BTreeMap::new(),
            deployments: BTreeMap::new(),
        }
    }
}

/// What kind of provider it is.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// A server that speaks OpenAI's chat completions.
    Openai,
    /// An Azure OpenAI resource.
    Azure,
    /// The built-in offline model.
    Builtin,
    /// Records another provider's exchanges or plays them back.
    Cassette,
}

impl ProviderKind {
    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Azure => "azure",
            Self::Builtin => "builtin",
            Self::Cassette => "cassette",
        }
    }
}

/// What a cassette does.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum CassetteMode {
    /// Asks the provider and stores the exchange.
    Record,
    /// Plays back what is stored; never asks a provider.
    #[default]
    Replay,
    /// Plays back what is stored, records what is not.
    Auto,
}

/// `[models.providers.NAME]`. Which keys apply depends on `kind`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
    /// What kind of provider it is.
    pub kind: ProviderKind,
    /// openai: the address that `/chat/completions` is appended to. azure: the resource's endpoint.
    pub base_url: Option<String>,
    /// The environment variable that holds the key.
    pub api_key_env: Option<String>,
    /// The file that holds the key.
    pub api_key_file: Option<PathBuf>,
    /// azure: the `api-version`.
    pub api_version: Option<String>,
    /// How long to wait for a connection (5s).
    pub connect_timeout: Option<Span>,
    /// How long to wait for the first bytes of an answer (120s).
    pub first_byte_timeout: Option<Span>,
    /// How long to wait between two pieces of an answer (60s).
    pub idle_timeout: Option<Span>,
    /// How often to try again after 429, 5xx and failed connections (2).
    pub retries: Option<u32>,
    /// The longest time to wait between attempts, all together (20s).
    pub retry_wait: Option<Span>,
    /// The field that limits an answer's length.
    pub length_field: Option<LengthField>,
    /// builtin: a script of rules.
    pub script: Option<PathBuf>,
    /// cassette: the file.
    pub file: Option<PathBuf>,
    /// cassette: what to do.
    pub mode: Option<CassetteMode>,
    /// cassette: the provider behind it.
    pub provider: Option<String>,
}

/// `[models.deployments.NAME]`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct DeploymentConfig {
    /// The provider that serves it.
    pub provider: String,
    /// The model's name there; the deployment's own name if it is left out.
    pub model: Option<String>,
    /// How many tokens fit into one call.
    #[serde(default = "default_context")]
    pub context_tokens: u64,
    /// The most tokens that an answer may have.
    pub max_output_tokens: Option<u64>,
    /// Further fields for the upstream, such as `reasoning_effort`.
    #[serde(default)]
    pub extra: Map<String, Value>,
}

/// The context of a model of which nothing else is known.
pub(crate) const DEFAULT_CONTEXT: u64 = 128_000;

fn default_context() -> u64 {
    DEFAULT_CONTEXT
}
