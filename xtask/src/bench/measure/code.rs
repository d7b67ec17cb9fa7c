//! Code that runs in containers, through the API and the engine, as clients have it run.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::bench::client::Client;
use crate::bench::code;
use crate::bench::figure::{Figure, Section};
use crate::bench::plan::Plan;
use crate::bench::samples::Samples;
use crate::bench::service::Service;
use crate::process;
use crate::workspace::Workspace;

/// What the issue asks for, in milliseconds.
const WARM: f64 = 5.0;
const NEW: f64 = 60.0;
/// After this the next interpreter is ready.
const REST: Duration = Duration::from_secs(3);
/// What proves that numpy and pandas are there.
const IMPORTS: &str = "import numpy, pandas\nprint(int(numpy.array([1, 1]).sum()))";

/// Measures it with a service of its own.
pub fn measure(
    workspace: &Workspace,
    binary: &Path,
    data: &Path,
    model: std::net::SocketAddr,
    plan: &Plan,
) -> Result<Section> {
    let environment = workspace.cache.join("code-interpreter");
    let mut setup = Command::new(binary);
    setup.args(["setup", "code-interpreter"]).env("CUPOLA_CODE_INTERPRETER__ENVIRONMENT", &environment);
    process::run(&mut setup)?;
    let place = environment.to_str().context("the cache has a name that is no text")?;
    let more = format!("{}\n[code_interpreter]\nenvironment = {place:?}\n", code::CONFIGURATION);
    let service = Service::start_with(binary, data, model, &more)?;
    let section = super::watched("Code", &service, || figures(&service, plan))?;
    service.stop()?;
    Ok(section)
}

fn figures(service: &Service, plan: &Plan) -> Result<Vec<Figure>> {
    let mut client = Client::connect(service.target()?)?;
    // The first one is started because somebody asks; from then on one is kept ready.
    let first = code::make(&mut client)?;
    code::run(&mut client, &first, IMPORTS)?;
    let mut fresh = Samples::default();
    for _ in 0..plan.hosted_starts {
        thread::sleep(REST);
        let container = code::make(&mut client)?;
        fresh.push(timed(|| code::run(&mut client, &container, IMPORTS))?);
    }
    let (mut warm, mut plain) = (Samples::default(), Samples::default());
    for _ in 0..plan.hosted_calls {
        warm.push(timed(|| code::run(&mut client, &first, "1 + 1"))?);
        plain.push(timed(|| code::say(&mut client))?);
    }
    let memory = code::memory_of_kernels(service.pid())?;
    let (warm, fresh, plain) = (warm.ordered(), fresh.ordered(), plain.ordered());
    let each = memory.iter().sum::<f64>() / memory.len().max(1) as f64;
    Ok(vec![
        Figure::new("a response with a code call, warm, p50", warm.median(), "ms")
            .at_most(WARM)
            .beside("a response without one", plain.median()),
        Figure::new("a response with a code call, warm, p99", warm.percentile(99.0), "ms"),
        Figure::new("the first code in a new container, p50", fresh.median(), "ms").at_most(NEW),
        Figure::new("memory of each interpreter", each, "MiB"),
    ])
}

fn timed(act: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let began = Instant::now();
    act()?;
    Ok(began.elapsed())
}
