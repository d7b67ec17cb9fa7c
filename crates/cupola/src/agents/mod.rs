//! `cupola agents`: agents with versions at a terminal.

mod create;
mod definition;
mod deploy;
mod hosted;
mod logs;
mod run;
mod shown;
mod state;

pub mod reference;

pub use self::run::{require, session_of};
use self::{create::NewVersion, deploy::DeployArgs, logs::LogsArgs, reference::AgentName, run::RunArgs};
use crate::{
    failure::Failure,
    listing::ListArgs,
    server::{Server, ServerArgs},
};

/// The command that lists agents.
pub const LIST: &str = "agents list";

/// List, show, create, deploy, run and delete agents
#[derive(Debug, clap::Args)]
#[command(
    after_help = "An agent has a name and versions. A version never changes; NAME:2 is the second one.\n\
    Agents of the older API (asst_…) are at: cupola classic agents\n\n\
    Example:\n  \
    cupola agents create helper --instructions \"Answer in one sentence.\"\n  \
    cupola agents run helper \"What can you do?\"\n  \
    cupola chat helper\n  \
    cupola agents deploy ./echo"
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
    /// Create a version of a hosted agent, from an image or from code, as agent.yaml says
    #[command(after_help = "\
        Nothing is built: an image is pulled by the server, code is sent as a zip file and run there. \
        What has not changed makes no new version. Code leaves out what .agentignore names \
        (in the way of .gitignore), and .git, .venv, .env and __pycache__.\n\n\
        An agent.yaml; paths begin where it is:\n  \
        name: echo\n  \
        image: registry.example.com/team/echo:1   # or: code: .\n  \
        registry_connection: my-registry          # where the registry asks who you are\n  \
        runtime: python_3_13                      # code alone, as are the next two\n  \
        entry_point: python main.py\n  \
        dependency_resolution: remote_build       # or: bundled\n  \
        cpu: 0.5\n  \
        memory: 1Gi\n  \
        protocols: {responses: 2.0.0}\n  \
        environment: {GREETING: Hello}\n  \
        idle_timeout: 15m\n  \
        description: Says what you say.\n\n\
        Example:\n  \
        cupola agents deploy ./echo\n  \
        cupola agents deploy . --image registry.example.com/team/echo:$(git rev-parse --short HEAD)")]
    Deploy(DeployArgs),
    /// Show what the program of a hosted agent says
    #[command(after_help = "Example:\n  \
        cupola agents logs echo\n  \
        cupola agents logs echo --session mine --follow --tail 20")]
    Logs(LogsArgs),
    /// Ask an agent once and print the answer as it is written
    #[command(after_help = "Example:\n  \
        cupola agents run helper \"What can you do?\"\n  \
        cupola agents run helper:2 - < question.txt\n  \
        cupola agents run helper \"Hello!\" --json | jq .usage\n  \
        cupola agents run echo \"Hello!\" --session mine\n\n\
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
        AgentsCommand::Deploy(args) => deploy::run(&server, args, json).await,
        AgentsCommand::Logs(args) => logs::run(&server, args, json).await,
        AgentsCommand::Run(args) => run::run(&server, args, json).await,
        AgentsCommand::Enable { names } => state::set(&server, names, true, json).await,
        AgentsCommand::Disable { names } => state::set(&server, names, false, json).await,
        AgentsCommand::Delete { agents, force } => state::delete(&server, agents, *force, json).await,
    }
}
