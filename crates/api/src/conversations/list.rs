//! The list of conversations, with the filters that Foundry adds.

use axum::{extract::State, response::Response};
use futures_util::FutureExt;

use super::{agents::takes_part, kinds::CONVERSATION};
use crate::{
    ApiError, Service,
    listing::{ListQuery, page},
    path::Project,
    sieve,
    values::Parameters,
};

/// `GET /conversations`
pub async fn list(
    State(service): State<Service>,
    Project(project): Project,
    query: ListQuery,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let listing = query.of(&project, CONVERSATION, "");
    // A version's id names its agent too.
    let Some(agent) = parameters.get("agent_id").or_else(|| parameters.get("agent_name")) else {
        return Ok(page(&service.store().list(listing).await?));
    };
    let (service, project) = (&service, &project);
    let slice = sieve::list(service, listing, |conversation| {
        let conversation = conversation.id.clone();
        async move { takes_part(service, project, &conversation, agent).await }.boxed()
    })
    .await?;
    Ok(page(&slice))
}
