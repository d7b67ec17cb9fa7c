//! Errors that the platform makes on the way to a container: they say whose fault it is.

use axum::{
    http::{HeaderValue, StatusCode},
    response::{IntoResponse as _, Response},
};

use crate::ApiError;

/// Whose fault an error is. A container says it in the same header.
const SOURCE: &str = "x-platform-error-source";

/// An error as clients of hosted agents see it.
pub fn refused(error: ApiError) -> Response {
    let source = source(error.status());
    let mut response = error.into_response();
    response.headers_mut().insert(SOURCE, HeaderValue::from_static(source));
    response
}

/// The container's where it failed or was silent, else the platform's or the client's.
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

    #[test]
    fn an_error_says_whose_fault_it_is() {
        for (error, expected) in [
            (ApiError::invalid("wrong"), "user"),
            (ApiError::missing("Session", "s"), "user"),
            (ApiError::draining(), "platform"),
            (ApiError::upstream(StatusCode::FAILED_DEPENDENCY, "it ended"), "upstream"),
            (ApiError::upstream(StatusCode::GATEWAY_TIMEOUT, "it is silent"), "upstream"),
        ] {
            assert_eq!(refused(error).headers()[SOURCE], expected);
        }
    }
}
