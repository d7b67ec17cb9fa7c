//! `cupola agents`: agents with versions at a terminal.

mod create;
mod definition;
mod run;
mod shown;
mod state;

pub mod reference;

pub use self::run::require;
use self::{create::NewVersion, reference::AgentName, run::RunArgs};
use crate::{
    failure::Failure,
    listing::ListArgs,
    server::{Server, ServerArgs},
};

/// The command that lists agents.
pub const LIST: &str = "agents list";

/// List, show, create, run and delete agents
#[derive(Debug, clap::Args)]
#[command(
    after_help = "An agent has a name and versions. A version never changes; NAME:2 is the second one.\n\
    Agents of the older API (asst_…) are at: cupola classic agents\n\n\
    Example:\n  \
    cupola agents create helper --instructions \"Answer in one sentence.\"\n  \
    cupola agents run helper \"What can you do?\"\n  \
    cupola chat helper"
)]
pub struct AgentsArgs {
    #[command(subcommand)]
    command: AgentsCommand,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, clap::Subcommand)]
enum AgentsCommand {
    /// List the agents, the newest first
    #[command(after_help = "Example:\n  cupola agents list --limit 100 --json | jq -r '.[].name'")]
    List(ListArgs),
    /// List the versions of an agent, the newest first
    #[command(after_help = "Example:\n  cupola agents versions helper")]
    Versions {
        /// Its name
        name: String,
        /// Drafts too
        #[arg(long)]
        drafts: bool,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Show an agent in its newest version, or in the version that is named
    #[command(after_help = "Example:\n  cupola agents show helper\n  cupola agents show helper:2 --json")]
    Show {
        /// Its name, or NAME:VERSION
        #[arg(value_name = "NAME[:VERSION]")]
        agent: AgentName,
    },
    /// Create an agent, or a new version of one that is there
    #[command(after_help = "Example:\n  \
        cupola agents create helper --instructions \"Answer in one sentence.\"\n  \
        cupola agents create helper --model gpt-4o --tool-file weather.json\n  \
        cupola agents create helper --file definition.yaml\n\n\
        A definition, as YAML or JSON:\n  \
        kind: prompt\n  \
        model: gpt-4o\n  \
        instructions: Answer in one sentence.\n  \
        tools:\n    \
        - {type: function, name: get_time, parameters: {type: object, properties: {}}, strict: false}")]
    Create(NewVersion),
    /// Ask an agent once and print the answer as it is written
    #[command(after_help = "Example:\n  \
        cupola agents run helper \"What can you do?\"\n  \
        cupola agents run helper:2 - < question.txt\n  \
        cupola agents run helper \"Hello!\" --json | jq .usage\n\n\
        For more than one question: cupola chat helper")]
    Run(RunArgs),
    /// Let agents answer
    #[command(after_help = "Example:\n  cupola agents enable helper")]
    Enable {
        /// Their names
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
    },
    /// Let agents refuse what comes, without deleting them
    #[command(after_help = "Example:\n  cupola agents disable helper")]
    Disable {
        /// Their names
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
    },
    /// Delete agents with all their versions, or single versions
    #[command(
        after_help = "Example:\n  cupola agents delete helper\n  cupola agents delete helper:1 helper:2"
    )]
    Delete {
        /// Their names; NAME:VERSION deletes that version alone
        #[arg(value_name = "NAME[:VERSION]", required = true)]
        agents: Vec<AgentName>,
        /// Also where it is in use
        #[arg(long)]
        force: bool,
    },
}

/// Does what was asked.
pub async fn run(args: &AgentsArgs) -> Result<(), Failure> {
    let server = Server::open(&args.server)?;
    let json = args.server.json;
    match &args.command {
        AgentsCommand::List(list) => shown::list(&server, *list, json).await,
        AgentsCommand::Versions { name, drafts, list } => {
            shown::versions(&server, name, *drafts, *list, json).await
        }
        AgentsCommand::Show { agent } => shown::one(&server, agent, json).await,
        AgentsCommand::Create(new) => create::run(&server, new, json).await,
        AgentsCommand::Run(args) => run::run(&server, args, json).await,
        AgentsCommand::Enable { names } => state::set(&server, names, true, json).await,
        AgentsCommand::Disable { names } => state::set(&server, names, false, json).await,
        AgentsCommand::Delete { agents, force } => state::delete(&server, agents, *force, json).await,
    }
}
