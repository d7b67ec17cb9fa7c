//! `[tools.web_search]`: who searches the web for agents.

use std::{fs, path::PathBuf};

use cupola_tools::web::{Kind, Provider};
use serde::Deserialize;
use url::Url;

/// `[tools.web_search]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebSearchConfig {
    /// The kind of provider.
    pub provider: Option<Kind>,
    /// Where it is.
    pub endpoint: Option<Url>,
    /// The environment variable that holds its key.
    pub key_env: Option<String>,
    /// The file that holds its key.
    pub key_file: Option<PathBuf>,
}

impl WebSearchConfig {
    /// The provider with its key, or what is wrong.
    pub fn load(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<Option<Provider>, String> {
        let Some(kind) = self.provider else {
            let is_empty = *self == Self::default();
            return if is_empty { Ok(None) } else { Err(bad("say which `provider` this is")) };
        };
        let usual = || Url::parse(kind.usual_endpoint()?).ok();
        let endpoint = self.endpoint.clone().or_else(usual);
        let endpoint = endpoint.ok_or_else(|| bad("this provider needs an `endpoint`"))?;
        let key = self.key(env)?;
        if kind.needs_key() && key.is_none() {
            return Err(bad("this provider needs `key_env` or `key_file`"));
        }
        Provider::new(kind, endpoint, key).map(Some).map_err(|failure| bad(&failure.to_string()))
    }

    fn key(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<Option<String>, String> {
        let (text, place) = match (&self.key_env, &self.key_file) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => return Err(bad("give one of `key_env` and `key_file`")),
            (Some(variable), None) => {
                let text = env(variable);
                let unset = || bad(&format!("the environment variable {variable} is not set"));
                (text.ok_or_else(unset)?, variable.clone())
            }
            (None, Some(file)) => {
                let place = file.display().to_string();
                let text = fs::read_to_string(file);
                (text.map_err(|error| bad(&format!("{place} can't be read: {error}")))?, place)
            }
        };
        match text.trim() {
            "" => Err(bad(&format!("{place} holds no key"))),
            key => Ok(Some(key.to_owned())),
        }
    }
}

fn bad(reason: &str) -> String {
    format!("`tools.web_search`: {reason}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn loaded(text: &str) -> Result<Option<Provider>, String> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let config: WebSearchConfig = toml::from_str(text).unwrap();
        config.load(&|name| (name == "KEY").then(|| "s3cret\n".to_owned()))
    }

    #[test]
    fn a_provider_needs_no_more_than_nobody_knows() {
        assert!(loaded("").unwrap().is_none());
        assert!(loaded("provider = 'searxng'\nendpoint = 'http://127.0.0.1:8888'").unwrap().is_some());
        let brave = loaded("provider = 'brave'\nkey_env = 'KEY'").unwrap().unwrap();
        assert!(!format!("{brave:?}").contains("s3cret"));
    }

    #[test]
    fn what_is_missing_is_told() {
        for (text, reason) in [
            ("endpoint = 'http://127.0.0.1:1'", "say which `provider` this is"),
            ("provider = 'searxng'", "this provider needs an `endpoint`"),
            ("provider = 'bing'", "this provider needs `key_env` or `key_file`"),
            ("provider = 'bing'\nkey_env = 'NONE'", "the environment variable NONE is not set"),
            ("provider = 'bing'\nkey_env = 'KEY'\nkey_file = 'k'", "give one of `key_env` and `key_file`"),
        ] {
            assert_eq!(loaded(text).unwrap_err(), format!("`tools.web_search`: {reason}"));
        }
    }
}
