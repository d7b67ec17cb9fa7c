//! `cupola connections create`.

use cupola_client::types::{Connection, ConnectionCredentials, Metadata, PutConnection};

use super::secrets::{NamedSource, SecretSource};
use crate::{failure::Failure, pairs::pair, progress, server::Server};

/// A connection to create.
#[derive(Debug, clap::Args)]
pub struct NewConnection {
    /// Its name: letters, digits, '-', '_' and '.'
    name: String,
    /// What is at the other end, for example CognitiveSearch, AzureOpenAI, AppInsights or CustomKeys
    #[arg(long = "type", value_name = "TYPE")]
    kind: String,
    /// Where that is
    #[arg(long, value_name = "URL")]
    target: String,
    /// How to be let in [default: what follows from the keys that are given]
    #[arg(long, value_name = "KIND", value_parser = ["ApiKey", "SAS", "CustomKeys", "AAD", "None"])]
    credentials: Option<String>,
    /// The environment variable that holds the key
    #[arg(long, value_name = "VARIABLE", conflicts_with = "key_file")]
    key_env: Option<String>,
    /// The file that holds the key; '-' is standard input
    #[arg(long, value_name = "FILE")]
    key_file: Option<String>,
    /// CustomKeys: a key's name and the environment variable that holds it; may be repeated
    #[arg(long, value_name = "NAME=VARIABLE", value_parser = NamedSource::env)]
    keys_env: Vec<NamedSource>,
    /// CustomKeys: a key's name and the file that holds it; may be repeated
    #[arg(long, value_name = "NAME=FILE", value_parser = NamedSource::file)]
    keys_file: Vec<NamedSource>,
    /// Make it the one to use for its type [default: the first of a type is]
    #[arg(long)]
    default: bool,
    /// What else is to be known; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    metadata: Vec<(String, String)>,
    /// Take the place of a connection that has the name already
    #[arg(long)]
    replace: bool,
}

/// Creates the connection. One that is there already is replaced only where that is asked for.
pub async fn put(server: &Server, new: &NewConnection) -> Result<Connection, Failure> {
    let wanted = PutConnection {
        kind: new.kind.clone(),
        target: new.target.clone(),
        is_default: new.default.then_some(true),
        credentials: new.credentials()?,
        metadata: new.metadata.iter().cloned().collect::<Metadata>(),
    };
    let connections = server.client.connections();
    let creating = async {
        if !new.replace {
            refuse_taken(&new.name, connections.get(&new.name).await)?;
        }
        Ok::<_, Failure>(connections.put(&new.name, &wanted).await?)
    };
    progress::during("Creating the connection", creating).await
}

fn refuse_taken(name: &str, found: cupola_client::Result<Connection>) -> Result<(), Failure> {
    match found {
        Err(error) if error.is_not_found() => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Err(Failure::plain(format!(
            "There is a connection {name} already. To put this one in its place: --replace"
        ))),
    }
}

impl NewConnection {
    fn credentials(&self) -> Result<ConnectionCredentials, Failure> {
        let kind = self.credential_kind();
        let named: Vec<&NamedSource> = self.keys_env.iter().chain(&self.keys_file).collect();
        let secrets = match (kind, self.key(), named.is_empty()) {
            ("ApiKey", Some(key), true) => vec![("key".to_owned(), key.read()?)],
            ("SAS", Some(key), true) => vec![("SAS".to_owned(), key.read()?)],
            ("CustomKeys", None, false) => {
                let read = |named: &NamedSource| Ok((named.name.clone(), named.source.read()?));
                named.into_iter().map(read).collect::<Result<_, Failure>>()?
            }
            ("AAD" | "None", None, true) => Vec::new(),
            ("ApiKey" | "SAS", None, true) => return Err(needs_key(kind)),
            ("CustomKeys", None, true) => return Err(needs_keys()),
            _ => return Err(does_not_fit(kind)),
        };
        Ok(ConnectionCredentials { kind: kind.to_owned(), secrets: secrets.into_iter().collect() })
    }

    /// What was asked for, else what follows from the keys that are given.
    fn credential_kind(&self) -> &str {
        let has_named = !self.keys_env.is_empty() || !self.keys_file.is_empty();
        match &self.credentials {
            Some(kind) => kind,
            None if self.key().is_some() => "ApiKey",
            None if has_named => "CustomKeys",
            None => "None",
        }
    }

    fn key(&self) -> Option<SecretSource> {
        let variable = self.key_env.clone().map(SecretSource::Env);
        variable.or_else(|| self.key_file.clone().map(SecretSource::File))
    }
}

fn needs_key(kind: &str) -> Failure {
    Failure::plain(format!(
        "Credentials of the kind {kind} need a key. Say where it is: --key-env VARIABLE, --key-file FILE, or \
         --key-file - for standard input"
    ))
}

fn needs_keys() -> Failure {
    Failure::plain(
        "Credentials of the kind CustomKeys need keys. Say where they are: --keys-env NAME=VARIABLE or \
         --keys-file NAME=FILE",
    )
}

fn does_not_fit(kind: &str) -> Failure {
    Failure::plain(format!(
        "The keys do not fit credentials of the kind {kind}. ApiKey and SAS have one key (--key-env, \
         --key-file), CustomKeys have named ones (--keys-env, --keys-file), AAD and None have none"
    ))
}
