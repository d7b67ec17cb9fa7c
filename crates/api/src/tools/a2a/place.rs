//! From the settings of a tool and its connection to the place where the agent is found.

use std::sync::Arc;

use cupola_engine::turn::TurnFault;
use cupola_tools::a2a::{Credentials, Place};
use url::Url;

use super::{fault, settings::Settings};
use crate::{ConfiguredConnection, connections::Keyring};

/// The kinds of credentials that need none, as connections call them.
const WITHOUT: [&str; 2] = ["None", ""];

/// Where the agent of a tool is found.
pub async fn place(keyring: &Keyring, project: &Arc<str>, settings: &Settings) -> Result<Place, TurnFault> {
    let connection = match &settings.project_connection_id {
        Some(id) => Some(find(keyring, project, id).await?),
        None => None,
    };
    let target = connection.as_ref().map(|found| found.connection.target.as_str());
    let address =
        settings.base_url.as_deref().filter(|url| !url.is_empty()).or(target).ok_or_else(|| {
            wrong("The tool names neither a 'base_url' nor a connection with one.".to_owned())
        })?;
    let base = url(address)?;
    let credentials = match &connection {
        Some(found) => credentials(found, &base)?,
        None => Credentials::default(),
    };
    Ok(Place {
        base,
        card_path: settings.agent_card_path.clone().filter(|path| !path.is_empty()),
        credentials,
        card_needs_credentials: settings.send_credentials_for_agent_card == Some(true),
    })
}

async fn find(keyring: &Keyring, project: &Arc<str>, id: &str) -> Result<ConfiguredConnection, TurnFault> {
    let found = keyring.find(project, id).await;
    let found = found.map_err(|error| fault("server_error", error.detail().message.clone()))?;
    found.ok_or_else(|| wrong(format!("There is no connection '{id}' in this project.")))
}

fn url(address: &str) -> Result<Url, TurnFault> {
    address.parse().map_err(|error| wrong(format!("The address of the agent is none: {error}.")))
}

/// The credentials of a connection. They are for its own target: nobody can have them sent elsewhere.
fn credentials(found: &ConfiguredConnection, base: &Url) -> Result<Credentials, TurnFault> {
    let connection = &found.connection;
    if WITHOUT.contains(&connection.credential_type.as_str()) {
        return Ok(Credentials::default());
    }
    if url(&connection.target)?.origin() != base.origin() {
        let message = format!(
            "The connection '{}' is for {}, so its credentials are not sent to {}. Leave 'base_url' out, or let \
             it begin with the connection's target.",
            connection.name,
            connection.target,
            base.origin().ascii_serialization()
        );
        return Err(wrong(message));
    }
    match connection.credential_type.as_str() {
        "CustomKeys" => {
            Ok(found.secrets.iter().fold(Credentials::default(), |credentials, (name, value)| {
                credentials.with_header(name, value.expose())
            }))
        }
        "ApiKey" => {
            let key = found.secrets.get("key").map(|key| key.expose());
            Ok(key.map_or_else(Credentials::default, |key| Credentials::default().with_key(key)))
        }
        other => {
            let message = format!(
                "The connection '{}' has credentials of the kind '{other}', which agents can't be asked with. \
                 Use ApiKey, CustomKeys or None.",
                connection.name
            );
            Err(wrong(message))
        }
    }
}

fn wrong(message: String) -> TurnFault {
    fault("invalid_value", message)
}
