//! Whether an agent answers.

use axum::{extract::State, http::StatusCode};
use cupola_wire::agents::AgentState;

use super::{kinds::agent_key, record};
use crate::{
    ApiError, Service,
    path::{Ids, Project},
};

/// `POST /agents/{agent}:enable`
pub async fn enable(service: State<Service>, project: Project, ids: Ids<1>) -> Result<StatusCode, ApiError> {
    set(service, project, ids, AgentState::Enabled).await
}

/// `POST /agents/{agent}:disable`: what is under way goes on, what comes is refused.
pub async fn disable(service: State<Service>, project: Project, ids: Ids<1>) -> Result<StatusCode, ApiError> {
    set(service, project, ids, AgentState::Disabled).await
}

async fn set(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
    state: AgentState,
) -> Result<StatusCode, ApiError> {
    record::change(&service, &agent_key(&project, &name), |record| {
        record.agent.state = state;
        record.agent.configuration_state = state;
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
