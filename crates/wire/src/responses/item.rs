//! Items: what goes into a response, comes out of it, and stands in a conversation.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ItemContent;
use crate::{Extra, tagged::tagged, words::words};

tagged! {
    /// One item of a conversation, of a request or of a response.
    Item by "type" {
        /// Something that was said.
        "message" => Message(MessageItem),
        /// The model wants a function called.
        "function_call" => FunctionCall(FunctionCallItem),
        /// What a function returned.
        "function_call_output" => FunctionCallOutput(FunctionCallOutputItem),
        /// The model wants a custom tool called.
        "custom_tool_call" => CustomCall(CustomCallItem),
        /// What a custom tool returned.
        "custom_tool_call_output" => CustomCallOutput(CustomCallOutputItem),
        /// What the model thought.
        "reasoning" => Reasoning(ReasoningItem),
        /// A tool of an MCP server may be called only when somebody agrees.
        "mcp_approval_request" => McpApprovalRequest(McpApprovalRequestItem),
        /// Somebody agrees, or not.
        "mcp_approval_response" => McpApprovalResponse(McpApprovalResponseItem),
    }
}

impl Item {
    /// Something that the user says.
    pub fn user(text: impl Into<String>) -> Self {
        Self::message(ItemRole::User, text)
    }

    /// Something as if the model had said it.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::message(ItemRole::Assistant, text)
    }

    /// Something that `role` says.
    pub fn message(role: ItemRole, text: impl Into<String>) -> Self {
        let content = ItemContent::Text(text.into());
        Self::Message(MessageItem { id: None, role, content, status: None, extra: Extra::new() })
    }

    /// What a function returned for a call.
    pub fn function_output(call_id: impl Into<String>, output: impl Into<String>) -> Self {
        Self::FunctionCallOutput(FunctionCallOutputItem {
            id: None,
            call_id: Some(call_id.into()),
            output: json!(output.into()),
            status: None,
            extra: Extra::new(),
        })
    }

    /// The answer to a request for approval.
    pub fn approval(approval_request_id: impl Into<String>, approve: bool) -> Self {
        Self::McpApprovalResponse(McpApprovalResponseItem {
            id: None,
            approval_request_id: approval_request_id.into(),
            approve,
            reason: None,
            extra: Extra::new(),
        })
    }

    /// Its id, where it has one.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Message(item) => item.id.as_deref(),
            Self::FunctionCall(item) => item.id.as_deref(),
            Self::FunctionCallOutput(item) => item.id.as_deref(),
            Self::CustomCall(item) => item.id.as_deref(),
            Self::CustomCallOutput(item) => item.id.as_deref(),
            Self::Reasoning(item) => item.id.as_deref(),
            Self::McpApprovalRequest(item) => item.id.as_deref(),
            Self::McpApprovalResponse(item) => item.id.as_deref(),
            Self::Other(fields) => fields.get("id").and_then(Value::as_str),
        }
    }
}

impl From<Item> for Value {
    fn from(item: Item) -> Self {
        // Structs with text for keys are always JSON.
        serde_json::to_value(item).unwrap_or_default()
    }
}

words! {
    /// Who says something.
    ItemRole {
        /// The user.
        "user" => User,
        /// The model.
        "assistant" => Assistant,
        /// The system.
        "system" => System,
        /// Whoever made the program.
        "developer" => Developer,
    }
}

words! {
    /// Where an item stands.
    ItemStatus {
        /// It is being written.
        "in_progress" => InProgress,
        /// It is whole.
        "completed" => Completed,
        /// It was cut short.
        "incomplete" => Incomplete,
        /// It failed.
        "failed" => Failed,
    }
}

/// Something that was said.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct MessageItem {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Who said it.
    pub role: ItemRole,
    /// What was said.
    #[serde(default)]
    pub content: ItemContent,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ItemStatus>,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The model wants a function called.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct FunctionCallItem {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What the output names.
    pub call_id: String,
    /// The function.
    pub name: String,
    /// JSON, as the model wrote it.
    #[serde(default)]
    pub arguments: String,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ItemStatus>,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What a function returned.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct FunctionCallOutputItem {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
    /// A text, or parts as those of a message.
    #[serde(default)]
    pub output: Value,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ItemStatus>,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The model wants a custom tool called.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct CustomCallItem {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What the output names.
    pub call_id: String,
    /// The tool.
    pub name: String,
    /// Any text.
    #[serde(default)]
    pub input: String,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What a custom tool returned.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct CustomCallOutputItem {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The call.
    pub call_id: String,
    /// A text, or parts as those of a message.
    #[serde(default)]
    pub output: Value,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What the model thought.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct ReasoningItem {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// In short.
    #[serde(default)]
    pub summary: Vec<Value>,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A tool of an MCP server may be called only when somebody agrees.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct McpApprovalRequestItem {
    /// Its id, which the answer names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The server.
    #[serde(default)]
    pub server_label: String,
    /// The tool.
    #[serde(default)]
    pub name: String,
    /// JSON, as the model wrote it.
    #[serde(default)]
    pub arguments: String,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Somebody agrees, or not.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct McpApprovalResponseItem {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What was asked.
    pub approval_request_id: String,
    /// Whether the tool may be called.
    pub approve: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_written_as_it_was_read() {
        for item in [
            json!({"type": "message", "role": "assistant", "content": [
                {"type": "output_text", "text": "Hi", "annotations": []}, {"type": "hologram", "rgb": 1}]}),
            json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f",
                "arguments": "{}", "status": "completed", "response_id": "resp_1"}),
            json!({"type": "bing_grounding_call", "id": "bg_1", "arguments": "{}"}),
        ] {
            let read: Item = serde_json::from_value(item.clone()).expect("is read");
            assert_eq!(serde_json::to_value(&read).expect("is written"), item);
        }
    }

    #[test]
    fn an_item_of_an_unknown_kind_has_an_id_too() {
        let item = json!({"type": "bing_grounding_call", "id": "bg_1"});
        let item: Item = serde_json::from_value(item).expect("is read");
        assert_eq!(item.id(), Some("bg_1"));
    }
}
