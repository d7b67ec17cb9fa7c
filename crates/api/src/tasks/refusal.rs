//! Why a task can't be what a request asks for, in the words that the containers' task client knows.

use axum::http::StatusCode;

use super::record::Status;
use crate::ApiError;

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The request makes no sense: a sentence, and the field.
    Invalid(String, &'static str),
    /// What has ended does not change.
    Immutable,
    /// There is no way from one status to the other.
    Transition(Status, Status),
    /// Somebody else holds the lease.
    LeaseHeld,
    /// While the request was on its way, the lease went from one holder to another.
    LeaseChanged,
    /// There is a task of this id.
    Exists(String),
    /// The container asks for a task that is bound to another session.
    Unbound(String),
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(sentence, param) => invalid(sentence, param),
            Refusal::Immutable => {
                conflict("task_immutable", "A completed task can't be changed any more.".to_owned())
            }
            Refusal::Transition(from, to) => conflict(
                "invalid_state_transition",
                format!("A task that is {} can't become {}.", from.as_str(), to.as_str()),
            ),
            Refusal::LeaseHeld => conflict(
                "lease_held_by_another",
                "Somebody else holds the lease of this task. Wait until it ends.".to_owned(),
            ),
            Refusal::LeaseChanged => conflict(
                "lease_ownership_changed",
                "The lease of this task went to somebody else while the request was on its way.".to_owned(),
            ),
            Refusal::Exists(id) => conflict("task_already_exists", format!("Task '{id}' already exists.")),
            Refusal::Unbound(id) => conflict(
                "binding_mismatch",
                format!("Task '{id}' belongs to another session than the sandbox that asks for it."),
            ),
        }
    }
}

/// 400, with the code that the client knows for all of these.
pub fn invalid(sentence: impl Into<String>, param: &str) -> ApiError {
    ApiError::invalid(sentence).code("invalid_request").param(param)
}

fn conflict(code: &str, sentence: String) -> ApiError {
    ApiError::upstream(StatusCode::CONFLICT, sentence).code(code)
}
