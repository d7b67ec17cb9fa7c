//! Hosted agents: what the gateway adds, how soon a session answers, and what idle ones cost.
//! They need the right to make sandboxes; where that is missing, the section says so.

mod idle;
mod starts;
mod warm;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::ground::Ground;
use super::watched;
use crate::bench::client::Client;
use crate::bench::figure::Section;
use crate::bench::hosted;
use crate::bench::plan::Plan;
use crate::bench::service::Service;
use crate::bench::stub::Stub;

const TITLE: &str = "Hosted agents";
const IDLE_TITLE: &str = "Hosted agents, idle";
/// The name of what `cupola doctor` says about them.
const CHECK: &str = "hosted agents";
/// Sandboxes beside those that are meant to be idle.
const SPARE: usize = 8;

#[derive(Deserialize)]
struct Verdict {
    check: String,
    status: String,
    message: String,
}

/// What services need to be started.
pub struct Hosts<'a> {
    /// The binary.
    pub binary: &'a Path,
    /// An empty directory for the services' data.
    pub directory: &'a Path,
    /// The model, which nobody asks here.
    pub stub: &'a Stub,
    /// How often.
    pub plan: &'a Plan,
}

/// Measures them. Idle sessions have a service of their own, which nothing has made large before.
pub fn measure(hosts: &Hosts<'_>, ground: &mut Ground, mut done: impl FnMut(Section)) -> Result<()> {
    if let Some(why) = hosts.why_not()? {
        let note = Some(format!("Not measured: {why}"));
        done(Section { title: TITLE, figures: Vec::new(), others: None, note });
        return Ok(());
    }
    let (service, mut client) = hosts.start("hosted")?;
    done(watched(TITLE, &service, || {
        let mut figures = warm::measure(hosts.plan, ground, &mut client)?;
        figures.extend(starts::measure(hosts.plan, &mut client)?);
        Ok(figures)
    })?);
    service.stop()?;

    let (service, mut client) = hosts.start("hosted-idle")?;
    done(watched(IDLE_TITLE, &service, || idle::measure(hosts.plan, &service, &mut client))?);
    service.stop()
}

impl Hosts<'_> {
    /// A service with the agent, and a client of it.
    fn start(&self, name: &str) -> Result<(Service, Client)> {
        let data = self.directory.join(name);
        let service = Service::start_with(self.binary, &data, self.stub.address, &self.configuration())?;
        let mut client = Client::connect(service.target()?)?;
        hosted::deploy(&mut client)?;
        Ok((service, client))
    }

    /// Why nothing can be measured here, in the words of `cupola doctor`.
    fn why_not(&self) -> Result<Option<String>> {
        let config = self.directory.join("doctor.toml");
        fs::write(&config, self.configuration()).context("the configuration cannot be written")?;
        let mut doctor = Command::new(self.binary);
        doctor.args(["doctor", "--json", "--config"]).arg(&config);
        doctor.arg("--data").arg(self.directory.join("doctor"));
        let output = doctor.env_clear().env("HOME", self.directory).stdin(Stdio::null()).output();
        let output = output.with_context(|| format!("{} cannot be started", self.binary.display()))?;
        // It finds fault with what is not served yet; that is no news.
        let verdicts: Vec<Verdict> = serde_json::from_slice(&output.stdout)
            .context("`cupola doctor --json` printed something else")?;
        let verdict = verdicts.into_iter().find(|verdict| verdict.check == CHECK);
        let verdict = verdict.context("`cupola doctor` says nothing about hosted agents")?;
        Ok((verdict.status != "ok").then_some(verdict.message))
    }

    fn configuration(&self) -> String {
        let most = self.plan.idle_sessions + SPARE;
        format!("[hosting]\nruntime = \"oci\"\nmax_sandboxes = {most}\n")
    }
}
