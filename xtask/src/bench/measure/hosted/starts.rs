//! How soon a session answers that has no sandbox: a new one, and one that was stopped.

use anyhow::Result;

use crate::bench::client::Client;
use crate::bench::figure::Figure;
use crate::bench::hosted::{self, DIRECTLY, Plain};
use crate::bench::measure::ground::timed;
use crate::bench::plan::Plan;
use crate::bench::samples::{Ordered, Samples};

const TARGET: f64 = 150.0;
const RESUMED: &str = "resumed";

/// Measures both, in turn with the same agent as a plain process.
pub fn measure(plan: &Plan, client: &mut Client) -> Result<Vec<Figure>> {
    let path = hosted::path();
    let [mut cold, mut resumed, mut stopped, mut plain] = [(); 4].map(|()| Samples::default());
    hosted::ask(client, &path, RESUMED)?;
    for number in 0..plan.hosted_starts {
        let session = format!("cold-{number}");
        timed(&mut cold, || hosted::ask(client, &path, &session))?;
        hosted::delete(client, &session)?;
        timed(&mut stopped, || hosted::stop(client, RESUMED))?;
        timed(&mut resumed, || hosted::ask(client, &path, RESUMED))?;
        timed(&mut plain, || hosted::ask(&mut Plain::start()?.connect()?, DIRECTLY, &session))?;
    }
    hosted::delete(client, RESUMED)?;
    let [cold, resumed, stopped, plain] = [cold, resumed, stopped, plain].map(Samples::ordered);
    let mut figures = Vec::from(first_answers("a session from cold", &cold, &plain));
    figures.extend(first_answers("a session resumed from idle", &resumed, &plain));
    figures.push(Figure::new("stopping a session, p50", stopped.median(), "ms"));
    Ok(figures)
}

fn first_answers(kind: &str, answers: &Ordered, plain: &Ordered) -> [Figure; 2] {
    [
        Figure::new(format!("{kind}: first answer, p50"), answers.median(), "ms")
            .at_most(TARGET)
            .beside("the agent as a plain process", plain.median()),
        Figure::new(format!("{kind}: first answer, slowest"), answers.percentile(100.0), "ms"),
    ]
}
