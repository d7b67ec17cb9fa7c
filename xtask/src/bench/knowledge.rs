//! The program that measures knowledge in a process of its own, and what it may use.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;

use crate::process;
use crate::workspace::Workspace;

const PACKAGE: &str = "cupola-retrieval";
const EXAMPLE: &str = "knowledge";
/// Does the same with onnxruntime.
const ONNX: &str = include_str!("knowledge/onnx.py");

/// What can be told about knowledge.
#[derive(clap::Args)]
pub struct Options {
    /// Measure embeddings and their searches with this directory of sentence-transformers.
    #[arg(long, value_name = "DIR", env = "CUPOLA_EMBEDDING_MODEL")]
    embedding_model: Option<PathBuf>,
    /// A Python with numpy, onnx, onnxruntime, safetensors and tokenizers, to compare embeddings with.
    #[arg(long, value_name = "FILE", env = "CUPOLA_ONNX_PYTHON")]
    onnx_python: Option<PathBuf>,
}

impl Options {
    /// The directory of the model.
    pub fn model(&self) -> Option<&Path> {
        self.embedding_model.as_deref()
    }

    /// What onnxruntime measures of a model; none where there is no Python for it.
    pub fn onnx<T: DeserializeOwned>(&self, model: &Path) -> Result<Option<T>> {
        let Some(python) = &self.onnx_python else { return Ok(None) };
        measured(Command::new(python).args(["-c", ONNX]).arg(model)).map(Some)
    }
}

/// The program, built.
pub struct Program(PathBuf);

impl Program {
    /// Builds it.
    pub fn build(workspace: &Workspace) -> Result<Self> {
        let mut cargo = workspace.cargo();
        process::run(cargo.args(["build", "--release", "--package", PACKAGE, "--example", EXAMPLE]))?;
        Ok(Self(workspace.target.join("release/examples").join(EXAMPLE)))
    }

    /// What it measures.
    pub fn measured<T: DeserializeOwned>(&self, arguments: &[&str]) -> Result<T> {
        measured(Command::new(&self.0).args(arguments))
    }

    /// Lets it do something else.
    pub fn run(&self, arguments: &[&str]) -> Result<()> {
        process::output(Command::new(&self.0).args(arguments)).map(drop)
    }
}

fn measured<T: DeserializeOwned>(command: &mut Command) -> Result<T> {
    let printed = process::output(command)?;
    serde_json::from_str(&printed).with_context(|| format!("no numbers: {}", printed.trim_end()))
}
