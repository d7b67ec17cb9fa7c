//! `cupola files`: uploaded files from a terminal.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use cupola_client::{FilePurpose, Upload, types::File};
use serde_json::json;

use crate::{
    download::{Target, Trouble},
    failure::Failure,
    fields::Fields,
    listing::ListArgs,
    progress,
    server::{Server, ServerArgs},
    sizes,
    table::{Table, number, shrinking, whole},
    terminal::{self, BOLD},
    when,
};

const LIST: &str = "files list";

/// List, upload, show, download and delete files
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A file is found by what it says once it is in a vector store: see `cupola stores`.\n\n\
    Example:\n  \
    cupola files upload handbook.pdf\n  \
    cupola files list\n  \
    cupola files download assistant-abc123 copy.pdf"
)]
pub struct FilesArgs {
    #[command(subcommand)]
    command: FilesCommand,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, clap::Subcommand)]
enum FilesCommand {
    /// List the files, the newest first
    #[command(after_help = "Example:\n  cupola files list --purpose vision\n  \
        cupola files list --json | jq -r '.[].id'")]
    List {
        /// Only those for this purpose
        #[arg(long, value_enum)]
        purpose: Option<Purpose>,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Upload files and print their ids
    #[command(after_help = "Example:\n  cupola files upload handbook.pdf notes.md\n  \
        cupola files upload photo.png --purpose vision")]
    Upload {
        /// The files
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
        /// What they are for
        #[arg(long, value_enum, default_value_t = Purpose::Assistants)]
        purpose: Purpose,
    },
    /// Show what is known of one file
    #[command(visible_alias = "show", after_help = "Example:\n  cupola files get assistant-abc123")]
    Get {
        /// Its id
        #[arg(value_name = "FILE")]
        id: String,
    },
    /// Copy a file to here
    #[command(after_help = "Example:\n  cupola files download assistant-abc123\n  \
        cupola files download assistant-abc123 - | head")]
    Download {
        /// Its id
        #[arg(value_name = "FILE")]
        id: String,
        /// Where it goes; '-' is standard output [default: here, under its own name]
        to: Option<PathBuf>,
    },
    /// Delete files; they leave the vector stores that they are in
    #[command(after_help = "Example:\n  cupola files delete assistant-abc123 assistant-def456")]
    Delete {
        /// Their ids
        #[arg(value_name = "FILE", required = true)]
        ids: Vec<String>,
    },
}

/// What a file is for.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Purpose {
    /// For the tools of agents, and for vector stores
    Assistants,
    /// Written by the tools of agents
    #[value(name = "assistants_output")]
    AssistantsOutput,
    /// Images in messages
    Vision,
}

impl From<Purpose> for FilePurpose {
    fn from(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Assistants => Self::Assistants,
            Purpose::AssistantsOutput => Self::AssistantsOutput,
            Purpose::Vision => Self::Vision,
        }
    }
}

/// Does what was asked.
pub async fn run(args: &FilesArgs) -> Result<(), Failure> {
    let server = Server::open(&args.server)?;
    let json = args.server.json;
    match &args.command {
        FilesCommand::List { purpose, list } => show_list(&server, *purpose, *list, json).await,
        FilesCommand::Upload { paths, purpose } => upload(&server, paths, *purpose, json).await,
        FilesCommand::Get { id } => show(&server, id, json).await,
        FilesCommand::Download { id, to } => download(&server, id, to.as_deref(), json).await,
        FilesCommand::Delete { ids } => delete(&server, ids, json).await,
    }
}

async fn show_list(
    server: &Server,
    purpose: Option<Purpose>,
    list: ListArgs,
    json: bool,
) -> Result<(), Failure> {
    let files = server.client.classic().files();
    // The wire knows no pages of this list.
    let mut files = progress::during("Reading the list", files.list(purpose.map(Into::into))).await?;
    files.sort_by_key(|file| std::cmp::Reverse(file.created_at));
    let has_more = files.len() > list.limit as usize;
    files.truncate(list.limit as usize);
    if json {
        return terminal::print_json(&files);
    }
    if files.is_empty() {
        anstream::eprintln!("There are no files. Upload one: {}", server.command("files upload PATH"));
        return Ok(());
    }
    let mut table =
        Table::new([whole("ID"), number("SIZE"), whole("CREATED"), whole("PURPOSE"), shrinking("NAME")]);
    for file in &files {
        table.push([
            file.id.as_str().into(),
            sizes::bytes(file.bytes).into(),
            when::ago(file.created_at).into(),
            file.purpose.as_str().into(),
            file.filename.as_str().into(),
        ]);
    }
    terminal::print(&table.render(terminal::width()))?;
    list.mention_more(has_more);
    Ok(())
}

async fn upload(server: &Server, paths: &[PathBuf], purpose: Purpose, json: bool) -> Result<(), Failure> {
    let mut uploaded = Vec::new();
    for path in paths {
        let upload = Upload::path(path).await?.with_purpose(purpose.into());
        let files = server.client.classic().files();
        let file = progress::during("Sending the file", files.upload_and_poll(&upload)).await;
        let file = file.map_err(|error| refused(path, error))?;
        if !json {
            terminal::print(&format!("{}\n", file.id))?;
        }
        uploaded.push(file);
    }
    if json {
        return terminal::print_json(&uploaded);
    }
    if uploaded.iter().any(|file| file.purpose == FilePurpose::Assistants.as_str()) {
        let add = server.command("stores add STORE PATH…");
        anstream::eprintln!("To search what files say, put them into a store: {BOLD}{add}{BOLD:#}");
    }
    Ok(())
}

/// Which file it was that the service did not take.
fn refused(path: &Path, error: cupola_client::Error) -> Failure {
    let failure = Failure::from(error);
    Failure::plain(format!("{}: {}", path.display(), failure.message()))
}

async fn find(server: &Server, id: &str) -> Result<File, Failure> {
    let files = server.client.classic().files();
    let file = progress::during("Reading the file", files.get(id)).await;
    file.map_err(|error| server.unknown(error, LIST))
}

async fn show(server: &Server, id: &str, json: bool) -> Result<(), Failure> {
    let file = find(server, id).await?;
    if json {
        return terminal::print_json(&file);
    }
    let mut fields = Fields::new(terminal::width());
    fields.add("id", &file.id);
    fields.add("name", &file.filename);
    fields.add("size", format!("{} ({})", sizes::bytes(file.bytes), sizes::many(file.bytes, "byte")));
    fields.add("purpose", &file.purpose);
    fields.add_some("status", file.status.as_deref());
    fields.add_some("error", file.status_details.as_deref());
    fields.add("created", format!("{} ({})", when::moment(file.created_at), when::ago(file.created_at)));
    fields.add_some("expires", file.expires_at.map(when::moment));
    terminal::print(&fields.finish())
}

async fn download(server: &Server, id: &str, to: Option<&Path>, json: bool) -> Result<(), Failure> {
    let file = find(server, id).await?;
    // A name that others chose must not lead out of this folder.
    let name = file.filename.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = if ["", ".", ".."].contains(&name) { id } else { name };
    let target = Target::of(to, name);
    let opening = server.client.classic().files();
    let bytes = progress::during("Reading the file", opening.content(id)).await?;
    let size = target.write(bytes).await.map_err(|trouble| match trouble {
        Trouble::Here(failure) => failure,
        Trouble::There(error) => error.into(),
    })?;
    let Target::File(to) = target else { return Ok(()) };
    match json {
        true => terminal::print_json(&json!({"id": id, "to": to, "bytes": size})),
        false => {
            anstream::eprintln!("{} ({})", to.display(), sizes::bytes(size as u64));
            Ok(())
        }
    }
}

async fn delete(server: &Server, ids: &[String], json: bool) -> Result<(), Failure> {
    let mut deleted = Vec::new();
    for id in ids {
        let outcome = progress::during("Deleting", server.client.classic().files().delete(id)).await;
        deleted.push(outcome.map_err(|error| server.unknown(error, LIST))?);
        if !json {
            terminal::print(&format!("{} is deleted.\n", terminal::clean(id)))?;
        }
    }
    if json { terminal::print_json(&deleted) } else { Ok(()) }
}
