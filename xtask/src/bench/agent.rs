//! The agent that is hosted for the measurements: this program itself, started as `xtask hosted-agent`.
//! It answers at once, and writes into a streamed answer when it wrote it.

use std::convert::Infallible;
use std::env;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustix::time::{ClockId, clock_gettime};
use tokio::net::TcpListener;
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};

use super::stub;

/// The word that makes this program the agent.
pub const CHORE: &str = "hosted-agent";
/// What asks for a streamed answer.
pub const STREAMED: &str = r#""stream":true"#;
/// What the agent answers to everything else.
pub const ANSWER: &str = r#"{"object":"response","status":"completed","output":[]}"#;

/// The time between the first event of a stream and its end. Whoever holds a stream back until it is
/// complete is late by this.
const PAUSE: Duration = Duration::from_millis(2);

type Answer = Response<BoxBody<Bytes, Infallible>>;

/// Serves on the port in `PORT` until it is told to end. Says first where that is.
pub fn serve() -> Result<ExitCode> {
    let port = env::var("PORT").context("PORT is not set")?;
    let port: u16 = port.parse().context("PORT is no port")?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build().context("no event loop")?;
    runtime.block_on(async {
        // In a sandbox this is the first process, which no signal ends that it does not expect.
        let mut told_to_end = signal(SignalKind::terminate()).context("no signals")?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.context("the port is taken")?;
        println!("{}", listener.local_addr().context("no address")?);
        tokio::select! {
            () = accept(listener) => {}
            _ = told_to_end.recv() => {}
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// The time of the machine, which is the same inside and outside of sandboxes.
pub fn now() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default())
}

/// When the agent wrote this event, if it says that.
pub fn written_at(event: &[u8]) -> Option<Duration> {
    stub::stamp(event).map(Duration::from_nanos)
}

async fn accept(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let connection = hyper::server::conn::http1::Builder::new();
            // A caller that goes away is no concern of the agent.
            let _ = connection.serve_connection(TokioIo::new(stream), service_fn(answer)).await;
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Answer, hyper::Error> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/readiness") => Ok(Response::new(Empty::new().boxed())),
        (&Method::POST, "/responses") => {
            let body = request.into_body().collect().await?.to_bytes();
            let asks_for_stream = body.windows(STREAMED.len()).any(|window| window == STREAMED.as_bytes());
            Ok(if asks_for_stream {
                of_kind("text/event-stream", streamed().boxed())
            } else {
                of_kind("application/json", Full::from(ANSWER).boxed())
            })
        }
        _ => {
            let mut unknown = Response::new(Empty::new().boxed());
            *unknown.status_mut() = StatusCode::NOT_FOUND;
            Ok(unknown)
        }
    }
}

fn of_kind(kind: &'static str, body: BoxBody<Bytes, Infallible>) -> Answer {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn streamed() -> impl hyper::body::Body<Data = Bytes, Error = Infallible> + Send + Sync {
    StreamBody::new(stream::unfold(0, |step| async move {
        let event = match step {
            0 => delta(),
            1 => {
                tokio::time::sleep(PAUSE).await;
                completed()
            }
            _ => return None,
        };
        Some((Ok(Frame::data(Bytes::from(event))), step + 1))
    }))
}

fn delta() -> String {
    let written = now().as_nanos();
    format!(
        "event: response.output_text.delta\n\
         data: {{\"type\":\"response.output_text.delta\",\"delta\":\"@{written} \"}}\n\n"
    )
}

fn completed() -> String {
    format!("event: response.completed\ndata: {{\"type\":\"response.completed\",\"response\":{ANSWER}}}\n\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_first_event_tells_when_it_was_written() {
        let before = now();
        let written = written_at(delta().as_bytes()).unwrap();
        assert!(before <= written && written <= now());
        assert_eq!(written_at(completed().as_bytes()), None);
    }
}
