//! What the service's own process pays for sessions that nobody uses while their sandboxes run.

use std::thread;
use std::time::Duration;

use anyhow::Result;

use crate::bench::client::Client;
use crate::bench::cpu::{Reading, resident_mib};
use crate::bench::figure::Figure;
use crate::bench::hosted;
use crate::bench::plan::Plan;
use crate::bench::service::Service;

const MEMORY: f64 = 1.0;
/// Idle sessions are to cost no processor time at all.
const PROCESSOR: f64 = 0.0;
/// After this, what the last calls left to do is done.
const SETTLING: Duration = Duration::from_secs(1);
const REST: Duration = Duration::from_secs(5);

/// Measures it after a first session, which pays for what all of them share.
pub fn measure(plan: &Plan, service: &Service, client: &mut Client) -> Result<Vec<Figure>> {
    let path = hosted::path();
    hosted::ask(client, &path, "first")?;
    thread::sleep(SETTLING);
    let before = resident_mib(service.pid())?;
    for number in 0..plan.idle_sessions {
        hosted::ask(client, &path, &format!("idle-{number}"))?;
    }
    thread::sleep(SETTLING);
    let began = Reading::now(Some(service.pid()))?;
    thread::sleep(REST);
    let spent = Reading::now(Some(service.pid()))?.since(&began);
    let after = resident_mib(service.pid())?;

    let count = plan.idle_sessions;
    let busy = spent.server.as_secs_f64() / spent.elapsed.as_secs_f64();
    Ok(vec![
        Figure::new(
            format!("resident memory for each of {count} sessions"),
            (after - before) / count as f64,
            "MiB",
        )
        .at_most(MEMORY),
        Figure::new(format!("processor time with {count} sessions"), busy * 100.0, "% of a core")
            .at_most(PROCESSOR),
        Figure::new(format!("resident memory with {count} sessions"), after, "MiB"),
    ])
}
