//! The configuration, in one typed place.
//!
//! Defaults, then `cupola.toml`, then the environment, then flags: they become one table, which is
//! read once, so that a bad value is found the same way wherever it was given.

mod code_interpreter;
mod connections;
mod durations;
mod environment;
mod error;
mod flags;
mod hosting;
mod keys;
mod knowledge;
mod places;
mod relative;
mod sections;
mod sources;
mod tools;
mod web_search;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use cupola_models::ModelsConfig;
use serde::{Deserialize, Deserializer, de::Error};
use tracing_subscriber::EnvFilter;

use self::{
    environment::CONFIG_VARIABLE,
    keys::{ANY_NAME, Key},
    sources::Sources,
};
use crate::nearest::nearest;

pub use self::{
    code_interpreter::CodeInterpreterConfig,
    connections::ConnectionConfig,
    error::ConfigError,
    flags::Flags,
    hosting::{HostingConfig, RuntimeChoice},
    knowledge::KnowledgeConfig,
    sections::{Durability, IdentityConfig, LimitsConfig, LogFormat, RunsConfig, StoreConfig, TlsConfig},
    tools::ToolsConfig,
};

/// Everything that can be configured.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where to serve.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// The project that is there from the start.
    #[serde(deserialize_with = "project_name")]
    pub project: String,
    /// The directory that holds everything; absolute once loaded.
    pub data: PathBuf,
    /// Which log lines are written.
    #[serde(deserialize_with = "log_filter")]
    pub log: String,
    /// Their form.
    pub log_format: LogFormat,
    /// The store.
    pub store: StoreConfig,
    /// Sizes.
    pub limits: LimitsConfig,
    /// Runs.
    pub runs: RunsConfig,
    /// Certificates.
    pub tls: TlsConfig,
    /// Credentials.
    pub identity: IdentityConfig,
    /// Model providers and deployments.
    pub models: ModelsConfig,
    /// Hosted agents.
    pub hosting: HostingConfig,
    /// What searching uses beside words.
    pub knowledge: KnowledgeConfig,
    /// Tools that the service runs.
    pub tools: ToolsConfig,
    /// Where code of agents runs.
    pub code_interpreter: CodeInterpreterConfig,
    /// Other services that agents and tools may use.
    pub connections: Vec<ConnectionConfig>,
    /// The file that was read.
    #[serde(skip)]
    pub file: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8443),
            project: "demo".into(),
            data: PathBuf::from(places::DEFAULT_DATA),
            log: "info".into(),
            log_format: LogFormat::default(),
            store: StoreConfig::default(),
            limits: LimitsConfig::default(),
            runs: RunsConfig::default(),
            tls: TlsConfig::default(),
            identity: IdentityConfig::default(),
            models: ModelsConfig::default(),
            hosting: HostingConfig::default(),
            knowledge: KnowledgeConfig::default(),
            tools: ToolsConfig::default(),
            code_interpreter: CodeInterpreterConfig::default(),
            connections: Vec::new(),
            file: None,
        }
    }
}

impl Config {
    /// Reads the configuration of this process.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        Self::load_from(flags, environment::of_this_process()?, Path::new("."))
    }

    /// The data directory of a terminal where nobody says anything else. What this one's own directory,
    /// variables and flags say does not count.
    pub fn usual_data() -> Option<PathBuf> {
        let variables = environment::of_this_process().ok()?;
        places::data_directory(None, &|wanted| {
            variables.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
        })
    }

    fn load_from(flags: &Flags, variables: Vec<(String, String)>, here: &Path) -> Result<Self, ConfigError> {
        let variable =
            |wanted: &str| variables.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        let named = flags.config.clone().or_else(|| variable(CONFIG_VARIABLE).map(PathBuf::from));
        let early_data = flags.data.as_deref().or_else(|| variable("CUPOLA_DATA"));
        let data = places::data_directory(early_data, &variable);
        let file = places::config_file(named, data.as_deref(), here);
        let mut sources = match &file {
            Some(path) => Sources::from_file(path, &places::read(path)?)?,
            None => Sources::default(),
        };
        environment::apply(&mut sources, variables.iter().cloned())?;
        flags.apply(&mut sources)?;
        let mut config = read(&sources)?;
        check_models(&config.models, &sources)?;
        check_knowledge(&config.knowledge, &sources)?;
        relative::resolve(&mut config, &sources);
        let given = sources.table().contains_key("data").then(|| config.data.to_string_lossy().into_owned());
        config.data = places::data_directory(given.as_deref(), &variable).ok_or(ConfigError::NoHome)?;
        config.file = file;
        Ok(config)
    }

    /// Refuses to serve other machines while nobody can prove who they are.
    pub fn check_exposure(&self) -> Result<(), ConfigError> {
        let IdentityConfig { api_keys, issuers, principals, .. } = &self.identity;
        let is_nobody_known = api_keys.is_empty() && issuers.is_empty() && principals.is_empty();
        if self.listen.ip().to_canonical().is_loopback() || !is_nobody_known {
            return Ok(());
        }
        Err(ConfigError::ExposureWithoutIdentity { listen: self.listen })
    }

    /// The connections with their secrets, read from where the entries say they are.
    pub fn load_connections(&self) -> Result<Vec<cupola_api::ConfiguredConnection>, ConfigError> {
        let variable = |name: &str| std::env::var(name).ok();
        connections::load(&self.connections, &variable).map_err(ConfigError::Connection)
    }

    /// The names and addresses under which this service is reached.
    pub fn own_hosts(&self) -> Vec<String> {
        let loopback = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        self.identity_settings().names.into_iter().chain(loopback).collect()
    }

    /// Who searches the web, with the key, read from where the configuration says it is.
    pub fn load_web_search(&self) -> Result<Option<cupola_tools::web::Provider>, ConfigError> {
        let variable = |name: &str| std::env::var(name).ok();
        self.tools.web_search.load(&variable).map_err(ConfigError::WebSearch)
    }

    /// What the identity crate needs to know. The address served on is one of the certificate's names.
    pub fn identity_settings(&self) -> cupola_identity::Settings {
        let mut names = self.tls.names.clone();
        if !self.listen.ip().is_unspecified() {
            names.push(self.listen.ip().to_string());
        }
        cupola_identity::Settings {
            names,
            issuer: self.identity.issuer.clone(),
            token_lifetime: self.identity.token_lifetime,
            api_keys: self.identity.api_keys.clone(),
            issuers: self.identity.issuers.clone(),
            principals: self.identity.principals.clone(),
        }
    }
}

fn read(sources: &Sources) -> Result<Config, ConfigError> {
    serde_path_to_error::deserialize(sources.table().clone()).map_err(|error| {
        let path = error.path().to_string();
        let problem = error.inner().message();
        let problem = match problem.starts_with("unknown field") {
            true => unknown_key(&path),
            false => format!("`{path}`: {}", without_text(problem)),
        };
        ConfigError::Bad { origin: sources.origin(&path), problem }
    })
}

/// A text in the wrong place may be a secret, so the message does not repeat it.
fn without_text(problem: &str) -> String {
    let is_text = problem.starts_with("invalid type: string");
    match problem.rsplit_once(", expected ").filter(|_| is_text) {
        Some((_, expected)) => format!("this is a text, but it must be {expected}"),
        None => problem.to_owned(),
    }
}

fn check_models(models: &ModelsConfig, sources: &Sources) -> Result<(), ConfigError> {
    match models.check().into_iter().next() {
        Some(first) => Err(ConfigError::Bad {
            origin: sources.origin(&first.key),
            problem: format!("`{}`: {}", first.key, first.message),
        }),
        None => Ok(()),
    }
}

fn check_knowledge(knowledge: &KnowledgeConfig, sources: &Sources) -> Result<(), ConfigError> {
    match knowledge.contradiction() {
        Some((key, problem)) => {
            Err(ConfigError::Bad { origin: sources.origin(key), problem: format!("`{key}`: {problem}") })
        }
        None => Ok(()),
    }
}

fn unknown_key(path: &str) -> String {
    let keys = keys::keys_of::<Config>();
    let (pattern, chosen_name) = generic(path, &keys);
    let known = places_of(&keys);
    let last = path.rsplit('.').next();
    let in_another_table = keys.iter().filter(|key| key.path.last().copied() == last).map(Key::name).min();
    match nearest(&pattern, known.iter().map(String::as_str)).map(str::to_owned).or(in_another_table) {
        Some(near) => {
            let near = near.replacen(ANY_NAME, chosen_name.unwrap_or(ANY_NAME), 1);
            format!("there is no key `{path}`; did you mean `{near}`?")
        }
        None => format!("there is no key `{path}`. docs/configuration.md lists the keys that exist"),
    }
}

/// The names of all keys and of the tables around them.
fn places_of(keys: &[Key]) -> Vec<String> {
    let mut places: Vec<String> = keys.iter().map(Key::name).collect();
    for key in keys {
        let tables = (1..key.path.len()).map(|depth| key.path[..depth].join("."));
        places.extend(tables.filter(|table| !table.ends_with(ANY_NAME)));
    }
    places
}

/// The path as the list of keys has it, and the name that the user chose in it:
/// `identity.api_keys[3].nam` is `identity.api_keys[].nam`, and `models.providers.gpt.kin` is
/// `models.providers.<name>.kin`.
fn generic<'a>(path: &'a str, keys: &[Key]) -> (String, Option<&'a str>) {
    for key in keys {
        let Some(at) = key.path.iter().position(|step| *step == ANY_NAME) else {
            continue;
        };
        let table = key.path[..at].join(".");
        let inside = path.strip_prefix(&table).and_then(|rest| rest.strip_prefix('.'));
        // A chosen name may hold dots, the key after it does not.
        if let Some((name, last)) = inside.and_then(|inside| inside.rsplit_once('.')) {
            return (format!("{table}.{ANY_NAME}.{last}"), Some(name));
        }
    }
    let without_digits = |part: &str| part.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned();
    (path.split('[').map(without_digits).collect::<Vec<_>>().join("["), None)
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        D::Error::custom(format!(
            "{text:?} is not an IP address with a port; write for example \"127.0.0.1:8443\""
        ))
    })
}

/// The name stands in paths and in tokens, so it is kept plain.
fn project_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_good = (1..=64).contains(&name.len())
        && name.bytes().all(is_plain)
        && name.starts_with(|first: char| first.is_ascii_alphanumeric());
    if is_good {
        return Ok(name);
    }
    Err(D::Error::custom(format!(
        "{name:?} is not a project name; use 1 to 64 letters, digits, `-`, `_` and `.`, \
         the first a letter or digit"
    )))
}

fn log_filter<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let filter = String::deserialize(deserializer)?;
    match EnvFilter::try_new(&filter) {
        Ok(_) => Ok(filter),
        Err(error) => Err(D::Error::custom(format!(
            "{filter:?} is not a log filter ({error}); \
             write for example \"info\" or \"info,cupola_engine=debug\""
        ))),
    }
}

#[cfg(test)]
mod tests;
