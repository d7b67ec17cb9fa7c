//! Which provider answers for which deployment, made from the configuration and from what is found.

mod assembly;
mod discovery;
mod inventory;
mod suggestion;

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    Fault, FaultKind, ModelsConfig, Provider,
    config::{DEFAULT_CONTEXT, DeploymentConfig, Problem},
};
use assembly::Assembly;
pub use inventory::Deployment;

/// Reads the environment. A function, so that tests need not change the process.
pub type Environment<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// All providers and deployments of a running service.
#[derive(Debug)]
pub struct Catalog {
    providers: BTreeMap<String, Arc<dyn Provider>>,
    deployments: BTreeMap<String, DeploymentConfig>,
    default: Option<Arc<dyn Provider>>,
    findings: Vec<Finding>,
    suggested: Option<String>,
}

/// A deployment that can be called.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Who answers.
    pub provider: Arc<dyn Provider>,
    /// The model's name there.
    pub model: String,
    /// The deployment's name.
    pub deployment: String,
    /// How many tokens fit into one call.
    pub context_tokens: u64,
    /// The most tokens that an answer may have.
    pub max_output_tokens: Option<u64>,
    /// Further fields for [`crate::ModelRequest::extra`].
    pub extra: Map<String, Value>,
}

/// A provider, for people to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The provider's name.
    pub provider: String,
    /// Its kind as in the configuration.
    pub kind: &'static str,
    /// Its address, without credentials.
    pub base_url: Option<String>,
    /// How it came here.
    pub found: Found,
    /// Whether it serves the deployments that are not listed.
    pub is_default: bool,
    /// The models that it said it has when it was found.
    pub models: Vec<String>,
}

/// How a provider came into the catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// It is configured.
    Configured,
    /// These environment variables are set.
    Environment(Vec<&'static str>),
    /// It listens at this address.
    Listening(String),
    /// It is part of the program.
    AlwaysThere,
}

impl Catalog {
    /// Sets everything up, and looks for providers if the configuration leaves the default open.
    pub async fn build(config: &ModelsConfig, env: Environment<'_>) -> Result<Self, Vec<Problem>> {
        let problems = config.check();
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut assembly = Assembly::default();
        assembly.add_configured(config, env)?;
        let default = match config.default.as_deref() {
            Some("none") => None,
            Some(name) => Some(name.to_owned()),
            None => Some(open_default(config, env, &mut assembly).await?),
        };
        assembly.add_builtin();
        Ok(assembly.finish(default.as_deref(), config.deployments.clone(), env))
    }

    /// Who answers for this deployment.
    pub fn resolve(&self, deployment: &str) -> Result<Resolved, Fault> {
        if let Some(config) = self.deployments.get(deployment)
            && let Some(provider) = self.providers.get(&config.provider)
        {
            return Ok(Resolved {
                provider: Arc::clone(provider),
                model: config.model.clone().unwrap_or_else(|| deployment.to_owned()),
                deployment: deployment.to_owned(),
                context_tokens: config.context_tokens,
                max_output_tokens: config.max_output_tokens,
                extra: config.extra.clone(),
            });
        }
        let provider = self.default.as_ref().ok_or_else(|| self.unknown(deployment))?;
        Ok(Resolved {
            provider: Arc::clone(provider),
            model: deployment.to_owned(),
            deployment: deployment.to_owned(),
            context_tokens: DEFAULT_CONTEXT,
            max_output_tokens: None,
            extra: Map::new(),
        })
    }

    /// The providers, the default first.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The names of the configured deployments.
    pub fn deployments(&self) -> impl Iterator<Item = &str> {
        self.deployments.keys().map(String::as_str)
    }

    /// A provider by its name.
    pub fn provider(&self, name: &str) -> Option<&Arc<dyn Provider>> {
        self.providers.get(name)
    }

    /// A deployment that can be expected to work, to suggest it to somebody who has not chosen one: one
    /// that is configured, or a model of the default provider. Nothing where its models are not known.
    pub fn suggested_deployment(&self) -> Option<&str> {
        self.suggested.as_deref()
    }

    fn unknown(&self, deployment: &str) -> Fault {
        let names: Vec<&str> = self.deployments().collect();
        let existing = if names.is_empty() {
            "No deployments are configured.".to_owned()
        } else {
            format!("Deployments that exist: {}.", names.join(", "))
        };
        let message = format!("No connection matching model: {deployment}. {existing}");
        Fault::new(FaultKind::UnknownModel, message)
    }
}

/// The default that the configuration leaves open: the only configured provider, what is found, `builtin`.
async fn open_default(
    config: &ModelsConfig,
    env: Environment<'_>,
    assembly: &mut Assembly,
) -> Result<String, Vec<Problem>> {
    // A provider behind a cassette is not meant to be called past it.
    let behind: Vec<&String> = config.providers.values().filter_map(|p| p.provider.as_ref()).collect();
    let mut outer = config.providers.keys().filter(|name| !behind.contains(name));
    if let (Some(only), None) = (outer.next(), outer.next()) {
        return Ok(only.clone());
    }
    let discovery = if config.discover { discovery::discover(config, env).await? } else { None };
    match discovery {
        Some(discovered) => assembly.add_discovered(discovered),
        None => Ok("builtin".to_owned()),
    }
}
