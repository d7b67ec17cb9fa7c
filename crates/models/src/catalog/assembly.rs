//! Makes providers of their configuration, and the catalog of the providers.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use super::{
    Catalog, Environment, Finding, Found, discovery::AZURE_API_VERSION, discovery::Discovered, suggestion,
};
use crate::{
    ModelsConfig, Provider, Secret,
    builtin::{Builtin, Script},
    cassette::Cassette,
    config::{DeploymentConfig, Problem, ProviderConfig, ProviderKind, server_address},
    openai::{Dialect, OpenAi, Patience, RetryPolicy, Upstream, without_credentials},
};

/// A catalog under construction.
#[derive(Default)]
pub(crate) struct Assembly {
    providers: BTreeMap<String, Arc<dyn Provider>>,
    findings: Vec<Finding>,
}

impl Assembly {
    /// Adds all configured providers; collects what is wrong with any of them.
    pub(crate) fn add_configured(
        &mut self,
        config: &ModelsConfig,
        env: Environment<'_>,
    ) -> Result<(), Vec<Problem>> {
        let mut problems = Vec::new();
        let (cassettes, others): (Vec<_>, Vec<_>) =
            config.providers.iter().partition(|(_, provider)| provider.kind == ProviderKind::Cassette);
        // Cassettes come last: the providers behind them must be there.
        for (name, provider) in others.into_iter().chain(cassettes) {
            match self.make(name, provider, env) {
                Ok(made) => self.add(made, provider.kind, configured_address(provider), Found::Configured),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Adds a provider that was found, and returns its name.
    pub(crate) fn add_discovered(&mut self, discovered: Discovered) -> Result<String, Vec<Problem>> {
        let mut name = discovered.name;
        while self.providers.contains_key(&name) {
            name.push_str("-found");
        }
        let shown = without_credentials(&discovered.base_url);
        let upstream = Upstream {
            name: name.clone(),
            base_url: discovered.base_url,
            dialect: discovered.dialect,
            key: discovered.key,
            patience: Patience::default(),
            retry: RetryPolicy::default(),
            length_field: Default::default(),
        };
        let made = connect(upstream, "environment").map_err(|problem| vec![problem])?;
        self.add(made, discovered.kind, Some(shown), discovered.found);
        if let Some(finding) = self.findings.last_mut() {
            finding.models = discovered.models;
        }
        Ok(name)
    }

    /// Adds `builtin`, unless the configuration has its own.
    pub(crate) fn add_builtin(&mut self) {
        if !self.providers.contains_key("builtin") {
            let builtin = Arc::new(Builtin::new("builtin", None));
            self.add(builtin, ProviderKind::Builtin, None, Found::AlwaysThere);
        }
    }

    pub(crate) fn finish(
        mut self,
        default: Option<&str>,
        deployments: BTreeMap<String, DeploymentConfig>,
        env: Environment<'_>,
    ) -> Catalog {
        for finding in &mut self.findings {
            finding.is_default = Some(finding.provider.as_str()) == default;
        }
        self.findings.sort_by_key(|finding| !finding.is_default);
        let default = default.and_then(|name| self.providers.get(name)).cloned();
        let of_default = || suggestion::suggest(self.findings.first().filter(|first| first.is_default)?, env);
        let suggested = deployments.keys().next().cloned().or_else(of_default);
        Catalog { providers: self.providers, deployments, default, findings: self.findings, suggested }
    }

    fn add(&mut self, made: Arc<dyn Provider>, kind: ProviderKind, base_url: Option<String>, found: Found) {
        let provider = made.name().to_owned();
        self.providers.insert(provider.clone(), made);
        let kind = kind.name();
        self.findings.push(Finding {
            provider,
            kind,
            base_url,
            found,
            is_default: false,
            models: Vec::new(),
        });
    }

    fn make(
        &self,
        name: &str,
        config: &ProviderConfig,
        env: Environment<'_>,
    ) -> Result<Arc<dyn Provider>, Problem> {
        let key = format!("models.providers.{name}");
        match config.kind {
            ProviderKind::Openai | ProviderKind::Azure => {
                connect(upstream(name, &key, config, env)?, &format!("{key}.base_url"))
            }
            ProviderKind::Builtin => Ok(Arc::new(Builtin::new(name, script(&key, config)?))),
            ProviderKind::Cassette => self.cassette(name, &key, config),
        }
    }

    fn cassette(&self, name: &str, key: &str, config: &ProviderConfig) -> Result<Arc<dyn Provider>, Problem> {
        let inner = match config.provider.as_deref() {
            Some("builtin") if !self.providers.contains_key("builtin") => {
                Some(Arc::new(Builtin::new("builtin", None)) as Arc<dyn Provider>)
            }
            Some(inner) => Some(self.providers.get(inner).cloned().ok_or_else(|| {
                Problem::new(format!("{key}.provider"), format!("\"{inner}\" could not be set up"))
            })?),
            None => None,
        };
        let file = config.file.as_deref().unwrap_or(Path::new(""));
        let cassette = Cassette::open(name, file, config.mode.unwrap_or_default(), inner)
            .map_err(|error| Problem::new(format!("{key}.file"), error.to_string()))?;
        Ok(Arc::new(cassette))
    }
}

fn connect(upstream: Upstream, key: &str) -> Result<Arc<dyn Provider>, Problem> {
    let provider = OpenAi::new(upstream).map_err(|fault| Problem::new(key, fault.message))?;
    Ok(Arc::new(provider))
}

fn upstream(
    name: &str,
    key: &str,
    config: &ProviderConfig,
    env: Environment<'_>,
) -> Result<Upstream, Problem> {
    let base_url = server_address(config.base_url.as_deref().unwrap_or_default())
        .map_err(|message| Problem::new(format!("{key}.base_url"), message))?;
    let dialect = if config.kind == ProviderKind::Azure {
        let api_version = config.api_version.clone().unwrap_or_else(|| AZURE_API_VERSION.into());
        Dialect::Azure { api_version }
    } else {
        Dialect::OpenAi
    };
    let (patience, retry) = (Patience::default(), RetryPolicy::default());
    Ok(Upstream {
        name: name.to_owned(),
        base_url,
        dialect,
        key: api_key(key, config, env)?,
        patience: Patience {
            connect: config.connect_timeout.map_or(patience.connect, |span| span.0),
            first_byte: config.first_byte_timeout.map_or(patience.first_byte, |span| span.0),
            idle: config.idle_timeout.map_or(patience.idle, |span| span.0),
        },
        retry: RetryPolicy {
            count: config.retries.unwrap_or(retry.count),
            total_wait: config.retry_wait.map_or(retry.total_wait, |span| span.0),
        },
        length_field: config.length_field.unwrap_or_default(),
    })
}

fn api_key(key: &str, config: &ProviderConfig, env: Environment<'_>) -> Result<Option<Secret>, Problem> {
    let (key, value) = if let Some(variable) = &config.api_key_env {
        let key = format!("{key}.api_key_env");
        let missing = || Problem::new(&key, format!("the environment variable {variable} is not set"));
        let value = env(variable).ok_or_else(missing)?;
        (key, value)
    } else if let Some(file) = &config.api_key_file {
        let key = format!("{key}.api_key_file");
        let unreadable = |error| Problem::new(&key, format!("{} can't be read: {error}", file.display()));
        let value = fs::read_to_string(file).map_err(unreadable)?;
        (key, value)
    } else {
        return Ok(None);
    };
    Secret::for_header(&value).map(Some).map_err(|message| Problem::new(key, message))
}

fn script(key: &str, config: &ProviderConfig) -> Result<Option<Script>, Problem> {
    let Some(file) = &config.script else {
        return Ok(None);
    };
    let problem =
        |message: String| Problem::new(format!("{key}.script"), format!("{}: {message}", file.display()));
    let yaml = fs::read_to_string(file).map_err(|error| problem(format!("can't be read: {error}")))?;
    Script::parse(&yaml).map(Some).map_err(|error| problem(error.to_string()))
}

fn configured_address(config: &ProviderConfig) -> Option<String> {
    let address = server_address(config.base_url.as_deref()?).ok()?;
    Some(without_credentials(&address))
}
