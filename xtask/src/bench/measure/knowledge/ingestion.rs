//! Texts that are taken into a vector store of the service: read, cut, indexed and committed.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::json;

use crate::bench::client::Client;
use crate::bench::cpu::resident_mib;
use crate::bench::figure::Figure;
use crate::bench::flow::BASE;
use crate::bench::knowledge::Program;
use crate::bench::plan::Plan;
use crate::bench::service::Service;

const BOUNDARY: &str = "knowledge-of-the-benchmark";
/// Megabytes in a second.
const RATE: f64 = 20.0;
const LARGE: usize = 1_000_000;
const SMALL: usize = 20_000;
/// The most files of a batch.
const BATCH: usize = 500;
const PATIENCE: Duration = Duration::from_secs(600);
const PAUSE: Duration = Duration::from_millis(5);

#[derive(Deserialize)]
struct Made {
    id: String,
}

#[derive(Deserialize)]
struct Progress {
    status: String,
    file_counts: Counts,
}

#[derive(Deserialize)]
struct Counts {
    completed: usize,
    failed: usize,
}

/// Measures large and small files. They are uploaded before.
pub fn measure(service: &Service, program: &Program, folder: &Path, plan: &Plan) -> Result<Vec<Figure>> {
    let mut client = Client::connect(service.target()?)?;
    // What is loaded for the first file is loaded only once.
    take_in(&mut client, program, folder, 1, SMALL)?;
    let (bytes, seconds) = take_in(&mut client, program, folder, plan.large_texts, LARGE)?;
    let rate = bytes as f64 / 1e6 / seconds;
    let (small_bytes, small_seconds) = take_in(&mut client, program, folder, plan.small_texts, SMALL)?;
    Ok(vec![
        Figure::new("plain text in files of 1 MB", rate, "MB/s").at_least(RATE),
        Figure::new("plain text in files of 20 kB", small_bytes as f64 / 1e6 / small_seconds, "MB/s"),
        Figure::new("files of 20 kB", plan.small_texts as f64 / small_seconds, "/s"),
        Figure::new("resident memory afterwards", resident_mib(service.pid())?, "MiB"),
    ])
}

/// Takes so many texts of so many bytes into a new store. Gives their bytes and how many seconds it took.
fn take_in(
    client: &mut Client,
    program: &Program,
    folder: &Path,
    files: usize,
    bytes: usize,
) -> Result<(u64, f64)> {
    let directory = folder.to_str().context("the name of the scratch directory is not UTF-8")?;
    program.run(&["texts", directory, &files.to_string(), &bytes.to_string()])?;
    let (ids, bytes) = upload_all(client, folder)?;
    fs::remove_dir_all(folder).context("the texts cannot be deleted")?;
    let store = format!(
        "{BASE}/openai/v1/vector_stores/{}",
        made(&client.post(&format!("{BASE}/openai/v1/vector_stores"), "{}")?)?
    );
    let began = Instant::now();
    let mut batches = Vec::new();
    for ids in ids.chunks(BATCH) {
        let body = serde_json::to_vec(&json!({ "file_ids": ids })).context("no batch")?;
        let batch = made(&client.post(&format!("{store}/file_batches"), body)?)?;
        batches.push((format!("{store}/file_batches/{batch}"), ids.len()));
    }
    for (batch, files) in batches {
        until_completed(client, &batch, files)?;
    }
    let seconds = began.elapsed().as_secs_f64();
    Ok((bytes, seconds))
}

fn until_completed(client: &mut Client, batch: &str, files: usize) -> Result<()> {
    let began = Instant::now();
    loop {
        let Progress { status, file_counts } =
            serde_json::from_slice(&client.get(batch)?).context("no batch of files")?;
        match status.as_str() {
            "in_progress" => {}
            "completed" => {
                let Counts { completed, failed } = file_counts;
                ensure!(completed == files, "{completed} of {files} files are completed, {failed} failed");
                return Ok(());
            }
            other => bail!("{batch} is {other}"),
        }
        ensure!(began.elapsed() < PATIENCE, "{batch} is not completed after {} s", PATIENCE.as_secs());
        thread::sleep(PAUSE);
    }
}

/// Uploads all files of a folder. Gives their ids and how many bytes they have.
fn upload_all(client: &mut Client, folder: &Path) -> Result<(Vec<String>, u64)> {
    let (mut ids, mut bytes) = (Vec::new(), 0);
    for entry in fs::read_dir(folder).context("the texts cannot be listed")? {
        let file = entry.context("the texts cannot be listed")?;
        let text = fs::read(file.path()).context("a text cannot be read")?;
        bytes += text.len() as u64;
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let form = form(&file.file_name().to_string_lossy(), &text);
        ids.push(made(&client.post_form(&format!("{BASE}/openai/v1/files"), &kind, form)?)?);
    }
    Ok((ids, bytes))
}

fn made(answer: &[u8]) -> Result<String> {
    let made: Made = serde_json::from_slice(answer).context("an answer without an id")?;
    Ok(made.id)
}

fn form(name: &str, text: &[u8]) -> Vec<u8> {
    let mut form = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\nassistants\r\n--{BOUNDARY}\r\n\
         content-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\ncontent-type: text/plain\r\n\r\n"
    )
    .into_bytes();
    form.extend_from_slice(text);
    form.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    form
}
