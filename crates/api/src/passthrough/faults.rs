//! Faults of model servers as statuses. Only what may pass is 429 or 5xx: clients try those again.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use cupola_models::{Fault, FaultKind, RawRefusal};
use serde_json::json;

use crate::{ApiError, body::answer};

/// What the client is told of a fault.
pub fn told(fault: &Fault) -> ApiError {
    ApiError::upstream(status(fault.kind), fault.message.clone()).code(fault.kind.code())
}

/// The upstream sent what no client can read; it may do better the next time.
pub fn bad_gateway(message: &str) -> ApiError {
    ApiError::upstream(StatusCode::BAD_GATEWAY, message).code(FaultKind::Broken.code())
}

/// A refusal: the upstream's own words and status where they are about the client's request.
pub fn refused(refusal: RawRefusal) -> Result<Response, ApiError> {
    let is_the_clients = |status: u16| matches!(status, 400..=499) && !matches!(status, 401 | 403 | 407);
    let status = refusal.status.filter(|status| is_the_clients(*status));
    let status = status.and_then(|status| StatusCode::from_u16(status).ok());
    let (Some(status), Some(error)) = (status, refusal.error) else {
        return Err(told(&refusal.fault));
    };
    let mut response = (status, answer(&json!({ "error": error }))).into_response();
    if let Some(wait) = refusal.fault.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    Ok(response)
}

/// A fault in the middle of a stream.
pub fn event(fault: &Fault) -> Bytes {
    let error = json!({
        "error": {
            "message": fault.message, "type": "server_error", "param": null, "code": fault.kind.code(),
        }
    });
    format!("data: {error}\n\n").into()
}

fn status(kind: FaultKind) -> StatusCode {
    match kind {
        FaultKind::UnknownModel => StatusCode::NOT_FOUND,
        FaultKind::Rejected => StatusCode::BAD_REQUEST,
        // The service's credentials are wrong, not the client's.
        FaultKind::Unauthorized => StatusCode::FAILED_DEPENDENCY,
        FaultKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        FaultKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        FaultKind::Unreachable | FaultKind::Broken => StatusCode::BAD_GATEWAY,
    }
}
