//! An agent that calls a Rust function, in a conversation.
//!
//! Run it against Cupola: start `cupola up`, export what `cupola env` prints, then
//! `cargo run -p cupola-client --example quickstart`.

use cupola_client::{
    FunctionSet, JsonSchema, ProjectClient, output_text,
    types::{
        CreateAgentVersion, CreateConversation, CreateResponse, Item, ListQuery, Order, PromptDefinition,
    },
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
    let client = ProjectClient::from_env()?;
    let functions =
        FunctionSet::new().with("get_weather", "The weather in a city at this moment.", get_weather);

    let definition = PromptDefinition {
        model: std::env::var("MODEL_DEPLOYMENT_NAME").unwrap_or_else(|_| "gpt-4o".to_owned()),
        instructions: Some("You answer questions about the weather.".to_owned()),
        tools: Some(functions.tools()),
        ..PromptDefinition::default()
    };
    let version =
        client.agents().create_version("weather-example", &CreateAgentVersion::new(definition)).await?;
    println!("agent {} in version {}", version.name, version.version);

    let conversation = client.conversations().create(&CreateConversation::default()).await?;
    let question = CreateResponse::to_agent(&version.name, "What is the weather in Lisbon?");
    let question = question.in_conversation(&conversation.id);
    let response = client.responses().create_and_process(&question, &functions).await?;
    println!("response {} {}: {}", response.id, response.status, output_text(&response));

    let oldest_first = ListQuery { order: Some(Order::Asc), ..ListQuery::default() };
    let mut items = client.conversations().items(&conversation.id).list(oldest_first);
    while let Some(item) = items.try_next().await? {
        match item {
            Item::Message(message) => println!("{}: {}", message.role, message.content.text()),
            Item::FunctionCall(call) => println!("{}({})", call.name, call.arguments),
            other => println!("({})", other.kind()),
        }
    }
    client.conversations().delete(&conversation.id).await?;
    client.agents().delete(&version.name).await?;
    Ok(())
}
