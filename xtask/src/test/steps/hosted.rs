//! Hosted agents in both generations of the SDK, on each runtime: real images from a real registry.

use anyhow::Result;

use super::layers::Layers;
use super::python::{PROJECTS, PROJECTS_PREVIEW, Run};
use super::venv::Generation;
use crate::test::{Args, outcome::Outcome};
use crate::workspace::Workspace;

/// `azure-ai-projects` 2.10.0, sandboxes made by the service itself.
pub fn oci(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    on(workspace, "oci", &PROJECTS)
}

/// `azure-ai-projects` 2.10.0, sandboxes made by a Docker daemon.
pub fn docker(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    on(workspace, "docker", &PROJECTS)
}

/// `azure-ai-projects` 2.0.0b3, sandboxes made by the service itself.
pub fn oci_preview(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    on(workspace, "oci", &PROJECTS_PREVIEW)
}

/// `azure-ai-projects` 2.0.0b3, sandboxes made by a Docker daemon.
pub fn docker_preview(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    on(workspace, "docker", &PROJECTS_PREVIEW)
}

fn on(workspace: &Workspace, runtime: &str, generation: &Generation) -> Result<Outcome> {
    let layers = Layers::of(workspace)?;
    let variables = vec![
        ("HOSTED_RUNTIME", runtime.to_owned()),
        ("HOSTED_SYSTEM", layers.system.display().to_string()),
        ("HOSTED_PACKAGES", layers.packages.display().to_string()),
        ("HOSTED_FIRST_PACKAGES", layers.first_packages.display().to_string()),
    ];
    let report = format!("hosted-{runtime}-{}", generation.name);
    Run { suite: "python_hosted_agents", generation, report, variables }.perform(workspace)
}
