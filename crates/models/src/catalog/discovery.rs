//! Looks for a model server in the environment and on this machine.

use std::{net::SocketAddr, time::Duration};

use futures_util::future::join_all;
use reqwest::{Client, redirect};
use tokio::{net::TcpStream, time::timeout};
use url::Url;

use super::{Environment, Found};
use crate::{
    ModelsConfig, Secret,
    config::{Problem, ProviderKind, server_address},
    openai::{Dialect, ModelList},
};

/// OpenAI's own address.
const PUBLIC_OPENAI: &str = "https://api.openai.com/v1";

/// The `api-version` that is asked for unless the configuration or `OPENAI_API_VERSION` names another.
pub(crate) const AZURE_API_VERSION: &str = "2024-10-21";

/// What a server on this machine gets to say who it is.
const PROBE_BUDGET: Duration = Duration::from_millis(40);

/// Where model servers usually listen, in the order of preference.
const USUAL_PORTS: [(&str, u16); 4] =
    [("ollama", 11434), ("lmstudio", 1234), ("vllm", 8000), ("llama-server", 8080)];

/// A provider that was found.
#[derive(Debug)]
pub(crate) struct Discovered {
    pub(crate) name: String,
    pub(crate) kind: ProviderKind,
    pub(crate) base_url: Url,
    pub(crate) dialect: Dialect,
    pub(crate) key: Option<Secret>,
    pub(crate) found: Found,
    pub(crate) models: Vec<String>,
}

/// The first provider that is found: the environment, then servers that listen here.
pub(crate) async fn discover(
    config: &ModelsConfig,
    env: Environment<'_>,
) -> Result<Option<Discovered>, Vec<Problem>> {
    if let Some(found) = in_environment(env).map_err(|problem| vec![problem])? {
        return Ok(Some(found));
    }
    let places = match &config.discover_on {
        Some(addresses) => addresses.iter().filter_map(|address| named(address)).collect(),
        None => USUAL_PORTS
            .map(|(name, port)| (name.to_owned(), SocketAddr::from(([127, 0, 0, 1], port))))
            .to_vec(),
    };
    Ok(join_all(places.into_iter().map(|(name, place)| probe(name, place)))
        .await
        .into_iter()
        .flatten()
        .next())
}

fn in_environment(env: Environment<'_>) -> Result<Option<Discovered>, Problem> {
    let env = |name: &str| env(name).filter(|value| !value.trim().is_empty());
    if let Some(key) = env("OPENAI_API_KEY") {
        let mut variables = vec!["OPENAI_API_KEY"];
        let base_url = env("OPENAI_BASE_URL").inspect(|_| variables.push("OPENAI_BASE_URL"));
        return Ok(Some(Discovered {
            name: "openai".into(),
            kind: ProviderKind::Openai,
            base_url: address("OPENAI_BASE_URL", base_url.as_deref().unwrap_or(PUBLIC_OPENAI))?,
            dialect: Dialect::OpenAi,
            key: Some(key_from("OPENAI_API_KEY", &key)?),
            found: Found::Environment(variables),
            models: Vec::new(),
        }));
    }
    let (Some(endpoint), Some(key)) = (env("AZURE_OPENAI_ENDPOINT"), env("AZURE_OPENAI_API_KEY")) else {
        return Ok(None);
    };
    let api_version = env("OPENAI_API_VERSION").unwrap_or_else(|| AZURE_API_VERSION.into());
    Ok(Some(Discovered {
        name: "azure".into(),
        kind: ProviderKind::Azure,
        base_url: address("AZURE_OPENAI_ENDPOINT", &endpoint)?,
        dialect: Dialect::Azure { api_version },
        key: Some(key_from("AZURE_OPENAI_API_KEY", &key)?),
        found: Found::Environment(vec!["AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY"]),
        models: Vec::new(),
    }))
}

fn address(variable: &str, value: &str) -> Result<Url, Problem> {
    server_address(value).map_err(|message| Problem::new(format!("environment variable {variable}"), message))
}

fn key_from(variable: &str, value: &str) -> Result<Secret, Problem> {
    Secret::for_header(value)
        .map_err(|message| Problem::new(format!("environment variable {variable}"), message))
}

/// A place from the configuration, named after the server that usually listens on its port.
fn named(address: &str) -> Option<(String, SocketAddr)> {
    let address: SocketAddr = address.parse().ok()?;
    let usual = USUAL_PORTS.iter().find(|(_, port)| *port == address.port());
    Some((usual.map_or("local", |(name, _)| name).to_owned(), address))
}

/// Asks whoever listens there for a list of models.
async fn probe(name: String, place: SocketAddr) -> Option<Discovered> {
    let models = timeout(PROBE_BUDGET, listed_models(place)).await.ok()??;
    let base_url = Url::parse(&format!("http://{place}/v1")).ok()?;
    tracing::debug!(%name, %place, count = models.len(), "a model server was found");
    Some(Discovered {
        name,
        kind: ProviderKind::Openai,
        base_url,
        dialect: Dialect::OpenAi,
        key: None,
        found: Found::Listening(place.to_string()),
        models,
    })
}

async fn listed_models(place: SocketAddr) -> Option<Vec<String>> {
    // Almost always nobody listens: then not even a client is made.
    drop(TcpStream::connect(place).await.ok()?);
    let client =
        Client::builder().no_proxy().tls_certs_only([]).redirect(redirect::Policy::none()).build().ok()?;
    let response =
        client.get(format!("http://{place}/v1/models")).send().await.ok()?.error_for_status().ok()?;
    let list: ModelList = response.json().await.ok()?;
    Some(list.data.into_iter().map(|model| model.id).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn found(variables: &[(&str, &str)]) -> Option<Discovered> {
        let env =
            |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        in_environment(&env).unwrap()
    }

    #[test]
    fn an_openai_key_alone_means_openai_itself() {
        let openai = found(&[("OPENAI_API_KEY", "k")]).unwrap();
        assert_eq!(openai.base_url.as_str(), PUBLIC_OPENAI);
        assert_eq!(openai.found, Found::Environment(vec!["OPENAI_API_KEY"]));
    }

    #[test]
    fn a_base_url_leads_elsewhere_and_comes_before_azure() {
        let openai = found(&[
            ("AZURE_OPENAI_ENDPOINT", "https://x.openai.azure.com"),
            ("AZURE_OPENAI_API_KEY", "a"),
            ("OPENAI_API_KEY", "k"),
            ("OPENAI_BASE_URL", "http://models.internal/v1"),
        ]);
        assert_eq!(openai.unwrap().base_url.as_str(), "http://models.internal/v1");
    }

    #[test]
    fn azure_needs_endpoint_and_key() {
        assert!(found(&[("AZURE_OPENAI_ENDPOINT", "https://x.openai.azure.com")]).is_none());
        let azure =
            found(&[("AZURE_OPENAI_ENDPOINT", "https://x.openai.azure.com"), ("AZURE_OPENAI_API_KEY", "a")]);
        let version = Dialect::Azure { api_version: AZURE_API_VERSION.into() };
        assert_eq!(azure.unwrap().dialect, version);
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        assert!(found(&[("OPENAI_API_KEY", " ")]).is_none());
    }

    #[test]
    fn a_bad_address_is_named_with_its_variable() {
        let env = |name: &str| Some(if name == "OPENAI_BASE_URL" { "nowhere" } else { "k" }.to_owned());
        let problem = in_environment(&env).unwrap_err();
        assert!(problem.to_string().starts_with("environment variable OPENAI_BASE_URL: \"nowhere\" is not"));
    }
}
