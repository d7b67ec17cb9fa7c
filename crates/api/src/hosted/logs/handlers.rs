//! The log of a session as a stream of events.

use std::{
    collections::VecDeque,
    convert::Infallible,
    time::{Duration, SystemTime},
};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::Response,
};
use cupola_engine::Frame;

use super::{
    query::LogQuery,
    shown::{news_frame, session_frame, status_frame},
    tail::{Patience, Tail},
};
use crate::{
    ApiError, Service,
    hosted::{
        owner::Owner,
        rooms,
        session::{self, Session},
    },
    path::{Ids, Project},
    values::Parameters,
};

/// For how long a session's log is followed.
const PATIENCE: Patience = Patience {
    told_every: Some(Duration::from_secs(20)),
    silence: Duration::from_secs(120),
    most: Duration::from_secs(30 * 60),
};

/// `GET /agents/{agent}/sessions/{session}:logstream`
pub async fn stream(
    State(service): State<Service>,
    Project(project): Project,
    owner: Owner,
    Ids([agent, id]): Ids<2>,
    query: Parameters,
) -> Result<Response, ApiError> {
    let session = session::find_own(&service, &project, &owner, &agent, &id).await?;
    open(&service, &session, &query)
}

/// `GET /agents/{agent}/versions/{version}/sessions/{session}:logstream`
pub async fn stream_of_version(
    State(service): State<Service>,
    Project(project): Project,
    owner: Owner,
    Ids([agent, version, id]): Ids<3>,
    query: Parameters,
) -> Result<Response, ApiError> {
    let session = session::find_own(&service, &project, &owner, &agent, &id).await?;
    if session.version != version {
        let message = format!("The version {version} of the agent '{agent}' has no session '{id}'.");
        return Err(ApiError::not_found(message).kind("error").code("not_found"));
    }
    open(&service, &session, &query)
}

fn open(service: &Service, session: &Session, query: &Parameters) -> Result<Response, ApiError> {
    let query = LogQuery::read(query)?;
    if !session.state.is_usable() {
        return Err(ApiError::missing("Session", &session.id));
    }
    let hosting = rooms::hosting(service)?;
    let is_running = hosting.fleet().has(&session.guid);
    let tail = Tail::begin(hosting.logs(&session.guid), query, PATIENCE);
    let now = SystemTime::now();
    let mut opening = VecDeque::from([session_frame(session, now)]);
    opening.push_back(status_frame("Connecting to the container...", now));
    opening.push_back(status_frame(
        if is_running { "Successfully connected to container" } else { "The container does not run" },
        now,
    ));
    Ok(answer(opening, tail))
}

/// The frames of the opening, and then what the log says.
fn answer(opening: VecDeque<Frame>, tail: Tail) -> Response {
    let frames = futures_util::stream::unfold((opening, tail), |(mut opening, mut tail)| async move {
        let frame = match opening.pop_front() {
            Some(frame) => frame,
            None => news_frame(&tail.next().await?, SystemTime::now()),
        };
        Some((Ok::<_, Infallible>(frame), (opening, tail)))
    });
    let mut response = Response::new(Body::from_stream(frames));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
