//! API keys: long-lived credentials that the configuration names, kept only as their SHA-256.

use std::{path::PathBuf, sync::Arc};

use serde::Deserialize;
use subtle::ConstantTimeEq;

use crate::{
    ALL_PROJECTS, Caller, DEFAULT_ROLE, IdentityError, caller::project_roles, credential::Source, roles,
    token_cache::Fingerprint,
};

/// One `[[identity.api_keys]]` entry. Exactly one of `sha256`, `env` and `file` says what the key is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyConfig {
    /// Who the caller is.
    pub name: String,
    /// The key's SHA-256 in hex.
    pub sha256: Option<String>,
    /// The environment variable that holds the key.
    pub env: Option<String>,
    /// The file that holds the key.
    pub file: Option<PathBuf>,
    /// The projects that it opens; all of them where left out.
    #[serde(default = "every_project")]
    pub projects: Vec<String>,
    /// The roles that it gives there.
    #[serde(default = "default_roles")]
    pub roles: Vec<String>,
}

pub(crate) fn every_project() -> Vec<String> {
    vec![ALL_PROJECTS.to_owned()]
}

pub(crate) fn default_roles() -> Vec<String> {
    vec![DEFAULT_ROLE.to_owned()]
}

/// The configured keys.
#[derive(Default)]
pub(crate) struct ApiKeys(Vec<(Fingerprint, Arc<Caller>)>);

impl ApiKeys {
    /// Reads the keys from where the entries say they are.
    pub(crate) fn load(entries: &[ApiKeyConfig]) -> Result<Self, IdentityError> {
        entries
            .iter()
            .map(|entry| {
                entry.check_roles()?;
                Ok((entry.fingerprint()?, entry.caller()))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whose key this is. Looks at every entry, so that the time taken tells nothing.
    pub(crate) fn find(&self, presented: &Fingerprint) -> Option<&Arc<Caller>> {
        let mut found = None;
        for (fingerprint, caller) in &self.0 {
            if fingerprint.ct_eq(presented).into() {
                found = Some(caller);
            }
        }
        found
    }
}

impl ApiKeyConfig {
    fn check_roles(&self) -> Result<(), IdentityError> {
        match self.roles.iter().find(|role| !roles::is_role(role)) {
            None => Ok(()),
            Some(unknown) => {
                let known = roles::names().collect::<Vec<_>>().join(", ");
                Err(self.bad(format!("there is no role {unknown:?}; there are: {known}")))
            }
        }
    }

    fn caller(&self) -> Arc<Caller> {
        Arc::new(Caller { subject: self.name.clone(), roles: project_roles(&self.projects, &self.roles) })
    }

    fn fingerprint(&self) -> Result<Fingerprint, IdentityError> {
        let source =
            Source { sha256: self.sha256.as_deref(), env: self.env.as_deref(), file: self.file.as_deref() };
        source.fingerprint().map_err(|reason| self.bad(reason))
    }

    fn bad(&self, reason: String) -> IdentityError {
        IdentityError::BadApiKey { name: self.name.clone(), reason }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use sha2::{Digest, Sha256};

    use super::*;

    const KEY: &str = "correct-horse-battery-staple";

    fn entry() -> ApiKeyConfig {
        ApiKeyConfig {
            name: "ci".into(),
            sha256: None,
            env: None,
            file: None,
            projects: every_project(),
            roles: default_roles(),
        }
    }

    fn refusal(entry: ApiKeyConfig) -> String {
        let Err(error) = ApiKeys::load(&[entry]) else { panic!("the entry was accepted") };
        assert_eq!(error.code(), "bad_api_key_entry");
        error.to_string()
    }

    #[test]
    fn a_key_is_found_by_its_digest() {
        let sha256 = Some(hex::encode(Sha256::digest(KEY)));
        let keys = ApiKeys::load(&[ApiKeyConfig { sha256, ..entry() }]).unwrap();
        assert_eq!(keys.find(&Sha256::digest(KEY).into()).unwrap().subject, "ci");
        assert!(keys.find(&Sha256::digest("another").into()).is_none());
    }

    #[test]
    fn a_key_is_read_from_a_file_without_its_line_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        fs::write(&path, format!("{KEY}\n")).unwrap();
        let keys = ApiKeys::load(&[ApiKeyConfig { file: Some(path), ..entry() }]).unwrap();
        assert!(keys.find(&Sha256::digest(KEY).into()).is_some());
    }

    #[test]
    fn an_unset_variable_is_refused_by_name() {
        let env = Some("CUPOLA_TEST_NO_SUCH_KEY".to_owned());
        assert!(refusal(ApiKeyConfig { env, ..entry() }).contains("CUPOLA_TEST_NO_SUCH_KEY"));
    }

    #[test]
    fn an_entry_with_no_source_or_two_is_refused() {
        assert!(refusal(entry()).contains("exactly one of"));
        let two = ApiKeyConfig { sha256: Some("00".repeat(32)), env: Some("HOME".into()), ..entry() };
        assert!(refusal(two).contains("exactly one of"));
    }

    #[test]
    fn a_short_key_is_refused_without_being_shown() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        fs::write(&path, "hunter2").unwrap();
        let message = refusal(ApiKeyConfig { file: Some(path), ..entry() });
        assert!(message.contains("fewer than 16"));
        assert!(!message.contains("hunter2"));
    }

    #[test]
    fn a_digest_that_is_not_hex_is_refused() {
        assert!(refusal(ApiKeyConfig { sha256: Some("abc".into()), ..entry() }).contains("64 hex digits"));
    }
}
