//! A file that goes up, is listed, comes back and is deleted.
//!
//! Run it against Cupola: start `cupola up`, export what `cupola env` prints, then
//! `cargo run -p cupola-client --example files`.

use cupola_client::{AgentsClient, FilePurpose, Upload};
use futures_util::TryStreamExt as _;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let client = AgentsClient::from_env()?;
    let files = client.files();

    let upload = Upload::bytes("cupola.md", "A cupola is the furnace of a small foundry.\n");
    let file = files.upload_and_poll(&upload).await?;
    println!("uploaded {} as {}, {} bytes", file.filename, file.id, file.bytes);

    for known in files.list(Some(FilePurpose::Assistants)).await? {
        println!("there is {} ({})", known.filename, known.id);
    }

    let mut content = files.content(&file.id).await?;
    while let Some(bytes) = content.try_next().await? {
        print!("{}", String::from_utf8_lossy(&bytes));
    }

    let deleted = files.delete(&file.id).await?;
    println!("deleted {}: {}", deleted.id, deleted.deleted);
    Ok(())
}
