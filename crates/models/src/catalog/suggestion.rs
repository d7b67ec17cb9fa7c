//! Which deployment to suggest to somebody who has not chosen one.

use url::Url;

use super::{Environment, Finding};
use crate::config::ProviderKind;

/// Where people and their programs say which model they use.
const VARIABLES: [&str; 4] =
    ["MODEL_DEPLOYMENT_NAME", "AZURE_AI_MODEL_DEPLOYMENT_NAME", "FOUNDRY_MODEL_NAME", "OPENAI_MODEL"];

/// The name that stands for the builtin model, which answers to every name.
const BUILTIN: &str = "builtin";

/// Where OpenAI itself is.
const PUBLIC_OPENAI_HOST: &str = "api.openai.com";

/// A model of OpenAI's that every account has and that costs little.
const PUBLIC_OPENAI_MODEL: &str = "gpt-4o-mini";

/// A deployment that the default provider can be expected to serve; nothing where that can't be known.
pub(super) fn suggest(default: &Finding, env: Environment<'_>) -> Option<String> {
    if default.kind == ProviderKind::Builtin.name() {
        return Some(BUILTIN.to_owned());
    }
    // "builtin" is what an earlier `cupola env` left there: nobody else has a model of that name.
    let wished = VARIABLES
        .iter()
        .filter_map(|name| env(name))
        .map(|value| value.trim().to_owned())
        .find(|value| !value.is_empty() && value != BUILTIN);
    match default.models.first() {
        Some(first) => wished.filter(|name| default.models.contains(name)).or_else(|| Some(first.clone())),
        None => wished.or_else(|| is_public_openai(default).then(|| PUBLIC_OPENAI_MODEL.to_owned())),
    }
}

fn is_public_openai(provider: &Finding) -> bool {
    let address = provider.base_url.as_deref().and_then(|address| Url::parse(address).ok());
    address.is_some_and(|address| address.host_str() == Some(PUBLIC_OPENAI_HOST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Found;

    fn provider(kind: ProviderKind, base_url: &str, models: &[&str]) -> Finding {
        Finding {
            provider: "p".to_owned(),
            kind: kind.name(),
            base_url: Some(base_url.to_owned()),
            found: Found::Configured,
            is_default: true,
            models: models.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    fn suggested(default: &Finding, variables: &[(&str, &str)]) -> Option<String> {
        let env =
            |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        suggest(default, &env)
    }

    const PUBLIC: &str = "https://api.openai.com/v1";

    #[test]
    fn the_model_that_the_environment_names_is_suggested() {
        let openai = provider(ProviderKind::Openai, PUBLIC, &[]);
        for name in VARIABLES {
            assert_eq!(suggested(&openai, &[(name, "gpt-5")]).as_deref(), Some("gpt-5"), "{name}");
        }
        let both = [("OPENAI_MODEL", "gpt-5"), ("MODEL_DEPLOYMENT_NAME", "gpt-4.1")];
        assert_eq!(suggested(&openai, &both).as_deref(), Some("gpt-4.1"));
    }

    #[test]
    fn what_an_earlier_builtin_left_in_the_environment_is_no_wish() {
        let left = [("MODEL_DEPLOYMENT_NAME", "builtin"), ("FOUNDRY_MODEL_NAME", "builtin")];
        let openai = provider(ProviderKind::Openai, PUBLIC, &[]);
        assert_eq!(suggested(&openai, &left).as_deref(), Some("gpt-4o-mini"));
        let azure = provider(ProviderKind::Azure, "https://x.openai.azure.com", &[]);
        assert_eq!(suggested(&azure, &left), None);
    }

    #[test]
    fn a_known_list_of_models_decides() {
        let ollama = provider(ProviderKind::Openai, "http://127.0.0.1:11434/v1", &["llama3.2", "qwen3"]);
        assert_eq!(suggested(&ollama, &[]).as_deref(), Some("llama3.2"));
        assert_eq!(suggested(&ollama, &[("OPENAI_MODEL", "qwen3")]).as_deref(), Some("qwen3"));
        assert_eq!(suggested(&ollama, &[("OPENAI_MODEL", "gpt-5")]).as_deref(), Some("llama3.2"));
    }

    #[test]
    fn of_an_unknown_server_nothing_is_guessed() {
        for base_url in ["http://models.internal/v1", "https://api.openai.com.example.org/v1"] {
            assert_eq!(suggested(&provider(ProviderKind::Openai, base_url, &[]), &[]), None, "{base_url}");
        }
    }
}
