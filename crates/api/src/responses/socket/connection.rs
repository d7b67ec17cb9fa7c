//! One connection: takes requests in the order in which they come, and answers each before the next.
//!
//! While it answers it goes on reading, so that pings are answered and a client that leaves is noticed. A
//! response goes on without its client, as it does for one that leaves a stream of server-sent events.

use std::{collections::VecDeque, error::Error as _, sync::Arc, time::Duration};

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use bytes::Bytes;
use cupola_engine::Frames;
use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite;

use super::{
    events::{self, Event},
    message::{Create, Origin},
};
use crate::{
    ApiError, Service,
    responses::{
        checks::check_question,
        create::{Prepared, begin, prepare, warm_up},
        memory::Memory,
    },
    storage::Requester,
};

/// Silence after which a ping is sent, so that nobody in between takes the connection for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// A client that takes nothing for this long is gone.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a client may take to answer a goodbye.
const GOODBYE_PATIENCE: Duration = Duration::from_secs(5);
/// Requests that wait while one is answered; beyond these, nothing is read.
const MOST_WAITING: usize = 16;

/// A connection, and what it remembers.
pub struct Connection {
    service: Service,
    project: Arc<str>,
    requester: Requester,
    bound: Option<String>,
    socket: WebSocket,
    memory: Memory,
    waiting: VecDeque<Bytes>,
    until: Instant,
}

/// Why a connection ends.
#[derive(Debug)]
enum Farewell {
    /// There is nobody left to talk to.
    Gone,
    /// It has lived as long as connections may.
    TooOld,
    /// A message is larger than messages may be.
    TooLarge,
    /// The service is being shut down.
    Draining,
}

impl Connection {
    /// A connection that was just made. The address may name the agent that answers.
    pub fn new(
        service: Service,
        project: Arc<str>,
        (requester, bound): (Requester, Option<String>),
        socket: WebSocket,
    ) -> Self {
        let until = Instant::now() + service.limits().socket_lifetime;
        let (memory, waiting) = (Memory::none(), VecDeque::new());
        Self { service, project, requester, bound, socket, memory, waiting, until }
    }

    /// Answers until the connection ends.
    pub async fn serve(mut self) {
        let farewell = loop {
            let request = match self.next().await {
                Ok(request) => request,
                Err(farewell) => break farewell,
            };
            if let Err(farewell) = self.answer(&request).await {
                break farewell;
            }
        };
        tracing::debug!(?farewell, "a WebSocket connection ends");
        // Nobody has to be told who does not listen.
        let _ = timeout(GOODBYE_PATIENCE, self.part(&farewell)).await;
    }

    /// The next request.
    async fn next(&mut self) -> Result<Bytes, Farewell> {
        let engine = self.service.engine().clone();
        loop {
            if engine.is_draining() {
                return Err(Farewell::Draining);
            }
            if self.until <= Instant::now() {
                return Err(Farewell::TooOld);
            }
            if let Some(request) = self.waiting.pop_front() {
                return Ok(request);
            }
            tokio::select! {
                () = engine.until_draining() => {}
                () = sleep_until(self.until) => {}
                () = sleep(KEEP_ALIVE) => self.send(Message::Ping(Bytes::new())).await?,
                received = self.socket.recv() => self.receive(received)?,
            }
        }
    }

    /// Takes in what was received.
    fn receive(&mut self, received: Option<Result<Message, axum::Error>>) -> Result<(), Farewell> {
        match received {
            Some(Ok(Message::Text(text))) => self.waiting.push_back(text.into()),
            Some(Ok(Message::Binary(bytes))) => self.waiting.push_back(bytes),
            // Reading on answers these.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_))) => {}
            Some(Err(error)) => {
                let cause = error.source().and_then(|source| source.downcast_ref());
                let is_too_large = matches!(cause, Some(tungstenite::Error::Capacity(_)));
                return Err(if is_too_large { Farewell::TooLarge } else { Farewell::Gone });
            }
            None => return Err(Farewell::Gone),
        }
        Ok(())
    }

    /// Whether another request may wait.
    fn has_room(&self) -> bool {
        let bytes: usize = self.waiting.iter().map(Bytes::len).sum();
        self.waiting.len() < MOST_WAITING && bytes < self.service.limits().max_body_bytes
    }

    async fn answer(&mut self, request: &Bytes) -> Result<(), Farewell> {
        let (origin, create) = Create::read(request);
        let begun = match create {
            Ok(create) => self.begin(create, &origin, request.len()).await,
            Err(error) => Err(error),
        };
        match begun {
            Ok(turn) => self.tell(turn, &origin).await,
            Err(error) => self.refuse(&error, &origin).await,
        }
    }

    async fn begin(&mut self, create: Create, origin: &Origin, bytes: usize) -> Result<Turn, ApiError> {
        let limit = self.service.limits().max_body_bytes;
        let remembered = self.memory.find(origin.previous.as_deref());
        let bytes = bytes + remembered.map_or(0, |remembered| remembered.bytes());
        if bytes > limit {
            let message = format!(
                "This chain of responses that are not stored has become larger than the {limit} bytes that this \
                 service accepts (limits.max_body_bytes). Compact it, or store the responses."
            );
            return Err(ApiError::too_large("body_too_large", message));
        }
        let Create { body, generates } = create;
        if generates {
            check_question(&body)?;
        }
        let (service, project) = (&self.service, &self.project);
        let prepared =
            prepare(service, project, &self.requester, &body, self.bound.clone(), &self.memory).await?;
        let Prepared { asked, response, .. } = &prepared;
        let (asked, is_stored) = (Arc::clone(asked), response["store"] != false);
        let frames = match generates {
            true => begin(service, project, prepared, true).await?.frames,
            false => Some(warm_up(service, project, prepared).await?),
        };
        let Some(frames) = frames else {
            return Err(ApiError::internal("beginning a response", "there are no events of it"));
        };
        Ok(Turn { frames, asked, is_stored, bytes })
    }

    /// Says why there is no response. What it was to follow can't be followed again.
    async fn refuse(&mut self, error: &ApiError, origin: &Origin) -> Result<(), Farewell> {
        self.memory.forget(origin.previous.as_deref());
        self.send(events::error(error, origin.lane.as_deref())).await
    }

    /// Sends the events of a response until it is over.
    async fn tell(&mut self, mut turn: Turn, origin: &Origin) -> Result<(), Farewell> {
        let lane = origin.lane.as_deref();
        loop {
            let has_room = self.has_room();
            let frame = tokio::select! {
                frame = turn.frames.recv() => frame,
                received = self.socket.recv(), if has_room => {
                    self.receive(received)?;
                    continue;
                }
                () = sleep(KEEP_ALIVE) => {
                    self.send(Message::Ping(Bytes::new())).await?;
                    continue;
                }
            };
            let Some(frame) = frame else {
                return self.refuse(&self.broken_off(), origin).await;
            };
            let Some(event) = Event::of(&frame) else { continue };
            if event.is_last {
                self.remember(&turn, &event, origin);
                return self.send(event.message(lane)).await;
            }
            self.send(event.message(lane)).await?;
        }
    }

    fn remember(&mut self, turn: &Turn, last: &Event, origin: &Origin) {
        if last.is_failure {
            self.memory.forget(origin.previous.as_deref());
        } else if !turn.is_stored {
            self.memory.keep(Arc::clone(&turn.asked), &last.response(), turn.bytes + last.len());
        }
    }

    /// Why events end before their response does.
    fn broken_off(&self) -> ApiError {
        if self.service.engine().is_draining() {
            return ApiError::draining();
        }
        let message = "The events of this response end here, before the response does: they were not taken fast \
                       enough, or the response could not be written down. If it is stored, get it by its id.";
        ApiError::of_turn("server_error", message)
    }

    async fn send(&mut self, message: Message) -> Result<(), Farewell> {
        match timeout(PATIENCE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Farewell::Gone),
        }
    }

    /// Says goodbye, and waits until the client has heard it.
    async fn part(&mut self, farewell: &Farewell) -> Result<(), Farewell> {
        let (code, error) = match farewell {
            Farewell::Gone => return Ok(()),
            Farewell::TooOld => (close_code::NORMAL, too_old(self.service.limits().socket_lifetime)),
            Farewell::TooLarge => (close_code::SIZE, self.too_large()),
            Farewell::Draining => (close_code::AWAY, ApiError::draining()),
        };
        // Who only waits for the next thing to say needs no error when the service stops.
        if !matches!(farewell, Farewell::Draining) || !self.waiting.is_empty() {
            self.send(events::error(&error, None)).await?;
        }
        let reason = error.detail().code.clone().unwrap_or_default().into();
        self.send(Message::Close(Some(CloseFrame { code, reason }))).await?;
        while let Some(Ok(_)) = self.socket.recv().await {}
        Ok(())
    }

    fn too_large(&self) -> ApiError {
        let limit = self.service.limits().max_body_bytes;
        let message = format!(
            "The message is larger than the {limit} bytes that this service accepts (limits.max_body_bytes)."
        );
        ApiError::too_large("body_too_large", message)
    }
}

fn too_old(lifetime: Duration) -> ApiError {
    let message = format!(
        "Responses websocket connection limit reached ({} minutes). Create a new websocket connection to \
         continue.",
        lifetime.as_secs() / 60
    );
    ApiError::invalid(message).code("websocket_connection_limit_reached")
}

/// A response under way.
struct Turn {
    frames: Frames,
    /// What it follows and was asked with.
    asked: Arc<Value>,
    is_stored: bool,
    /// How large what it was asked with is.
    bytes: usize,
}
