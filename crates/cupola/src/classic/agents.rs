//! `cupola classic agents`: see, make and delete agents from a terminal.

use cupola_client::types::{Agent, CreateAgent, Tool};

use crate::{
    failure::Failure,
    fields::{Fields, metadata_lines},
    listing::ListArgs,
    progress,
    server::{Server, ServerArgs},
    table::{Table, shrinking, whole},
    terminal::{self, BOLD},
    when,
};

/// List, show, create and delete agents
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  \
    cupola classic agents create --name helper --instructions \"Answer in one sentence.\"\n  \
    cupola classic agents list")]
pub struct AgentsArgs {
    #[command(subcommand)]
    command: AgentsCommand,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, clap::Subcommand)]
enum AgentsCommand {
    /// List the agents, the newest first
    #[command(after_help = "Example:\n  cupola classic agents list --limit 100 --json | jq -r '.[].id'")]
    List(ListArgs),
    /// Show one agent with its instructions and tools
    #[command(after_help = "Example:\n  cupola classic agents show asst_abc123")]
    Show {
        /// Its id
        #[arg(value_name = "AGENT")]
        id: String,
    },
    /// Create an agent
    #[command(after_help = "Example:\n  \
        cupola classic agents create --name helper --instructions \"Answer in one sentence.\"")]
    Create(NewAgent),
    /// Delete agents
    #[command(after_help = "Example:\n  cupola classic agents delete asst_abc123 asst_def456")]
    Delete {
        /// Their ids
        #[arg(value_name = "AGENT", required = true)]
        ids: Vec<String>,
    },
}

#[derive(Debug, clap::Args)]
struct NewAgent {
    /// Its name
    #[arg(long)]
    name: Option<String>,
    /// The model deployment that it uses [default: the one that the server suggests]
    #[arg(long, value_name = "DEPLOYMENT")]
    model: Option<String>,
    /// What it is to do, and how
    #[arg(long, value_name = "TEXT")]
    instructions: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

/// Does what was asked.
pub async fn run(args: &AgentsArgs) -> Result<(), Failure> {
    let server = Server::open(&args.server)?;
    let json = args.server.json;
    match &args.command {
        AgentsCommand::List(list) => show_list(&server, *list, json).await,
        AgentsCommand::Show { id } => {
            let agent = progress::during("Reading the agent", server.client.classic().agents().get(id)).await;
            show(&agent.map_err(|error| server.unknown(error, "classic agents list"))?, json)
        }
        AgentsCommand::Create(new) => create(&server, new, json).await,
        AgentsCommand::Delete { ids } => delete(&server, ids, json).await,
    }
}

async fn show_list(server: &Server, list: ListArgs, json: bool) -> Result<(), Failure> {
    let agents = server.client.classic().agents();
    let newest = list.fetch(|query| agents.list(query)).await?;
    if json {
        return terminal::print_json(&newest.items);
    }
    if newest.items.is_empty() {
        let create = server.command("classic agents create --name helper");
        anstream::eprintln!("There are no agents. Create one: {create}");
        return Ok(());
    }
    let mut table = Table::new([
        whole("ID"),
        shrinking("NAME"),
        shrinking("MODEL"),
        shrinking("TOOLS"),
        whole("CREATED"),
    ]);
    for agent in &newest.items {
        table.push([
            agent.id.as_str().into(),
            agent.name.as_deref().unwrap_or("-").into(),
            agent.model.as_str().into(),
            tools(agent).into(),
            when::ago(agent.created_at).into(),
        ]);
    }
    terminal::print(&table.render(terminal::width()))?;
    list.mention_more(newest.has_more);
    Ok(())
}

async fn create(server: &Server, new: &NewAgent, json: bool) -> Result<(), Failure> {
    let model = new.model.clone().or_else(|| server.deployment.clone());
    let model = model
        .ok_or_else(|| Failure::plain("The agent needs a model. Name its deployment: --model DEPLOYMENT"))?;
    let agent = CreateAgent {
        model,
        name: new.name.clone(),
        description: new.description.clone(),
        instructions: new.instructions.clone(),
        ..CreateAgent::default()
    };
    let agent =
        progress::during("Creating the agent", server.client.classic().agents().create(&agent)).await?;
    show(&agent, json)?;
    if !json {
        let talk = server.command(&format!("classic runs start --agent {} \"Hello!\"", agent.id));
        anstream::eprintln!("\nTalk to it: {BOLD}{talk}{BOLD:#}");
    }
    Ok(())
}

async fn delete(server: &Server, ids: &[String], json: bool) -> Result<(), Failure> {
    let mut deleted = Vec::new();
    for id in ids {
        let outcome = progress::during("Deleting", server.client.classic().agents().delete(id)).await;
        deleted.push(outcome.map_err(|error| server.unknown(error, "classic agents list"))?);
        if !json {
            terminal::print(&format!("{} is deleted.\n", terminal::clean(id)))?;
        }
    }
    if json { terminal::print_json(&deleted) } else { Ok(()) }
}

fn show(agent: &Agent, json: bool) -> Result<(), Failure> {
    if json {
        return terminal::print_json(agent);
    }
    let mut fields = Fields::new(terminal::width());
    fields.add("id", &agent.id);
    fields.add_some("name", agent.name.as_ref());
    fields.add_some("description", agent.description.as_ref());
    fields.add("model", &agent.model);
    fields.add_some("instructions", agent.instructions.as_ref());
    fields.add("tools", tools(agent));
    fields.add_some("temperature", agent.temperature.map(|value| value.to_string()));
    fields.add("created", format!("{} ({})", when::moment(agent.created_at), when::ago(agent.created_at)));
    fields.add_some("metadata", Some(metadata_lines(&agent.metadata)));
    terminal::print(&fields.finish())
}

/// Functions by their names, other tools by their kinds.
fn tools(agent: &Agent) -> String {
    let names: Vec<&str> = agent
        .tools
        .iter()
        .map(|tool| match tool {
            Tool::Function(tool) => tool.function.name.as_str(),
            other => other.kind(),
        })
        .collect();
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}
