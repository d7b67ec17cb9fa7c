//! Finds what is wrong in the `[models]` section, each with the path of the key.

use std::fmt;

use url::Url;

use super::{CassetteMode, ModelsConfig, ProviderConfig, ProviderKind};

/// A value that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problem {
    /// The key, for example `models.deployments.gpt.provider`.
    pub key: String,
    /// What is wrong with it and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)
    }
}

impl Problem {
    pub(crate) fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { key: key.into(), message: message.into() }
    }
}

impl ModelsConfig {
    /// Everything that is wrong in here. Does not look at files, the environment or the network.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(name) = self.default.as_deref().filter(|name| *name != "none") {
            problems.extend(self.unknown_provider("models.default", name));
        }
        for (name, provider) in &self.providers {
            self.check_provider(&format!("models.providers.{name}"), name, provider, &mut problems);
        }
        for (name, deployment) in &self.deployments {
            let key = format!("models.deployments.{name}");
            problems.extend(self.unknown_provider(&format!("{key}.provider"), &deployment.provider));
            if deployment.context_tokens == 0 {
                problems.push(Problem::new(format!("{key}.context_tokens"), "must be at least 1"));
            }
            if deployment.max_output_tokens == Some(0) {
                problems.push(Problem::new(format!("{key}.max_output_tokens"), "must be at least 1"));
            }
        }
        for (at, address) in self.discover_on.iter().flatten().enumerate() {
            if address.parse::<std::net::SocketAddr>().is_err() {
                let message = format!("\"{address}\" is not an address such as \"127.0.0.1:11434\"");
                problems.push(Problem::new(format!("models.discover_on[{at}]"), message));
            }
        }
        problems
    }

    fn check_provider(&self, key: &str, name: &str, provider: &ProviderConfig, problems: &mut Vec<Problem>) {
        if name == "none" {
            problems
                .push(Problem::new(key, "\"none\" is not a name: `default = \"none\"` means no provider"));
        }
        for misplaced in provider.misplaced_keys() {
            let message = format!("does not apply to a provider of kind \"{}\"", provider.kind.name());
            problems.push(Problem::new(format!("{key}.{misplaced}"), message));
        }
        match provider.kind {
            ProviderKind::Openai | ProviderKind::Azure => check_upstream(key, provider, problems),
            ProviderKind::Cassette => self.check_cassette(key, provider, problems),
            ProviderKind::Builtin => {}
        }
    }

    fn check_cassette(&self, key: &str, provider: &ProviderConfig, problems: &mut Vec<Problem>) {
        if provider.file.is_none() {
            problems.push(Problem::new(format!("{key}.file"), "is missing: the cassette's file"));
        }
        let inner_key = format!("{key}.provider");
        let Some(inner) = &provider.provider else {
            if provider.mode.unwrap_or_default() != CassetteMode::Replay {
                problems
                    .push(Problem::new(inner_key, "is missing: the provider whose exchanges are recorded"));
            }
            return;
        };
        problems.extend(self.unknown_provider(&inner_key, inner));
        if self.providers.get(inner).is_some_and(|inner| inner.kind == ProviderKind::Cassette) {
            problems.push(Problem::new(inner_key, format!("\"{inner}\" is a cassette itself")));
        }
    }

    fn unknown_provider(&self, key: &str, name: &str) -> Option<Problem> {
        if name == "builtin" || self.providers.contains_key(name) {
            return None;
        }
        let mut names: Vec<&str> = self.providers.keys().map(String::as_str).chain(["builtin"]).collect();
        names.sort_unstable();
        Some(Problem::new(key, format!("no provider named \"{name}\"; there are: {}", names.join(", "))))
    }
}

impl ProviderConfig {
    /// Keys that are set although they mean nothing for this kind.
    fn misplaced_keys(&self) -> Vec<&'static str> {
        use ProviderKind::{Azure, Builtin, Cassette, Openai};
        let upstream: &[ProviderKind] = &[Openai, Azure];
        let keys = [
            ("base_url", self.base_url.is_some(), upstream),
            ("api_key_env", self.api_key_env.is_some(), upstream),
            ("api_key_file", self.api_key_file.is_some(), upstream),
            ("api_version", self.api_version.is_some(), &[Azure]),
            ("connect_timeout", self.connect_timeout.is_some(), upstream),
            ("first_byte_timeout", self.first_byte_timeout.is_some(), upstream),
            ("idle_timeout", self.idle_timeout.is_some(), upstream),
            ("retries", self.retries.is_some(), upstream),
            ("retry_wait", self.retry_wait.is_some(), upstream),
            ("length_field", self.length_field.is_some(), upstream),
            ("script", self.script.is_some(), &[Builtin]),
            ("file", self.file.is_some(), &[Cassette]),
            ("mode", self.mode.is_some(), &[Cassette]),
            ("provider", self.provider.is_some(), &[Cassette]),
        ];
        keys.into_iter()
            .filter(|(_, set, kinds)| *set && !kinds.contains(&self.kind))
            .map(|key| key.0)
            .collect()
    }
}

fn check_upstream(key: &str, provider: &ProviderConfig, problems: &mut Vec<Problem>) {
    match provider.base_url.as_deref().map(server_address) {
        Some(Ok(_)) => {}
        Some(Err(message)) => problems.push(Problem::new(format!("{key}.base_url"), message)),
        None => {
            let message = match provider.kind {
                ProviderKind::Azure => "is missing, for example \"https://my-resource.openai.azure.com\"",
                _ => "is missing, for example \"http://127.0.0.1:11434/v1\"",
            };
            problems.push(Problem::new(format!("{key}.base_url"), message));
        }
    }
    if provider.api_key_env.is_some() && provider.api_key_file.is_some() {
        let message = "and api_key_env are both set; keep one of them";
        problems.push(Problem::new(format!("{key}.api_key_file"), message));
    }
    if provider.kind == ProviderKind::Azure
        && provider.api_key_env.is_none()
        && provider.api_key_file.is_none()
    {
        let message = "is missing: Azure needs a key (api_key_env or api_key_file)";
        problems.push(Problem::new(format!("{key}.api_key_env"), message));
    }
    let waits = [
        ("connect_timeout", provider.connect_timeout),
        ("first_byte_timeout", provider.first_byte_timeout),
        ("idle_timeout", provider.idle_timeout),
    ];
    for (name, _) in waits.iter().filter(|(_, span)| span.is_some_and(|span| span.0.is_zero())) {
        problems.push(Problem::new(format!("{key}.{name}"), "must be longer than 0s"));
    }
}

/// Reads the address of a model server.
pub(crate) fn server_address(text: &str) -> Result<Url, String> {
    let url =
        Url::parse(text.trim()).map_err(|error| format!("\"{}\" is not an address: {error}", shown(text)))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(format!("\"{}\" does not begin with http:// or https://", shown(text)));
    }
    Ok(url)
}

/// The address as it may be shown: what stands before an `@` may be a password.
fn shown(text: &str) -> &str {
    text.rsplit_once('@').map_or(text, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn problems(section: &str) -> Vec<String> {
        let config: ModelsConfig = toml::from_str(section).unwrap();
        config.check().iter().map(Problem::to_string).collect()
    }

    #[test]
    fn an_empty_section_is_fine() {
        assert_eq!(toml::from_str::<ModelsConfig>("").unwrap(), ModelsConfig::default());
        assert!(problems("").is_empty());
    }

    #[test]
    fn an_unknown_provider_is_named_together_with_those_that_exist() {
        let section = r#"
            default = "cloud"
            [providers.local]
            kind = "openai"
            base_url = "http://127.0.0.1:1/v1"
            [deployments.gpt]
            provider = "x"
        "#;
        let expected = [
            r#"models.default: no provider named "cloud"; there are: builtin, local"#,
            r#"models.deployments.gpt.provider: no provider named "x"; there are: builtin, local"#,
        ];
        assert_eq!(problems(section), expected);
    }

    #[test]
    fn keys_of_another_kind_are_refused() {
        let section = "[providers.b]\nkind = 'builtin'\nbase_url = 'http://x'\n";
        assert_eq!(
            problems(section),
            [r#"models.providers.b.base_url: does not apply to a provider of kind "builtin""#]
        );
    }

    #[test]
    fn bad_addresses_are_refused_without_showing_a_password() {
        let section = "[providers.o]\nkind = 'openai'\nbase_url = 'ftp://me:secret@host/v1'\n";
        assert_eq!(
            problems(section),
            [r#"models.providers.o.base_url: "host/v1" does not begin with http:// or https://"#]
        );
        assert_eq!(
            problems("discover_on = ['here']"),
            [r#"models.discover_on[0]: "here" is not an address such as "127.0.0.1:11434""#]
        );
    }

    #[test]
    fn a_cassette_needs_a_file_and_to_record_a_provider() {
        let section = "[providers.c]\nkind = 'cassette'\nmode = 'record'\n";
        assert_eq!(
            problems(section),
            [
                "models.providers.c.file: is missing: the cassette's file",
                "models.providers.c.provider: is missing: the provider whose exchanges are recorded",
            ]
        );
        let section = "[providers.c]\nkind = 'cassette'\nfile = 'x'\nprovider = 'c'\n";
        assert_eq!(problems(section), [r#"models.providers.c.provider: "c" is a cassette itself"#]);
    }

    #[test]
    fn azure_needs_a_key() {
        let section = "[providers.a]\nkind = 'azure'\nbase_url = 'https://x.openai.azure.com'\n";
        assert_eq!(
            problems(section),
            ["models.providers.a.api_key_env: is missing: Azure needs a key (api_key_env or api_key_file)"]
        );
    }

    #[test]
    fn unknown_keys_and_bad_durations_are_refused_while_reading() {
        let error =
            toml::from_str::<ModelsConfig>("[providers.o]\nkind = 'openai'\nbase_ulr = 'x'").unwrap_err();
        assert!(error.to_string().contains("unknown field `base_ulr`"), "{error}");
        let error =
            toml::from_str::<ModelsConfig>("[providers.o]\nkind = 'openai'\nidle_timeout = '5'").unwrap_err();
        assert!(error.to_string().contains(r#""5" is not a duration"#), "{error}");
    }
}
