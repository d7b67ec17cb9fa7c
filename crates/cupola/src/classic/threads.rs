//! `cupola classic threads`: see and delete threads from a terminal.

use cupola_client::types::Thread;

use crate::{
    classic::messages::add_message,
    failure::Failure,
    fields::{Fields, metadata_lines},
    listing::{ListArgs, oldest_first},
    progress,
    server::{Server, ServerArgs},
    table::{Table, shrinking, whole},
    terminal, when,
};

/// List, show and delete threads
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  cupola classic threads list\n  cupola classic threads show thread_abc123"
)]
pub struct ThreadsArgs {
    #[command(subcommand)]
    command: ThreadsCommand,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, clap::Subcommand)]
enum ThreadsCommand {
    /// List the threads, the newest first
    #[command(after_help = "Example:\n  cupola classic threads list --limit 5")]
    List(ListArgs),
    /// Show the messages of a thread as a conversation
    #[command(after_help = "Example:\n  cupola classic threads show thread_abc123")]
    Show {
        /// Its id
        #[arg(value_name = "THREAD")]
        id: String,
    },
    /// Delete threads with everything in them
    #[command(after_help = "Example:\n  cupola classic threads delete thread_abc123")]
    Delete {
        /// Their ids
        #[arg(value_name = "THREAD", required = true)]
        ids: Vec<String>,
    },
}

/// Does what was asked.
pub async fn run(args: &ThreadsArgs) -> Result<(), Failure> {
    let server = Server::open(&args.server)?;
    let json = args.server.json;
    match &args.command {
        ThreadsCommand::List(list) => show_list(&server, *list, json).await,
        ThreadsCommand::Show { id } => show(&server, id, json).await,
        ThreadsCommand::Delete { ids } => delete(&server, ids, json).await,
    }
}

async fn show_list(server: &Server, list: ListArgs, json: bool) -> Result<(), Failure> {
    let threads = server.client.classic().threads();
    let newest = list.fetch(|query| threads.list(query)).await?;
    if json {
        return terminal::print_json(&newest.items);
    }
    if newest.items.is_empty() {
        anstream::eprintln!(
            "There are no threads. A run starts one: cupola classic runs start --agent AGENT \"Hello!\""
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

async fn show(server: &Server, id: &str, json: bool) -> Result<(), Failure> {
    let thread = progress::during("Reading the thread", server.client.classic().threads().get(id)).await;
    let thread = thread.map_err(|error| server.unknown(error, "classic threads list"))?;
    let messages = oldest_first(|query| server.client.classic().messages(&thread.id).list(query)).await?;
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

async fn delete(server: &Server, ids: &[String], json: bool) -> Result<(), Failure> {
    let mut deleted = Vec::new();
    for id in ids {
        let outcome = progress::during("Deleting", server.client.classic().threads().delete(id)).await;
        deleted.push(outcome.map_err(|error| server.unknown(error, "classic threads list"))?);
        if !json {
            terminal::print(&format!("{} is deleted.\n", terminal::clean(id)))?;
        }
    }
    if json { terminal::print_json(&deleted) } else { Ok(()) }
}
