//! Agents: create, list, get, update, delete.

use axum::{extract::State, response::Response};
use bytes::Bytes;
use cupola_engine::ids;
use cupola_store::{Change, Conflict, Key, StoreError};
use cupola_wire::classic::{Agent, CreateAgent, Tool};
use serde_json::{Map, Value, json};

use super::{
    checks,
    kinds::{self, AGENT, key},
    messages, servers,
};
use crate::{
    ApiError, Service,
    body::{Json, answer, document, json, parse_value},
    listing::{ListQuery, page},
    path::{Ids, Project},
    vector_stores::{NewStore, attached},
};

/// Fields that the service sets.
const OWN: &[&str] = &["id", "object", "created_at"];

/// `POST /assistants`
pub async fn create(
    State(service): State<Service>,
    Project(project): Project,
    Json(mut body): Json<CreateAgent>,
) -> Result<Response, ApiError> {
    check(&body)?;
    let store =
        attached::of_agent(&service, &project, "tool_resources", body.tool_resources.as_mut()).await?;
    let mut agent = agent(body, ids::new("asst_"), service.clock().seconds());
    servers::seal(&service, &project, &mut agent.tool_resources, &mut agent.tools)?;
    let doc = document(&agent);
    let change = kinds::insert(key(&project, AGENT, agent.id), agent.created_at, doc.clone());
    attached::commit(&service, &project, store, vec![change]).await.map_err(messages::refusal)?;
    Ok(json(doc))
}

/// `GET /assistants`
pub async fn list(
    State(service): State<Service>,
    Project(project): Project,
    query: ListQuery,
) -> Result<Response, ApiError> {
    let listing = query.of(&project, AGENT, "");
    Ok(page(&service.store().list(listing).await?))
}

/// `GET /assistants/{agent}`
pub async fn get(
    State(service): State<Service>,
    Project(project): Project,
    Ids([agent]): Ids<1>,
) -> Result<Response, ApiError> {
    Ok(json(kinds::find(&service, &key(&project, AGENT, agent)).await?.doc))
}

/// `POST /assistants/{agent}`: what the body names is replaced, `null` brings the default back.
pub async fn update(
    State(service): State<Service>,
    Project(project): Project,
    Ids([agent_id]): Ids<1>,
    Json(mut changes): Json<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let key = key(&project, AGENT, agent_id);
    let resources = changes.get_mut("tool_resources").and_then(Value::as_object_mut);
    let store = attached::of_agent(&service, &project, "tool_resources", resources).await?;
    match replace(&service, &key, &changes, store.as_ref()).await {
        Ok(doc) => {
            if let Some(store) = store {
                store.begin(&service, &project);
            }
            Ok(json(doc))
        }
        Err(refusal) => {
            if let Some(store) = store {
                store.give_up(&service).await;
            }
            Err(refusal)
        }
    }
}

/// Commits the changes of an agent, with those of a store that comes with them.
async fn replace(
    service: &Service,
    key: &Key,
    changes: &Map<String, Value>,
    store: Option<&NewStore>,
) -> Result<Bytes, ApiError> {
    loop {
        let current = kinds::find(service, key).await?;
        let mut fields: Map<String, Value> = kinds::read(key, &current.doc)?;
        for (name, value) in changes {
            match value {
                Value::Null if name != "model" => fields.remove(name),
                value => fields.insert(name.clone(), value.clone()),
            };
        }
        fields.retain(|name, _| !OWN.contains(&name.as_str()));
        let body: CreateAgent = parse_value(Value::Object(fields))?;
        check(&body)?;
        let mut agent = agent(body, key.id.clone(), current.created_at);
        servers::seal(service, &key.project, &mut agent.tool_resources, &mut agent.tools)?;
        let doc = document(&agent);
        let mut batch = store.map(|store| store.changes.clone()).unwrap_or_default();
        batch.push(Change::Replace { key: key.clone(), if_etag: current.etag, doc: doc.clone() });
        match service.store().commit(batch).await {
            Ok(()) => return Ok(doc),
            // Somebody else was faster: the change is made to what they left.
            Err(StoreError::Conflict(Conflict::Changed(_))) => {}
            Err(error) => return Err(messages::refusal(error)),
        }
    }
}

/// `DELETE /assistants/{agent}`
pub async fn delete(
    State(service): State<Service>,
    Project(project): Project,
    Ids([agent]): Ids<1>,
) -> Result<Response, ApiError> {
    let change = Change::Delete { key: key(&project, AGENT, agent.clone()) };
    match service.store().commit(vec![change]).await {
        Ok(()) => Ok(answer(&kinds::deleted(agent, "assistant.deleted"))),
        Err(StoreError::Conflict(_)) => Err(kinds::not_found(AGENT, &agent)),
        Err(error) => Err(error.into()),
    }
}

fn check(body: &CreateAgent) -> Result<(), ApiError> {
    if body.model.is_empty() {
        return Err(ApiError::invalid("Missing required parameter: 'model'.")
            .code("missing_required_parameter")
            .param("model"));
    }
    checks::text("model", Some(&body.model), checks::MAX_NAME)?;
    checks::text("name", body.name.as_deref(), checks::MAX_NAME)?;
    checks::text("description", body.description.as_deref(), checks::MAX_DESCRIPTION)?;
    checks::text("instructions", body.instructions.as_deref(), checks::MAX_INSTRUCTIONS)?;
    checks::tools(body.tools.as_deref())?;
    checks::tool_resources(body.tool_resources.as_ref())?;
    checks::range("temperature", body.temperature, 0.0, 2.0)?;
    checks::range("top_p", body.top_p, 0.0, 1.0)?;
    checks::response_format(body.response_format.as_ref())?;
    checks::metadata("metadata", body.metadata.as_ref())
}

fn agent(body: CreateAgent, id: String, created_at: i64) -> Agent {
    Agent {
        id,
        object: "assistant".to_owned(),
        created_at,
        name: body.name,
        description: body.description,
        model: body.model,
        instructions: body.instructions,
        tools: body.tools.unwrap_or_default().into_iter().map(as_echoed).collect(),
        top_p: Some(body.top_p.unwrap_or(1.0)),
        temperature: Some(body.temperature.unwrap_or(1.0)),
        tool_resources: body.tool_resources.unwrap_or_default(),
        metadata: body.metadata.unwrap_or_default(),
        response_format: format_as_echoed(body.response_format),
        extra: checks::extra(body.extra, OWN),
    }
}

/// What the service adds to a tool that it was given.
pub(super) fn as_echoed(tool: Tool) -> Tool {
    match tool {
        Tool::Function(mut tool) => {
            tool.function.strict.get_or_insert(false);
            Tool::Function(tool)
        }
        Tool::Other(mut tool) => {
            if tool.get("type").and_then(Value::as_str) == Some("mcp") {
                tool.entry("allowed_tools").or_insert(Value::Null);
            }
            Tool::Other(tool)
        }
    }
}

/// What the service adds to a response format that it was given.
pub(super) fn format_as_echoed(format: Option<Value>) -> Value {
    let mut format = match format {
        None | Some(Value::Null) => return json!("auto"),
        Some(format) => format,
    };
    if let Some(Value::Object(schema)) = format.get_mut("json_schema") {
        schema.entry("strict").or_insert(Value::Bool(false));
    }
    format
}
