//! `cupola agents create`: an agent, or the next version of one.

use cupola_client::types::{AgentVersion, CreateAgentVersion, Extra, Metadata};
use serde_json::{Value, json};

use super::{definition, shown};
use crate::{
    failure::Failure,
    pairs::pair,
    progress,
    server::Server,
    terminal::{self, BOLD},
};

/// A version to create.
#[derive(Debug, clap::Args)]
pub struct NewVersion {
    /// The agent's name: letters and digits, with hyphens in between
    name: String,
    /// The model deployment that it uses [default: the one that the server suggests]
    #[arg(long, value_name = "DEPLOYMENT")]
    model: Option<String>,
    /// What it is to do, and how
    #[arg(long, value_name = "TEXT")]
    instructions: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// A file with a tool or a list of tools, as YAML or JSON; may be repeated
    #[arg(long, value_name = "FILE")]
    tool_file: Vec<String>,
    /// A file with the whole definition, as YAML or JSON; '-' is standard input. Other flags win over it
    #[arg(long, value_name = "FILE")]
    file: Option<String>,
    /// A pair of your own; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    metadata: Vec<(String, String)>,
    /// Make it a draft, which is never the version that answers by itself
    #[arg(long)]
    draft: bool,
}

/// Creates the version and shows it.
pub async fn run(server: &Server, new: &NewVersion, json: bool) -> Result<(), Failure> {
    let wanted = new.version(server)?;
    let agents = server.client.agents();
    let version = progress::during("Creating the agent", agents.create_version(&new.name, &wanted)).await?;
    if json {
        return terminal::print_json(&version);
    }
    terminal::print(&shown::version_fields(&version).finish())?;
    mention_next(server, &version);
    Ok(())
}

fn mention_next(server: &Server, version: &AgentVersion) {
    // A draft answers only where it is named.
    let agent = if version.draft == Some(true) { &version.id } else { &version.name };
    let talk = server.command(&format!("chat {agent}"));
    anstream::eprintln!("\nTalk to it: {BOLD}{talk}{BOLD:#}");
}

impl NewVersion {
    fn version(&self, server: &Server) -> Result<CreateAgentVersion, Failure> {
        let mut body = match &self.file {
            Some(file) => definition::read_version(file)?,
            None => [("definition".to_owned(), json!({"kind": "prompt"}))].into_iter().collect::<Extra>(),
        };
        if let Some(Value::Object(definition)) = body.get_mut("definition") {
            self.complete(definition, server)?;
        }
        let version = serde_json::from_value::<CreateAgentVersion>(Value::Object(body));
        let mut version = version.map_err(|error| {
            let message = error.to_string();
            // The path inside a definition stands before the message, behind a character for programs.
            let message = message.replace(cupola_wire::INNER_PATH, ": ");
            Failure::plain(format!("The definition is not valid: {message}"))
        })?;
        if !self.metadata.is_empty() {
            let metadata = version.metadata.get_or_insert_with(Metadata::new);
            metadata.extend(self.metadata.iter().cloned());
        }
        version.description = self.description.clone().or(version.description);
        version.draft = version.draft.or(self.draft.then_some(true));
        Ok(version)
    }

    /// Puts the flags into the definition, and a model into one that needs one.
    fn complete(&self, definition: &mut Extra, server: &Server) -> Result<(), Failure> {
        if let Some(instructions) = &self.instructions {
            definition.insert("instructions".to_owned(), json!(instructions));
        }
        let mut tools = Vec::new();
        for file in &self.tool_file {
            tools.extend(definition::read_tools(file)?);
        }
        if !tools.is_empty() {
            definition.insert("tools".to_owned(), json!(tools));
        }
        if let Some(model) = &self.model {
            definition.insert("model".to_owned(), json!(model));
        }
        if definition.get("kind") == Some(&json!("prompt")) && !definition.contains_key("model") {
            let suggested = server.deployment.as_ref().ok_or_else(|| {
                Failure::plain("The agent needs a model. Name its deployment: --model DEPLOYMENT")
            })?;
            definition.insert("model".to_owned(), json!(suggested));
        }
        Ok(())
    }
}
