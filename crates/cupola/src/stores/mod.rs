//! `cupola stores`: vector stores from a terminal.

mod add;
mod attributes;
mod excerpt;
mod files;
mod search;
mod shown;

use cupola_client::types::{CreateVectorStore, ExpiresAfter, ListQuery, VectorStore};
use futures_util::TryStreamExt as _;

use self::{add::AddArgs, search::SearchArgs};
use crate::{
    failure::Failure,
    listing::ListArgs,
    pairs::pair,
    progress,
    server::{Server, ServerArgs},
    terminal::{self, BOLD},
};

const LIST: &str = "stores list";

/// How ids of stores begin.
const ID: &str = "vs_";

/// Fill vector stores with documents, and search what they say
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A vector store holds files that agents (with the tool `file_search`) and you find by what they \
    say. STORE is the id of one, or its name.\n\n\
    Example:\n  \
    cupola stores create handbook\n  \
    cupola stores add handbook ./docs\n  \
    cupola stores search handbook \"How long is the notice period?\""
)]
pub struct StoresArgs {
    #[command(subcommand)]
    command: StoresCommand,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, clap::Subcommand)]
enum StoresCommand {
    /// List the stores, the newest first
    #[command(after_help = "Example:\n  cupola stores list --json | jq -r '.[].id'")]
    List {
        #[command(flatten)]
        list: ListArgs,
    },
    /// Create an empty store
    #[command(after_help = "Example:\n  cupola stores create handbook\n  \
        cupola stores create drafts --expires-after 7 --metadata team=sales")]
    Create {
        /// What it is called
        name: String,
        /// Let it expire when nobody has used it for so many days
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i64).range(1..=365))]
        expires_after: Option<i64>,
        /// A pair of your own; may be repeated
        #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
        metadata: Vec<(String, String)>,
    },
    /// Show one store: how many files it has, and how far they are
    #[command(visible_alias = "show", after_help = "Example:\n  cupola stores get handbook")]
    Get {
        /// Its id or name
        store: String,
    },
    /// Delete stores; the uploaded files stay
    #[command(after_help = "Example:\n  cupola stores delete handbook vs_abc123")]
    Delete {
        /// Their ids or names
        #[arg(value_name = "STORE", required = true)]
        stores: Vec<String>,
    },
    Add(AddArgs),
    /// List the files of a store, the newest first
    #[command(after_help = "Example:\n  cupola stores files handbook\n  \
        cupola stores files handbook --failed")]
    Files {
        /// The store's id or name
        store: String,
        /// Only those that could not be read, and why
        #[arg(long)]
        failed: bool,
        #[command(flatten)]
        list: ListArgs,
    },
    Search(SearchArgs),
}

/// Does what was asked.
pub async fn run(args: &StoresArgs) -> Result<(), Failure> {
    let server = Server::open(&args.server)?;
    let json = args.server.json;
    match &args.command {
        StoresCommand::List { list } => shown::list(&server, *list, json).await,
        StoresCommand::Create { name, expires_after, metadata } => {
            create(&server, name, *expires_after, metadata, json).await
        }
        StoresCommand::Get { store } => shown::one(&find(&server, store).await?, json),
        StoresCommand::Delete { stores } => delete(&server, stores, json).await,
        StoresCommand::Add(args) => add::run(&server, args, json).await,
        StoresCommand::Files { store, failed, list } => {
            files::list(&server, store, *failed, *list, json).await
        }
        StoresCommand::Search(args) => search::run(&server, args, json).await,
    }
}

/// The store with this id or name.
async fn find(server: &Server, word: &str) -> Result<VectorStore, Failure> {
    let stores = server.client.vector_stores();
    if word.starts_with(ID) {
        let store = progress::during("Reading the store", stores.get(word)).await;
        return store.map_err(|error| server.unknown(error, LIST));
    }
    let query = ListQuery { limit: Some(100), ..ListQuery::default() };
    let is_meant = |store: &VectorStore| std::future::ready(store.name.as_deref() == Some(word));
    let finding = stores.list(query).try_filter(is_meant).try_collect::<Vec<_>>();
    let mut found = progress::during("Reading the list", finding).await?;
    match (found.pop(), found.is_empty()) {
        (Some(store), true) => Ok(store),
        (Some(last), false) => {
            let ids: Vec<&str> = found.iter().chain([&last]).map(|store| store.id.as_str()).collect();
            Err(Failure::plain(format!(
                "{} stores are called `{}`. Name one by its id: {}",
                ids.len(),
                terminal::clean(word),
                ids.join(", ")
            )))
        }
        (None, _) => Err(Failure::plain(format!(
            "No store is called `{}`. See which ones there are: {}",
            terminal::clean(word),
            server.command(LIST)
        ))),
    }
}

async fn create(
    server: &Server,
    name: &str,
    days: Option<i64>,
    metadata: &[(String, String)],
    json: bool,
) -> Result<(), Failure> {
    let body = CreateVectorStore {
        expires_after: days.map(|days| ExpiresAfter { anchor: "last_active_at".to_owned(), days }),
        metadata: (!metadata.is_empty()).then(|| metadata.iter().cloned().collect()),
        ..CreateVectorStore::named(name)
    };
    let stores = server.client.vector_stores();
    let store = progress::during("Creating the store", stores.create(&body)).await?;
    shown::one(&store, json)?;
    if !json {
        let add = server.command(&format!("stores add {} DIR", store.id));
        anstream::eprintln!("\nFill it: {BOLD}{add}{BOLD:#}");
    }
    Ok(())
}

async fn delete(server: &Server, words: &[String], json: bool) -> Result<(), Failure> {
    let mut deleted = Vec::new();
    for word in words {
        let store = find(server, word).await?;
        let outcome = progress::during("Deleting", server.client.vector_stores().delete(&store.id)).await;
        deleted.push(outcome.map_err(|error| server.unknown(error, LIST))?);
        if !json {
            terminal::print(&format!("{} is deleted.\n", shown::title(&store)))?;
        }
    }
    if json { terminal::print_json(&deleted) } else { Ok(()) }
}
