//! The older API: an answer word by word, with a function called on the way.
//!
//! Run it against Cupola: start `cupola up`, export what `cupola env` prints, then
//! `cargo run -p cupola-client --example classic_streaming`.

use std::io::Write as _;

use cupola_client::{
    AgentEvent, AgentsClient, FunctionSet, NoArguments,
    types::{CreateAgent, CreateRun, CreateThread},
    user_message,
};
use futures_util::TryStreamExt as _;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let client = AgentsClient::from_env()?;
    let functions = FunctionSet::new().with_sync("get_time", "The time now, UTC.", |_: NoArguments| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map(|now| format!("{} seconds since 1970", now.as_secs()))
    });
    let agent = client
        .agents()
        .create(&CreateAgent {
            model: std::env::var("MODEL_DEPLOYMENT_NAME").unwrap_or_else(|_| "gpt-4o".to_owned()),
            tools: Some(functions.definitions()),
            ..CreateAgent::default()
        })
        .await?;
    let thread = client.threads().create(&CreateThread::default()).await?;
    let messages = client.messages(&thread.id);
    messages.create(&user_message("What time is it?")).await?;

    let run = CreateRun { assistant_id: agent.id.clone(), ..CreateRun::default() };
    let mut events = client.runs(&thread.id).process_stream(&run, &functions).await?;
    while let Some(event) = events.try_next().await? {
        if let Some(text) = event.text() {
            print!("{text}");
            std::io::stdout().flush()?;
        }
        match event {
            AgentEvent::RunRequiresAction(_) => println!("(a function is called)"),
            AgentEvent::RunFailed(run) => println!("the run failed: {:?}", run.last_error),
            AgentEvent::Error(error) => println!("the service says: {}", error.message),
            AgentEvent::Done => println!(),
            _ => {}
        }
    }
    client.agents().delete(&agent.id).await?;
    Ok(())
}
