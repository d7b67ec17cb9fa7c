//! What creates a response.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Item;
use crate::{Extra, Metadata};

/// The body that creates a response. Fields that this version does not know go into `extra`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct CreateResponse {
    /// The agent that answers. It says itself which model, which instructions and which tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_reference: Option<AgentReference>,
    /// The deployment that answers, where no agent does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What is asked. Absent where the conversation ends with the question already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Input>,
    /// The conversation that this goes on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// The response that this goes on from; not beside a conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_response_id: Option<String>,
    /// The system instructions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// The tools that may be called; each has a `type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<Extra>>,
    /// A word, or an object that names a tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<Value>,
    /// Whether several tools may be called at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// The form of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Extra>,
    /// How much the model thinks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Extra>,
    /// Sampling temperature, 0 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Nucleus sampling, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// The most tokens that the model may write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u64>,
    /// What is filled into the agent's instructions and tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structured_inputs: Option<Extra>,
    /// What is shown that is left out otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include: Option<Vec<String>>,
    /// The client's own pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// Whether the service keeps it; it does unless this is false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<bool>,
    /// Whether the service answers at once and works on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<bool>,
    /// Whether events are sent. Clients set it by what they call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}

impl CreateResponse {
    /// A question to whoever answers at an address, for example at the endpoint of an agent.
    pub fn new(input: impl Into<Input>) -> Self {
        Self { input: Some(input.into()), ..Self::default() }
    }

    /// A question to an agent, in its current version.
    pub fn to_agent(name: impl Into<String>, input: impl Into<Input>) -> Self {
        Self { agent_reference: Some(AgentReference::latest(name)), ..Self::new(input) }
    }

    /// A question to a deployment.
    pub fn to_model(model: impl Into<String>, input: impl Into<Input>) -> Self {
        Self { model: Some(model.into()), ..Self::new(input) }
    }

    /// The same in a conversation.
    pub fn in_conversation(self, id: impl Into<String>) -> Self {
        Self { conversation: Some(id.into()), ..self }
    }

    /// The same as what follows another response.
    pub fn following(self, id: impl Into<String>) -> Self {
        Self { previous_response_id: Some(id.into()), ..self }
    }

    /// The same in the background.
    pub fn in_background(self) -> Self {
        Self { background: Some(true), ..self }
    }
}

/// Which agent, and which version of it.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct AgentReference {
    /// Always `agent_reference`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The agent's name.
    pub name: String,
    /// The version; whichever the agent's endpoint selects where this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}

impl AgentReference {
    /// An agent in its current version.
    pub fn latest(name: impl Into<String>) -> Self {
        let kind = "agent_reference".to_owned();
        Self { kind, name: name.into(), version: None, extra: Extra::new() }
    }

    /// An agent in this version.
    pub fn pinned(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self { version: Some(version.into()), ..Self::latest(name) }
    }
}

/// What is asked.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(untagged)]
pub enum Input {
    /// A text of the user.
    Text(String),
    /// Items, oldest first.
    Items(Vec<Item>),
}

impl From<&str> for Input {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Input {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<Item>> for Input {
    fn from(items: Vec<Item>) -> Self {
        Self::Items(items)
    }
}

/// The body that shortens a history.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct CompactRequest {
    /// The deployment that does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Input>,
    /// The response whose history it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_response_id: Option<String>,
    /// The system instructions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}
