//! What the service occupies while nobody asks for anything.

use std::thread;
use std::time::Duration;

use anyhow::Result;

use crate::bench::cpu::{Reading, resident_mib};
use crate::bench::figure::Figure;
use crate::bench::service::Service;

const TARGET: f64 = 40.0;
const REST: Duration = Duration::from_secs(3);

/// Measures it after one token was given out.
pub fn measure(service: &Service) -> Result<Vec<Figure>> {
    service.target()?;
    let before = Reading::now(Some(service.pid()))?;
    thread::sleep(REST);
    let spent = Reading::now(Some(service.pid()))?.since(&before);
    let busy = spent.server.as_secs_f64() / spent.elapsed.as_secs_f64();
    Ok(vec![
        Figure::new("resident memory", resident_mib(service.pid())?, "MiB").at_most(TARGET),
        Figure::new("processor time", busy * 100.0, "% of a core"),
    ])
}
