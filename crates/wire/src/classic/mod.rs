//! Classic agents: assistants, threads, messages, runs, run steps and files.

mod agent;
mod file;
mod list;
mod message;
mod run;
mod run_step;
mod stream;
mod thread;
mod tool;

pub use agent::{Agent, CreateAgent, UpdateAgent};
pub use file::{File, FileList};
pub use list::{Deleted, ListQuery, Order, Page};
pub use message::{
    Annotation, Attachment, ContentBlock, CreateMessage, FileReference, ImageFile, ImageUrl,
    IncompleteDetails, InputBlock, Message, MessageInput, Role, Text, TextBlock, TextInput, UpdateMetadata,
};
pub use run::{
    CreateRun, CreateThreadAndRun, FunctionCall, LastError, RequiredAction, RequiredToolCall,
    RequiredToolCalls, Run, RunStatus, SubmitToolOutputs, ToolApproval, ToolOutput, Truncation, Usage,
    UsageDetails,
};
pub use run_step::{
    CalledFunction, FunctionCallDetails, MessageCreation, MessageReference, RunStep, StepDetails, StepStatus,
    ToolCall, ToolCalls,
};
pub use stream::{
    DeltaContent, DeltaText, FunctionCallDelta, MessageDelta, MessageDeltaBody, RunStepDelta,
    RunStepDeltaBody, StepDeltaDetails, StreamEvent, ToolCallDelta,
};
pub use thread::{CreateThread, Thread, UpdateThread};
pub use tool::{FunctionDefinition, FunctionTool, Tool, ToolResources};
