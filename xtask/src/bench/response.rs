//! Responses, as programs of the OpenAI clients ask for them: one alone, two in a chain, one in a
//! conversation.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::client::Client;
use super::flow::{self, BASE};
use super::stub::INSTANT;

#[derive(Deserialize)]
struct Answered<'a> {
    id: String,
    status: &'a str,
    previous_response_id: Option<&'a str>,
    #[serde(borrow)]
    output: Vec<Item<'a>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
}

/// Where responses are created.
pub fn path() -> String {
    format!("{BASE}/openai/v1/responses")
}

/// The body that asks the model for one, with more fields behind the usual ones.
pub fn question(more: &str) -> String {
    format!(r#"{{"model":"{INSTANT}","input":"What is the capital of France?"{more}}}"#)
}

/// One stored response. Says its id.
pub fn once(client: &mut Client) -> Result<String> {
    ask(client, "", None)
}

/// A stored response, and another one behind it.
pub fn chain(client: &mut Client) -> Result<()> {
    let first = once(client)?;
    let behind = format!(r#","previous_response_id":"{first}""#);
    ask(client, &behind, Some(&first)).map(drop)
}

/// A new conversation, a response in it, and the items that it then holds.
pub fn converse(client: &mut Client) -> Result<()> {
    let conversations = format!("{BASE}/openai/v1/conversations");
    let conversation = flow::id_in(&client.post(&conversations, "{}")?)?;
    ask(client, &format!(r#","conversation":"{conversation}""#), None)?;
    flow::expect_answered(&client.get(&format!("{conversations}/{conversation}/items"))?)
}

/// Asks, and checks that the model's answer arrived behind what it should follow.
fn ask(client: &mut Client, more: &str, behind: Option<&str>) -> Result<String> {
    let answer = client.post(&path(), question(more))?;
    let answered: Answered<'_> = serde_json::from_slice(&answer).context("no response")?;
    let kinds: Vec<&str> = answered.output.iter().map(|item| item.kind).collect();
    ensure!(answered.status == "completed", "a response is {}", answered.status);
    ensure!(kinds == ["message"], "a response holds {kinds:?}");
    ensure!(answered.previous_response_id == behind, "a response follows another one than was asked for");
    Ok(answered.id)
}
