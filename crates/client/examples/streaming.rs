//! An answer word by word, with a function called on the way.
//!
//! Run it against Cupola: start `cupola up`, export what `cupola env` prints, then
//! `cargo run -p cupola-client --example streaming`.

use std::io::Write as _;

use cupola_client::{
    FunctionSet, NoArguments, ProjectClient,
    types::{CreateResponse, ResponseEvent},
};
use futures_util::TryStreamExt as _;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let client = ProjectClient::from_env()?;
    let functions = FunctionSet::new().with_sync("get_time", "The time now, UTC.", |_: NoArguments| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map(|now| format!("{} seconds since 1970", now.as_secs()))
    });
    let model = std::env::var("MODEL_DEPLOYMENT_NAME").unwrap_or_else(|_| "gpt-4o".to_owned());
    let request = CreateResponse {
        tools: Some(functions.tools()),
        ..CreateResponse::to_model(model, "What time is it?")
    };

    let mut events = client.responses().process_stream(&request, &functions).await?;
    while let Some(event) = events.try_next().await? {
        match event {
            ResponseEvent::TextDelta(delta) => {
                print!("{}", delta.delta);
                std::io::stdout().flush()?;
            }
            ResponseEvent::ArgumentsDone(call) => println!("(a function is called with {})", call.arguments),
            ResponseEvent::Completed(_) => println!(),
            ResponseEvent::Failed(end) => println!("the response failed: {:?}", end.response.error),
            ResponseEvent::Error(error) => println!("the service says: {}", error.message),
            _ => {}
        }
    }
    Ok(())
}
