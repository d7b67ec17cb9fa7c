//! Whether a program is ready, which only it can say.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::{Code, Exit, Failure, LogBook, Sandbox};

/// The pause after the first probe that fails; each pause is half as long again as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(2);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// How much of the body of an answer is read, and how long it is waited for.
const BODY_READ: usize = 64 * 1024;
const BODY_WITHIN: Duration = Duration::from_secs(1);

/// How many of the last lines of standard error a failure shows.
const LINES_SHOWN: usize = 10;

/// How readiness is found out.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The path that answers 200 once the program is ready.
    pub path: String,
    /// The port, for messages.
    pub port: u16,
    /// How long the program may take.
    pub within: Duration,
}

/// What the last probe came to.
enum Seen {
    Ready,
    Status(StatusCode),
    NoConnection,
    NoHttp,
    Silence,
}

impl Probe {
    /// Waits until the program says that it is ready. A program that has ended, or takes too long, is a failure
    /// with all that is known about it.
    pub async fn until_ready(&self, sandbox: &dyn Sandbox, logs: &LogBook) -> Result<(), Failure> {
        let deadline = Instant::now() + self.within;
        let mut exit = sandbox.exit();
        let mut last = None;
        let ready = async {
            let mut pause = FIRST_PAUSE;
            loop {
                match self.ask(sandbox, deadline).await {
                    Seen::Ready => return true,
                    // An answer to an earlier one says more: the last one may have had little time.
                    Seen::Silence if matches!(last, Some(Seen::Status(_) | Seen::NoHttp)) => {}
                    seen => last = Some(seen),
                }
                if Instant::now() + pause >= deadline {
                    return false;
                }
                sleep(pause).await;
                pause = (pause * 3 / 2).min(LONGEST_PAUSE);
            }
        };
        let ended = exit.wait_for(Option::is_some);
        let exit = tokio::select! {
            is_ready = ready => {
                if is_ready {
                    return Ok(());
                }
                None
            }
            exit = ended => exit.ok().and_then(|exit| *exit),
        };
        if exit.is_some() {
            // What it said last may still be on its way.
            sleep(LONGEST_PAUSE).await;
        }
        Err(Failure::new(Code::ContainerProbesFailed, self.sentence(exit, last.as_ref(), logs)))
    }

    async fn ask(&self, sandbox: &dyn Sandbox, deadline: Instant) -> Seen {
        let Ok(Ok(connection)) = timeout_at(deadline, sandbox.connect()).await else {
            return Seen::NoConnection;
        };
        match timeout_at(deadline, self.exchange(connection)).await {
            Ok(Ok(status)) if status.is_success() => Seen::Ready,
            Ok(Ok(status)) => Seen::Status(status),
            Ok(Err(_)) => Seen::NoHttp,
            Err(_) => Seen::Silence,
        }
    }

    async fn exchange(&self, connection: Box<dyn crate::Connection>) -> Result<StatusCode, hyper::Error> {
        let (mut sender, exchange) = http1::handshake(TokioIo::new(connection)).await?;
        let exchange = tokio::spawn(exchange);
        let mut request = Request::new(Empty::<Bytes>::new());
        if let Ok(uri) = self.path.parse() {
            *request.uri_mut() = uri;
        }
        request.headers_mut().insert(header::HOST, http::HeaderValue::from_static("localhost"));
        let answer = sender.send_request(request).await?;
        let (status, body) = (answer.status(), Limited::new(answer.into_body(), BODY_READ));
        // Who still writes when the connection closes may complain in its log, so some of it is read. All of it
        // is not waited for: it may have no end, and the status has said what there is to say.
        let _ = timeout(BODY_WITHIN, body.collect()).await;
        exchange.abort();
        Ok(status)
    }

    fn sentence(&self, exit: Option<Exit>, last: Option<&Seen>, logs: &LogBook) -> String {
        let mut sentence = match (exit, last) {
            (Some(exit), _) => format!("The container {exit} before it was ready."),
            (None, Some(Seen::Status(status))) => format!(
                "The container did not become ready within {} s: GET {} on port {} was answered with {status}.",
                self.within.as_secs(),
                self.path,
                self.port,
            ),
            (None, Some(Seen::NoHttp)) => format!(
                "The container did not become ready within {} s: port {} does not answer GET {} in HTTP.",
                self.within.as_secs(),
                self.port,
                self.path,
            ),
            (None, Some(Seen::Silence)) => format!(
                "The container did not become ready within {} s: port {} takes connections and does not answer GET {}.",
                self.within.as_secs(),
                self.port,
                self.path,
            ),
            (None, Some(Seen::NoConnection | Seen::Ready) | None) => format!(
                "The container did not become ready within {} s: nothing answers on port {}. Its program has to \
                 listen on 0.0.0.0 and on the port in the variable PORT.",
                self.within.as_secs(),
                self.port,
            ),
        };
        sentence.push_str(&logs.last_words(LINES_SHOWN));
        sentence
    }
}
