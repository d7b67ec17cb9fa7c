//! Events of a response as it is made.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ContentPart, Item, Response};
use crate::{Extra, tagged::tagged};

/// The union of all events, and what they have in common.
macro_rules! response_events {
    ( $( $(#[$vmeta:meta])* $text:literal => $variant:ident($body:ty), )* ) => {
        tagged! {
            /// One event of a response.
            ResponseEvent by "type" {
                $( $(#[$vmeta])* $text => $variant($body), )*
            }
        }

        impl ResponseEvent {
            /// Its place in the stream: give it as `starting_after` to read on behind it.
            pub fn sequence_number(&self) -> Option<u64> {
                match self {
                    $( Self::$variant(body) => body.sequence_number, )*
                    Self::Other(fields) => fields.get("sequence_number").and_then(Value::as_u64),
                }
            }
        }
    };
}

response_events! {
    /// The response was accepted.
    "response.created" => Created(ResponseStateEvent),
    /// The response waits for its turn.
    "response.queued" => Queued(ResponseStateEvent),
    /// The response is at work.
    "response.in_progress" => InProgress(ResponseStateEvent),
    /// The response is done.
    "response.completed" => Completed(ResponseStateEvent),
    /// The response was cut short by a limit.
    "response.incomplete" => Incomplete(ResponseStateEvent),
    /// The response failed.
    "response.failed" => Failed(ResponseStateEvent),
    /// The response was stopped.
    "response.cancelled" => Cancelled(ResponseStateEvent),
    /// An item began to exist.
    "response.output_item.added" => ItemAdded(ItemEvent),
    /// An item is whole.
    "response.output_item.done" => ItemDone(ItemEvent),
    /// A part of a message began to exist.
    "response.content_part.added" => PartAdded(PartEvent),
    /// A part of a message is whole.
    "response.content_part.done" => PartDone(PartEvent),
    /// More text.
    "response.output_text.delta" => TextDelta(TextDelta),
    /// The text of a part is whole.
    "response.output_text.done" => TextDone(TextDone),
    /// Where a text has its knowledge from.
    "response.output_text.annotation.added" => AnnotationAdded(AnnotationEvent),
    /// More of a refusal.
    "response.refusal.delta" => RefusalDelta(TextDelta),
    /// A refusal is whole.
    "response.refusal.done" => RefusalDone(RefusalDone),
    /// More of what the model thinks.
    "response.reasoning_text.delta" => ReasoningDelta(TextDelta),
    /// What the model thought is whole.
    "response.reasoning_text.done" => ReasoningDone(TextDone),
    /// A part of the summary of what the model thinks began to exist.
    "response.reasoning_summary_part.added" => SummaryPartAdded(PartEvent),
    /// A part of the summary of what the model thinks is whole.
    "response.reasoning_summary_part.done" => SummaryPartDone(PartEvent),
    /// More of the summary of what the model thinks.
    "response.reasoning_summary_text.delta" => SummaryDelta(TextDelta),
    /// The summary of what the model thinks is whole.
    "response.reasoning_summary_text.done" => SummaryDone(TextDone),
    /// More of the arguments of a function.
    "response.function_call_arguments.delta" => ArgumentsDelta(ArgumentsDelta),
    /// The arguments of a function are whole.
    "response.function_call_arguments.done" => ArgumentsDone(ArgumentsDone),
    /// More of the input of a custom tool.
    "response.custom_tool_call_input.delta" => CustomInputDelta(ArgumentsDelta),
    /// The input of a custom tool is whole.
    "response.custom_tool_call_input.done" => CustomInputDone(InputDone),
    /// More of the arguments of a tool of an MCP server.
    "response.mcp_call_arguments.delta" => McpArgumentsDelta(ArgumentsDelta),
    /// The arguments of a tool of an MCP server are whole.
    "response.mcp_call_arguments.done" => McpArgumentsDone(ArgumentsDone),
    /// A tool of an MCP server is called.
    "response.mcp_call.in_progress" => McpCallInProgress(ProgressEvent),
    /// A tool of an MCP server has answered.
    "response.mcp_call.completed" => McpCallCompleted(ProgressEvent),
    /// A tool of an MCP server failed.
    "response.mcp_call.failed" => McpCallFailed(ProgressEvent),
    /// An MCP server is asked for its tools.
    "response.mcp_list_tools.in_progress" => McpToolsInProgress(ProgressEvent),
    /// An MCP server has told its tools.
    "response.mcp_list_tools.completed" => McpToolsCompleted(ProgressEvent),
    /// An MCP server has not told its tools.
    "response.mcp_list_tools.failed" => McpToolsFailed(ProgressEvent),
    /// A search in files began.
    "response.file_search_call.in_progress" => FileSearchInProgress(ProgressEvent),
    /// A search in files is under way.
    "response.file_search_call.searching" => FileSearchSearching(ProgressEvent),
    /// A search in files is done.
    "response.file_search_call.completed" => FileSearchCompleted(ProgressEvent),
    /// A search in the web began.
    "response.web_search_call.in_progress" => WebSearchInProgress(ProgressEvent),
    /// A search in the web is under way.
    "response.web_search_call.searching" => WebSearchSearching(ProgressEvent),
    /// A search in the web is done.
    "response.web_search_call.completed" => WebSearchCompleted(ProgressEvent),
    /// Code is about to be run.
    "response.code_interpreter_call.in_progress" => CodeInProgress(ProgressEvent),
    /// More of the code.
    "response.code_interpreter_call_code.delta" => CodeDelta(ArgumentsDelta),
    /// Code is run.
    "response.code_interpreter_call.interpreting" => CodeInterpreting(ProgressEvent),
    /// Code was run.
    "response.code_interpreter_call.completed" => CodeCompleted(ProgressEvent),
    /// What went wrong, in the service's words.
    "error" => Error(ErrorEvent),
}

impl ResponseEvent {
    /// The response, where the event is about the whole of it.
    pub fn response(&self) -> Option<&Response> {
        match self {
            Self::Created(body)
            | Self::Queued(body)
            | Self::InProgress(body)
            | Self::Completed(body)
            | Self::Incomplete(body)
            | Self::Failed(body)
            | Self::Cancelled(body) => Some(&body.response),
            _ => None,
        }
    }

    /// New text of the answer, where the event brings some.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::TextDelta(body) => Some(&body.delta),
            _ => None,
        }
    }

    /// Whether nothing comes after it.
    pub fn is_terminal(&self) -> bool {
        let ended = self.response().is_some_and(|response| response.status.is_terminal());
        ended || matches!(self, Self::Error(_))
    }
}

/// An event with these fields, each of which may be absent, and whatever else a service adds.
macro_rules! bodies {
    ( $( $(#[$meta:meta])* $name:ident { $( $(#[$fmeta:meta])* $field:ident: $kind:ty, )* } )* ) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
            pub struct $name {
                /// Its place in the stream.
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub sequence_number: Option<u64>,
                $( $(#[$fmeta])* pub $field: $kind, )*
                /// Fields of newer services.
                #[serde(flatten)]
                pub extra: Extra,
            }
        )*
    };
}

bodies! {
    /// Where the response stands.
    ResponseStateEvent {
        /// The response.
        response: Box<Response>,
    }

    /// An item began to exist, or is whole.
    ItemEvent {
        /// Which item of the output.
        #[serde(default)]
        output_index: u64,
        /// The item.
        item: Box<Item>,
    }

    /// A part began to exist, or is whole.
    PartEvent {
        /// The item.
        #[serde(default)]
        item_id: String,
        /// Which item of the output.
        #[serde(default)]
        output_index: u64,
        /// The part.
        part: ContentPart,
    }

    /// More text.
    TextDelta {
        /// The item.
        #[serde(default)]
        item_id: String,
        /// Which item of the output.
        #[serde(default)]
        output_index: u64,
        /// What is new.
        #[serde(default)]
        delta: String,
    }

    /// A text is whole.
    TextDone {
        /// The item.
        #[serde(default)]
        item_id: String,
        /// Which item of the output.
        #[serde(default)]
        output_index: u64,
        /// The text.
        #[serde(default)]
        text: String,
    }

    /// A refusal is whole.
    RefusalDone {
        /// The item.
        #[serde(default)]
        item_id: String,
        /// Which item of the output.
        #[serde(default)]
        output_index: u64,
        /// The model's words.
        #[serde(default)]
        refusal: String,
    }

    /// Where a text has its knowledge from.
    AnnotationEvent {
        /// The item.
        #[serde(default)]
        item_id: String,
        /// Which item of the output.
        #[serde(default)]
        output_index: u64,
        /// The source.
        #[serde(default)]
        annotation: Value,
    }

    /// More of what a tool is called with.
    ArgumentsDelta {
        /// The item.
        #[serde(default)]
        item_id: String,
        /// Which item of the output.
        #[serde(default)]
        output_index: u64,
        /// What is new.
        #[serde(default)]
        delta: String,
    }

    /// The arguments of a call are whole.
    ArgumentsDone {
        /// The item.
        #[serde(default)]
        item_id: String,
        /// Which item of the output.
        #[serde(default)]
        output_index: u64,
        /// JSON, as the model wrote it.
        #[serde(default)]
        arguments: String,
    }

    /// The input of a custom tool is whole.
    InputDone {
        /// The item.
        #[serde(default)]
        item_id: String,
        /// Which item of the output.
        #[serde(default)]
        output_index: u64,
        /// Any text.
        #[serde(default)]
        input: String,
    }

    /// How far a tool of the service is.
    ProgressEvent {
        /// The item.
        #[serde(default)]
        item_id: String,
        /// Which item of the output.
        #[serde(default)]
        output_index: u64,
    }

    /// What went wrong.
    ErrorEvent {
        /// A sentence for people.
        #[serde(default)]
        message: String,
        /// A word for programs.
        #[serde(default)]
        code: Option<String>,
        /// The field at fault.
        #[serde(default)]
        param: Option<String>,
    }
}
