//! `cupola threads`: see and delete conversations from a terminal.

use cupola_client::types::Thread;

use crate::{
    agents::metadata_lines,
    connection::{Connection, ServerArgs},
    conversation::add_message,
    failure::Failure,
    fields::Fields,
    listing::{ListArgs, oldest_first},
    progress,
    table::{Table, shrinking, whole},
    terminal, when,
};

/// List, show and delete threads
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cupola threads list\n  cupola threads show thread_abc123")]
pub struct ThreadsArgs {
    #[command(subcommand)]
    command: ThreadsCommand,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, clap::Subcommand)]
enum ThreadsCommand {
    /// List the threads, the newest first
    #[command(after_help = "Example:\n  cupola threads list --limit 5")]
    List(ListArgs),
    /// Show the messages of a thread as a conversation
    #[command(after_help = "Example:\n  cupola threads show thread_abc123")]
    Show {
        /// Its id
        #[arg(value_name = "THREAD")]
        id: String,
    },
    /// Delete threads with everything in them
    #[command(after_help = "Example:\n  cupola threads delete thread_abc123")]
    Delete {
        /// Their ids
        #[arg(value_name = "THREAD", required = true)]
        ids: Vec<String>,
    },
}

/// Does what was asked.
pub async fn run(args: &ThreadsArgs) -> Result<(), Failure> {
    let connection = Connection::open(&args.server)?;
    let json = args.server.json;
    match &args.command {
        ThreadsCommand::List(list) => show_list(&connection, *list, json).await,
        ThreadsCommand::Show { id } => show(&connection, id, json).await,
        ThreadsCommand::Delete { ids } => delete(&connection, ids, json).await,
    }
}

async fn show_list(connection: &Connection, list: ListArgs, json: bool) -> Result<(), Failure> {
    let threads = connection.client.threads();
    let newest = list.fetch(|query| threads.list(query)).await?;
    if json {
        return terminal::print_json(&newest.items);
    }
    if newest.items.is_empty() {
        anstream::eprintln!(
            "There are no threads. A run starts one: cupola runs start --agent AGENT \"Hello!\""
        );
        return Ok(());
    }
    terminal::print(&table(&newest.items).render(terminal::width()))?;
    list.mention_more(newest.has_more);
    Ok(())
}

fn table(threads: &[Thread]) -> Table {
    let mut table = Table::new([whole("ID"), whole("CREATED"), shrinking("METADATA")]);
    for thread in threads {
        let metadata = metadata_lines(&thread.metadata);
        let metadata = if metadata.is_empty() { "-" } else { metadata.trim_end() };
        table.push([thread.id.as_str().into(), when::ago(thread.created_at).into(), metadata.into()]);
    }
    table
}

async fn show(connection: &Connection, id: &str, json: bool) -> Result<(), Failure> {
    let thread = progress::during("Reading the thread", connection.client.threads().get(id)).await;
    let thread = thread.map_err(|error| connection.unknown(error, "threads list"))?;
    let messages = oldest_first(|query| connection.client.messages(&thread.id).list(query)).await?;
    if json {
        return terminal::print_json(&messages);
    }
    if messages.is_empty() {
        anstream::eprintln!("The thread has no messages.");
    }
    let mut fields = Fields::new(terminal::width());
    for message in &messages {
        add_message(&mut fields, message);
    }
    terminal::print(&fields.finish())
}

async fn delete(connection: &Connection, ids: &[String], json: bool) -> Result<(), Failure> {
    let mut deleted = Vec::new();
    for id in ids {
        let outcome = progress::during("Deleting", connection.client.threads().delete(id)).await;
        deleted.push(outcome.map_err(|error| connection.unknown(error, "threads list"))?);
        if !json {
            terminal::print(&format!("{} is deleted.\n", terminal::clean(id)))?;
        }
    }
    if json { terminal::print_json(&deleted) } else { Ok(()) }
}
