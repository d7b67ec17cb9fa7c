//! Errors as clients see them: the wire's envelope, and a status that tells clients whether to try again.
//!
//! A fault that trying again can't mend is never 5xx: the official clients retry those for minutes.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use cupola_engine::{BeginError, CommandError};
use cupola_store::{Conflict, StoreError};
use cupola_wire::error::{ErrorDetail, ErrorEnvelope};

/// The codes that this crate puts into envelopes; `cupola explain` has a page for each.
pub const CODES: &[&str] = &[
    "invalid_json",
    "missing_required_parameter",
    "invalid_type",
    "invalid_value",
    "string_above_max_length",
    "array_above_max_length",
    "array_below_min_length",
    "object_above_max_properties",
    "decimal_above_max_value",
    "decimal_below_min_value",
    "integer_above_max_value",
    "integer_below_min_value",
    "body_too_large",
    "file_too_large",
    "home_full",
    "file_not_accessible",
    "unsupported_file",
    "too_many_files",
    "vector_store_expired",
    "container_expired",
    "container_full",
    "code_interpreter_busy",
    "code_interpreter_failed",
    "code_interpreter_not_set_up",
    "too_many_messages",
    "no_access_to_project",
    "action_not_allowed",
    "not_found",
    "agent_kind_not_available",
    "mutually_exclusive_parameters",
    "previous_response_not_found",
    "invalid_encrypted_content",
    "summary_incomplete",
    "websocket_connection_limit_reached",
    "method_not_allowed",
    "request_timeout",
    "draining",
    "conflict",
    "connection_is_configured",
    "invalid_payload",
    "preview_feature_required",
    "not_built_yet",
    "AgentDisabled",
    "AgentNotCodeBased",
    "operation_not_offered",
    "internal_error",
    "invalid_parameters",
    "call_not_known",
    "mcp_list_failed",
    "etag_mismatch",
    "binding_mismatch",
    "invalid_request",
    "invalid_state_transition",
    "lease_held_by_another",
    "lease_ownership_changed",
    "task_already_exists",
    "task_immutable",
];

/// What a client is told, and what only the log is told.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    detail: ErrorDetail,
    retry_after: Option<u32>,
}

impl ApiError {
    fn new(status: StatusCode, kind: &str, message: impl Into<String>) -> Self {
        let detail =
            ErrorDetail { message: message.into(), kind: Some(kind.to_owned()), param: None, code: None };
        Self { status, detail, retry_after: None }
    }

    /// 400: the request is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message)
    }

    /// 404: there is no such object.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "invalid_request_error", message)
    }

    /// 404: there is no such object, in the words of the newer API. `what` begins the sentence.
    pub fn missing(what: &str, id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "error", format!("{what} '{id}' not found.")).code("not_found")
    }

    /// 404: there is no such project or route, in the service's own words.
    pub fn no_such_route() -> Self {
        let mut error = Self::new(StatusCode::NOT_FOUND, "invalid_request_error", "Resource not found");
        error.detail.code = Some("404".to_owned());
        error
    }

    /// 405: the route exists, for another method.
    pub fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "invalid_request_error", "This method is not allowed here.")
            .code("method_not_allowed")
    }

    /// 401: nobody we know.
    pub fn unauthenticated(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "authentication_error", message).code(code)
    }

    /// 403: somebody we know, who may not do this.
    pub fn forbidden(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "permission_error", message).code(code)
    }

    /// A model server failed or refused, with the status that tells whether to try again.
    pub fn upstream(status: StatusCode, message: impl Into<String>) -> Self {
        let kind = if status.is_server_error() { "server_error" } else { "invalid_request_error" };
        Self::new(status, kind, message)
    }

    /// 413: too much.
    pub fn too_large(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request_error", message).code(code)
    }

    /// A turn that failed, for whoever waited for it: with a status that says whether another attempt may
    /// help.
    pub fn of_turn(code: &str, message: impl Into<String>) -> Self {
        let status = match code {
            "invalid_engine_error" => StatusCode::NOT_FOUND,
            "rate_limit_exceeded" => StatusCode::TOO_MANY_REQUESTS,
            "model_unreachable" | "server_error" => StatusCode::BAD_GATEWAY,
            "model_timeout" => StatusCode::GATEWAY_TIMEOUT,
            "model_unauthorized" | "mcp_list_failed" => StatusCode::FAILED_DEPENDENCY,
            _ => StatusCode::BAD_REQUEST,
        };
        let kind = if status.is_server_error() { "server_error" } else { "invalid_request_error" };
        Self::new(status, kind, message).code(code)
    }

    /// 408: the body did not come in time.
    pub fn timeout(message: impl Into<String>) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "invalid_request_error", message).code("request_timeout")
    }

    /// 409: somebody else was faster.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "invalid_request_error", message).code("conflict")
    }

    /// 412: the object is not in the version that the client has read.
    pub fn precondition(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "invalid_request_error", message).code("etag_mismatch")
    }

    /// 503: the service is being shut down; another attempt finds the next process.
    pub fn draining() -> Self {
        let message = "The service is being shut down and takes on nothing new. Try again in a moment.";
        Self::unavailable("draining", message)
    }

    /// 503: what is missing may be there in a moment.
    pub fn unavailable(code: &str, message: impl Into<String>) -> Self {
        let mut error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "server_error", message).code(code);
        error.retry_after = Some(2);
        error
    }

    /// 500: a defect of ours. The client gets a sentence, the log gets the rest.
    pub fn internal(what: &str, detail: impl std::fmt::Display) -> Self {
        tracing::error!(what, %detail, "a request failed by a fault of the service");
        let message = format!("The service failed while {what}. Its log says more.");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", message).code("internal_error")
    }

    /// Adds the word for programs.
    pub fn code(mut self, code: &str) -> Self {
        self.detail.code = Some(code.to_owned());
        self
    }

    /// Replaces the family of the error.
    pub fn kind(mut self, kind: &str) -> Self {
        self.detail.kind = Some(kind.to_owned());
        self
    }

    /// Adds the path of the field at fault.
    pub fn param(mut self, param: impl Into<String>) -> Self {
        self.detail.param = Some(param.into());
        self
    }

    /// What the client is told.
    pub fn detail(&self) -> &ErrorDetail {
        &self.detail
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            // Cursors are checked like any other parameter.
            StoreError::UnknownCursor(id) => {
                Self::invalid(format!("No object found with id '{id}' to continue the list from."))
                    .code("invalid_value")
            }
            StoreError::Conflict(Conflict::Changed(_)) => {
                Self::conflict("The object was changed by another request at the same moment. Try again.")
            }
            StoreError::Full => {
                tracing::error!("the disk is full");
                let message = "The disk that holds the data directory is full; nothing was changed. \
                               Free some space and try again.";
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "server_error", message).code("storage_full")
            }
            StoreError::Stopped => Self::draining(),
            other => {
                let mut error = Self::internal("reading or writing its data", other);
                error.detail.code = Some("storage_failed".to_owned());
                error
            }
        }
    }
}

impl From<BeginError> for ApiError {
    fn from(error: BeginError) -> Self {
        match error {
            BeginError::Draining => Self::draining(),
            BeginError::Store(error) => error.into(),
        }
    }
}

impl From<CommandError> for ApiError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Draining => Self::draining(),
            CommandError::Store(error) => error.into(),
            CommandError::Unknown => Self::not_found("The run no longer exists."),
            // Dialects have their own words for these.
            CommandError::Refused(refusal) => {
                Self::invalid(format!("The run does not accept this: {refusal:?}."))
            }
        }
    }
}

/// Marks answers whose words are this service's own, and not those of a container or a model server.
#[derive(Clone, Copy, Debug)]
struct OwnWords;

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        // Plain data: writing it as JSON can't fail.
        let body = serde_json::to_vec(&ErrorEnvelope { error: self.detail }).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        response.extensions_mut().insert(OwnWords);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Adds what the newer clients expect in every error: a list of details, which request it was, and whose fault it
/// is. What others say is passed on as it is.
pub async fn with_details(response: Response, request_id: &str) -> Response {
    if response.extensions().get::<OwnWords>().is_none() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // Errors of this service are short and in memory.
    let bytes = axum::body::to_bytes(body, 64 * 1024).await.unwrap_or_default();
    let Ok(mut envelope) = serde_json::from_slice::<serde_json::Value>(&bytes) else {
        return Response::from_parts(parts, bytes.into());
    };
    if let Some(error) = envelope.get_mut("error").and_then(serde_json::Value::as_object_mut) {
        error.entry("details").or_insert_with(|| serde_json::json!([]));
        error.entry("additionalInfo").or_insert_with(|| serde_json::json!({ "request_id": request_id }));
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(SOURCE, HeaderValue::from_static(source(parts.status)));
    Response::from_parts(parts, crate::body::document(&envelope).into())
}

/// Whose fault an error is. Containers say it in the same header.
const SOURCE: HeaderName = HeaderName::from_static("x-platform-error-source");

/// The fault of a container or a model server that failed or was silent, else the platform's or the client's.
fn source(status: StatusCode) -> &'static str {
    match status {
        StatusCode::FAILED_DEPENDENCY | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => "upstream",
        status if status.is_server_error() => "platform",
        _ => "user",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_error_says_whose_fault_it_is() {
        for (error, expected) in [
            (ApiError::invalid("wrong"), "user"),
            (ApiError::missing("Session", "s"), "user"),
            (ApiError::draining(), "platform"),
            (ApiError::upstream(StatusCode::FAILED_DEPENDENCY, "it ended"), "upstream"),
            (ApiError::upstream(StatusCode::GATEWAY_TIMEOUT, "it is silent"), "upstream"),
        ] {
            assert_eq!(with_details(error.into_response(), "req_1").await.headers()[SOURCE], expected);
        }
    }
}
