//! Keeps the retry policy from doing something twice.
//!
//! The pipeline retries every method alike. But a `POST` whose answer got lost may have been carried
//! out: a second one would start a second run. So a `POST` is only repeated where the first one was
//! surely not done: the connection failed, or the service said "not now" (408, 429, 503).

use std::sync::Arc;

use azure_core::{
    Error,
    error::ErrorKind,
    http::{
        Context, Method, Request, StatusCode,
        policies::{Policy, PolicyResult},
    },
};

/// Keeps the retry policy from doing something twice.
#[derive(Debug)]
pub(crate) struct RepeatSafely;

#[async_trait::async_trait]
impl Policy for RepeatSafely {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        let result = next[0].send(ctx, request, &next[1..]).await;
        if request.method() != Method::Post {
            return result;
        }
        match result {
            Ok(response) if may_have_been_done(response.status()) => {
                let response = response.try_into_raw_response().await.map_err(final_error)?;
                Err(ErrorKind::HttpResponse {
                    status: response.status(),
                    error_code: None,
                    raw_response: Some(Box::new(response)),
                }
                .into_error())
            }
            Err(error) if *error.kind() == ErrorKind::Io => Err(final_error(error)),
            other => other,
        }
    }
}

fn may_have_been_done(status: StatusCode) -> bool {
    matches!(status, StatusCode::InternalServerError | StatusCode::BadGateway | StatusCode::GatewayTimeout)
}

/// The same error of a kind that is not retried.
fn final_error(error: Error) -> Error {
    Error::new(ErrorKind::Other, error)
}
