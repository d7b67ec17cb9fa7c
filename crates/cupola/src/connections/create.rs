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
        let key = match (&self.key_env, &self.key_file) {
            (Some(variable), _) => Some(SecretSource::Env(variable.clone())),
            (None, Some(file)) => Some(SecretSource::File(file.clone())),
            (None, None) => None,
        };
        let named: Vec<&NamedSource> = self.keys_env.iter().chain(&self.keys_file).collect();
        let kind = match (&self.credentials, &key) {
            (Some(kind), _) => kind.as_str(),
            (None, Some(_)) => "ApiKey",
            (None, None) if named.is_empty() => "None",
            (None, None) => "CustomKeys",
        };
        let secrets = match (kind, key) {
            ("ApiKey", Some(key)) if named.is_empty() => vec![("key".to_owned(), key.read()?)],
            ("SAS", Some(key)) if named.is_empty() => vec![("SAS".to_owned(), key.read()?)],
            ("ApiKey" | "SAS", None) if named.is_empty() => {
                return Err(Failure::plain(format!(
                    "Credentials of the kind {kind} need a key. Say where it is: --key-env VARIABLE, --key-file \
                     FILE, or --key-file - for standard input"
                )));
            }
            ("CustomKeys", None) if !named.is_empty() => {
                let read = |named: &NamedSource| Ok((named.name.clone(), named.source.read()?));
                named.into_iter().map(read).collect::<Result<_, Failure>>()?
            }
            ("CustomKeys", None) => {
                return Err(Failure::plain(
                    "Credentials of the kind CustomKeys need keys. Say where they are: --keys-env NAME=VARIABLE or \
                     --keys-file NAME=FILE",
                ));
            }
            ("AAD" | "None", None) if named.is_empty() => Vec::new(),
            _ => {
                return Err(Failure::plain(format!(
                    "The keys do not fit credentials of the kind {kind}. ApiKey and SAS have one key (--key-env, \
                     --key-file), CustomKeys have named ones (--keys-env, --keys-file), AAD and None have none"
                )));
            }
        };
        Ok(ConnectionCredentials { kind: kind.to_owned(), secrets: secrets.into_iter().collect() })
    }
}
