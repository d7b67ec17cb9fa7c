//! What is measured, in order. One service serves the classic flow, another one the responses, others the
//! hosted agents and one the knowledge, so that none pays for what another has stored.

mod code;
mod crowd_of_flows;
mod first_token;
mod ground;
mod hosted;
mod idle;
mod knowledge;
mod responses;
mod single_client;
mod start;

use std::path::Path;

use anyhow::{Context, Result};

use self::ground::Ground;
use self::hosted::Hosts;
use self::knowledge::Knowledge;
use super::cpu::Reading;
use super::figure::{Figure, Section};
use super::knowledge::Options;
use super::plan::Plan;
use super::service::Service;
use super::stub::Stub;
use crate::workspace::Workspace;

/// A part of the benchmark that can be measured alone.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// How soon the service answers after its start.
    Start,
    /// The classic flow and its streams.
    Classic,
    /// Responses.
    Responses,
    /// Hosted agents.
    Hosted,
    /// Vector stores and their search.
    Knowledge,
    /// Code that agents run.
    Code,
}

/// What is measured, and with what.
pub struct Measured<'a> {
    /// Where programs are built.
    pub workspace: &'a Workspace,
    /// The service.
    pub binary: &'a Path,
    /// Where there is room for data.
    pub scratch: &'a Path,
    /// How often.
    pub plan: &'a Plan,
    /// Everything, or one part of it.
    pub only: Option<Part>,
    /// What is told about knowledge.
    pub knowledge: &'a Options,
}

/// Measures it. `done` gets each section as soon as it is there.
pub fn all(measured: &Measured<'_>, mut done: impl FnMut(Section)) -> Result<()> {
    let &Measured { workspace, binary, scratch, plan, only, knowledge } = measured;
    let wanted = |part| only.is_none_or(|only| only == part);
    let stub = Stub::start()?;
    let mut ground = Ground::new(scratch, &stub)?;
    let (echo_rate, figures) = ground.measure(plan)?;
    done(Section { title: "Ground: the same machine with less", figures, others: None, note: None });
    if wanted(Part::Start) {
        let figures = start::measure(binary, scratch, plan, stub.address)?;
        done(Section { title: "Start", figures, others: None, note: None });
    }

    let directory = tempfile::tempdir_in(scratch).context("no temporary directory")?;
    if wanted(Part::Classic) {
        let data = directory.path().join("data");
        let service = Service::start(binary, &data, stub.address)?;
        done(watched("Idle", &service, || idle::measure(&service))?);
        let subject = Subject { service: &service, data: &data, stub: &stub, echo_rate, plan };
        done(watched("The classic flow, one client", &service, || {
            single_client::measure(&subject, &mut ground)
        })?);
        done(watched("Streaming", &service, || first_token::measure(&subject, &mut ground))?);
        done(watched("The classic flow, many clients", &service, || crowd_of_flows::measure(&subject))?);
        service.stop()?;
    }
    if wanted(Part::Responses) {
        let data = directory.path().join("responses");
        let service = Service::start(binary, &data, stub.address)?;
        let subject = Subject { service: &service, data: &data, stub: &stub, echo_rate, plan };
        done(watched("Responses", &service, || responses::measure(&subject, &mut ground))?);
        service.stop()?;
    }
    if wanted(Part::Hosted) {
        let hosts = Hosts { binary, directory: directory.path(), stub: &stub, plan };
        hosted::measure(&hosts, &mut ground, &mut done)?;
    }
    if wanted(Part::Knowledge) {
        let directory = directory.path();
        let knowledge = Knowledge { workspace, options: knowledge, binary, directory, stub: &stub, plan };
        knowledge::measure(&knowledge, &mut done)?;
    }
    if wanted(Part::Code) {
        let data = directory.path().join("code");
        done(code::measure(workspace, binary, &data, stub.address, plan)?);
    }
    Ok(())
}

/// What the measurements of a running service work with.
struct Subject<'a> {
    service: &'a Service,
    data: &'a Path,
    stub: &'a Stub,
    /// Calls of the echo server by all clients in a second.
    echo_rate: f64,
    plan: &'a Plan,
}

/// Also notes what other programs did meanwhile: on a busy machine every number is worse.
fn watched(
    title: &'static str,
    service: &Service,
    measure: impl FnOnce() -> Result<Vec<Figure>>,
) -> Result<Section> {
    let before = Reading::now(Some(service.pid()))?;
    let figures = measure()?;
    let spent = Reading::now(Some(service.pid()))?.since(&before);
    Ok(Section { title, figures, others: Some(spent.others), note: None })
}
