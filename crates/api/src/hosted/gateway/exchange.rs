//! One exchange with a container.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, Uri},
    response::Response,
};
use bytes::Bytes;
use cupola_hosting::{Excess, ExchangeError, RequestBody, Visit};
use http_body_util::{BodyExt as _, Full};

use super::headers::outward;
use crate::ApiError;

/// How many of the container's last words an error repeats.
const LINES_SHOWN: usize = 5;

/// How long the end of a program may take to be seen after it broke a connection off. Podman looks at containers
/// now and then.
const END_SEEN_WITHIN: Duration = Duration::from_secs(2);

/// What a container is asked.
pub struct Ask {
    /// The method.
    pub method: Method,
    /// The path with its query, as the container knows it.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: RequestBody,
}

/// A body that is here.
pub fn whole(bytes: Bytes) -> RequestBody {
    RequestBody::new(Full::new(bytes).map_err(|never| match never {}))
}

/// A body that is still coming.
pub fn coming(body: Body) -> RequestBody {
    RequestBody::new(body.map_err(Into::into))
}

/// Asks the container of a visit. The answer's body passes as it comes.
pub async fn ask(visit: Visit, ask: Ask, within: Duration) -> Result<Response, ApiError> {
    let mut request = Request::new(ask.body);
    *request.method_mut() = ask.method;
    *request.uri_mut() = ask.uri;
    *request.headers_mut() = ask.headers;
    let witness =
        Witness { logs: Arc::clone(visit.logs()), exit: visit.exit_news(), excess: visit.excess_news() };
    match tokio::time::timeout(within, visit.send(request)).await {
        // Nobody has asked it for another protocol, so what follows would be no answer.
        Ok(Ok(answer)) if answer.status().is_informational() => {
            let message = format!("The container answered with {}, and no answer followed.", answer.status());
            Err(failed(message))
        }
        Ok(Ok(answer)) => {
            let (parts, body) = answer.into_parts();
            let mut response = Response::new(Body::new(body));
            *response.status_mut() = parts.status;
            *response.headers_mut() = outward(&parts.headers);
            Ok(response)
        }
        Ok(Err(error)) => Err(witness.explain(&error).await),
        Err(_) => Err(ApiError::upstream(
            StatusCode::GATEWAY_TIMEOUT,
            format!(
                "The container did not begin to answer within {} s (hosting.answer_within).",
                within.as_secs()
            ),
        )
        .code("container_timeout")),
    }
}

/// What can be said about a container that did not answer.
struct Witness {
    logs: Arc<cupola_hosting::LogBook>,
    exit: tokio::sync::watch::Receiver<Option<cupola_hosting::Exit>>,
    excess: Arc<OnceLock<Excess>>,
}

impl Witness {
    async fn explain(mut self, error: &ExchangeError) -> ApiError {
        // Who says something that is no answer goes on, so there is no end to wait for.
        let within = if error.is_about_words() { Duration::ZERO } else { END_SEEN_WITHIN };
        let ended = tokio::time::timeout(within, self.exit.wait_for(Option::is_some)).await;
        let exit = ended.ok().and_then(Result::ok).and_then(|exit| *exit);
        let mut message = match (self.excess.get(), exit) {
            (Some(excess), _) => {
                format!("The container was stopped before it had answered, because {excess}.")
            }
            (None, Some(exit)) => format!("The container {exit} before it had answered."),
            (None, None) => format!("The container did not answer: {error}."),
        };
        message.push_str(&self.logs.last_words(LINES_SHOWN));
        failed(message)
    }
}

/// Not 5xx: clients would send the same again for minutes, and it may do the same again.
fn failed(message: String) -> ApiError {
    ApiError::upstream(StatusCode::FAILED_DEPENDENCY, message).code("container_failed")
}
