//! What went wrong, in the two forms in which A2A says it: JSON-RPC errors, and HTTP statuses.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::ApiError;

/// What went wrong.
#[derive(Debug)]
pub struct Fault {
    code: i32,
    status: StatusCode,
    message: String,
}

impl Fault {
    fn new(code: i32, status: StatusCode, message: impl Into<String>) -> Self {
        Self { code, status, message: message.into() }
    }

    /// What it says.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The body is not JSON.
    pub fn not_json(message: impl Into<String>) -> Self {
        Self::new(-32700, StatusCode::BAD_REQUEST, message)
    }

    /// The body is JSON, but no request.
    pub fn no_request(message: impl Into<String>) -> Self {
        Self::new(-32600, StatusCode::BAD_REQUEST, message)
    }

    /// There is no such method.
    pub fn no_method(name: &str) -> Self {
        let message = format!("There is no method '{name}' in version 0.3 of A2A.");
        Self::new(-32601, StatusCode::NOT_FOUND, message)
    }

    /// The parameters are wrong.
    pub fn wrong(message: impl Into<String>) -> Self {
        Self::new(-32602, StatusCode::BAD_REQUEST, message)
    }

    /// There is no such task.
    pub fn no_task(id: &str) -> Self {
        Self::new(-32001, StatusCode::NOT_FOUND, format!("Task '{id}' not found."))
    }

    /// The task can't be cancelled.
    pub fn not_cancelable(message: impl Into<String>) -> Self {
        Self::new(-32002, StatusCode::CONFLICT, message)
    }

    /// Push notifications are not offered.
    pub fn no_push() -> Self {
        let message = "This agent sends no push notifications: ask for the task, or use a stream.";
        Self::new(-32003, StatusCode::BAD_REQUEST, message)
    }

    /// This is not offered.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(-32004, StatusCode::BAD_REQUEST, message)
    }

    /// Only text is understood.
    pub fn not_text(place: &str) -> Self {
        let message = format!("'{place}' is not text, and text is all that this agent takes.");
        Self::new(-32005, StatusCode::UNSUPPORTED_MEDIA_TYPE, message)
    }

    /// As JSON-RPC says it.
    pub fn as_rpc(&self) -> Value {
        json!({"code": self.code, "message": self.message})
    }
}

impl From<ApiError> for Fault {
    fn from(error: ApiError) -> Self {
        let code = if error.status().is_server_error() { -32603 } else { -32602 };
        Self::new(code, error.status(), error.detail().message.clone())
    }
}

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        Self::upstream(fault.status, fault.message)
    }
}
