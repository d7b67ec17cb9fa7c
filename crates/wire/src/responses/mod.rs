//! Responses as a client sees them. Read kindly: whatever a service adds is kept, and hardly anything has to
//! be there.

mod content;
mod event;
mod item;
mod request;
mod response;

pub use content::{ContentPart, ItemContent, OutputText, PartText, Refusal};
pub use event::{
    AnnotationEvent, ArgumentsDelta, ArgumentsDone, ErrorEvent, InputDone, ItemEvent, PartEvent,
    ProgressEvent, RefusalDone, ResponseEvent, ResponseStateEvent, TextDelta, TextDone,
};
pub use item::{
    CustomCallItem, CustomCallOutputItem, FunctionCallItem, FunctionCallOutputItem, Item, ItemRole,
    ItemStatus, McpApprovalRequestItem, McpApprovalResponseItem, MessageItem, ReasoningItem,
};
pub use request::{AgentReference, CompactRequest, CreateResponse, Input};
pub use response::{
    CompactedResponse, ConversationReference, InputTokens, Response, ResponseDeleted, ResponseError,
    ResponseIncomplete, ResponseStatus, ResponseUsage,
};
