//! Checks of the model providers: each is asked for its models.

use std::time::{Duration, Instant};

use cupola_models::catalog::{Catalog, Finding};
use futures_util::future::join_all;
use tokio::time::timeout;

use super::verdict::Verdict;
use crate::{config::Config, instance, when};

const CHECK: &str = "model provider";

/// A list of models comes at once from a server that is well.
const PATIENCE: Duration = Duration::from_secs(5);

/// All checks of the providers.
pub async fn all(config: &Config) -> Vec<Verdict> {
    let catalog = match instance::catalog(config).await {
        Ok(catalog) => catalog,
        Err(failure) => return vec![Verdict::fail(CHECK, failure.message(), "Correct the configuration")],
    };
    let real: Vec<_> = catalog.findings().iter().filter(|finding| finding.kind != "builtin").collect();
    if real.is_empty() {
        return vec![Verdict::warn(
            CHECK,
            "builtin alone, which is not a language model",
            "Start Ollama, or set OPENAI_API_KEY (and OPENAI_BASE_URL), or configure a provider: \
             docs/models.md",
        )];
    }
    join_all(real.into_iter().map(|finding| answer(&catalog, finding))).await
}

async fn answer(catalog: &Catalog, finding: &Finding) -> Verdict {
    let name = match &finding.base_url {
        Some(url) => format!("{} {url}", finding.provider),
        None => finding.provider.clone(),
    };
    let remedy = "See that it runs, that its address is right and that the key is good: docs/models.md";
    let Some(provider) = catalog.provider(&finding.provider) else {
        return Verdict::fail(CHECK, format!("{name} could not be set up"), remedy);
    };
    let began = Instant::now();
    match timeout(PATIENCE, provider.models()).await {
        Ok(Ok(models)) => {
            let took = when::span(began.elapsed());
            Verdict::ok(CHECK, format!("{name} answers within {took}; models: {}", some_of(&models)))
        }
        Ok(Err(fault)) => Verdict::fail(CHECK, format!("{name}: {}", fault.message), remedy),
        Err(_) => Verdict::fail(CHECK, format!("{name} does not answer within {PATIENCE:?}"), remedy),
    }
}

fn some_of(models: &[String]) -> String {
    const SHOWN: usize = 3;
    match models.len() {
        0 => "none".to_owned(),
        1..=SHOWN => models.join(", "),
        count => format!("{} and {} more", models[..SHOWN].join(", "), count - SHOWN),
    }
}
