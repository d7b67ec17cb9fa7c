//! The tables of the configuration and the defaults in them.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use cupola_identity::{ApiKeyConfig, IssuerConfig, PrincipalConfig};
use serde::{Deserialize, Deserializer, de::Error};

use super::durations;

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For log collectors: one JSON object each line.
    Json,
}

/// What an acknowledged write survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// A loss of power.
    #[default]
    Full,
    /// The end of the process, but perhaps not a loss of power.
    Normal,
}

/// `[store]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// What an acknowledged write survives.
    pub durability: Durability,
}

/// `[limits]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// The largest JSON body.
    pub max_body_bytes: NonZeroUsize,
    /// The largest upload.
    pub max_upload_bytes: NonZeroUsize,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        const MEBIBYTE: NonZeroUsize = NonZeroUsize::MIN.saturating_mul(size(1024 * 1024));
        Self {
            max_body_bytes: MEBIBYTE.saturating_mul(size(20)),
            max_upload_bytes: MEBIBYTE.saturating_mul(size(512)),
        }
    }
}

/// `[runs]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunsConfig {
    /// How long after its creation a run expires.
    #[serde(deserialize_with = "durations::at_least_a_second")]
    pub expires_after: Duration,
    /// How long it may wait for tool outputs.
    #[serde(deserialize_with = "durations::at_least_a_second")]
    pub waiting_expires_after: Duration,
    /// How long running work may go on once the server is told to stop.
    #[serde(deserialize_with = "durations::any")]
    pub drain_grace: Duration,
    /// How many runs work at the same time; more wait their turn.
    pub max_concurrent: NonZeroUsize,
    /// How often the model may ask for tools in one run; a run that asks more often fails.
    pub max_tool_rounds: NonZeroU32,
}

impl Default for RunsConfig {
    fn default() -> Self {
        Self {
            expires_after: Duration::from_secs(10 * 60),
            waiting_expires_after: Duration::from_secs(10 * 60 * 60),
            drain_grace: Duration::from_secs(10),
            max_concurrent: size(1024),
            max_tool_rounds: NonZeroU32::MIN.saturating_add(63),
        }
    }
}

/// `[tls]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsConfig {
    /// Names and addresses of the server beyond this machine's own.
    #[serde(deserialize_with = "certificate_names")]
    pub names: Vec<String>,
}

fn certificate_names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    match names.iter().find(|name| !cupola_identity::is_certificate_name(name)) {
        Some(bad) => Err(D::Error::custom(format!("{bad:?} is neither a host name nor an IP address"))),
        None => Ok(names),
    }
}

/// `[identity]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdentityConfig {
    /// The name in tokens of who made them; the data directory's own where left out.
    pub issuer: Option<String>,
    /// How long tokens live.
    #[serde(deserialize_with = "durations::at_least_a_minute")]
    pub token_lifetime: Duration,
    /// Credentials that don't expire.
    pub api_keys: Vec<ApiKeyConfig>,
    /// Sign-in through issuers outside.
    pub issuers: Vec<IssuerConfig>,
    /// Programs that get their tokens here.
    pub principals: Vec<PrincipalConfig>,
}

impl Default for IdentityConfig {
    fn default() -> Self {
        Self {
            issuer: None,
            token_lifetime: cupola_identity::DEFAULT_LIFETIME,
            api_keys: Vec::new(),
            issuers: Vec::new(),
            principals: Vec::new(),
        }
    }
}

/// A number that is known not to be zero.
pub(super) const fn size(number: usize) -> NonZeroUsize {
    match NonZeroUsize::new(number) {
        Some(size) => size,
        None => NonZeroUsize::MIN,
    }
}
