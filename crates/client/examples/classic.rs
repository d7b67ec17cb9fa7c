//! The older API: a classic agent that calls a Rust function.
//!
//! Run it against Cupola: start `cupola up`, export what `cupola env` prints, then
//! `cargo run -p cupola-client --example classic`.

use cupola_client::{
    AgentsClient, FunctionSet, JsonSchema, MessageQuery, text_of,
    types::{CreateAgent, CreateRun, CreateThread, ListQuery, Order},
    user_message,
};
use futures_util::TryStreamExt as _;
use serde::Deserialize;

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "cupola_client::schemars")]
struct Place {
    /// A city, for example "Lisbon".
    city: String,
}

async fn get_weather(place: Place) -> Result<String, String> {
    match place.city.as_str() {
        "" => Err("which city?".to_owned()),
        city => Ok(format!("It is 21 °C and sunny in {city}.")),
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let client = AgentsClient::from_env()?;
    let functions =
        FunctionSet::new().with("get_weather", "The weather in a city at this moment.", get_weather);

    let agent = client
        .agents()
        .create(&CreateAgent {
            model: std::env::var("MODEL_DEPLOYMENT_NAME").unwrap_or_else(|_| "gpt-4o".to_owned()),
            name: Some("weather".to_owned()),
            instructions: Some("You answer questions about the weather.".to_owned()),
            tools: Some(functions.definitions()),
            ..CreateAgent::default()
        })
        .await?;
    let thread = client.threads().create(&CreateThread::default()).await?;
    let messages = client.messages(&thread.id);
    messages.create(&user_message("What is the weather in Lisbon?")).await?;

    let run = CreateRun { assistant_id: agent.id.clone(), ..CreateRun::default() };
    let run = client.runs(&thread.id).create_and_process(&run, &functions).await?;
    println!("run {} {}", run.id, run.status.as_str());
    if let Some(error) = run.last_error {
        println!("{}: {}", error.code, error.message);
    }

    let oldest_first = ListQuery { order: Some(Order::Asc), ..ListQuery::default() };
    let mut conversation = messages.list(MessageQuery::from(oldest_first));
    while let Some(message) = conversation.try_next().await? {
        println!("{:?}: {}", message.role, text_of(&message));
    }
    client.agents().delete(&agent.id).await?;
    Ok(())
}
