//! `[[connections]]`: other services that agents and tools may use, and how to be let in there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use cupola_api::{ConfiguredConnection, Connection, Secrets};
use cupola_identity::Secret;
use serde::Deserialize;

/// One `[[connections]]` entry.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionConfig {
    /// Its name.
    pub name: String,
    /// What is at the other end.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where that is.
    pub target: String,
    /// Whether it is the one to use for its type; the first of a type is, unless another says so.
    pub default: Option<bool>,
    /// The kind of credentials, where it does not follow from the keys that are given.
    pub credentials: Option<CredentialKind>,
    /// The environment variable that holds the key.
    pub key_env: Option<String>,
    /// The file that holds the key.
    pub key_file: Option<PathBuf>,
    /// The environment variables that hold named keys.
    #[serde(default)]
    pub keys_env: BTreeMap<String, String>,
    /// The files that hold named keys.
    #[serde(default)]
    pub keys_file: BTreeMap<String, PathBuf>,
    /// What else is to be known.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

/// Kinds of credentials, in the words of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum CredentialKind {
    /// One key.
    ApiKey,
    /// A shared access signature.
    #[serde(rename = "SAS")]
    Sas,
    /// Several named keys.
    CustomKeys,
    /// The caller's own identity.
    #[serde(rename = "AAD")]
    Aad,
    /// None.
    None,
}

impl CredentialKind {
    fn name(self) -> &'static str {
        match self {
            Self::ApiKey => "ApiKey",
            Self::Sas => "SAS",
            Self::CustomKeys => "CustomKeys",
            Self::Aad => "AAD",
            Self::None => "None",
        }
    }
}

/// Reads the secrets of all entries from where they are, or says what is wrong with the first bad one.
pub fn load(
    entries: &[ConnectionConfig],
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<ConfiguredConnection>, String> {
    let mut names = BTreeSet::new();
    let mut defaults = BTreeMap::new();
    for entry in entries {
        if !names.insert(&entry.name) {
            return Err(entry.bad("two entries have this name; rename one of them"));
        }
        if entry.default == Some(true)
            && let Some(other) = defaults.insert(&entry.kind, &entry.name)
        {
            return Err(entry.bad(&format!("{other:?} is the default of type {:?} already", entry.kind)));
        }
    }
    for entry in entries.iter().filter(|entry| entry.default.is_none()) {
        defaults.entry(&entry.kind).or_insert(&entry.name);
    }
    entries.iter().map(|entry| entry.load(defaults.get(&entry.kind) == Some(&&entry.name), env)).collect()
}

impl ConnectionConfig {
    fn load(
        &self,
        is_default: bool,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<ConfiguredConnection, String> {
        if [&self.name, &self.kind, &self.target].iter().any(|text| text.trim().is_empty()) {
            return Err(self.bad("`name`, `type` and `target` must not be empty"));
        }
        let kind = self.credential_kind()?;
        let secrets = match kind {
            CredentialKind::ApiKey => [("key".to_owned(), self.key(env)?)].into(),
            CredentialKind::Sas => [("SAS".to_owned(), self.key(env)?)].into(),
            CredentialKind::CustomKeys => self.named_keys(env)?,
            CredentialKind::Aad | CredentialKind::None => Secrets::new(),
        };
        let connection = Connection {
            name: self.name.clone(),
            kind: self.kind.clone(),
            target: self.target.clone(),
            is_default,
            credential_type: kind.name().to_owned(),
            metadata: self.metadata.iter().map(|(name, text)| (name.clone(), text.as_str().into())).collect(),
            extra: Default::default(),
        };
        Ok(ConfiguredConnection { connection, secrets })
    }

    /// The kind that is written, which must fit the keys that are given; else the one that follows from them.
    fn credential_kind(&self) -> Result<CredentialKind, String> {
        let has_key = self.key_env.is_some() || self.key_file.is_some();
        let has_named = !self.keys_env.is_empty() || !self.keys_file.is_empty();
        match (self.credentials, has_key, has_named) {
            (_, true, true) => Err(self.bad("give either one key or named keys, not both")),
            (None, true, false) => Ok(CredentialKind::ApiKey),
            (None, false, true) => Ok(CredentialKind::CustomKeys),
            (None, false, false) => Ok(CredentialKind::None),
            (Some(kind @ (CredentialKind::ApiKey | CredentialKind::Sas)), true, false)
            | (Some(kind @ CredentialKind::CustomKeys), false, true)
            | (Some(kind @ (CredentialKind::Aad | CredentialKind::None)), false, false) => Ok(kind),
            (Some(CredentialKind::ApiKey | CredentialKind::Sas), ..) => {
                Err(self.bad("these credentials need `key_env` or `key_file`"))
            }
            (Some(CredentialKind::CustomKeys), ..) => {
                Err(self.bad("these credentials need `keys_env` or `keys_file`"))
            }
            (Some(CredentialKind::Aad | CredentialKind::None), ..) => {
                Err(self.bad("these credentials have no key; remove it"))
            }
        }
    }

    fn key(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<Secret, String> {
        match (&self.key_env, &self.key_file) {
            (Some(variable), None) => self.read_variable(variable, env),
            (None, Some(file)) => self.read_file(file),
            _ => Err(self.bad("give exactly one of `key_env` and `key_file`")),
        }
    }

    fn named_keys(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<Secrets, String> {
        let mut secrets = Secrets::new();
        for (name, variable) in &self.keys_env {
            secrets.insert(name.clone(), self.read_variable(variable, env)?);
        }
        for (name, file) in &self.keys_file {
            secrets.insert(name.clone(), self.read_file(file)?);
        }
        Ok(secrets)
    }

    fn read_variable(&self, variable: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Secret, String> {
        let text = env(variable)
            .ok_or_else(|| self.bad(&format!("the environment variable {variable} is not set")))?;
        self.secret(&text, variable)
    }

    fn read_file(&self, file: &PathBuf) -> Result<Secret, String> {
        let text = fs::read_to_string(file)
            .map_err(|error| self.bad(&format!("{} can't be read: {error}", file.display())))?;
        self.secret(&text, &file.display().to_string())
    }

    fn secret(&self, text: &str, place: &str) -> Result<Secret, String> {
        match text.trim() {
            "" => Err(self.bad(&format!("{place} holds no key"))),
            text => Ok(Secret::new(text.to_owned())),
        }
    }

    fn bad(&self, reason: &str) -> String {
        format!("`connections` entry {:?}: {reason}", self.name)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn entries(text: &str) -> Vec<ConnectionConfig> {
        #[derive(Deserialize)]
        struct File {
            connections: Vec<ConnectionConfig>,
        }
        toml::from_str::<File>(text).unwrap().connections
    }

    fn loaded(text: &str) -> Result<Vec<ConfiguredConnection>, String> {
        load(&entries(text), &|name| (name == "KEY").then(|| "s3cret\n".to_owned()))
    }

    const SEARCH: &str = "[[connections]]\nname = 's'\ntype = 'CognitiveSearch'\ntarget = 'https://x'\n";

    #[test]
    fn a_key_makes_api_key_credentials_which_debug_output_hides() {
        let loaded = loaded(&format!("{SEARCH}key_env = 'KEY'")).unwrap();
        assert_eq!(loaded[0].connection.credential_type, "ApiKey");
        assert_eq!(loaded[0].secrets["key"].expose(), "s3cret");
        assert!(!format!("{loaded:?}").contains("s3cret"));
    }

    #[test]
    fn named_keys_make_custom_keys() {
        let loaded = loaded(&format!("{SEARCH}keys_env = {{ token = 'KEY' }}")).unwrap();
        assert_eq!(loaded[0].connection.credential_type, "CustomKeys");
        assert_eq!(loaded[0].secrets["token"].expose(), "s3cret");
    }

    #[test]
    fn the_first_of_a_type_is_its_default_unless_another_says_so() {
        let two = |extra: &str| {
            let second = SEARCH.replace("'s'", "'t'");
            let loaded = loaded(&format!("{SEARCH}{second}{extra}")).unwrap();
            loaded.iter().map(|one| one.connection.is_default).collect::<Vec<_>>()
        };
        assert_eq!(two(""), [true, false]);
        assert_eq!(two("default = true"), [false, true]);
    }

    #[test]
    fn what_does_not_fit_together_is_refused_with_the_name_of_the_entry() {
        for (extra, reason) in [
            ("key_env = 'NONE'", "the environment variable NONE is not set"),
            ("key_env = 'KEY'\nkey_file = 'k'", "give exactly one of `key_env` and `key_file`"),
            ("credentials = 'SAS'", "these credentials need `key_env` or `key_file`"),
            ("credentials = 'AAD'\nkey_env = 'KEY'", "these credentials have no key; remove it"),
            ("key_env = 'KEY'\nkeys_env = { a = 'KEY' }", "give either one key or named keys, not both"),
            (SEARCH, "two entries have this name; rename one of them"),
        ] {
            let refusal = loaded(&format!("{SEARCH}{extra}")).unwrap_err();
            assert_eq!(refusal, format!("`connections` entry \"s\": {reason}"));
        }
    }
}
