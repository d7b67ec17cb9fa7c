//! The ground that the service stands on: what TLS, HTTP, the disk and the model cost without it.
//! On a busy machine that changes by the second, so it is measured in turn with what stands on it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::bench::baseline::{self, Disk, Echo};
use crate::bench::client::{Client, Target};
use crate::bench::cpu::Reading;
use crate::bench::crowd;
use crate::bench::figure::Figure;
use crate::bench::plan::Plan;
use crate::bench::samples::{Ordered, Samples};
use crate::bench::stub::{INSTANT, Stub};

const LIMIT: Duration = Duration::from_secs(120);
/// Where the model answers.
pub const CHAT: &str = "/v1/chat/completions";

/// What others are compared with.
pub struct Ground {
    /// The echo server; it ends with this value.
    server: Echo,
    echo: Client,
    disk: Disk,
    model: Client,
    request: String,
}

/// How long each part of the ground took, again and again.
#[derive(Default)]
pub struct Soundings {
    echo: Samples,
    commit: Samples,
    answer: Samples,
}

/// What one of each takes by itself, in milliseconds.
pub struct Floor {
    /// A call of the echo server.
    pub echo: Ordered,
    /// A durable commit.
    pub commit: Ordered,
    /// A whole answer of the model.
    pub answer: Ordered,
}

impl Floor {
    /// What so many calls and commits and one answer of the model take by themselves.
    pub fn of(&self, calls: f64, commits: f64) -> f64 {
        calls * self.echo.median() + commits * self.commit.median() + self.answer.median()
    }
}

impl Soundings {
    /// What they say.
    pub fn floor(self) -> Floor {
        let Self { echo, commit, answer } = self;
        Floor { echo: echo.ordered(), commit: commit.ordered(), answer: answer.ordered() }
    }
}

/// What a direct caller sends to the model.
pub fn direct_request(model: &str) -> String {
    format!(
        "{{\"model\":\"{model}\",\"messages\":[{{\"role\":\"user\",\
         \"content\":\"What is the capital of France?\"}}],\
         \"stream\":true,\"stream_options\":{{\"include_usage\":true}}}}"
    )
}

impl Ground {
    /// Starts what it needs.
    pub fn new(scratch: &Path, stub: &Stub) -> Result<Self> {
        let server = Echo::start()?;
        Ok(Self {
            echo: Client::connect(server.target())?,
            server,
            disk: Disk::open(scratch)?,
            model: Client::connect(Target { address: stub.address, tls: None, bearer: None })?,
            request: direct_request(INSTANT),
        })
    }

    /// One call, one commit and one answer.
    pub fn sound(&mut self, soundings: &mut Soundings) -> Result<()> {
        timed(&mut soundings.echo, || baseline::echo(&mut self.echo))?;
        timed(&mut soundings.commit, || self.disk.commit())?;
        timed(&mut soundings.answer, || self.model.stream(CHAT, self.request.clone(), |_| ()))
    }

    /// The ground by itself, and how many calls of the echo server many clients make in a second.
    pub fn measure(&mut self, plan: &Plan) -> Result<(f64, Vec<Figure>)> {
        for _ in 0..plan.warm_up {
            self.sound(&mut Soundings::default())?;
        }
        let mut soundings = Soundings::default();
        for _ in 0..plan.soundings {
            self.sound(&mut soundings)?;
        }
        let before = Reading::now(None)?;
        let target = self.server.target();
        let (done, took) = crowd::run(&target, plan.clients, plan.echoes, LIMIT, baseline::echo)?;
        let spent = Reading::now(None)?.since(&before);
        let micros_each = |spent: Duration| spent.as_secs_f64() * 1e6 / done.len() as f64;

        let floor = soundings.floor();
        let rate = done.len() as f64 / took.as_secs_f64();
        let clients = plan.clients;
        let figures = vec![
            Figure::new("a call of an axum and rustls echo server, p50", floor.echo.median(), "ms"),
            Figure::new(format!("calls of the echo server, {clients} clients"), rate, "/s"),
            Figure::new("processor time of the echo server in a call", micros_each(spent.echo), "µs"),
            Figure::new("processor time of the client in a call", micros_each(spent.client), "µs"),
            Figure::new("a durable SQLite commit, p50", floor.commit.median(), "ms"),
            Figure::new("a durable SQLite commit, p99", floor.commit.percentile(99.0), "ms"),
            Figure::new("a whole answer of the model, called directly, p50", floor.answer.median(), "ms"),
        ];
        Ok((rate, figures))
    }
}

/// Does something, and notes how long it took.
pub fn timed(samples: &mut Samples, act: impl FnOnce() -> Result<()>) -> Result<()> {
    let began = Instant::now();
    act()?;
    samples.push(began.elapsed());
    Ok(())
}
