//! A model that answers at once, or one token at a time. It speaks streamed chat completions over
//! HTTP/1.1 and writes into every token when it sent it.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::runtime::{self, Runtime};

/// The name of the thread that it runs on.
pub const THREAD: &str = "bench-model";
/// The deployment whose answers come one token at a time.
pub const PACED: &str = "paced";
/// The deployment whose answers come at once.
pub const INSTANT: &str = "instant";

/// Tokens of an answer that comes at once.
const TOKENS: usize = 8;
/// Tokens of an answer that takes its time.
pub const PACED_TOKENS: usize = 40;
/// The time between two of them.
pub const PACE: Duration = Duration::from_millis(5);

/// The one clock of the benchmark.
#[derive(Clone)]
pub struct Clock {
    base: Instant,
    last_arrival: Arc<AtomicU64>,
}

impl Clock {
    fn new() -> Self {
        Self { base: Instant::now(), last_arrival: Arc::default() }
    }

    /// When the latest request reached the model.
    pub fn last_arrival(&self) -> Instant {
        self.base + Duration::from_nanos(self.last_arrival.load(Ordering::Acquire))
    }

    /// When the model sent the token in this event, if there is one in it.
    pub fn sent(&self, event: &[u8]) -> Option<Instant> {
        stamp(event).map(|nanos| self.base + Duration::from_nanos(nanos))
    }

    fn nanos(&self) -> u64 {
        u64::try_from(self.base.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn token(&self) -> String {
        event(&format!(r#"{{"content":"@{} "}}"#, self.nanos()), "null")
    }
}

/// The time that was written into an event, in nanoseconds, if there is one in it.
pub fn stamp(event: &[u8]) -> Option<u64> {
    let stamp = event.iter().position(|byte| *byte == b'@')?;
    let digits = event[stamp + 1..].iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |nanos: u64, digit| nanos.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'))))
}

/// The model, serving until it is dropped.
pub struct Stub {
    /// Where it is.
    pub address: SocketAddr,
    /// Its clock.
    pub clock: Clock,
    _runtime: Runtime,
}

impl Stub {
    /// Starts it on a free port.
    pub fn start() -> Result<Self> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(THREAD)
            .enable_all()
            .build()
            .context("no event loop for the model")?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).context("no port")?;
        let address = listener.local_addr().context("no port")?;
        let clock = Clock::new();
        runtime.spawn(accept(listener, clock.clone()));
        Ok(Self { address, clock, _runtime: runtime })
    }
}

async fn accept(listener: TcpListener, clock: Clock) {
    while let Ok((stream, _)) = listener.accept().await {
        let clock = clock.clone();
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let service = service_fn(move |request| answer(request, clock.clone()));
            let connection = hyper::server::conn::http1::Builder::new();
            // A client that goes away is no concern of the model.
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

type Answer = Response<BoxBody<Bytes, Infallible>>;

async fn answer(request: Request<Incoming>, clock: Clock) -> Result<Answer, hyper::Error> {
    clock.last_arrival.store(clock.nanos(), Ordering::Release);
    let request = request.into_body().collect().await?.to_bytes();
    let body = match asks_for(&request, PACED) {
        true => paced(clock).boxed(),
        false => at_once(&clock).boxed(),
    };
    let mut response = Response::new(body);
    let kind = hyper::header::HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}

fn asks_for(request: &[u8], model: &str) -> bool {
    let field = format!(r#""model":"{model}""#);
    request.windows(field.len()).any(|window| window == field.as_bytes())
}

fn at_once(clock: &Clock) -> Full<Bytes> {
    let mut text = opening();
    (0..TOKENS).for_each(|_| text.push_str(&clock.token()));
    text.push_str(&closing(TOKENS));
    Full::new(Bytes::from(text))
}

fn paced(clock: Clock) -> impl hyper::body::Body<Data = Bytes, Error = Infallible> + Send + Sync {
    StreamBody::new(stream::unfold(0, move |step| {
        let clock = clock.clone();
        async move {
            let text = match step {
                0 => opening(),
                1..=PACED_TOKENS => {
                    tokio::time::sleep(PACE).await;
                    clock.token()
                }
                _ if step == PACED_TOKENS + 1 => closing(PACED_TOKENS),
                _ => return None,
            };
            Some((Ok(Frame::data(Bytes::from(text))), step + 1))
        }
    }))
}

fn opening() -> String {
    event(r#"{"role":"assistant","content":""}"#, "null")
}

fn closing(tokens: usize) -> String {
    let usage = format!(
        "{{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1,\
         \"model\":\"bench\",\"choices\":[],\"usage\":{{\"prompt_tokens\":12,\
         \"completion_tokens\":{tokens},\"total_tokens\":{}}}}}",
        tokens + 12
    );
    format!("{}data: {usage}\n\ndata: [DONE]\n\n", event("{}", r#""stop""#))
}

fn event(delta: &str, finish: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1,\
         \"model\":\"bench\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_token_tells_when_it_was_sent() {
        let clock = Clock::new();
        let before = Instant::now();
        let token = clock.token();
        let sent = clock.sent(token.as_bytes()).unwrap();
        assert!(before <= sent && sent <= Instant::now());
        assert_eq!(clock.sent(opening().as_bytes()), None);
    }

    #[test]
    fn every_event_is_json() {
        let text = format!("{}{}", opening(), closing(8));
        for event in text.split_terminator("\n\n").filter(|event| !event.ends_with("[DONE]")) {
            serde_json::from_str::<serde_json::Value>(event.strip_prefix("data: ").unwrap()).unwrap();
        }
    }
}
