//! New versions, and with the first one the agent itself.

use std::sync::Arc;

use axum::{
    extract::{FromRequest, Request, State},
    http::{HeaderMap, Uri, header},
    response::Response,
};
use cupola_store::{Change, Conflict, Key, StoreError};
use cupola_wire::agents::{AgentVersion, AgentVersionStatus, CreateAgentVersion, Definition};
use serde_json::{Map, Value};

use super::{
    checks,
    kinds::{AGENT_VERSION, DRAFT, RELEASED, agent_key, no_agent, versions_of},
    preview,
    record::Record,
};
use crate::{
    ApiError, Service,
    body::{Json, answer, document, json, parse_value},
    hosted,
    path::{Ids, Project},
    tools::mcp,
};

/// Names the agent where a form creates it.
const AGENT_NAME: &str = "x-ms-agent-name";

/// `POST /agents/{agent}/versions`
pub async fn create_version(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
    mut new: NewVersion,
) -> Result<Response, ApiError> {
    let (_, version) = add(&service, &project, &name, new.read()?, Mode::Always).await?;
    Ok(answer(&version))
}

/// `POST /agents`: the older way to create an agent, with its name in the body.
pub async fn create(
    State(service): State<Service>,
    Project(project): Project,
    mut new: NewVersion,
) -> Result<Response, ApiError> {
    let in_header = new.headers.get(AGENT_NAME).and_then(|name| name.to_str().ok()).map(str::to_owned);
    let name = match new.body.shift_remove("name").or(in_header.map(Value::String)) {
        Some(Value::String(name)) => name,
        Some(_) => {
            let message = "Invalid type for 'name': expected a string.";
            return Err(ApiError::invalid(message).code("invalid_type").param("name"));
        }
        None => {
            let message = "Missing required parameter: 'name'.";
            return Err(ApiError::invalid(message).code("missing_required_parameter").param("name"));
        }
    };
    let (record, _) = add(&service, &project, &name, new.read()?, Mode::NewAgent).await?;
    Ok(json(record.shown()))
}

/// `POST /agents/{agent}`: the older way to add a version; what changes nothing adds none.
pub async fn update(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
    mut new: NewVersion,
) -> Result<Response, ApiError> {
    let (record, _) = add(&service, &project, &name, new.read()?, Mode::IfChanged).await?;
    Ok(json(record.shown()))
}

/// The body of a new version, with what else of the request decides whether it may be made.
pub struct NewVersion {
    body: Map<String, Value>,
    headers: HeaderMap,
    uri: Uri,
    /// Keeps a package from being removed before a version needs it.
    _held: Option<hosted::Held>,
}

impl NewVersion {
    fn read(&mut self) -> Result<CreateAgentVersion, ApiError> {
        let body: CreateAgentVersion = parse_value(Value::Object(std::mem::take(&mut self.body)))?;
        checks::version(&body)?;
        preview::admit(&self.headers, &self.uri, &body)?;
        Ok(body)
    }
}

impl FromRequest<Service> for NewVersion {
    type Rejection = ApiError;

    async fn from_request(request: Request, service: &Service) -> Result<Self, ApiError> {
        let (headers, uri) = (request.headers().clone(), request.uri().clone());
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("multipart/") {
            let uploaded = hosted::receive_package(service, request).await?;
            return Ok(Self { body: uploaded.body, headers, uri, _held: Some(uploaded.held) });
        }
        let Json(body) = Json::from_request(request, service).await?;
        Ok(Self { body, headers, uri, _held: None })
    }
}

/// When a version is added.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// In any case.
    Always,
    /// If there is no agent of this name.
    NewAgent,
    /// If there is one, and the version differs from its latest.
    IfChanged,
}

/// Adds a version. The agent's document gives the number and is replaced with it, so two who come at the
/// same moment get two numbers.
async fn add(
    service: &Service,
    project: &Arc<str>,
    name: &str,
    body: CreateAgentVersion,
    mode: Mode,
) -> Result<(Record, AgentVersion), ApiError> {
    checks::name(if mode == Mode::NewAgent { "name" } else { "agent_name" }, name)?;
    let body = if body.definition.kind() == "hosted" { hosted::admit(service, body)? } else { body };
    let body = sealed(service, project, body)?;
    let is_hosted = body.definition.kind() == "hosted";
    let key = agent_key(project, name);
    loop {
        let stored = service.store().get(&key).await?;
        let mut record = match (&stored, mode) {
            (Some(_), Mode::NewAgent) => {
                return Err(ApiError::conflict(format!("An agent with the name '{name}' exists.")));
            }
            (None, Mode::IfChanged) => return Err(no_agent(name)),
            (Some(stored), _) => Record::read(&key, stored)?,
            (None, _) => Record::new(name),
        };
        // A hosted agent takes a while to make, so the same one is not made again, unless that failed.
        if let (true, Some(latest)) = (mode == Mode::IfChanged || is_hosted, record.latest())
            && changes_nothing(&body, latest)
            && latest.status != AgentVersionStatus::Failed
        {
            let latest = latest.clone();
            return Ok((record, latest));
        }
        let version = record.add(body.clone(), service.clock().now());
        let agent = match &stored {
            Some(stored) => record.replace(&key, stored.etag),
            None => insert(key.clone(), "", "", &version, document(&record)),
        };
        let version_key = Key::new(project, AGENT_VERSION, version.id.clone());
        let facet = if version.draft == Some(true) { DRAFT } else { RELEASED };
        let changes =
            vec![agent, insert(version_key, &versions_of(name), facet, &version, document(&version))];
        match service.store().commit(changes).await {
            Ok(()) => {
                if is_hosted {
                    hosted::begin_build(service, project, &version);
                }
                return Ok((record, version));
            }
            // Somebody else was faster: this one comes after theirs.
            Err(StoreError::Conflict(Conflict::Exists(_) | Conflict::Changed(_) | Conflict::Missing(_))) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The body without what servers of its tools are told in secret.
fn sealed(
    service: &Service,
    project: &str,
    mut body: CreateAgentVersion,
) -> Result<CreateAgentVersion, ApiError> {
    let mut fields = body.definition.into_fields();
    if let Some(tools) = fields.get_mut("tools") {
        mcp::seal_tools(service.sealing(), project, tools)?;
    }
    body.definition = Definition::try_from(fields)
        .map_err(|error| ApiError::internal("sealing what an agent's servers are told", error))?;
    Ok(body)
}

fn insert(key: Key, parent: &str, facet: &str, version: &AgentVersion, doc: bytes::Bytes) -> Change {
    let (parent, facet) = (parent.to_owned(), facet.to_owned());
    Change::Insert { key, parent, facet, created_at: version.created_at, doc, aside: None }
}

fn changes_nothing(body: &CreateAgentVersion, latest: &AgentVersion) -> bool {
    body.definition == latest.definition
        && body.metadata.as_ref().is_none_or(|metadata| *metadata == latest.metadata)
        && body.description.as_ref().is_none_or(|description| *description == latest.description)
        && body.draft != Some(true)
}
