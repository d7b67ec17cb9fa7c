//! For whom a request is made: the user behind the container that sends it, or whoever sends it.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};
use cupola_identity::Caller;
use cupola_store::Key;

use super::{Call, Sandbox, owners::CALL};
use crate::{ApiError, Service, path::Project};

/// Names the call that a container is answering.
const CALL_ID: &str = "x-agent-foundry-call-id";
/// Names the user for whom a program asks.
const USER_IDENTITY: &str = "x-ms-user-identity";
/// What a program needs to name a user.
const IMPERSONATE: &str = "agents/users/impersonate/action";
const LONGEST_USER: usize = 256;

/// For whom a request is made, and by which agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requester {
    /// The user.
    pub user: String,
    /// The agent that asks, if one does.
    pub agent: Option<String>,
    /// The sandbox whose token was sent.
    pub sandbox: Option<Sandbox>,
    /// The call that is being answered, and its id.
    pub call: Option<(String, Call)>,
}

impl FromRequestParts<Service> for Requester {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, ApiError> {
        let project = Project::from_request_parts(parts, service).await?;
        let caller = parts.extensions.get::<Arc<Caller>>().ok_or_else(ApiError::no_such_route)?;
        let sandbox = Sandbox::of_subject(&caller.subject);
        if let Some(id) = header(&parts.headers, CALL_ID)? {
            return Self::of_call(service, &project, sandbox, id).await;
        }
        let user = match header(&parts.headers, USER_IDENTITY)? {
            None => caller.subject.clone(),
            Some(user) => impersonated(caller, &project, user)?,
        };
        let agent = sandbox.as_ref().map(|sandbox| sandbox.agent.clone());
        Ok(Self { user, agent, sandbox, call: None })
    }
}

impl Requester {
    /// The service itself, on behalf of an agent that nobody else is known to have asked.
    pub fn of_service(agent: Option<&str>) -> Self {
        let user = agent.map_or_else(|| "service".to_owned(), |agent| format!("agent:{agent}"));
        Self { user, agent: None, sandbox: None, call: None }
    }

    async fn of_call(
        service: &Service,
        Project(project): &Project,
        sandbox: Option<Sandbox>,
        id: &str,
    ) -> Result<Self, ApiError> {
        let remembered = service.calls().find(id, service.clock().now());
        let call = match remembered {
            Some(call) => call,
            // A response that outlives a restart of the service still names the call that began it.
            None => match service.store().get(&Key::new(project, CALL, id)).await? {
                Some(stored) => crate::body::parse(&stored.doc)?,
                None => return Err(unknown_call()),
            },
        };
        if sandbox.as_ref().is_some_and(|sandbox| sandbox.agent != call.agent) {
            return Err(unknown_call());
        }
        let (user, agent) = (call.user.clone(), Some(call.agent.clone()));
        Ok(Self { user, agent, sandbox, call: Some((id.to_owned(), call)) })
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, ApiError> {
    let Some(value) = headers.get(name).filter(|value| !value.is_empty()) else { return Ok(None) };
    value.to_str().map(Some).map_err(|_| {
        ApiError::invalid(format!("The header {name} is not plain text.")).code("invalid_value").param(name)
    })
}

fn unknown_call() -> ApiError {
    let message = format!(
        "The call that {CALL_ID} names is not one of this agent's, or is over. \
         Send the header as it came with the request that is being answered."
    );
    ApiError::forbidden("call_not_known", message)
}

fn impersonated(caller: &Caller, Project(project): &Project, user: &str) -> Result<String, ApiError> {
    if !caller.may(project, IMPERSONATE) {
        let message = format!(
            "No role of '{}' in the project '{project}' allows to ask for another user ({USER_IDENTITY}).",
            caller.subject
        );
        return Err(ApiError::forbidden("action_not_allowed", message));
    }
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-@".contains(&byte);
    if user.len() > LONGEST_USER || !user.bytes().all(is_allowed) {
        let message = format!(
            "Invalid '{USER_IDENTITY}': expected 1 to {LONGEST_USER} letters, digits or any of '._:-@'."
        );
        return Err(ApiError::invalid(message).code("invalid_value").param(USER_IDENTITY));
    }
    Ok(user.to_owned())
}
