//! Runs: create, list, get, update, answer tool calls, cancel.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use bytes::Bytes;
use cupola_engine::{
    Begin, BeginError, CommandError, Durable, Frames, Listen, ids, turn::CallOutput, turn::Refusal,
};
use cupola_store::{Batch, Change, Conflict, StoreError, TurnKey};
use cupola_wire::classic::{
    Agent, CreateRun, CreateThreadAndRun, Run, RunStatus, SubmitToolOutputs, Thread, ToolOutput,
    ToolResources, Truncation, UpdateMetadata,
};
use serde_json::{Value, json};

use super::{
    agents::{as_echoed, format_as_echoed},
    checks,
    code_files::CodeFiles,
    include::Include,
    kinds::{self, AGENT, MESSAGE, RUN, THREAD, key},
    messages,
    projection::RunProjection,
    scope::Scope,
    servers,
    spec::turn_spec,
    threads,
};
use crate::{
    ApiError, Service,
    body::{Json, json as json_answer},
    frames::{frame, stream},
    listing::{ListQuery, page},
    path::{Ids, Project},
    values::Parameters,
    vector_stores::attached::{self, AttachedFiles},
};

/// Fields that the service sets.
const OWN: &[&str] = &[
    "id",
    "object",
    "created_at",
    "thread_id",
    "status",
    "started_at",
    "expires_at",
    "cancelled_at",
    "failed_at",
    "completed_at",
    "required_action",
    "last_error",
    "incomplete_details",
    "usage",
];

/// `POST /threads/{thread}/runs`
pub async fn create(
    State(service): State<Service>,
    Project(project): Project,
    Ids([thread]): Ids<1>,
    parameters: Parameters,
    Json(mut body): Json<CreateRun>,
) -> Result<Response, ApiError> {
    check(&body)?;
    let mut changes = vec![Change::RequirePresent { key: key(&project, THREAD, thread.clone()) }];
    let additional = body.additional_messages.take().unwrap_or_default();
    if !additional.is_empty() {
        let parent = key(&project, MESSAGE, thread.clone());
        changes.push(Change::RequireFewer { parent, limit: checks::MAX_MESSAGES - additional.len() + 1 });
    }
    let files = AttachedFiles::of_messages("additional_messages", Some(&additional))?;
    let code_files = CodeFiles::of_messages(&additional);
    let mut texts = Vec::new();
    for (index, message) in additional.into_iter().enumerate() {
        let param = format!("additional_messages[{index}]");
        let (_, message) = messages::prepare(&service, &project, &thread, &param, message)?;
        texts.extend(message);
    }
    // The claim comes before the messages, so that a thread that is in use is the first thing to be said.
    changes.push(claim(&project, &thread, ""));
    changes.extend(texts);
    let listen = body.stream == Some(true);
    attached::to_thread(&service, &project, &thread, &files).await?;
    code_files.put(&service, &project, &thread).await?;
    let prepared = prepare(&service, &project, thread, None, body).await?;
    let shown = Shown { listen, include: Include::from_query(&parameters), prelude: None };
    begin(&service, &project, prepared, changes, shown).await
}

/// `POST /threads/runs`
pub async fn create_with_thread(
    State(service): State<Service>,
    Project(project): Project,
    parameters: Parameters,
    Json(body): Json<CreateThreadAndRun>,
) -> Result<Response, ApiError> {
    let CreateThreadAndRun { thread, run: mut body } = body;
    check(&body)?;
    body.additional_messages = None;
    let new = threads::prepare(&service, &project, "thread.", thread.unwrap_or_default()).await?;
    let store = new.store;
    let mut changes = store.as_ref().map(|store| store.changes.clone()).unwrap_or_default();
    changes.extend(new.changes);
    changes.push(claim(&project, &new.thread.id, ""));
    let listen = body.stream == Some(true);
    let prelude = Some(frame("thread.created", &new.thread));
    let shown = Shown { listen, include: Include::from_query(&parameters), prelude };
    let resources = Some(new.thread.tool_resources);
    let begun = match prepare(&service, &project, new.thread.id, resources, body).await {
        Ok(prepared) => begin(&service, &project, prepared, changes, shown).await,
        Err(refusal) => Err(refusal),
    };
    match (store, begun.is_ok()) {
        (Some(store), true) => store.begin(&service, &project),
        (Some(store), false) => store.give_up(&service).await,
        (None, _) => {}
    }
    begun
}

/// The claim of a run on its thread. The holder is filled in when the run has its id.
pub(super) fn claim(project: &Arc<str>, thread: &str, run: &str) -> Change {
    Change::Claim { project: Arc::clone(project), name: thread.to_owned(), holder: run.to_owned() }
}

fn check(body: &CreateRun) -> Result<(), ApiError> {
    checks::text("instructions", body.instructions.as_deref(), checks::MAX_INSTRUCTIONS)?;
    checks::text(
        "additional_instructions",
        body.additional_instructions.as_deref(),
        checks::MAX_INSTRUCTIONS,
    )?;
    checks::tools(body.tools.as_deref())?;
    checks::tool_resources(body.tool_resources.as_ref())?;
    checks::range("temperature", body.temperature, 0.0, 2.0)?;
    checks::range("top_p", body.top_p, 0.0, 1.0)?;
    checks::positive("max_prompt_tokens", body.max_prompt_tokens)?;
    checks::positive("max_completion_tokens", body.max_completion_tokens)?;
    checks::response_format(body.response_format.as_ref())?;
    checks::tool_choice(body.tool_choice.as_ref())?;
    checks::metadata("metadata", body.metadata.as_ref())?;
    checks::count("additional_messages", body.additional_messages.as_ref().map_or(0, Vec::len), 1000)?;
    truncation(body.truncation_strategy.as_ref())
}

fn truncation(strategy: Option<&Truncation>) -> Result<(), ApiError> {
    let Some(strategy) = strategy else { return Ok(()) };
    match (strategy.kind.as_str(), strategy.last_messages) {
        ("auto", _) => Ok(()),
        ("last_messages", Some(count)) => checks::positive("truncation_strategy.last_messages", Some(count)),
        ("last_messages", None) => {
            let param = "truncation_strategy.last_messages";
            Err(ApiError::invalid(format!("Missing required parameter: '{param}'."))
                .code("missing_required_parameter")
                .param(param))
        }
        (other, _) => Err(ApiError::invalid(format!(
            "Invalid value: '{other}'. Supported values are: 'auto' and 'last_messages'."
        ))
        .code("invalid_value")
        .param("truncation_strategy.type")),
    }
}

/// What of a new run is shown to whoever creates it.
struct Shown {
    listen: bool,
    include: Include,
    prelude: Option<Bytes>,
}

/// A new run: the agent's settings, with those of this run on top; and what its tools work on. `resources` are
/// those of a thread that is not stored yet.
pub(super) async fn prepare(
    service: &Service,
    project: &Arc<str>,
    thread_id: String,
    resources: Option<ToolResources>,
    body: CreateRun,
) -> Result<(Run, Scope), ApiError> {
    let agent_key = key(project, AGENT, body.assistant_id.clone());
    let agent: Agent = kinds::read(&agent_key, &kinds::find(service, &agent_key).await?.doc)?;
    let instructions = match (body.instructions.or(agent.instructions), body.additional_instructions) {
        (Some(instructions), Some(more)) => Some(format!("{instructions}\n{more}")),
        (instructions, more) => instructions.or(more),
    };
    let agent_resources = agent.tool_resources;
    let mut run = Run {
        id: ids::new("run_"),
        object: "thread.run".to_owned(),
        created_at: service.clock().seconds(),
        assistant_id: body.assistant_id,
        thread_id,
        status: RunStatus::Queued,
        started_at: None,
        expires_at: None,
        cancelled_at: None,
        failed_at: None,
        completed_at: None,
        required_action: None,
        last_error: None,
        model: body.model.unwrap_or(agent.model),
        instructions,
        tools: match body.tools {
            Some(tools) => tools.into_iter().map(as_echoed).collect(),
            None => agent.tools,
        },
        tool_resources: body.tool_resources.unwrap_or_default(),
        metadata: body.metadata.unwrap_or_default(),
        temperature: body.temperature.or(agent.temperature),
        top_p: body.top_p.or(agent.top_p),
        max_completion_tokens: body.max_completion_tokens,
        max_prompt_tokens: body.max_prompt_tokens,
        truncation_strategy: Some(
            body.truncation_strategy.unwrap_or(Truncation { kind: "auto".to_owned(), last_messages: None }),
        ),
        incomplete_details: None,
        usage: None,
        response_format: match body.response_format {
            Some(format) => format_as_echoed(Some(format)),
            None => agent.response_format,
        },
        tool_choice: body.tool_choice.filter(|choice| !choice.is_null()).unwrap_or_else(|| json!("auto")),
        parallel_tool_calls: body.parallel_tool_calls.unwrap_or(true),
        extra: checks::extra(body.extra, OWN),
    };
    servers::seal(service, project, &mut run.tool_resources, &mut run.tools)?;
    if !Scope::concerns(&run) {
        return Ok((run, Scope::default()));
    }
    let of_thread = match resources {
        Some(resources) => resources,
        None => {
            let thread_key = key(project, THREAD, run.thread_id.clone());
            let thread: Thread = kinds::read(&thread_key, &kinds::find(service, &thread_key).await?.doc)?;
            thread.tool_resources
        }
    };
    let scope = Scope::of(project, &run, &agent_resources, &of_thread);
    Ok((run, scope))
}

async fn begin(
    service: &Service,
    project: &Arc<str>,
    (run, scope): (Run, Scope),
    mut changes: Batch,
    shown: Shown,
) -> Result<Response, ApiError> {
    let Shown { listen, include, prelude } = shown;
    for change in &mut changes {
        if let Change::Claim { holder, .. } = change {
            holder.clone_from(&run.id);
        }
    }
    let key = TurnKey { project: Arc::clone(project), id: run.id.clone() };
    let spec = turn_spec(&run, &scope);
    let mut projection = RunProjection::new(project, run).with_include(include);
    if let Some(prelude) = prelude {
        projection = projection.with_prelude(prelude);
    }
    let dialect = Arc::clone(service.classic());
    let listen = if listen { Listen::Frames } else { Listen::No };
    let projection = Box::new(projection);
    // A stream is waited for, so its first token should not wait for the disk; unless the messages that the
    // model is to be given are on their way there, too.
    let brings_messages = changes.iter().any(|change| matches!(change, Change::Insert { .. }));
    let eager = listen == Listen::Frames
        && !brings_messages
        && service.store().holder(project, &spec.conversation).await?.is_none();
    let durable = Durable::Accepted;
    let begin = Begin { key, dialect, spec, projection, changes, listen, durable, eager };
    let begun = service.engine().begin(begin).await.map_err(not_begun)?;
    Ok(run_or_stream(begun.document, begun.frames))
}

fn not_begun(error: BeginError) -> ApiError {
    match error {
        BeginError::Store(StoreError::Conflict(Conflict::Held { name, holder })) => {
            ApiError::invalid(format!("Thread {name} already has an active run {holder}."))
        }
        BeginError::Store(error) => messages::refusal(error),
        BeginError::Draining => ApiError::draining(),
    }
}

fn run_or_stream(run: Bytes, frames: Option<Frames>) -> Response {
    match frames {
        Some(frames) => stream(frames),
        None => json_answer(run),
    }
}

/// `GET /threads/{thread}/runs`
pub async fn list(
    State(service): State<Service>,
    Project(project): Project,
    Ids([thread]): Ids<1>,
    query: ListQuery,
) -> Result<Response, ApiError> {
    let listing = query.of(&project, RUN, &thread);
    let slice = service.store().list(listing).await?;
    if slice.items.is_empty() {
        kinds::find(&service, &key(&project, THREAD, thread)).await?;
    }
    Ok(page(&slice))
}

/// `GET /threads/{thread}/runs/{run}`
pub async fn get(
    State(service): State<Service>,
    Project(project): Project,
    Ids([thread, run]): Ids<2>,
) -> Result<Response, ApiError> {
    let (thread, run) = (key(&project, THREAD, thread), key(&project, RUN, run));
    Ok(json_answer(kinds::find_in(&service, &thread, &run).await?.doc))
}

/// `POST /threads/{thread}/runs/{run}`
pub async fn update(
    State(service): State<Service>,
    Project(project): Project,
    Ids([thread, run]): Ids<2>,
    Json(body): Json<UpdateMetadata>,
) -> Result<Response, ApiError> {
    checks::metadata("metadata", body.metadata.as_ref())?;
    let (thread, run) = (key(&project, THREAD, thread), key(&project, RUN, run));
    kinds::find_in(&service, &thread, &run).await?;
    let doc = kinds::change(&service, &run, |run: &mut Run| {
        if let Some(metadata) = &body.metadata {
            run.metadata.clone_from(metadata);
        }
    })
    .await?;
    Ok(json_answer(doc))
}

/// `POST /threads/{thread}/runs/{run}/submit_tool_outputs`
pub async fn submit_tool_outputs(
    State(service): State<Service>,
    Project(project): Project,
    Ids([thread, run]): Ids<2>,
    Json(body): Json<SubmitToolOutputs>,
) -> Result<Response, ApiError> {
    let (thread, run_key) = (key(&project, THREAD, thread), key(&project, RUN, run));
    let found = kinds::find_in(&service, &thread, &run_key).await?;
    let listen = body.stream == Some(true);
    let turn = TurnKey { project: Arc::clone(&project), id: run_key.id.clone() };
    let (what, submitted) = match (body.tool_approvals, body.tool_outputs) {
        (Some(approvals), outputs) if !approvals.is_empty() || outputs.is_none() => {
            let run: Run = kinds::read(&run_key, &found.doc)?;
            let approvals = servers::approvals(&service, &project, &run, approvals)?;
            ("approvals", service.engine().approve(turn, approvals, listen).await)
        }
        (_, Some(outputs)) => {
            let outputs = outputs.into_iter().map(call_output).collect();
            ("outputs", service.engine().submit(turn, outputs, listen).await)
        }
        (_, None) => {
            return Err(ApiError::invalid("Missing required parameter: 'tool_outputs'.")
                .code("missing_required_parameter")
                .param("tool_outputs"));
        }
    };
    match submitted {
        Ok((run, frames)) => Ok(run_or_stream(run, frames)),
        Err(CommandError::Refused(Refusal::WrongCalls { expected, got })) => {
            let list =
                |ids: Vec<String>| ids.iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(", ");
            let sentence =
                format!("Expected tool {what} for call_ids [{}], got [{}]", list(expected), list(got));
            Err(ApiError::invalid(sentence))
        }
        Err(CommandError::Refused(_)) => Err(not_accepted(&service, &run_key, what).await?),
        Err(error) => Err(error.into()),
    }
}

/// Why a run does not accept outputs, or approvals, now.
async fn not_accepted(service: &Service, run: &cupola_store::Key, what: &str) -> Result<ApiError, ApiError> {
    let run: Run = kinds::read(run, &kinds::find(service, run).await?.doc)?;
    let sentence = match run.required_action {
        Some(action) => format!("The run waits for something else than tool {what}: '{}'.", action.kind),
        None => format!("Runs in status \"{}\" do not accept tool {what}.", run.status.as_str()),
    };
    Ok(ApiError::invalid(sentence))
}

fn call_output(output: ToolOutput) -> CallOutput {
    let text = match output.output {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text,
        // Some clients send structured outputs as they are.
        Some(other) => other.to_string(),
    };
    CallOutput { call_id: output.tool_call_id, output: text }
}

/// `POST /threads/{thread}/runs/{run}/cancel`
pub async fn cancel(
    State(service): State<Service>,
    Project(project): Project,
    Ids([thread, run]): Ids<2>,
) -> Result<Response, ApiError> {
    let (thread, run_key) = (key(&project, THREAD, thread), key(&project, RUN, run));
    kinds::find_in(&service, &thread, &run_key).await?;
    let turn = TurnKey { project, id: run_key.id.clone() };
    match service.engine().cancel(turn).await {
        Ok(run) => Ok(json_answer(run)),
        Err(CommandError::Refused(_)) => {
            let status = status_of(&service, &run_key).await?;
            Err(ApiError::invalid(format!("Cannot cancel run with status '{status}'.")))
        }
        Err(error) => Err(error.into()),
    }
}

async fn status_of(service: &Service, run: &cupola_store::Key) -> Result<&'static str, ApiError> {
    let run: Run = kinds::read(run, &kinds::find(service, run).await?.doc)?;
    Ok(run.status.as_str())
}
