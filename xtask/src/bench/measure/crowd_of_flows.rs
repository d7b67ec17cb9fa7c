//! The classic flow by many clients at once: how many in a second, and whether memory stays flat.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::Subject;
use super::single_client::{mean, of, processor_time};
use crate::bench::client::Client;
use crate::bench::cpu::{Reading, resident_mib};
use crate::bench::crowd;
use crate::bench::figure::Figure;
use crate::bench::flow::{self, Flow};
use crate::bench::stub::INSTANT;

const FLOWS: f64 = 1000.0;
/// What still counts as flat: the memory at the end as a multiple of the memory after a tenth.
const FLAT: f64 = 1.1;

/// Measures it in three parts, so that memory is seen after a tenth, a half and all of the flows.
pub fn measure(subject: &Subject<'_>) -> Result<Vec<Figure>> {
    let Subject { service, echo_rate, plan, .. } = subject;
    let target = service.target()?;
    let agent = flow::create_agent(&mut Client::connect(target.clone())?, INSTANT)?;

    let mut flows: Vec<Flow> = Vec::with_capacity(plan.crowd_flows);
    let mut took = Duration::ZERO;
    let mut figures = Vec::new();
    let mut memory = Vec::new();
    let before = Reading::now(Some(service.pid()))?;
    for tenths in [1, 4, 5] {
        let (count, limit) = (plan.crowd_flows * tenths / 10, plan.crowd_limit * tenths as u32 / 10);
        let (done, time) =
            crowd::run(&target, plan.clients, count, limit, |client| flow::once(client, &agent))?;
        figures.push(Figure::new(
            format!("flows {} to {}", flows.len(), flows.len() + done.len()),
            done.len() as f64 / time.as_secs_f64(),
            "/s",
        ));
        flows.extend(done);
        took += time;
        memory.push((flows.len(), resident_mib(service.pid())?));
    }
    let spent = Reading::now(Some(service.pid()))?.since(&before);

    let total = of(&flows, |flow| flow.total);
    let calls = mean(&flows, |flow| f64::from(flow.calls()));
    let rate = flows.len() as f64 / took.as_secs_f64();
    let clients = plan.clients;
    figures.insert(
        0,
        Figure::new(format!("flows in a second, {clients} clients"), rate, "/s")
            .at_least(FLOWS)
            .beside("the echo server, as many calls", echo_rate / calls),
    );
    for percent in [50.0, 95.0, 99.0] {
        figures.push(Figure::new(format!("flow, p{percent}"), total.percentile(percent), "ms"));
    }
    figures.push(Figure::new("calls in a flow", calls, ""));
    figures.extend(processor_time(&spent, "flow", flows.len()));
    figures.extend(flatness(&memory));
    figures.push(Figure::new("data directory", size_mib(subject.data)?, "MiB"));
    Ok(figures)
}

fn flatness(memory: &[(usize, f64)]) -> Vec<Figure> {
    let mut figures: Vec<Figure> = memory
        .iter()
        .map(|(flows, mib)| Figure::new(format!("resident memory after {flows} runs"), *mib, "MiB"))
        .collect();
    if let (Some((_, early)), Some((_, late))) = (memory.first(), memory.last()) {
        figures.push(Figure::new("resident memory, last to first", late / early, "×").at_most(FLAT));
    }
    figures
}

/// The size of all files directly in a directory.
fn size_mib(directory: &Path) -> Result<f64> {
    let mut bytes = 0;
    for entry in directory.read_dir().context("the data directory cannot be read")? {
        bytes += entry.and_then(|entry| entry.metadata()).context("a file cannot be looked at")?.len();
    }
    Ok(bytes as f64 / (1024.0 * 1024.0))
}
