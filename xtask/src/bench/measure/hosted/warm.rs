//! A session whose sandbox runs: what the gateway adds to a call, and to the first byte of a stream.

use std::time::Instant;

use anyhow::Result;

use crate::bench::client::Client;
use crate::bench::figure::Figure;
use crate::bench::hosted::{self, DIRECTLY, Plain};
use crate::bench::measure::ground::{Ground, Soundings};
use crate::bench::plan::Plan;
use crate::bench::samples::Samples;

const ADDED: f64 = 1.0;
const FIRST_BYTE: f64 = 0.5;
const SESSION: &str = "warm";

/// Measures it, in turn with the same agent as a plain process.
pub fn measure(plan: &Plan, ground: &mut Ground, client: &mut Client) -> Result<Vec<Figure>> {
    let plain = Plain::start()?;
    let mut direct = plain.connect()?;
    let mut figures = whole(plan, ground, client, &mut direct)?;
    figures.extend(streamed(plan, client, &mut direct)?);
    hosted::delete(client, SESSION)?;
    Ok(figures)
}

fn whole(plan: &Plan, ground: &mut Ground, client: &mut Client, direct: &mut Client) -> Result<Vec<Figure>> {
    let path = hosted::path();
    let [mut through, mut itself, mut added] = [(); 3].map(|()| Samples::default());
    let mut soundings = Soundings::default();
    for round in 0..plan.warm_up + plan.hosted_calls {
        let began = Instant::now();
        hosted::ask(client, &path, SESSION)?;
        let answered = Instant::now();
        hosted::ask(direct, DIRECTLY, SESSION)?;
        let (by_service, by_agent) = (answered - began, answered.elapsed());
        if round >= plan.warm_up {
            through.push(by_service);
            itself.push(by_agent);
            added.push_millis((by_service.as_secs_f64() - by_agent.as_secs_f64()) * 1e3);
            ground.sound(&mut soundings)?;
        }
    }
    let [through, itself, added] = [through, itself, added].map(Samples::ordered);
    let floor = soundings.floor();
    Ok(vec![
        Figure::new("added by the gateway to a warm session, p50", added.median(), "ms")
            .at_most(ADDED)
            .beside("an echo call", floor.echo.median()),
        Figure::new("added by the gateway to a warm session, p95", added.percentile(95.0), "ms"),
        Figure::new("a warm session's answer, p50", through.median(), "ms")
            .beside("the agent itself", itself.median()),
    ])
}

fn streamed(plan: &Plan, client: &mut Client, direct: &mut Client) -> Result<Vec<Figure>> {
    let path = hosted::path();
    let (mut through, mut itself) = (Samples::default(), Samples::default());
    for round in 0..plan.warm_up + plan.hosted_streams {
        let by_service = hosted::relay(client, &path, SESSION)?;
        let by_agent = hosted::relay(direct, DIRECTLY, SESSION)?;
        if round >= plan.warm_up {
            through.push(by_service);
            itself.push(by_agent);
        }
    }
    let (through, itself) = (through.ordered(), itself.ordered());
    Ok(vec![
        Figure::new("first streamed byte after the agent wrote it, p50", through.median(), "ms")
            .at_most(FIRST_BYTE)
            .beside("from the agent itself", itself.median()),
        Figure::new("first streamed byte after the agent wrote it, p95", through.percentile(95.0), "ms"),
    ])
}
