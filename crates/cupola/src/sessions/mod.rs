//! `cupola sessions`: sessions of hosted agents from a terminal.

mod files;
mod shown;

use cupola_client::types::{CreateSession, VersionIndicator};
use serde_json::json;

use self::files::FilesCommand;
pub use self::shown::is_gone;
use crate::{
    agents::{self, reference::AgentName},
    failure::Failure,
    listing::ListArgs,
    progress,
    server::{Server, ServerArgs},
    terminal::{self, BOLD},
};

/// List, show, create, stop and delete sessions of hosted agents, and use their files
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A session is a sandbox of its own, whose files outlive it. Whoever talks to a hosted agent \
    without naming a session gets one.\n\n\
    Example:\n  \
    cupola sessions list echo\n  \
    cupola sessions create echo --id mine\n  \
    cupola agents run echo \"Hello\" --session mine\n  \
    cupola sessions files ls echo mine"
)]
pub struct SessionsArgs {
    #[command(subcommand)]
    command: SessionsCommand,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, clap::Subcommand)]
enum SessionsCommand {
    /// List the sessions of an agent, the newest first
    #[command(after_help = "Example:\n  cupola sessions list echo --json | jq -r '.[].agent_session_id'")]
    List {
        /// The agent's name
        #[arg(value_name = "AGENT")]
        agent: String,
        /// Those that were deleted or have expired, too
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Show one session
    #[command(after_help = "Example:\n  cupola sessions show echo mine")]
    Show {
        #[command(flatten)]
        session: SessionName,
    },
    /// Create a session and wait until its sandbox is ready
    #[command(
        after_help = "Example:\n  cupola sessions create echo\n  cupola sessions create echo:2 --id mine"
    )]
    Create {
        /// The agent's name, or NAME:VERSION
        #[arg(value_name = "AGENT[:VERSION]")]
        agent: AgentName,
        /// Its id, of letters, digits, '-', '_', '.' and ':' [default: a new one]
        #[arg(long, value_name = "SESSION")]
        id: Option<String>,
    },
    /// Stop the sandboxes of sessions; their files are kept, and the next use starts them again
    #[command(after_help = "Example:\n  cupola sessions stop echo mine")]
    Stop {
        #[command(flatten)]
        sessions: SessionNames,
    },
    /// Delete sessions with their files
    #[command(after_help = "Example:\n  cupola sessions delete echo mine yours")]
    Delete {
        #[command(flatten)]
        sessions: SessionNames,
    },
    /// List, get, put and delete files of a session
    #[command(
        after_help = "Paths begin at the session's home, which its program knows as $HOME. The sandbox \
        need not run.\n\n\
        Example:\n  \
        cupola sessions files put echo mine report.csv in/\n  \
        cupola sessions files ls echo mine in"
    )]
    Files {
        #[command(subcommand)]
        command: FilesCommand,
    },
}

/// A session of an agent.
#[derive(Debug, clap::Args)]
pub struct SessionName {
    /// The agent's name
    #[arg(value_name = "AGENT")]
    pub agent: String,
    /// The session's id
    #[arg(value_name = "SESSION")]
    pub id: String,
}

/// Some sessions of an agent.
#[derive(Debug, clap::Args)]
struct SessionNames {
    /// The agent's name
    #[arg(value_name = "AGENT")]
    agent: String,
    /// The sessions' ids
    #[arg(value_name = "SESSION", required = true)]
    ids: Vec<String>,
}

/// The command that lists the sessions of an agent.
pub fn list_of(agent: &str) -> String {
    format!("sessions list {agent}")
}

/// Does what was asked.
pub async fn run(args: &SessionsArgs) -> Result<(), Failure> {
    let server = Server::open(&args.server)?;
    let json = args.server.json;
    match &args.command {
        SessionsCommand::List { agent, all, list } => shown::list(&server, agent, *all, *list, json).await,
        SessionsCommand::Show { session } => shown::one(&server, session, json).await,
        SessionsCommand::Create { agent, id } => create(&server, agent, id.clone(), json).await,
        SessionsCommand::Stop { sessions } => stop(&server, sessions, json).await,
        SessionsCommand::Delete { sessions } => delete(&server, sessions, json).await,
        SessionsCommand::Files { command } => files::run(&server, command, json).await,
    }
}

async fn create(server: &Server, agent: &AgentName, id: Option<String>, json: bool) -> Result<(), Failure> {
    agents::require(server, agent).await?.require_hosted(agent)?;
    let new = CreateSession {
        agent_session_id: id,
        version_indicator: agent.version.as_ref().map(VersionIndicator::new),
        ..CreateSession::default()
    };
    let sessions = server.client.sessions(&agent.name);
    let session = progress::during("Starting the sandbox", sessions.create(&new)).await?;
    if json {
        return terminal::print_json(&session);
    }
    terminal::print(&shown::fields(&agent.name, &session).finish())?;
    let id = &session.agent_session_id;
    let run = server.command(&format!("agents run {} \"Hello\" --session {id}", agent.name));
    anstream::eprintln!("\nTalk to it: {BOLD}{run}{BOLD:#}");
    Ok(())
}

async fn stop(server: &Server, names: &SessionNames, json: bool) -> Result<(), Failure> {
    let sessions = server.client.sessions(&names.agent);
    for id in &names.ids {
        let stopping = progress::during("Stopping the sandbox", sessions.stop(id)).await;
        stopping.map_err(|error| server.unknown(error, &list_of(&names.agent)))?;
        tell(id, "is stopped", json)?;
    }
    show_ids(names, "idle", json)
}

async fn delete(server: &Server, names: &SessionNames, json: bool) -> Result<(), Failure> {
    let sessions = server.client.sessions(&names.agent);
    for id in &names.ids {
        // The service does not say whether there was one.
        let found = progress::during("Reading the session", sessions.get(id)).await;
        found.map_err(|error| server.unknown(error, &list_of(&names.agent)))?;
        progress::during("Deleting the session", sessions.delete(id)).await?;
        tell(id, "is deleted", json)?;
    }
    show_ids(names, "deleted", json)
}

fn tell(id: &str, what: &str, json: bool) -> Result<(), Failure> {
    if json { Ok(()) } else { terminal::print(&format!("{} {what}.\n", terminal::clean(id))) }
}

fn show_ids(names: &SessionNames, status: &str, json: bool) -> Result<(), Failure> {
    let shown = |id: &String| json!({"agent_session_id": id, "status": status});
    if json { terminal::print_json(&names.ids.iter().map(shown).collect::<Vec<_>>()) } else { Ok(()) }
}
