//! A response in the background: left alone, found again, and followed to its end.
//!
//! Run it against Cupola: start `cupola up`, export what `cupola env` prints, then
//! `cargo run -p cupola-client --example background`.

use cupola_client::{ProjectClient, output_text, types::CreateResponse};
use futures_util::TryStreamExt as _;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let responses = ProjectClient::from_env()?.responses();
    let model = std::env::var("MODEL_DEPLOYMENT_NAME").unwrap_or_else(|_| "gpt-4o".to_owned());
    let request = CreateResponse::to_model(model, "Why is the sky blue?").in_background();
    let accepted = responses.create(&request).await?;
    println!("{} is {}", accepted.id, accepted.status);

    // Another process could do this later: the id is all that it takes.
    let mut events = responses.follow(&accepted.id, None).await?;
    while let Some(event) = events.try_next().await? {
        match event.text() {
            Some(text) => print!("{text}"),
            None => println!("({})", event.kind()),
        }
    }

    let ended = responses.wait_for(&accepted.id).await?;
    println!("{} is {} with {} bytes of text", ended.id, ended.status, output_text(&ended).len());
    responses.delete(&ended.id).await?;
    Ok(())
}
