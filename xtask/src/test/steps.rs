//! The steps in the order in which they run, one file each.

mod azurite;
mod binary;
mod clippy;
mod deny;
mod doctests;
mod examples;
mod format;
mod hosted;
mod javascript;
mod layers;
mod nextest;
mod python;
mod system;
mod tool;
mod venv;

use super::step::{Step, Suite};

const BINARY: &str = "build the binary";
const LAYERS: &str = "layers of images";

/// Every step.
pub fn all() -> &'static [Step] {
    use Suite::{Js, Lint, Python, Rust};
    &[
        Step { name: "system packages", suites: &[Lint, Rust, Python, Js], needs: &[], run: system::run },
        Step { name: "format", suites: &[Lint], needs: &[], run: format::run },
        Step { name: "clippy", suites: &[Lint], needs: &[], run: clippy::run },
        Step { name: "licences, bans and sources", suites: &[Lint], needs: &[], run: deny::run },
        Step { name: "rust tests", suites: &[Rust], needs: &[], run: nextest::run },
        Step { name: "documentation examples", suites: &[Rust], needs: &[], run: doctests::run },
        Step { name: BINARY, suites: &[Rust, Python, Js], needs: &[], run: binary::run },
        Step { name: "rust client examples", suites: &[Rust], needs: &[BINARY], run: examples::run },
        Step {
            name: "python, azure-ai-agents 1.1.0",
            suites: &[Python],
            needs: &[BINARY],
            run: python::stable,
        },
        Step {
            name: "python, azure-ai-agents 1.2.0b6",
            suites: &[Python],
            needs: &[BINARY],
            run: python::preview,
        },
        Step {
            name: "python, azure-ai-projects 2.10.0",
            suites: &[Python],
            needs: &[BINARY],
            run: python::projects,
        },
        Step {
            name: "python, azure-ai-projects 2.0.0b3",
            suites: &[Python],
            needs: &[BINARY],
            run: python::projects_preview,
        },
        Step {
            name: "python, azure-ai-agentserver-core 2.2.0",
            suites: &[Python],
            needs: &[BINARY],
            run: python::agent_server,
        },
        Step { name: LAYERS, suites: &[Python], needs: &[], run: layers::run },
        Step {
            name: "hosted agents on oci, azure-ai-projects 2.10.0",
            suites: &[Python],
            needs: &[BINARY, LAYERS],
            run: hosted::oci,
        },
        Step {
            name: "hosted agents on docker, azure-ai-projects 2.10.0",
            suites: &[Python],
            needs: &[BINARY, LAYERS],
            run: hosted::docker,
        },
        Step {
            name: "hosted agents on oci, azure-ai-projects 2.0.0b3",
            suites: &[Python],
            needs: &[BINARY, LAYERS],
            run: hosted::oci_preview,
        },
        Step {
            name: "hosted agents on docker, azure-ai-projects 2.0.0b3",
            suites: &[Python],
            needs: &[BINARY, LAYERS],
            run: hosted::docker_preview,
        },
        Step { name: "python, a2a-sdk 0.3.26", suites: &[Python], needs: &[BINARY], run: python::a2a },
        Step {
            name: "agents of a2a-sdk 0.3.26, azure-ai-projects 2.10.0",
            suites: &[Python],
            needs: &[BINARY],
            run: python::a2a_agent,
        },
        Step {
            name: "agents of a2a-sdk 1.3.0, azure-ai-projects 2.10.0",
            suites: &[Python],
            needs: &[BINARY],
            run: python::a2a_agent_of_1,
        },
        Step {
            name: "javascript, @azure/ai-agents 1.1.0 and @azure/ai-projects 2.8.0",
            suites: &[Js],
            needs: &[BINARY],
            run: javascript::run,
        },
    ]
}
