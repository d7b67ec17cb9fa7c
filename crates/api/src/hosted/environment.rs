//! The environment of a sandbox: what its version says, and what the platform says, which wins.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use cupola_hosting::Mount;
use cupola_identity::Secret;
use serde_json::{Map, Value};

use super::{
    definition::{HostedDefinition, HostedProgram},
    hosting::Hosting,
    package,
    session::Session,
};
use crate::{ApiError, Service, agents::ResolvedAgent, connections};

/// Where a sandbox sees the roots of certificates.
const CERTIFICATES: &str = "/etc/cupola";

/// The port that a program is to listen on.
pub const PORT: u16 = 8088;

/// How often a silent stream says that it is alive, in seconds.
const KEEP_ALIVE_SECONDS: &str = "15";

/// The environment of a session's sandbox.
pub async fn of_session(
    service: &Service,
    hosting: &Hosting,
    project: &Arc<str>,
    agent: &ResolvedAgent,
    hosted: &HostedDefinition,
    session: &Session,
    identity: &Secret,
) -> Result<BTreeMap<String, String>, ApiError> {
    let mut environment = BTreeMap::new();
    for (name, value) in &hosted.environment {
        environment.insert(name.clone(), filled(service, project, value).await?);
    }
    if matches!(hosted.program, HostedProgram::Code { .. }) {
        environment.entry("PYTHONPATH".to_owned()).or_insert_with(|| package::PYTHONPATH.to_owned());
    }
    let host = hosting.fleet().runtime().address_of_service(hosting.service());
    let endpoint = format!("https://{host}/api/projects/{project}");
    let text = |name: &str| agent.extra.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let client = |name: &str| {
        agent.extra.get(name).and_then(|object| object["client_id"].as_str()).unwrap_or_default().to_owned()
    };
    let bundle = format!("{CERTIFICATES}/bundle.pem");
    let own = [
        ("FOUNDRY_HOSTING_ENVIRONMENT", "cupola".to_owned()),
        ("FOUNDRY_PROJECT_ENDPOINT", endpoint.clone()),
        ("FOUNDRY_PROJECT_ARM_ID", connections::project_resource_id(project)),
        ("FOUNDRY_AGENT_NAME", agent.name.clone()),
        ("FOUNDRY_AGENT_VERSION", agent.version.clone()),
        ("FOUNDRY_AGENT_ID", text("agent_guid")),
        ("FOUNDRY_AGENT_SESSION_ID", session.id.clone()),
        ("FOUNDRY_AGENT_SESSION_GUID", session.guid.clone()),
        ("FOUNDRY_AGENT_INSTANCE_CLIENT_ID", client("instance_identity")),
        ("FOUNDRY_AGENT_BLUEPRINT_CLIENT_ID", client("blueprint")),
        ("PORT", PORT.to_string()),
        ("HOME", "/home/session".to_owned()),
        ("SSE_KEEPALIVE_INTERVAL", KEEP_ALIVE_SECONDS.to_owned()),
        ("WS_KEEPALIVE_INTERVAL", KEEP_ALIVE_SECONDS.to_owned()),
        ("IDENTITY_ENDPOINT", format!("https://{host}/msi/token")),
        ("IDENTITY_HEADER", identity.expose().to_owned()),
        // Containers of the first generation look for these.
        ("AZURE_AI_PROJECT_ENDPOINT", endpoint),
        ("AGENT_PROJECT_NAME", project.to_string()),
        ("AGENT_NAME", agent.name.clone()),
        ("AGENT_ID", format!("{}:{}", agent.name, agent.version)),
        ("DEFAULT_AD_PORT", PORT.to_string()),
        // Each family of programs looks for the roots of certificates in a place of its own.
        ("SSL_CERT_FILE", bundle.clone()),
        ("REQUESTS_CA_BUNDLE", bundle.clone()),
        ("CURL_CA_BUNDLE", bundle),
        ("NODE_EXTRA_CA_CERTS", format!("{CERTIFICATES}/ca.pem")),
    ];
    environment.extend(own.map(|(name, value)| (name.to_owned(), value)));
    Ok(environment)
}

/// What a sandbox sees beside its program and its home.
pub fn mounts(hosting: &Hosting) -> Vec<Mount> {
    let file = |from: PathBuf, name: &str| Mount {
        from,
        to: PathBuf::from(CERTIFICATES).join(name),
        writable: false,
    };
    vec![file(hosting.bundle().to_owned(), "bundle.pem"), file(hosting.ca().to_owned(), "ca.pem")]
}

/// A value with its placeholders `${{connections.NAME.…}}` filled in.
async fn filled(service: &Service, project: &Arc<str>, value: &str) -> Result<String, ApiError> {
    let mut filled = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("${{") {
        filled.push_str(before);
        let Some((placeholder, after)) = after.split_once("}}") else {
            filled.push_str("${{");
            rest = after;
            continue;
        };
        filled.push_str(&held(service, project, placeholder.trim()).await?);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// What a connection holds under a placeholder: `connections.NAME.credentials.FIELD`, `.target`, or
/// `.metadata.FIELD`.
async fn held(service: &Service, project: &Arc<str>, placeholder: &str) -> Result<String, ApiError> {
    let unknown = || {
        ApiError::invalid(format!(
            "The environment of the agent holds '${{{{{placeholder}}}}}', and there is no such value. Expected \
             'connections.NAME.credentials.FIELD', 'connections.NAME.target' or 'connections.NAME.metadata.FIELD' \
             of a connection that exists."
        ))
        .code("invalid_value")
        .param("definition.environment_variables")
    };
    let path = placeholder.strip_prefix("connections.").ok_or_else(unknown)?;
    let (name, part) = split_name(path).ok_or_else(unknown)?;
    let connection = connections::reveal(service, project, name).await?.ok_or_else(unknown)?;
    let found = match part.split_once('.') {
        Some(("credentials", field)) => {
            connection.secrets.get(field).map(|secret| secret.expose().to_owned())
        }
        Some(("metadata", field)) => text(&connection.connection.metadata, field),
        _ if part == "target" => Some(connection.connection.target.clone()),
        _ => None,
    };
    found.ok_or_else(unknown)
}

/// The name may hold dots; what follows it does not begin like a name by accident.
fn split_name(path: &str) -> Option<(&str, &str)> {
    for part in [".credentials.", ".metadata."] {
        if let Some(at) = path.find(part) {
            return Some((&path[..at], &path[at + 1..]));
        }
    }
    path.strip_suffix(".target").map(|name| (name, "target"))
}

fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    match fields.get(name)? {
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
