//! `cupola agents run`: one question, one answer.

use std::{io::Read as _, time::Instant};

use cupola_client::types::{CreateResponse, Response};

use super::{LIST, reference::AgentName};
use crate::{
    failure::Failure,
    progress,
    server::Server,
    talk::{self, Lines, Talk},
    terminal::{self, DIM},
    when,
};

/// What to ask whom.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// Its name, or NAME:VERSION
    #[arg(value_name = "NAME[:VERSION]")]
    agent: AgentName,
    /// What you say; '-' is standard input
    text: String,
}

/// Asks the agent. An answer that is none is a failure.
pub async fn run(server: &Server, args: &RunArgs, json: bool) -> Result<(), Failure> {
    let began = Instant::now();
    require(server, &args.agent).await?;
    let request =
        CreateResponse { agent_reference: Some(args.agent.reference()), ..CreateResponse::default() };
    let text = args.text()?;
    let mut talk = Talk::new(server, request, json)?;
    let mut lines = Lines::default();
    // Standard input can't be both the question and the answers to what the agent asks.
    let may_ask = talk::is_interactive() && !json && args.text != "-";
    let response = talk.exchange(text.into(), may_ask.then_some(&mut lines)).await?;
    if json {
        terminal::print_json(&response)?;
        return talk::verdict(&response);
    }
    anstream::eprintln!("{DIM}{}{DIM:#}", summary(&response, began));
    talk::verdict(&response)?;
    talk::refuse_open(&response)
}

/// The agent, or a failure that says where agents are.
pub async fn require(server: &Server, agent: &AgentName) -> Result<(), Failure> {
    let agents = server.client.agents();
    let looking = async {
        match &agent.version {
            Some(version) => agents.get_version(&agent.name, version).await.map(drop),
            None => agents.get(&agent.name).await.map(drop),
        }
    };
    let list = agent.version.as_ref().map_or(LIST.to_owned(), |_| format!("agents versions {}", agent.name));
    progress::during("Reading the agent", looking).await.map_err(|error| server.unknown(error, &list))
}

fn summary(response: &Response, began: Instant) -> String {
    let tokens = response.usage.as_ref().map(|usage| format!(", {} tokens", usage.total_tokens));
    let took = when::span(began.elapsed());
    format!("{} {} after {took}{}", response.id, response.status, tokens.unwrap_or_default())
}

impl RunArgs {
    fn text(&self) -> Result<String, Failure> {
        if self.text != "-" {
            return Ok(self.text.clone());
        }
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        Ok(text)
    }
}
