//! The deployments that there are, for people and programs to choose from: those that are configured, and
//! the models of the provider that serves all others.

use std::{sync::Arc, time::Duration};

use super::{Catalog, Finding, Found};
use crate::{Provider, config::ProviderKind};

/// How long the default provider may take to list its models.
const LISTING: Duration = Duration::from_secs(3);

/// A deployment, for people to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Its name.
    pub name: String,
    /// The model's name at its provider.
    pub model: String,
    /// Who the model comes from, as far as the provider tells.
    pub publisher: String,
}

impl Catalog {
    /// A catalog in which this provider answers for every deployment.
    pub fn of(provider: Arc<dyn Provider>) -> Self {
        let name = provider.name().to_owned();
        let finding = Finding {
            provider: name.clone(),
            kind: ProviderKind::Openai.name(),
            base_url: None,
            found: Found::Configured,
            is_default: true,
            models: Vec::new(),
        };
        Self {
            providers: [(name, Arc::clone(&provider))].into(),
            deployments: Default::default(),
            default: Some(provider),
            findings: vec![finding],
            suggested: None,
        }
    }

    /// The deployments that are known by name.
    pub async fn inventory(&self) -> Vec<Deployment> {
        let mut inventory: Vec<Deployment> = self
            .deployments
            .iter()
            .map(|(name, config)| Deployment {
                name: name.clone(),
                model: config.model.clone().unwrap_or_else(|| name.clone()),
                publisher: self.publisher(&config.provider),
            })
            .collect();
        let Some(default) = &self.default else { return inventory };
        let publisher = self.publisher(default.name());
        for model in self.models_of(default).await {
            if !self.deployments.contains_key(&model) {
                let publisher = publisher.clone();
                inventory.push(Deployment { name: model.clone(), model, publisher });
            }
        }
        inventory
    }

    /// One deployment. A default provider that has no list of models, or takes any name, has this one too.
    pub async fn deployment(&self, name: &str) -> Option<Deployment> {
        let inventory = self.inventory().await;
        if let Some(found) = inventory.iter().find(|deployment| deployment.name == name) {
            return Some(found.clone());
        }
        let default = self.default.as_ref()?;
        let takes_any_name = self.kind(default.name()) == Some(ProviderKind::Builtin.name())
            || inventory.len() == self.deployments.len();
        takes_any_name.then(|| Deployment {
            name: name.to_owned(),
            model: name.to_owned(),
            publisher: self.publisher(default.name()),
        })
    }

    /// What a provider says it has now; what it said when it was found, if it does not answer.
    async fn models_of(&self, provider: &Arc<dyn Provider>) -> Vec<String> {
        match tokio::time::timeout(LISTING, provider.models()).await {
            Ok(Ok(models)) => models,
            _ => self.finding(provider.name()).map(|finding| finding.models.clone()).unwrap_or_default(),
        }
    }

    fn publisher(&self, provider: &str) -> String {
        let is_openai = |finding: &Finding| {
            finding.kind == ProviderKind::Azure.name()
                || finding.base_url.as_deref().is_some_and(|url| url.contains("//api.openai.com"))
        };
        match self.finding(provider) {
            Some(finding) if finding.kind == ProviderKind::Builtin.name() => "Cupola".to_owned(),
            Some(finding) if is_openai(finding) => "OpenAI".to_owned(),
            _ => provider.to_owned(),
        }
    }

    fn kind(&self, provider: &str) -> Option<&'static str> {
        self.finding(provider).map(|finding| finding.kind)
    }

    fn finding(&self, provider: &str) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.provider == provider)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::ModelsConfig;

    async fn catalog(section: &str) -> Catalog {
        let config: ModelsConfig = toml::from_str(section).unwrap();
        Catalog::build(&config, &|_| None).await.unwrap()
    }

    #[tokio::test]
    async fn configured_deployments_come_before_the_models_of_the_default_provider() {
        let section = "default = 'builtin'\n[deployments.gpt]\nprovider = 'builtin'\nmodel = 'echo'\n";
        let inventory = catalog(section).await.inventory().await;
        let names: Vec<_> = inventory.iter().map(|d| (d.name.as_str(), d.model.as_str())).collect();
        assert_eq!(names, [("gpt", "echo"), ("builtin", "builtin")]);
        assert!(inventory.iter().all(|deployment| deployment.publisher == "Cupola"));
    }

    #[tokio::test]
    async fn the_builtin_model_answers_to_any_name() {
        let found = catalog("discover = false").await.deployment("gpt-4o").await.unwrap();
        assert_eq!((found.model.as_str(), found.publisher.as_str()), ("gpt-4o", "Cupola"));
    }

    #[tokio::test]
    async fn without_a_default_only_what_is_configured_exists() {
        let section = "default = 'none'\n[deployments.gpt]\nprovider = 'builtin'\n";
        let catalog = catalog(section).await;
        assert!(catalog.deployment("gpt").await.is_some());
        assert_eq!(catalog.deployment("other").await, None);
    }
}
