//! The classic flow, one after the other, and how soon its runs reach the model.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::Subject;
use super::ground::{Ground, Soundings};
use crate::bench::client::Client;
use crate::bench::cpu::{Reading, Spent};
use crate::bench::figure::Figure;
use crate::bench::flow::{self, Flow};
use crate::bench::samples::{Ordered, Samples};
use crate::bench::stub::INSTANT;

const FLOW: f64 = 3.0;
const REACHED: f64 = 1.0;
/// What is durable before the flow is over: the thread, the message, the run and the answer.
const COMMITS: f64 = 4.0;

/// Measures it.
pub fn measure(subject: &Subject<'_>, ground: &mut Ground) -> Result<Vec<Figure>> {
    let Subject { service, stub, plan, .. } = subject;
    let mut client = Client::connect(service.target()?)?;
    let agent = flow::create_agent(&mut client, INSTANT)?;
    for _ in 0..plan.warm_up {
        flow::once(&mut client, &agent)?;
    }
    let mut flows = Vec::with_capacity(plan.flows);
    let (mut after_answer, mut after_sending) = (Samples::default(), Samples::default());
    let mut soundings = Soundings::default();
    let before = Reading::now(Some(service.pid()))?;
    for _ in 0..plan.flows {
        let flow = flow::once(&mut client, &agent)?;
        let arrived = stub.clock.last_arrival();
        after_answer.push_millis(millis_between(flow.run_answered, arrived));
        after_sending.push_millis(millis_between(flow.run_sent, arrived));
        flows.push(flow);
        ground.sound(&mut soundings)?;
    }
    let spent = Reading::now(Some(service.pid()))?.since(&before);

    let floor = soundings.floor();
    let total = of(&flows, |flow| flow.total);
    let calls = mean(&flows, |flow| f64::from(flow.calls()));
    let (after_answer, after_sending) = (after_answer.ordered(), after_sending.ordered());
    let part = |name: &str, part: fn(&Flow) -> Duration| {
        Figure::new(format!("of this, {name}, p50"), of(&flows, part).median(), "ms")
    };
    let mut figures = vec![
        Figure::new("flow, p50", total.median(), "ms")
            .at_most(FLOW)
            .beside("as many echo calls, 4 commits, 1 answer", floor.of(calls, COMMITS)),
        Figure::new("flow, p95", total.percentile(95.0), "ms"),
        Figure::new("flow, p99", total.percentile(99.0), "ms"),
        part("create the thread", |flow| flow.thread),
        part("create the message", |flow| flow.message),
        part("create the run", |flow| flow.run),
        part("wait for the run", |flow| flow.wait),
        part("list the messages", |flow| flow.list),
        Figure::new("calls in a flow", calls, ""),
        Figure::new("model reached after the run was accepted, p50", after_answer.median(), "ms")
            .at_most(REACHED),
        Figure::new("model reached after the run was accepted, p99", after_answer.percentile(99.0), "ms")
            .at_most(REACHED),
        Figure::new("model reached after the run was asked for, p50", after_sending.median(), "ms")
            .beside("an echo call, a commit and an answer", floor.of(1.0, 1.0)),
    ];
    figures.push(Figure::new("a durable commit meanwhile, p50", floor.commit.median(), "ms"));
    figures.push(Figure::new("processor time in a flow, service", service_time(&spent, flows.len()), "ms"));
    Ok(figures)
}

fn service_time(spent: &Spent, flows: usize) -> f64 {
    spent.server.as_secs_f64() * 1e3 / flows as f64
}

/// Processor time of each side for one flow, or for one of another kind.
pub fn processor_time(spent: &Spent, kind: &str, count: usize) -> [Figure; 3] {
    let each = |name: &str, spent: Duration| {
        Figure::new(
            format!("processor time in a {kind}, {name}"),
            spent.as_secs_f64() * 1e3 / count as f64,
            "ms",
        )
    };
    [each("service", spent.server), each("client", spent.client), each("model", spent.stub)]
}

/// One duration of each flow, in order.
pub fn of(flows: &[Flow], part: impl Fn(&Flow) -> Duration) -> Ordered {
    let mut samples = Samples::default();
    flows.iter().for_each(|flow| samples.push(part(flow)));
    samples.ordered()
}

/// The mean of something over all flows.
pub fn mean(flows: &[Flow], value: impl Fn(&Flow) -> f64) -> f64 {
    flows.iter().map(value).sum::<f64>() / flows.len() as f64
}

/// Negative if `to` was earlier.
fn millis_between(from: Instant, to: Instant) -> f64 {
    match to.checked_duration_since(from) {
        Some(after) => after.as_secs_f64() * 1e3,
        None => -from.duration_since(to).as_secs_f64() * 1e3,
    }
}
