//! Knowledge: how fast texts are taken in and found, how fast a local model is, and how good the answers are.

mod embedding;
mod ingestion;
mod quality;
mod search;

use std::path::Path;

use anyhow::Result;

use super::watched;
use crate::bench::cpu::Reading;
use crate::bench::figure::{Figure, Section};
use crate::bench::knowledge::{Options, Program};
use crate::bench::plan::Plan;
use crate::bench::service::Service;
use crate::bench::stub::Stub;
use crate::workspace::Workspace;

/// What is needed to measure knowledge.
pub struct Knowledge<'a> {
    /// Where the program is built that measures.
    pub workspace: &'a Workspace,
    /// What it may use.
    pub options: &'a Options,
    /// The binary that takes texts in.
    pub binary: &'a Path,
    /// An empty directory.
    pub directory: &'a Path,
    /// The model, which nobody asks here.
    pub stub: &'a Stub,
    /// How often.
    pub plan: &'a Plan,
}

/// Measures it.
pub fn measure(knowledge: &Knowledge<'_>, mut done: impl FnMut(Section)) -> Result<()> {
    let program = Program::build(knowledge.workspace)?;
    let plan = knowledge.plan;
    let service =
        Service::start(knowledge.binary, &knowledge.directory.join("knowledge"), knowledge.stub.address)?;
    let texts = knowledge.directory.join("texts");
    done(watched("Knowledge: taking texts in", &service, || {
        ingestion::measure(&service, &program, &texts, plan)
    })?);
    service.stop()?;
    done(alone("Knowledge: search", None, || search::measure(&program, plan))?);
    let model = knowledge.options.model();
    done(match model {
        Some(model) => alone("Knowledge: a local model", None, || {
            embedding::measure(&program, knowledge.options, model)
        })?,
        None => Section {
            title: "Knowledge: a local model",
            figures: Vec::new(),
            others: None,
            note: Some("Not measured: `--embedding-model` names no model.".to_owned()),
        },
    });
    let note = model.is_none().then(|| "Words alone, since `--embedding-model` names no model.".to_owned());
    done(alone("Knowledge: quality of answers", note, || quality::measure(&program, model))?);
    Ok(())
}

/// A section without a service.
fn alone(
    title: &'static str,
    note: Option<String>,
    measure: impl FnOnce() -> Result<Vec<Figure>>,
) -> Result<Section> {
    let before = Reading::now(None)?;
    let figures = measure()?;
    let spent = Reading::now(None)?.since(&before);
    Ok(Section { title, figures, others: Some(spent.others), note })
}
