//! `cupola agents run`: one question, one answer.

use std::{io::Read as _, time::Instant};

use cupola_client::types::{CreateResponse, Response};
use serde_json::Value;

use super::{LIST, reference::AgentName};
use crate::{
    failure::Failure,
    progress,
    server::Server,
    talk::{self, Lines, Talk},
    terminal::{self, DIM},
    when,
};

/// Names a session in requests and responses.
const SESSION: &str = "agent_session_id";

/// What to ask whom.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// Its name, or NAME:VERSION
    #[arg(value_name = "NAME[:VERSION]")]
    agent: AgentName,
    /// What you say; '-' is standard input
    text: String,
    /// The session of a hosted agent; it is made where there is none of this name [default: a new one]
    #[arg(long, value_name = "SESSION")]
    session: Option<String>,
}

/// Asks the agent. An answer that is none is a failure.
pub async fn run(server: &Server, args: &RunArgs, json: bool) -> Result<(), Failure> {
    let began = Instant::now();
    let found = require(server, &args.agent).await?;
    let request =
        CreateResponse { agent_reference: Some(args.agent.reference()), ..CreateResponse::default() };
    let request = found.prepare(request, &args.agent, args.session.as_deref())?;
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

/// An agent that is there.
pub struct Found {
    is_hosted: bool,
}

impl Found {
    /// A failure where it is not a hosted agent, which alone have sessions.
    pub fn require_hosted(&self, agent: &AgentName) -> Result<(), Failure> {
        match self.is_hosted {
            true => Ok(()),
            false => Err(Failure::plain(format!("{agent} is not a hosted agent, so it has no sessions."))),
        }
    }

    /// The request as this kind of agent takes it, in a session where one is named.
    pub fn prepare(
        &self,
        mut request: CreateResponse,
        agent: &AgentName,
        session: Option<&str>,
    ) -> Result<CreateResponse, Failure> {
        if let Some(session) = session {
            self.require_hosted(agent)?;
            request.extra.insert(SESSION.to_owned(), session.into());
        }
        // Not every program can answer while nobody waits. The service itself can.
        Ok(if self.is_hosted { request } else { request.in_background() })
    }
}

/// The agent, or a failure that says where agents are.
pub async fn require(server: &Server, agent: &AgentName) -> Result<Found, Failure> {
    let agents = server.client.agents();
    let looking = async {
        let version = match &agent.version {
            Some(version) => Some(agents.get_version(&agent.name, version).await?),
            None => agents.get(&agent.name).await?.versions.latest,
        };
        let is_hosted = version.is_some_and(|version| version.definition.kind() == "hosted");
        Ok(Found { is_hosted })
    };
    let list = agent.version.as_ref().map_or(LIST.to_owned(), |_| format!("agents versions {}", agent.name));
    progress::during("Reading the agent", looking).await.map_err(|error| server.unknown(error, &list))
}

fn summary(response: &Response, began: Instant) -> String {
    let tokens = response.usage.as_ref().map(|usage| format!(", {} tokens", usage.total_tokens));
    let took = when::span(began.elapsed());
    let session = session_of(response).map(|session| format!(", session {session}")).unwrap_or_default();
    format!("{} {} after {took}{}{session}", response.id, response.status, tokens.unwrap_or_default())
}

/// The session in which a hosted agent answered.
pub fn session_of(response: &Response) -> Option<&str> {
    response.extra.get(SESSION).and_then(Value::as_str)
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
