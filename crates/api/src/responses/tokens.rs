//! `POST responses/input_tokens`: how many tokens a request would give to the model.

use axum::{extract::State, response::Response};
use cupola_engine::{ContextError, Counter, ToolSpec, fit, turn::Turn};
use cupola_store::TurnKey;
use serde_json::{Map, Value, json};

use super::{
    create::{Prepared, prepare},
    memory::Memory,
};
use crate::{
    ApiError, Service,
    body::{Json, answer},
    path::{BoundAgent, Project},
    storage::Requester,
};

/// `POST responses/input_tokens`
pub async fn input_tokens(
    State(service): State<Service>,
    Project(project): Project,
    BoundAgent(bound): BoundAgent,
    requester: Requester,
    Json(body): Json<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let Prepared { spec, response, .. } =
        prepare(&service, &project, &requester, &body, bound, &Memory::none()).await?;
    let resolved = service
        .catalog()
        .resolve(&spec.deployment)
        .map_err(|fault| ApiError::of_turn(fault.kind.code(), fault.message))?;
    let id = response["id"].as_str().unwrap_or_default().to_owned();
    let turn = TurnKey { project, id };
    let counter = Counter::new(&*resolved.provider, &resolved.model);
    let dialect = &**service.responses();
    let window = resolved.context_tokens;
    let given = fit(dialect, &turn, &spec, &Turn::default(), &counter, window).await;
    let given = given.map_err(|error| match error {
        ContextError::Store(error) => error.into(),
        // Responses set no limit of their own.
        ContextError::PromptTokens => ApiError::internal("counting tokens", "a limit that nobody set"),
    })?;
    let (mut functions, mut served) = (Vec::new(), 0);
    for tool in spec.tools {
        match tool {
            ToolSpec::Function(function) => functions.push(function),
            ToolSpec::Served { settings, .. } => served += counter.count_text(&settings.to_string()),
        }
    }
    let tokens = counter.count_request(&given, &functions) + served;
    Ok(answer(&json!({"object": "response.input_tokens", "input_tokens": tokens})))
}
