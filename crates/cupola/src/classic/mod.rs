//! `cupola classic`: the older API at a terminal, with agents, threads and runs.

mod agents;
pub mod messages;
mod runs;
pub mod steps;
mod threads;

use crate::failure::Failure;

/// Agents, threads and runs of the older API (azure-ai-projects 1.x)
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  \
    cupola classic agents list\n  \
    cupola classic runs start --agent asst_abc123 \"What can you do?\"\n\n\
    To take them over into the newer API: cupola migrate classic-to-v2")]
pub struct ClassicArgs {
    #[command(subcommand)]
    command: ClassicCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ClassicCommand {
    Agents(agents::AgentsArgs),
    Threads(threads::ThreadsArgs),
    Runs(runs::RunsArgs),
}

/// Does what was asked.
pub async fn run(args: &ClassicArgs) -> Result<(), Failure> {
    match &args.command {
        ClassicCommand::Agents(args) => agents::run(args).await,
        ClassicCommand::Threads(args) => threads::run(args).await,
        ClassicCommand::Runs(args) => runs::run(args).await,
    }
}
