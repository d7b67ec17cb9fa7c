//! The Python suites, once for each generation of the official SDKs.

use std::process::Command;

use anyhow::Result;

use super::{azurite, venv::Generation};
use crate::process;
use crate::test::{Args, junit, outcome::Outcome};
use crate::workspace::Workspace;

const STABLE: Generation = Generation { suite: "python", name: "agents-1.1.0" };
const PREVIEW: Generation = Generation { suite: "python", name: "agents-1.2.0b6" };
pub(super) const PROJECTS: Generation = Generation { suite: "python_v2", name: "projects-2.10.0" };
pub(super) const PROJECTS_PREVIEW: Generation = Generation { suite: "python_v2", name: "projects-2.0.0b3" };
pub(super) const AGENT_SERVER: Generation = Generation { suite: "python_hosted", name: "agentserver-2.2.0" };
pub(super) const FIRST_AGENT_SERVER: Generation =
    Generation { suite: "python_hosted", name: "agentserver-1.0.0b17" };
/// The MCP server that the suites' agents use.
const SERVER: Generation = Generation { suite: "servers", name: "mcp-2.3.0" };
const A2A: Generation = Generation { suite: "python_a2a", name: "a2a-0.3.26" };
const A2A_AGENT: Generation = Generation { suite: "python_a2a_tool", name: "a2a-tool-0.3.26" };
const A2A_AGENT_OF_1: Generation = Generation { suite: "python_a2a_tool", name: "a2a-tool-1.3.0" };

/// `azure-ai-projects` 1.0.0 with `azure-ai-agents` 1.1.0.
pub fn stable(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    Run::of(&STABLE).with_server(workspace)?.with_azurite(workspace)?.perform(workspace)
}

/// `azure-ai-agents` 1.2.0b6.
pub fn preview(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    Run::of(&PREVIEW).with_server(workspace)?.with_azurite(workspace)?.perform(workspace)
}

/// `azure-ai-projects` 2.10.0: agents with versions, conversations, responses.
pub fn projects(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    Run::of(&PROJECTS).with_server(workspace)?.with_azurite(workspace)?.perform(workspace)
}

/// `azure-ai-projects` 2.0.0b3.
pub fn projects_preview(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    Run::of(&PROJECTS_PREVIEW).with_server(workspace)?.with_azurite(workspace)?.perform(workspace)
}

/// What hosted containers are made of: `azure-ai-agentserver-core` 2.2.0 and its companions.
pub fn agent_server(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    Run::of(&AGENT_SERVER).perform(workspace)
}

/// `a2a-sdk` 0.3.26: agents that talk to agents.
pub fn a2a(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    Run::of(&A2A).perform(workspace)
}

/// Agents that are made with `a2a-sdk` 0.3.26, asked by agents of the service.
pub fn a2a_agent(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    Run::of(&A2A_AGENT).perform(workspace)
}

/// Agents that are made with `a2a-sdk` 1.3.0.
pub fn a2a_agent_of_1(workspace: &Workspace, _: &Args) -> Result<Outcome> {
    Run::of(&A2A_AGENT_OF_1).perform(workspace)
}

/// A suite, run with a generation of packages.
pub struct Run<'a> {
    /// The folder of the tests.
    pub suite: &'a str,
    /// The packages.
    pub generation: &'a Generation,
    /// What the report is called.
    pub report: String,
    /// What the suite is told beside where the binary is.
    pub variables: Vec<(&'a str, String)>,
}

impl<'a> Run<'a> {
    /// The suite that the packages are listed in.
    fn of(generation: &'a Generation) -> Self {
        let report = generation.name.to_owned();
        Self { suite: generation.suite, generation, report, variables: Vec::new() }
    }

    /// Tells the suite which interpreter has the packages of the MCP server.
    fn with_server(mut self, workspace: &Workspace) -> Result<Self> {
        let python = SERVER.interpreter(workspace)?;
        self.variables.push(("MCP_PYTHON", python.display().to_string()));
        Ok(self)
    }

    /// The suite finds queues where functions are called.
    fn with_azurite(mut self, workspace: &Workspace) -> Result<Self> {
        let program = azurite::queue_service(workspace)?;
        self.variables.push(("AZURITE_QUEUE", program.to_string_lossy().into_owned()));
        Ok(self)
    }

    /// Runs it and counts.
    pub fn perform(self, workspace: &Workspace) -> Result<Outcome> {
        let python = self.generation.interpreter(workspace)?;
        let report = workspace.report(&self.report)?;
        let mut pytest = Command::new(python);
        pytest.current_dir(workspace.sdk_suite(self.suite)).args(["-m", "pytest", "-p", "no:cacheprovider"]);
        pytest.arg(format!("--junit-xml={}", report.display()));
        pytest.env("CUPOLA_BIN", workspace.binary()).env("PYTHONDONTWRITEBYTECODE", "1");
        pytest.envs(self.variables);
        junit::judge(process::run(&mut pytest), &report)
    }
}
