//! `POST responses`: from a request to a turn.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue},
    response::Response,
};
use bytes::Bytes;
use cupola_engine::{Begin, BeginError, Begun, Changes, Durable, Frames, Listen, TurnSpec};
use cupola_store::{Conflict, Key, StoreError, TurnKey};
use rand::RngExt;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::{
    approvals::{self, Approvals},
    checks, containers,
    dialect::marks,
    exchanges,
    kinds::{RESPONSE, not_found},
    memory::{Memory, Remembered},
    projection::{Keeping, ResponseProjection},
    request,
    spec::{custom_tools, turn_spec},
    stream::Stream,
};
use crate::{
    ApiError, Service, agents, attachments,
    body::{Json, json as answer},
    conversations,
    frames::stream,
    hosted,
    items::{Include, Item, compaction, normalise, prefix},
    partition::Partition,
    path::{BoundAgent, Project},
    storage::{Requester, hide_from_others},
    tools::{file_search, mcp, memory_search},
};

const RESOLUTION: HeaderName = HeaderName::from_static("x-agent-version-resolution");
const RESOLVED: HeaderName = HeaderName::from_static("x-agent-version-resolved");

/// `POST responses`
pub async fn create(
    State(service): State<Service>,
    Project(project): Project,
    BoundAgent(bound): BoundAgent,
    requester: Requester,
    headers: HeaderMap,
    Json(body): Json<Map<String, Value>>,
) -> Result<Response, ApiError> {
    if let Some((name, version)) = hosted_agent(&service, &project, &body, bound.as_deref()).await? {
        check_sight(&service, &project, &requester, &body).await?;
        let agent = (name.as_str(), version.as_deref());
        return hosted::respond(&service, &project, &requester.into(), agent, &headers, body).await;
    }
    let streams = request::flag(&body, "stream")? == Some(true);
    checks::check_question(&body)?;
    let prepared = prepare(&service, &project, &requester, &body, bound, &Memory::none()).await?;
    let agent = prepared.agent.clone();
    let begun = begin(&service, &project, prepared, streams).await?;
    let mut answer = match (begun.frames, begun.end) {
        (Some(frames), _) => stream(frames),
        (None, Some(end)) => finished(end.document().await?)?,
        (None, None) => answer(begun.document),
    };
    if let Some(agent) = agent {
        let headers = answer.headers_mut();
        headers.insert(RESOLUTION, HeaderValue::from_static(agent.version_resolution.as_str()));
        if let Ok(version) = HeaderValue::from_str(&agent.version) {
            headers.insert(RESOLVED, version);
        }
    }
    Ok(answer)
}

/// Refuses to follow what whoever asks may not see.
async fn check_sight(
    service: &Service,
    project: &Arc<str>,
    requester: &Requester,
    body: &Map<String, Value>,
) -> Result<(), ApiError> {
    match request::text(body, "previous_response_id")? {
        Some(previous) => hide_from_others(service, project, requester, previous).await,
        None => Ok(()),
    }
}

/// A request that was checked, and what it comes to.
pub struct Prepared {
    /// The agent that answers.
    pub agent: Option<agents::ResolvedAgent>,
    /// The response, before anything has happened.
    pub response: Value,
    /// What the engine is asked for.
    pub spec: TurnSpec,
    /// What the response follows and is asked with.
    pub asked: Arc<Value>,
    /// The partition of its ids.
    pub partition: Partition,
    /// What of its items is wanted.
    pub include: Include,
    /// The approvals that it was asked with.
    approvals: Approvals,
    /// Whether it follows a response that is stored nowhere.
    follows_memory: bool,
}

/// Checks a request and finds out what it comes to. It may follow what is stored, or what is in `memory`.
pub async fn prepare(
    service: &Service,
    project: &Arc<str>,
    requester: &Requester,
    body: &Map<String, Value>,
    bound: Option<String>,
    memory: &Memory,
) -> Result<Prepared, ApiError> {
    checks::check(body)?;
    check_sight(service, project, requester, body).await?;
    let agent = resolve_agent(service, project, body, bound).await?;
    if agent.is_none() && request::text(body, "model")?.is_none_or(str::is_empty) {
        return Err(ApiError::invalid("Missing required parameter: 'model'.")
            .code("missing_required_parameter")
            .param("model"));
    }
    let conversation = request::conversation(body)?;
    let previous = request::text(body, "previous_response_id")?;
    let remembered = memory.find(previous);
    check_history(service, project, conversation.as_deref(), previous, remembered).await?;

    let anchor = conversation.as_deref().or(previous);
    let partition = anchor.and_then(Partition::of).unwrap_or_default();
    let input = input(service, project, body, &partition).await?;
    let id = partition.id("resp_");
    let now = service.clock().seconds();
    let mut response = request::response(&id, now, body, agent.as_ref(), conversation.as_deref());
    containers::name(service, project, &mut response, conversation.as_deref(), previous).await?;
    mcp::seal_tools(service.sealing(), project, &mut response["tools"])?;
    memory_search::fill_scopes(&mut response["tools"], &requester.user);
    // What stands in the store only later, or never, is handed over directly.
    let before = remembered.map_or(&response, Remembered::before);
    let asked = Arc::new(json!({
        "earlier": remembered.map_or_else(Vec::new, Remembered::items),
        "conversation": before["conversation"],
        "previous_response_id": before["previous_response_id"],
        "input": Value::Array(input.into_iter().map(Value::Object).collect()),
    }));
    exchanges::check(service.store(), project, &asked).await?;
    let mut spec = turn_spec(&response);
    file_search::check_stores(service, project, &spec).await?;
    memory_search::check_stores(service, project, &spec).await?;
    let mut approvals = approvals::read(service.store(), project, &asked, &spec.tools).await?;
    spec.approved = std::mem::take(&mut approvals.calls);
    spec.input = Some(Arc::clone(&asked));
    let follows_memory = remembered.is_some();
    let include = request::include(body);
    Ok(Prepared { agent, response, spec, asked, partition, include, approvals, follows_memory })
}

/// The hosted agent that a request is for, if it is for one.
async fn hosted_agent(
    service: &Service,
    project: &Arc<str>,
    body: &Map<String, Value>,
    bound: Option<&str>,
) -> Result<Option<(String, Option<String>)>, ApiError> {
    let named = request::agent(body)?;
    let (name, version) = match (bound, named) {
        (Some(bound), named) => (bound.to_owned(), named.and_then(|(_, version)| version)),
        (None, Some(named)) => named,
        (None, None) => return Ok(None),
    };
    Ok(agents::is_hosted(service, project, &name).await?.then_some((name, version)))
}

async fn resolve_agent(
    service: &Service,
    project: &Arc<str>,
    body: &Map<String, Value>,
    bound: Option<String>,
) -> Result<Option<agents::ResolvedAgent>, ApiError> {
    let named = request::agent(body)?;
    let (name, version) = match (bound, named) {
        // The address decides; the body may still say which version.
        (Some(bound), named) => (bound, named.and_then(|(_, version)| version)),
        (None, Some((name, version))) => (name, version),
        (None, None) => return Ok(None),
    };
    let random = rand::rng().random();
    let mut agent = agents::resolve(service, project, &name, version.as_deref(), random).await?;
    request::check_beside_agent(body, &agent)?;
    if agent.kind != "prompt" {
        let message = format!(
            "The agent '{}' is of the kind '{}', which this version of Cupola stores but can't run.",
            agent.name, agent.kind
        );
        return Err(ApiError::invalid(message).code("agent_kind_not_available"));
    }
    agents::fill(&mut agent.definition, body.get("structured_inputs"))?;
    Ok(Some(agent))
}

/// What a response may follow: a conversation, or another response, and not both.
async fn check_history(
    service: &Service,
    project: &Arc<str>,
    conversation: Option<&str>,
    previous: Option<&str>,
    remembered: Option<&Remembered>,
) -> Result<(), ApiError> {
    if conversation.is_some() && previous.is_some() {
        let message = "Mutually exclusive parameters: 'previous_response_id' and 'conversation'. \
                       Give one of them.";
        return Err(ApiError::invalid(message)
            .code("mutually_exclusive_parameters")
            .param("previous_response_id"));
    }
    if let Some(conversation) = conversation {
        conversations::check_id("conversation", conversation)?;
        conversations::find_conversation(service, project, "conversation", conversation).await?;
    }
    if let Some(previous) = previous
        && remembered.is_none()
        && service.store().get(&Key::new(project, RESPONSE, previous)).await?.is_none()
    {
        return Err(ApiError::invalid(format!("Previous response with id '{previous}' not found."))
            .code("previous_response_not_found")
            .param("previous_response_id"));
    }
    Ok(())
}

async fn input(
    service: &Service,
    project: &Arc<str>,
    body: &Map<String, Value>,
    partition: &Partition,
) -> Result<Vec<Item>, ApiError> {
    let sent = match request::field(body, "input") {
        None => return Ok(Vec::new()),
        // Clients send an empty text where the conversation has the question already.
        Some(Value::String(text)) if text.is_empty() => return Ok(Vec::new()),
        Some(sent) => sent,
    };
    let mut items = normalise("input", sent, partition)?;
    compaction::check(service.sealing(), project, "input", &items)?;
    attachments::check(service.store(), project, "input", &items).await?;
    conversations::resolve_references(service, project, "input", &mut items, |kind| {
        partition.id(prefix(kind))
    })
    .await?;
    Ok(items)
}

/// Has the engine take a response on; `streams` says whether its events are wanted.
pub async fn begin(
    service: &Service,
    project: &Arc<str>,
    prepared: Prepared,
    streams: bool,
) -> Result<Begun, ApiError> {
    let Prepared { agent, response, spec, asked, partition, include, approvals, follows_memory } = prepared;
    let is_background = response["background"] == true;
    let is_stored = response["store"] != false;
    if is_background && !is_stored {
        return Err(ApiError::invalid("A background response has to be stored: leave 'store' out.")
            .code("invalid_value")
            .param("store"));
    }
    let conversation = response["conversation"]["id"].as_str();
    if let (Some(conversation), Some(agent)) = (conversation, &agent) {
        conversations::note_agent(service, project, conversation, &agent.name, Some(&agent.version)).await?;
    }
    // Whoever waits for the end is told nothing before it, so nothing has to be durable before it. And what
    // follows a memory can't go on in another process, which has lost it.
    let can_be_durable = is_stored && !follows_memory;
    let (listen, durable) = match (streams, is_background) {
        (true, _) if can_be_durable => (Listen::Frames, Durable::Accepted),
        (true, _) => (Listen::Frames, Durable::Ended),
        (false, true) => (Listen::No, Durable::Accepted),
        // What was approved once is made once, whatever happens on the way.
        (false, false) if can_be_durable && !approvals.answered.is_empty() => {
            (Listen::End, Durable::Accepted)
        }
        (false, false) => (Listen::End, Durable::Ended),
    };
    let changes = match durable {
        Durable::Accepted => approvals.claims(project, response["id"].as_str().unwrap_or_default()),
        Durable::Ended => Vec::new(),
    };
    let keeping = match durable {
        _ if !is_stored => Keeping::Nothing,
        Durable::Accepted => Keeping::FromAccepted,
        Durable::Ended => Keeping::FromEnd,
    };
    let id = response["id"].as_str().unwrap_or_default().to_owned();
    let events = Stream::new(partition, marks(&response))
        .with_custom_tools(custom_tools(&response))
        .with_tools(spec.tools.clone())
        .with_include(include);
    let events = if is_background { events } else { events.spelling() };
    let projection = ResponseProjection::new(project, response, asked, events, keeping);
    let begun = service
        .engine()
        .begin(Begin {
            key: TurnKey { project: Arc::clone(project), id },
            dialect: Arc::clone(service.responses()),
            spec,
            projection: Box::new(projection),
            changes,
            listen,
            durable,
            eager: true,
        })
        .await;
    begun.map_err(|error| match error {
        BeginError::Store(StoreError::Conflict(Conflict::Held { name, holder })) => {
            approvals::answered(&name, Some(&holder))
        }
        error => error.into(),
    })
}

/// A response without an answer: it is there for others to follow, with what they have in common.
pub async fn warm_up(service: &Service, project: &Arc<str>, prepared: Prepared) -> Result<Frames, ApiError> {
    let Prepared { response, asked, partition, .. } = prepared;
    let keeping = if response["store"] == false { Keeping::Nothing } else { Keeping::FromEnd };
    let events = Stream::new(partition, marks(&response));
    let projection = ResponseProjection::new(project, response, asked, events, keeping);
    let Changes { changes, frames } = projection.without_answer(service.clock().seconds());
    if !changes.is_empty() {
        service.store().commit(changes).await?;
    }
    let (sender, receiver) = mpsc::channel(frames.len());
    for frame in frames {
        // There is room for all of them.
        let _ = sender.try_send(frame);
    }
    Ok(receiver)
}

/// What of a response says how it ended.
#[derive(Deserialize)]
struct Outcome {
    status: String,
    error: Option<OutcomeError>,
}

#[derive(Deserialize)]
struct OutcomeError {
    code: String,
    message: String,
}

/// A response that failed is an error for whoever waited for it, with the words of what failed.
fn finished(document: Bytes) -> Result<Response, ApiError> {
    let outcome: Outcome = serde_json::from_slice(&document)
        .map_err(|error| ApiError::internal("reading how a response ended", error))?;
    match outcome.error {
        Some(error) if outcome.status == "failed" => Err(ApiError::of_turn(&error.code, error.message)),
        _ => Ok(answer(document)),
    }
}

/// The response with this id exists.
pub async fn find(service: &Service, project: &Arc<str>, id: &str) -> Result<Bytes, ApiError> {
    let found = service.store().get(&Key::new(project, RESPONSE, id)).await?;
    found.map(|resource| resource.doc).ok_or_else(|| not_found(id))
}
