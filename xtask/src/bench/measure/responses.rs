//! Responses: one client with one kind after the other, many clients at once, and the first delta of a
//! stream.

use std::time::Instant;

use anyhow::Result;

use super::Subject;
use super::first_token::hear;
use super::ground::{CHAT, Ground, Soundings, direct_request, timed};
use super::single_client::processor_time;
use crate::bench::client::{Client, Target};
use crate::bench::cpu::{Reading, resident_mib};
use crate::bench::crowd;
use crate::bench::figure::Figure;
use crate::bench::response;
use crate::bench::samples::Samples;
use crate::bench::stub::INSTANT;

const RESPONSE: f64 = 0.5;
const CHAIN: f64 = 1.0;
const CONVERSATION: f64 = 2.0;
const RESPONSES: f64 = 5000.0;
const PROCESSOR: f64 = 0.25;
const FIRST_DELTA: f64 = 0.5;
const DELTA: &[u8] = b"event: response.output_text.delta";

/// Measures them.
pub fn measure(subject: &Subject<'_>, ground: &mut Ground) -> Result<Vec<Figure>> {
    let mut client = Client::connect(subject.service.target()?)?;
    let mut figures = one_client(subject, ground, &mut client)?;
    figures.extend(streamed(subject, &mut client)?);
    figures.extend(many_clients(subject)?);
    Ok(figures)
}

fn one_client(subject: &Subject<'_>, ground: &mut Ground, client: &mut Client) -> Result<Vec<Figure>> {
    for _ in 0..subject.plan.warm_up {
        response::chain(client)?;
        response::converse(client)?;
    }
    let [mut alone, mut chain, mut conversation] = [(); 3].map(|()| Samples::default());
    let mut soundings = Soundings::default();
    for _ in 0..subject.plan.responses {
        timed(&mut alone, || response::once(client).map(drop))?;
        timed(&mut chain, || response::chain(client))?;
        timed(&mut conversation, || response::converse(client))?;
        ground.sound(&mut soundings)?;
    }
    let [alone, chain, conversation] = [alone, chain, conversation].map(Samples::ordered);
    let floor = soundings.floor();
    // Whoever waits for the end of a response waits for one commit.
    let (one, two) = (floor.of(1.0, 1.0), 2.0 * floor.of(1.0, 1.0));
    Ok(vec![
        Figure::new("a stored response, p50", alone.median(), "ms")
            .at_most(RESPONSE)
            .beside("an echo call, a commit and an answer", one),
        Figure::new("a stored response, p95", alone.percentile(95.0), "ms"),
        Figure::new("two chained responses, p50", chain.median(), "ms")
            .at_most(CHAIN)
            .beside("2 echo calls, 2 commits, 2 answers", two),
        Figure::new("conversation, response and list of items, p50", conversation.median(), "ms")
            .at_most(CONVERSATION)
            .beside("3 echo calls, 2 commits, 1 answer", floor.of(3.0, 2.0)),
        Figure::new("a durable commit meanwhile, p50", floor.commit.median(), "ms"),
    ])
}

fn streamed(subject: &Subject<'_>, client: &mut Client) -> Result<Vec<Figure>> {
    let Subject { stub, plan, .. } = subject;
    let mut model = Client::connect(Target { address: stub.address, tls: None, bearer: None })?;
    let [mut first, mut through, mut direct, mut to_model] = [(); 4].map(|()| Samples::default());
    for round in 0..plan.warm_up + plan.streams {
        let body = response::question(r#","stream":true"#);
        let heard = hear(client, &stub.clock, &response::path(), body, |event| event.starts_with(DELTA))?;
        let itself = hear(&mut model, &stub.clock, CHAT, direct_request(INSTANT), |_| true)?;
        if round >= plan.warm_up {
            heard.relayed.first().into_iter().for_each(|first| through.push(*first));
            itself.relayed.first().into_iter().for_each(|first| direct.push(*first));
            first.push(heard.first);
            to_model.push(heard.to_model);
        }
    }
    let [first, through, direct, to_model] = [first, through, direct, to_model].map(Samples::ordered);
    Ok(vec![
        Figure::new("first delta after the model sent it, p50", through.median(), "ms")
            .at_most(FIRST_DELTA)
            .beside("from the model itself", direct.median()),
        Figure::new("first delta after the model sent it, p95", through.percentile(95.0), "ms"),
        Figure::new("streamed: until the first delta, p50", first.median(), "ms"),
        Figure::new("streamed: until the model has the request, p50", to_model.median(), "ms"),
    ])
}

fn many_clients(subject: &Subject<'_>) -> Result<Vec<Figure>> {
    let Subject { service, echo_rate, plan, .. } = subject;
    let before = Reading::now(Some(service.pid()))?;
    let (done, took) =
        crowd::run(&service.target()?, plan.clients, plan.crowd_responses, plan.crowd_limit, |client| {
            let began = Instant::now();
            response::once(client)?;
            Ok(began.elapsed())
        })?;
    let spent = Reading::now(Some(service.pid()))?.since(&before);

    let (count, clients) = (done.len(), plan.clients);
    let mut each = Samples::default();
    done.into_iter().for_each(|response| each.push(response));
    let each = each.ordered();
    let rate = count as f64 / took.as_secs_f64();
    let [by_service, by_client, by_model] = processor_time(&spent, "response", count);
    Ok(vec![
        Figure::new(format!("stored responses in a second, {clients} clients"), rate, "/s")
            .at_least(RESPONSES)
            .beside("the echo server", *echo_rate),
        Figure::new("response, p50", each.median(), "ms"),
        Figure::new("response, p99", each.percentile(99.0), "ms"),
        by_service.at_most(PROCESSOR),
        by_client,
        by_model,
        Figure::new(format!("resident memory after {count} responses"), resident_mib(service.pid())?, "MiB"),
    ])
}
