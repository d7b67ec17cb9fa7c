//! The ground that the service stands on: what TLS, HTTP, the disk and the model cost without it.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::bench::baseline::{self, Echo};
use crate::bench::client::{Client, Target};
use crate::bench::cpu::Reading;
use crate::bench::crowd;
use crate::bench::figure::Figure;
use crate::bench::plan::Plan;
use crate::bench::stub::{INSTANT, Stub};

const LIMIT: Duration = Duration::from_secs(120);

/// The numbers that others are compared with; times in milliseconds.
pub struct Ground {
    /// A call of the echo server, one client.
    pub echo: f64,
    /// Calls of the echo server in a second, all clients.
    pub echo_rate: f64,
    /// A durable commit.
    pub commit: f64,
    /// A whole answer of the model.
    pub direct: f64,
}

impl Ground {
    /// What these calls and commits and one answer of the model take by themselves.
    pub fn floor(&self, calls: f64, commits: f64) -> f64 {
        calls * self.echo + commits * self.commit + self.direct
    }
}

/// What a direct caller sends to the model.
pub fn direct_request(model: &str) -> String {
    format!(
        r#"{{"model":"{model}","messages":[{{"role":"user","content":"What is the capital of France?"}}],"stream":true,"stream_options":{{"include_usage":true}}}}"#
    )
}

/// Measures it.
pub fn measure(scratch: &Path, plan: &Plan, stub: &Stub) -> Result<(Ground, Vec<Figure>)> {
    let echo = Echo::start()?;
    let mut client = Client::connect(echo.target())?;
    baseline::repeat(plan.baseline, || baseline::echo(&mut client))?;
    let calls = baseline::repeat(plan.baseline, || baseline::echo(&mut client))?;

    let before = Reading::now(None)?;
    let (done, took) = crowd::run(&echo.target(), plan.clients, plan.echoes, LIMIT, baseline::echo)?;
    let spent = Reading::now(None)?.since(&before);
    let micros_each = |spent: Duration| spent.as_secs_f64() * 1e6 / done.len() as f64;

    let commits = baseline::commits(scratch, plan.baseline)?;
    let mut model = Client::connect(Target { address: stub.address, tls: None, bearer: None })?;
    let request = direct_request(INSTANT);
    let mut answer = || model.stream("/v1/chat/completions", request.clone(), |_| ());
    baseline::repeat(plan.warm_up, &mut answer)?;
    let direct = baseline::repeat(plan.baseline, &mut answer)?;

    let ground = Ground {
        echo: calls.median(),
        echo_rate: done.len() as f64 / took.as_secs_f64(),
        commit: commits.median(),
        direct: direct.median(),
    };
    let clients = plan.clients;
    let figures = vec![
        Figure::new("a call of an axum and rustls echo server, p50", ground.echo, "ms"),
        Figure::new(format!("calls of the echo server, {clients} clients"), ground.echo_rate, "/s"),
        Figure::new("processor time of the echo server in a call", micros_each(spent.echo), "µs"),
        Figure::new("processor time of the client in a call", micros_each(spent.client), "µs"),
        Figure::new("a durable SQLite commit, p50", ground.commit, "ms"),
        Figure::new("a durable SQLite commit, p99", commits.percentile(99.0), "ms"),
        Figure::new("a whole answer of the model, called directly, p50", ground.direct, "ms"),
    ];
    Ok((ground, figures))
}
