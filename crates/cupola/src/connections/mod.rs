//! `cupola connections`: where other services are, and how agents and tools are let in there.

mod create;
mod secrets;

use cupola_client::{ConnectionQuery, types::Connection};
use futures_util::TryStreamExt as _;

use self::create::NewConnection;
use crate::{
    failure::Failure,
    fields::{Fields, metadata_lines},
    progress,
    server::{Server, ServerArgs},
    table::{Table, shrinking, whole},
    terminal,
};

const LIST: &str = "connections list";

/// List, show, create and delete connections to other services
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  \
    cupola connections create search --type CognitiveSearch \\\n    \
    --target https://search.example.org --key-env SEARCH_KEY\n  \
    cupola connections list")]
pub struct ConnectionsArgs {
    #[command(subcommand)]
    command: ConnectionsCommand,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, clap::Subcommand)]
enum ConnectionsCommand {
    /// List the connections, those first that are the default of their type
    #[command(after_help = "Example:\n  cupola connections list --type CognitiveSearch")]
    List {
        /// Only those of this type
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<String>,
    },
    /// Show one connection
    #[command(after_help = "Example:\n  \
        cupola connections show search\n  \
        cupola connections show search --with-credentials --json | jq -r .credentials.key")]
    Show {
        /// Its name
        name: String,
        /// Show its secrets too
        #[arg(long)]
        with_credentials: bool,
    },
    /// Create a connection
    #[command(after_help = "\
        A secret never stands on the command line, where other users of the machine could read it. \
        It comes from an environment variable, from a file, or from standard input.\n\n\
        Example:\n  \
        cupola connections create search --type CognitiveSearch \\\n    \
        --target https://search.example.org --key-env SEARCH_KEY\n  \
        pass show search | cupola connections create search --type CognitiveSearch \\\n    \
        --target https://search.example.org --key-file -\n  \
        cupola connections create crm --type CustomKeys \\\n    \
        --target https://crm.example.org \\\n    \
        --keys-env user=CRM_USER --keys-env token=CRM_TOKEN")]
    Create(NewConnection),
    /// Delete connections
    #[command(after_help = "Example:\n  cupola connections delete search")]
    Delete {
        /// Their names
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
    },
}

/// Does what was asked.
pub async fn run(args: &ConnectionsArgs) -> Result<(), Failure> {
    let server = Server::open(&args.server)?;
    let json = args.server.json;
    match &args.command {
        ConnectionsCommand::List { kind } => show_list(&server, kind.clone(), json).await,
        ConnectionsCommand::Show { name, with_credentials } => {
            show_one(&server, name, *with_credentials, json).await
        }
        ConnectionsCommand::Create(new) => {
            let connection = create::put(&server, new).await?;
            show(&connection, json)
        }
        ConnectionsCommand::Delete { names } => delete(&server, names, json).await,
    }
}

async fn show_list(server: &Server, kind: Option<String>, json: bool) -> Result<(), Failure> {
    let query = ConnectionQuery { kind, is_default: None };
    let list = server.client.connections().list(&query).try_collect::<Vec<_>>();
    let connections = progress::during("Reading the list", list).await?;
    if json {
        return terminal::print_json(&connections);
    }
    if connections.is_empty() {
        let create = server.command("connections create NAME --type TYPE --target URL");
        anstream::eprintln!("There are no connections. Create one: {create}");
        return Ok(());
    }
    let mut table = Table::new([
        whole("NAME"),
        whole("TYPE"),
        shrinking("TARGET"),
        whole("CREDENTIALS"),
        whole("DEFAULT"),
    ]);
    for connection in &connections {
        table.push([
            connection.name.as_str().into(),
            connection.kind.as_str().into(),
            connection.target.as_str().into(),
            connection.credentials.kind.as_str().into(),
            yes_or_dash(connection.is_default).into(),
        ]);
    }
    terminal::print(&table.render(terminal::width()))
}

fn yes_or_dash(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "-" }
}

async fn show_one(server: &Server, name: &str, with_credentials: bool, json: bool) -> Result<(), Failure> {
    let connections = server.client.connections();
    let asked = async {
        match with_credentials {
            true => connections.get_with_credentials(name).await,
            false => connections.get(name).await,
        }
    };
    let connection = progress::during("Reading the connection", asked).await;
    show(&connection.map_err(|error| server.unknown(error, LIST))?, json)
}

/// Prints the connection, with the secrets that it has: only where they were asked for, it has any.
fn show(connection: &Connection, json: bool) -> Result<(), Failure> {
    if json {
        return terminal::print_json(connection);
    }
    let mut fields = Fields::new(terminal::width());
    fields.add("name", &connection.name);
    fields.add("type", &connection.kind);
    fields.add("target", &connection.target);
    fields.add("default", if connection.is_default { "yes, for its type" } else { "no" });
    fields.add("credentials", &connection.credentials.kind);
    for (name, secret) in &connection.credentials.secrets {
        fields.add(name, secret);
    }
    fields.add_some("metadata", Some(metadata_lines(&connection.metadata)));
    fields.add("id", &connection.id);
    terminal::print(&fields.finish())
}

async fn delete(server: &Server, names: &[String], json: bool) -> Result<(), Failure> {
    for name in names {
        let outcome = progress::during("Deleting", server.client.connections().delete(name)).await;
        outcome.map_err(|error| server.unknown(error, LIST))?;
        if !json {
            terminal::print(&format!("{} is deleted.\n", terminal::clean(name)))?;
        }
    }
    match json {
        true => terminal::print_json(&serde_json::json!({ "deleted": names })),
        false => Ok(()),
    }
}
