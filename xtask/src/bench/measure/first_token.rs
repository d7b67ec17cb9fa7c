//! How much later a streamed token arrives than from the model itself.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Subject;
use super::ground::{CHAT, Ground, Soundings, direct_request};
use crate::bench::client::{Client, Target};
use crate::bench::figure::Figure;
use crate::bench::flow;
use crate::bench::samples::Samples;
use crate::bench::stub::{Clock, INSTANT, PACED};

const ADDED: f64 = 0.5;
const DELTA: &[u8] = b"event: thread.message.delta";

/// What one streamed answer was like.
pub struct Heard {
    /// From sending the request to the first token.
    pub first: Duration,
    /// From sending the request to its arrival at the model.
    pub to_model: Duration,
    /// From the model's sending of each token to its arrival.
    pub relayed: Vec<Duration>,
}

/// The service and the model itself, asked in turn so that both see the same machine.
struct Pair<'a> {
    service: Client,
    model: Client,
    clock: &'a Clock,
}

impl Pair<'_> {
    fn through_service(&mut self, agent: &str) -> Result<Heard> {
        let path = flow::prepare_thread(&mut self.service)?;
        let body = flow::streamed_run(agent);
        hear(&mut self.service, self.clock, &path, body, |event| event.starts_with(DELTA))
    }

    fn directly(&mut self, model: &str) -> Result<Heard> {
        hear(&mut self.model, self.clock, CHAT, direct_request(model), |_| true)
    }
}

/// Sends a request whose answer is streamed, and notes when its tokens arrive.
pub fn hear(
    client: &mut Client,
    clock: &Clock,
    path: &str,
    body: String,
    is_token: impl Fn(&[u8]) -> bool,
) -> Result<Heard> {
    let mut first = None;
    let mut relayed = Vec::new();
    let began = Instant::now();
    client.stream(path, body, |event| {
        let now = Instant::now();
        if is_token(event)
            && let Some(sent) = clock.sent(event)
        {
            first.get_or_insert(now - began);
            relayed.push(now - sent);
        }
    })?;
    let first = first.context("no token was streamed")?;
    Ok(Heard { first, to_model: clock.last_arrival() - began, relayed })
}

/// Measures it.
pub fn measure(subject: &Subject<'_>, ground: &mut Ground) -> Result<Vec<Figure>> {
    let mut pair = Pair {
        service: Client::connect(subject.service.target()?)?,
        model: Client::connect(Target { address: subject.stub.address, tls: None, bearer: None })?,
        clock: &subject.stub.clock,
    };
    let mut figures = at_once(subject, ground, &mut pair)?;
    figures.extend(paced(subject, &mut pair)?);
    Ok(figures)
}

fn at_once(subject: &Subject<'_>, ground: &mut Ground, pair: &mut Pair<'_>) -> Result<Vec<Figure>> {
    let agent = flow::create_agent(&mut pair.service, INSTANT)?;
    let [mut through, mut direct, mut to_model, mut back] = [(); 4].map(|()| Samples::default());
    let mut soundings = Soundings::default();
    for round in 0..subject.plan.warm_up + subject.plan.streams {
        let (service, model) = (pair.through_service(&agent)?, pair.directly(INSTANT)?);
        if round >= subject.plan.warm_up {
            through.push(service.first);
            to_model.push(service.to_model);
            service.relayed.first().into_iter().for_each(|first| back.push(*first));
            direct.push(model.first);
            ground.sound(&mut soundings)?;
        }
    }
    let [through, direct, to_model, back] = [through, direct, to_model, back].map(Samples::ordered);
    let floor = soundings.floor();
    let added = |percent| through.percentile(percent) - direct.percentile(percent);
    Ok(vec![
        Figure::new("added to the first token, p50", added(50.0), "ms")
            .at_most(ADDED)
            .beside("an echo call and a commit", floor.echo.median() + floor.commit.median()),
        Figure::new("added to the first token, p95", added(95.0), "ms"),
        Figure::new("first token, p50", through.median(), "ms").beside("the model itself", direct.median()),
        Figure::new("a durable commit meanwhile, p50", floor.commit.median(), "ms"),
        Figure::new("of this, until the model has the request, p50", to_model.median(), "ms"),
        Figure::new("of this, from the model to the client, p50", back.median(), "ms"),
    ])
}

fn paced(subject: &Subject<'_>, pair: &mut Pair<'_>) -> Result<Vec<Figure>> {
    let agent = flow::create_agent(&mut pair.service, PACED)?;
    let (mut through, mut direct) = (Samples::default(), Samples::default());
    for _ in 0..subject.plan.paced_streams {
        pair.through_service(&agent)?.relayed.into_iter().for_each(|relay| through.push(relay));
        pair.directly(PACED)?.relayed.into_iter().for_each(|relay| direct.push(relay));
    }
    let (through, direct) = (through.ordered(), direct.ordered());
    Ok(vec![
        Figure::new("a paced token on its way, p50", through.median(), "ms")
            .beside("from the model itself", direct.median()),
        Figure::new("a paced token on its way, p99", through.percentile(99.0), "ms")
            .beside("from the model itself", direct.percentile(99.0)),
    ])
}
