//! Invocations over WebSocket: messages pass between a client and the container of a session as they come.

use std::time::Duration;

use axum::{
    Extension,
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, HeaderValue, Request, header, request::Parts},
    response::Response,
};
use cupola_hosting::{Connection, Visit};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{self, protocol::WebSocketConfig},
};

use super::{
    headers::{inward, set},
    invocations::{parameter, query_within},
    place::{self, Place, Wanted},
    responses::name_call,
};
use crate::{
    ApiError, Service,
    hosted::{Owner, rooms},
    path::{Ids, Project},
    server::Slot,
};

/// The largest message.
const MOST_BYTES: usize = 1024 * 1024;

/// How long a connection lives.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// How long one of the two may take to take what the other has sent.
const PATIENCE: Duration = Duration::from_secs(60);

/// A message was too large (RFC 6455, section 7.4.1).
const TOO_BIG: u16 = 1009;

/// The connection has lived its time.
const GOING_AWAY: u16 = 1001;

/// The other end broke off.
const BROKEN_OFF: u16 = 1011;

type Inside = WebSocketStream<Box<dyn Connection>>;

/// `GET /agents/{agent}/endpoint/protocols/invocations_ws` with an upgrade
pub async fn connect(
    State(service): State<Service>,
    Project(project): Project,
    owner: Owner,
    Ids([name]): Ids<1>,
    slot: Option<Extension<Slot>>,
    parts: Parts,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let upgrade = upgrade.map_err(|refusal| {
        let message = format!("This request can't become a WebSocket connection: {refusal}.");
        ApiError::invalid(message).code("invalid_value")
    })?;
    let query = parts.uri.query().unwrap_or_default();
    let session = parameter(query, "agent_session_id");
    let session = session.as_deref();
    let wanted = Wanted { protocol: "invocations_ws", session, follows: None, version: None };
    let place = place::find(&service, &project, &owner, &name, wanted).await?;
    let visit = rooms::enter(&service, &project, &place.agent, &place.hosted, &place.session).await?;
    let request = request(&service, &owner, &place, &parts.headers, query)?;
    let (inside, protocol) = dial(&visit, request).await?;
    let upgrade = upgrade.max_message_size(MOST_BYTES).max_frame_size(MOST_BYTES);
    let upgrade = match protocol {
        Some(protocol) => upgrade.protocols([protocol]),
        None => upgrade,
    };
    let mut response = upgrade.on_upgrade(move |outside| async move {
        relay(outside, inside).await;
        // Until here, the session is in use, and the connection counts as one.
        drop((visit, slot));
    });
    set(response.headers_mut(), "x-agent-session-id", &place.session.id);
    Ok(response)
}

fn request(
    service: &Service,
    owner: &Owner,
    place: &Place,
    headers: &HeaderMap,
    query: &str,
) -> Result<Request<()>, ApiError> {
    let mut passed = inward(headers);
    name_call(service, owner, place, &mut passed);
    if let Some(protocols) = headers.get(header::SEC_WEBSOCKET_PROTOCOL) {
        passed.insert(header::SEC_WEBSOCKET_PROTOCOL, protocols.clone());
    }
    for (name, value) in [
        (header::CONNECTION, HeaderValue::from_static("Upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")),
    ] {
        passed.insert(name, value);
    }
    if let Ok(key) = HeaderValue::from_str(&tungstenite::handshake::client::generate_key()) {
        passed.insert(header::SEC_WEBSOCKET_KEY, key);
    }
    let mut request = Request::new(());
    let path = format!("ws://localhost/invocations_ws{}", query_within(query, &place.session.id));
    *request.uri_mut() = path.parse().map_err(|_| ApiError::no_such_route())?;
    *request.headers_mut() = passed;
    Ok(request)
}

/// Connects to the container, and says which protocol it has chosen.
async fn dial(visit: &Visit, request: Request<()>) -> Result<(Inside, Option<String>), ApiError> {
    let failed = |why: String| {
        let status = axum::http::StatusCode::FAILED_DEPENDENCY;
        let message = format!("The container did not take the WebSocket connection: {why}.");
        ApiError::upstream(status, message).code("container_failed")
    };
    let connection = visit.connect().await.map_err(|error| failed(error.to_string()))?;
    let config =
        WebSocketConfig::default().max_message_size(Some(MOST_BYTES)).max_frame_size(Some(MOST_BYTES));
    let handshake = tokio_tungstenite::client_async_with_config(request, connection, Some(config));
    let (inside, answer) = timeout(PATIENCE, handshake)
        .await
        .map_err(|_| failed("it did not answer within 60 s".to_owned()))?
        .map_err(|error| failed(error.to_string()))?;
    let protocol = answer.headers().get(header::SEC_WEBSOCKET_PROTOCOL);
    Ok((inside, protocol.and_then(|protocol| protocol.to_str().ok()).map(str::to_owned)))
}

/// Passes messages on until one of the two leaves or the time is over.
async fn relay(mut outside: WebSocket, mut inside: Inside) {
    let until = Instant::now() + LIFETIME;
    let farewell = loop {
        tokio::select! {
            message = outside.recv() => match message {
                Some(Ok(Message::Close(frame))) => break frame.map(|frame| (frame.code, frame.reason.to_string())),
                Some(Ok(message)) => {
                    if let Some(message) = inward_message(message)
                        && !matches!(timeout(PATIENCE, inside.send(message)).await, Ok(Ok(())))
                    {
                        break Some((BROKEN_OFF, "the container takes no messages".to_owned()));
                    }
                }
                Some(Err(_)) => break Some((TOO_BIG, "the message can't be taken".to_owned())),
                None => break None,
            },
            message = inside.next() => match message {
                Some(Ok(tungstenite::Message::Close(frame))) => {
                    break frame.map(|frame| (u16::from(frame.code), frame.reason.to_string()));
                }
                Some(Ok(message)) => {
                    if let Some(message) = outward_message(message)
                        && !matches!(timeout(PATIENCE, outside.send(message)).await, Ok(Ok(())))
                    {
                        break None;
                    }
                }
                Some(Err(tungstenite::Error::Capacity(_))) => {
                    break Some((TOO_BIG, "the container sent a message over 1 MiB".to_owned()));
                }
                Some(Err(_)) | None => break Some((BROKEN_OFF, "the container broke off".to_owned())),
            },
            () = tokio::time::sleep_until(until) => {
                break Some((GOING_AWAY, "connections live for 30 minutes".to_owned()));
            }
        }
    };
    part(outside, inside, farewell).await;
}

/// Says the same goodbye to both.
async fn part(mut outside: WebSocket, mut inside: Inside, farewell: Option<(u16, String)>) {
    let outward = farewell.clone().map(|(code, reason)| CloseFrame { code, reason: reason.into() });
    let inward = farewell
        .map(|(code, reason)| tungstenite::protocol::CloseFrame { code: code.into(), reason: reason.into() });
    let both = async {
        let _ = outside.send(Message::Close(outward)).await;
        let _ = inside.close(inward).await;
    };
    let _ = timeout(PATIENCE, both).await;
}

/// Pings and their answers belong to one connection each.
fn inward_message(message: Message) -> Option<tungstenite::Message> {
    match message {
        Message::Text(text) => Some(tungstenite::Message::Text(text.as_str().into())),
        Message::Binary(bytes) => Some(tungstenite::Message::Binary(bytes)),
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => None,
    }
}

fn outward_message(message: tungstenite::Message) -> Option<Message> {
    match message {
        tungstenite::Message::Text(text) => Some(Message::Text(text.as_str().into())),
        tungstenite::Message::Binary(bytes) => Some(Message::Binary(bytes)),
        _ => None,
    }
}
