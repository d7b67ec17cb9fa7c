//! `cupola conversations`: see and delete conversations from a terminal.

use cupola_client::{
    ConversationQuery,
    types::{Conversation, Item},
};

use crate::{
    failure::Failure,
    fields::{Fields, metadata_lines},
    items,
    listing::{ListArgs, oldest_first},
    progress,
    server::{Server, ServerArgs},
    table::{Table, shrinking, whole},
    terminal, when,
};

const LIST: &str = "conversations list";

/// List, show and delete conversations
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cupola conversations list\n  cupola conversations show conv_abc123")]
pub struct ConversationsArgs {
    #[command(subcommand)]
    command: ConversationsCommand,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, clap::Subcommand)]
enum ConversationsCommand {
    /// List the conversations, the newest first
    #[command(after_help = "Example:\n  cupola conversations list --agent helper --limit 5")]
    List {
        /// Only those in which this agent took part
        #[arg(long, value_name = "NAME")]
        agent: Option<String>,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Show what was said and done, the oldest first
    #[command(after_help = "Example:\n  cupola conversations show conv_abc123")]
    Show {
        /// Its id
        #[arg(value_name = "CONVERSATION")]
        id: String,
    },
    /// List the items with their ids, the newest first
    #[command(after_help = "Example:\n  cupola conversations items conv_abc123 --json | jq -r '.[].type'")]
    Items {
        /// The conversation's id
        #[arg(value_name = "CONVERSATION")]
        id: String,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Delete conversations with everything in them
    #[command(after_help = "Example:\n  cupola conversations delete conv_abc123 conv_def456")]
    Delete {
        /// Their ids
        #[arg(value_name = "CONVERSATION", required = true)]
        ids: Vec<String>,
    },
}

/// Does what was asked.
pub async fn run(args: &ConversationsArgs) -> Result<(), Failure> {
    let server = Server::open(&args.server)?;
    let json = args.server.json;
    match &args.command {
        ConversationsCommand::List { agent, list } => show_list(&server, agent.clone(), *list, json).await,
        ConversationsCommand::Show { id } => show(&server, id, json).await,
        ConversationsCommand::Items { id, list } => show_items(&server, id, *list, json).await,
        ConversationsCommand::Delete { ids } => delete(&server, ids, json).await,
    }
}

async fn show_list(
    server: &Server,
    agent_name: Option<String>,
    list: ListArgs,
    json: bool,
) -> Result<(), Failure> {
    let conversations = server.client.conversations();
    let query = |page| ConversationQuery { agent_name, page, ..ConversationQuery::default() };
    let newest = list.fetch(|page| conversations.list(query(page))).await?;
    if json {
        return terminal::print_json(&newest.items);
    }
    if newest.items.is_empty() {
        let chat = server.command("chat AGENT");
        anstream::eprintln!("There are no conversations. Begin one: {chat}");
        return Ok(());
    }
    terminal::print(&table(&newest.items).render(terminal::width()))?;
    list.mention_more(newest.has_more);
    Ok(())
}

fn table(conversations: &[Conversation]) -> Table {
    let mut table = Table::new([whole("ID"), whole("CREATED"), shrinking("METADATA")]);
    for conversation in conversations {
        let metadata = metadata_lines(&conversation.metadata);
        let metadata = if metadata.is_empty() { "-" } else { metadata.trim_end() };
        table.push([
            conversation.id.as_str().into(),
            when::ago(conversation.created_at).into(),
            metadata.into(),
        ]);
    }
    table
}

/// The conversation, where it is there.
pub async fn find(server: &Server, id: &str) -> Result<Conversation, Failure> {
    let conversations = server.client.conversations();
    let conversation = progress::during("Reading the conversation", conversations.get(id)).await;
    conversation.map_err(|error| server.unknown(error, LIST))
}

async fn show(server: &Server, id: &str, json: bool) -> Result<(), Failure> {
    find(server, id).await?;
    let items = oldest_first(|query| server.client.conversations().items(id).list(query)).await?;
    if json {
        return terminal::print_json(&items);
    }
    if items.is_empty() {
        anstream::eprintln!("The conversation has no items.");
    }
    terminal::print(&as_conversation(&items))
}

/// The items, one below the other.
pub fn as_conversation(items: &[Item]) -> String {
    let mut fields = Fields::new(terminal::width());
    for item in items {
        items::add_item(&mut fields, item);
    }
    fields.finish()
}

async fn show_items(server: &Server, id: &str, list: ListArgs, json: bool) -> Result<(), Failure> {
    find(server, id).await?;
    let newest = list.fetch(|query| server.client.conversations().items(id).list(query)).await?;
    if json {
        return terminal::print_json(&newest.items);
    }
    let mut table = Table::new([whole("ID"), whole("TYPE"), shrinking("WHAT")]);
    for item in &newest.items {
        table.push([item.id().unwrap_or("-").into(), item.kind().into(), items::in_words(item).into()]);
    }
    terminal::print(&table.render(terminal::width()))?;
    list.mention_more(newest.has_more);
    Ok(())
}

async fn delete(server: &Server, ids: &[String], json: bool) -> Result<(), Failure> {
    let mut deleted = Vec::new();
    for id in ids {
        let outcome = progress::during("Deleting", server.client.conversations().delete(id)).await;
        deleted.push(outcome.map_err(|error| server.unknown(error, LIST))?);
        if !json {
            terminal::print(&format!("{} is deleted.\n", terminal::clean(id)))?;
        }
    }
    if json { terminal::print_json(&deleted) } else { Ok(()) }
}
