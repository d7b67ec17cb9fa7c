//! `cupola stores add`: folders and files become part of a store.

mod upload;
mod walk;

use std::{path::PathBuf, time::Duration};

use cupola_client::{
    FileBatches, Patience, StoreFileQuery,
    types::{
        AttributeValue, BatchFile, CreateFileBatch, FileCounts, FileStatus, ListQuery, VectorStore,
        VectorStoreFile, VectorStoreFileBatch,
    },
};
use futures_util::TryStreamExt as _;
use serde_json::json;

use self::{
    upload::Sent,
    walk::{Document, Found},
};
use super::{
    attributes::{attribute, with_path},
    find, shown,
};
use crate::{
    failure::Failure,
    progress::Bar,
    server::Server,
    sizes::{self, many},
    terminal::{self, BOLD, DIM, RED},
};

/// How many files a batch can have on the wire.
const BATCH: usize = 2_000;

/// How long a batch is waited for. Whoever does not want to wait that long stops the command.
const PATIENCE: Patience = Patience {
    deadline: Duration::from_secs(7 * 24 * 3600),
    first_pause: Duration::from_millis(100),
    longest_pause: Duration::from_millis(500),
};

/// Upload documents into a store, and wait until they can be found
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Of a folder, all files that can be read are taken: text, Markdown, HTML, PDF, Word, PowerPoint, \
    JSON, TeX and source code. Hidden files and what .gitignore or .ignore names are left out.\n\
    Each file of a folder gets the attribute `path`. Adding a file again adds it once more.\n\n\
    Example:\n  \
    cupola stores add handbook ./docs\n  \
    cupola stores add handbook report.pdf notes.md --attribute team=sales"
)]
pub struct AddArgs {
    /// The store's id or name
    store: String,
    /// Folders and files
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// What is said about all of the files, to filter searches by; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = attribute)]
    attribute: Vec<(String, AttributeValue)>,
    /// Hidden and ignored files, too
    #[arg(long)]
    all: bool,
    /// Upload so many files at the same time
    #[arg(long, value_name = "N", default_value_t = 4,
        value_parser = clap::value_parser!(u8).range(1..=32))]
    jobs: u8,
    /// Come back once the files are uploaded; they are read in the background
    #[arg(long)]
    no_wait: bool,
}

/// What was done.
struct Added<'a> {
    sent: Vec<Sent<'a>>,
    batches: Vec<VectorStoreFileBatch>,
    /// Files that could not be read.
    failed: Vec<VectorStoreFile>,
}

/// Does what was asked.
pub async fn run(server: &Server, args: &AddArgs, json: bool) -> Result<(), Failure> {
    let store = find(server, &args.store).await?;
    let found = Found::below(&args.paths, args.all)?;
    if let Some(remark) = found.left_out() {
        anstream::eprintln!("{DIM}{remark}{DIM:#}");
    }
    if found.documents.is_empty() {
        let message = "There is nothing to add: no file of a kind that is read. Which kinds are: \
            cupola stores add --help";
        return Err(Failure::plain(message));
    }
    let added = add(server, &store, args, &found.documents).await?;
    if json {
        terminal::print_json(&as_json(&store, &found, &added))?;
    }
    tell(server, &store, args, &added)
}

async fn add<'a>(
    server: &Server,
    store: &VectorStore,
    args: &AddArgs,
    documents: &'a [Document],
) -> Result<Added<'a>, Failure> {
    let files = server.client.files();
    let sent = upload::all(&files, documents, args.jobs.into()).await?;
    let bytes: u64 = sent.iter().filter(|sent| sent.file.is_ok()).map(|sent| sent.document.bytes).sum();
    let taken: Vec<BatchFile> = sent.iter().filter_map(|sent| batch_file(sent, args)).collect();
    anstream::eprintln!("Uploaded {} ({})", many(taken.len() as u64, "file"), sizes::bytes(bytes));
    let batches = server.client.vector_stores().with_patience(PATIENCE).file_batches(&store.id);
    let mut made = Vec::new();
    for files in taken.chunks(BATCH) {
        let body = CreateFileBatch { files: Some(files.to_vec()), ..CreateFileBatch::default() };
        made.push(batches.create(&body).await?);
    }
    if args.no_wait {
        return Ok(Added { sent, batches: made, failed: Vec::new() });
    }
    let (made, failed) = wait(&batches, made, taken.len() as u64).await?;
    Ok(Added { sent, batches: made, failed })
}

fn batch_file(sent: &Sent, args: &AddArgs) -> Option<BatchFile> {
    let attributes = with_path(args.attribute.iter().cloned().collect(), sent.document.within.as_deref());
    let file_id = sent.file.as_ref().ok()?.clone();
    let attributes = (!attributes.is_empty()).then_some(attributes);
    Some(BatchFile { file_id, attributes, chunking_strategy: None })
}

/// Waits until all files are read; the batches as they are then, and the files that could not be read.
async fn wait(
    batches: &FileBatches,
    made: Vec<VectorStoreFileBatch>,
    files: u64,
) -> Result<(Vec<VectorStoreFileBatch>, Vec<VectorStoreFile>), Failure> {
    let bar = Bar::of("Reading", files);
    let (mut done, mut failed) = (FileCounts::default(), Vec::new());
    let mut ended = Vec::new();
    for batch in made {
        let show = |batch: &VectorStoreFileBatch| {
            let counts = batch.file_counts;
            bar.set(done.total + counts.total - counts.in_progress, done.failed + counts.failed);
        };
        let batch = batches.poll_with(&batch.id, show).await?;
        done.add(FileStatus::Failed, batch.file_counts.failed);
        done.add(FileStatus::Completed, batch.file_counts.total - batch.file_counts.failed);
        if batch.file_counts.failed > 0 {
            let page = ListQuery { limit: Some(100), ..ListQuery::default() };
            let query = StoreFileQuery { status: Some(FileStatus::Failed), page };
            failed.extend(batches.list_files(&batch.id, query).try_collect::<Vec<_>>().await?);
        }
        ended.push(batch);
    }
    Ok((ended, failed))
}

impl Added<'_> {
    /// What failed, by the names that people know, and why.
    fn failures(&self) -> Vec<(String, &str)> {
        let name = |document: &Document| document.path.display().to_string();
        self.sent.iter().filter_map(|sent| Some((name(sent.document), self.reason(sent)?))).collect()
    }

    /// Why a document failed, if it did.
    fn reason<'a>(&'a self, sent: &'a Sent) -> Option<&'a str> {
        match &sent.file {
            Err(reason) => Some(reason),
            Ok(id) => {
                let file = self.failed.iter().find(|file| file.id == *id)?;
                Some(file.last_error.as_ref().map_or("no reason is given", |error| &error.message))
            }
        }
    }
}

fn as_json(store: &VectorStore, found: &Found, added: &Added) -> serde_json::Value {
    let failures: Vec<_> =
        added.failures().iter().map(|(path, why)| json!({"path": path, "why": why})).collect();
    json!({
        "vector_store_id": store.id,
        "batches": added.batches,
        "failed": failures,
        "left_out": found.skipped(),
    })
}

fn tell(server: &Server, store: &VectorStore, args: &AddArgs, added: &Added) -> Result<(), Failure> {
    let title = shown::title(store);
    let failures = added.failures();
    for (name, why) in &failures {
        anstream::eprintln!("{RED}{}{RED:#}: {}", terminal::clean(name), terminal::clean(why));
    }
    let all = added.sent.len() as u64;
    let failed = failures.len() as u64;
    let see = |words: &str| server.command(&format!("stores {words}"));
    if args.no_wait && failed == 0 {
        let get = see(&format!("get {}", store.id));
        anstream::eprintln!("They are read in the background. See how far they are: {BOLD}{get}{BOLD:#}");
        return Ok(());
    }
    let counts = added.batches.iter().map(|batch| batch.file_counts);
    let cancelled: u64 = counts.map(|counts| counts.cancelled).sum();
    if failed + cancelled == 0 {
        let search = see(&format!("search {} \"…\"", store.id));
        anstream::eprintln!("{} can be found in {title}. Search: {BOLD}{search}{BOLD:#}", many(all, "file"));
        return Ok(());
    }
    let kept = if added.failed.is_empty() {
        String::new()
    } else {
        format!(" See them again: {}", see(&format!("files {} --failed", store.id)))
    };
    let cancelled = if cancelled > 0 { format!(", {cancelled} cancelled") } else { String::new() };
    Err(Failure::plain(format!(
        "{failed} of {} failed{cancelled}; the others can be found in {title}.{kept}",
        many(all, "file")
    )))
}
