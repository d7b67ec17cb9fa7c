//! What a response asks of its client: outputs of functions, and approvals.

use cupola_client::types::{CustomCallOutputItem, Item, Response, ResponseStatus};
use serde_json::json;

/// Something that the client has to give before the agent can go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// What a function returns.
    Function {
        /// The call.
        call_id: String,
        /// The function.
        name: String,
    },
    /// What a custom tool returns.
    Custom {
        /// The call.
        call_id: String,
        /// The tool.
        name: String,
    },
    /// Whether a tool of an MCP server may be called.
    Approval {
        /// The request.
        id: String,
        /// The tool.
        name: String,
    },
}

/// The questions of a response that nothing in it answers.
pub fn open(response: &Response) -> Vec<Question> {
    if response.status != ResponseStatus::Completed {
        return Vec::new();
    }
    let is_answered = |wanted: &str| {
        response.output.iter().any(|item| match item {
            Item::FunctionCallOutput(output) => output.call_id.as_deref() == Some(wanted),
            Item::CustomCallOutput(output) => output.call_id == wanted,
            _ => false,
        })
    };
    let question = |item: &Item| match item {
        Item::FunctionCall(call) if !is_answered(&call.call_id) => {
            Some(Question::Function { call_id: call.call_id.clone(), name: call.name.clone() })
        }
        Item::CustomCall(call) if !is_answered(&call.call_id) => {
            Some(Question::Custom { call_id: call.call_id.clone(), name: call.name.clone() })
        }
        Item::McpApprovalRequest(request) => {
            Some(Question::Approval { id: request.id.clone()?, name: request.name.clone() })
        }
        _ => None,
    };
    response.output.iter().filter_map(question).collect()
}

impl Question {
    /// What is asked for, or who asks.
    pub fn name(&self) -> &str {
        match self {
            Self::Function { name, .. } | Self::Custom { name, .. } | Self::Approval { name, .. } => name,
        }
    }

    /// The question to a person.
    pub fn prompt(&self) -> String {
        match self {
            Self::Function { name, .. } | Self::Custom { name, .. } => format!("what {name} returns ›"),
            Self::Approval { name, .. } => format!("may {name} be called? [y/N] ›"),
        }
    }

    /// The answer for the agent.
    pub fn answered(&self, line: &str) -> Item {
        match self {
            Self::Function { call_id, .. } => Item::function_output(call_id, line),
            Self::Custom { call_id, .. } => Item::CustomCallOutput(CustomCallOutputItem {
                call_id: call_id.clone(),
                output: json!(line),
                ..CustomCallOutputItem::default()
            }),
            Self::Approval { id, .. } => {
                let agrees = matches!(line.trim().to_lowercase().as_str(), "y" | "yes");
                Item::approval(id, agrees)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::Value;

    use super::*;

    fn questions(status: &str, output: Value) -> Vec<Question> {
        let response = json!({"id": "resp_1", "status": status, "output": output});
        open(&serde_json::from_value(response).unwrap())
    }

    #[test]
    fn a_call_is_a_question_until_its_output_stands_beside_it() {
        let calls = json!([
            {"type": "function_call", "call_id": "a", "name": "get_time", "arguments": "{}"},
            {"type": "function_call", "call_id": "b", "name": "get_date", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "a", "output": "noon"},
        ]);
        let open = questions("completed", calls.clone());
        assert_eq!(open, [Question::Function { call_id: "b".to_owned(), name: "get_date".to_owned() }]);
        assert_eq!(questions("cancelled", calls), []);
    }

    #[test]
    fn only_a_yes_agrees_to_a_call() {
        let request = json!([{"type": "mcp_approval_request", "id": "mcpr_1", "name": "search",
            "server_label": "docs", "arguments": "{}"}]);
        let question = &questions("completed", request)[0];
        for (line, agrees) in [("y", true), (" YES ", true), ("", false), ("yesterday", false)] {
            let Item::McpApprovalResponse(answer) = question.answered(line) else { panic!("{line}") };
            assert_eq!((answer.approve, answer.approval_request_id.as_str()), (agrees, "mcpr_1"), "{line}");
        }
    }
}
