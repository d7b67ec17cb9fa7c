//! From the execution of the binary to its first answer over HTTPS.

use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::bench::baseline;
use crate::bench::figure::Figure;
use crate::bench::plan::Plan;
use crate::bench::samples::{Ordered, Samples};
use crate::bench::service::Service;

const TARGET: f64 = 150.0;
/// The service is left alone for a moment before it is stopped, so that every start follows a clean end.
const REST: Duration = Duration::from_millis(50);

/// What a number of starts took.
#[derive(Default)]
struct Starts {
    answered: Samples,
    said: Samples,
}

impl Starts {
    fn add(&mut self, binary: &Path, directory: &TempDir, model: SocketAddr) -> Result<()> {
        let service = Service::start(binary, &directory.path().join("data"), model)?;
        self.answered.push(service.answered_after);
        self.said.push_millis(service.says_ready_after);
        thread::sleep(REST);
        service.stop()
    }

    fn figures(self, kind: &str, bare: &Ordered) -> [Figure; 3] {
        let (answered, said) = (self.answered.ordered(), self.said.ordered());
        [
            Figure::new(format!("{kind}: first answer, p50"), answered.median(), "ms")
                .at_most(TARGET)
                .beside("the binary printing its version", bare.median()),
            Figure::new(format!("{kind}: first answer, slowest"), answered.percentile(100.0), "ms")
                .at_most(TARGET),
            Figure::new(format!("{kind}: the banner says, p50"), said.median(), "ms").at_most(TARGET),
        ]
    }
}

/// Measures starts that create everything, and later ones.
pub fn measure(binary: &Path, scratch: &Path, plan: &Plan, model: SocketAddr) -> Result<Vec<Figure>> {
    let mut bare = Samples::default();
    for _ in 0..plan.starts {
        bare.push(baseline::bare_start(binary)?);
    }
    let bare = bare.ordered();

    let mut first = Starts::default();
    for _ in 0..plan.starts {
        first.add(binary, &directory(scratch)?, model)?;
    }
    let used = directory(scratch)?;
    Starts::default().add(binary, &used, model)?;
    let mut later = Starts::default();
    for _ in 0..plan.starts {
        later.add(binary, &used, model)?;
    }
    let mut figures = Vec::from(first.figures("first start", &bare));
    figures.extend(later.figures("later start", &bare));
    Ok(figures)
}

fn directory(scratch: &Path) -> Result<TempDir> {
    tempfile::tempdir_in(scratch).context("no temporary directory")
}
