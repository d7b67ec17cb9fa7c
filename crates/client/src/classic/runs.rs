//! Runs on one thread.

use std::sync::Arc;

use cupola_wire::{
    Metadata,
    classic::{CreateRun, ListQuery, Page, Run, SubmitToolOutputs, ToolApproval, ToolOutput, UpdateMetadata},
};

use super::{EventStream, ProcessOptions, events::read_events, process, process_stream};
use crate::{
    FunctionSet, ItemStream, Result,
    list::List,
    service::{Query, Service},
};

/// The runs on one thread.
#[derive(Clone, Debug)]
pub struct Runs {
    service: Arc<Service>,
    thread_id: String,
    options: ProcessOptions,
}

impl Runs {
    pub(crate) fn new(service: Arc<Service>, thread_id: String) -> Self {
        Self { service, thread_id, options: ProcessOptions::default() }
    }

    /// The same runs, waited for as `options` say.
    pub fn with_options(self, options: ProcessOptions) -> Self {
        Self { options, ..self }
    }

    /// Starts a run.
    pub async fn create(&self, run: &CreateRun) -> Result<Run> {
        self.service.post(&self.path(), &streaming(run, false)).await
    }

    /// Starts a run and gives its events as they come.
    pub async fn stream(&self, run: &CreateRun) -> Result<EventStream> {
        let response = self.service.open_post(&self.path(), &streaming(run, true)).await?;
        Ok(read_events(response))
    }

    /// One run.
    pub async fn get(&self, run_id: &str) -> Result<Run> {
        self.service.get(&self.one(run_id), Query::new()).await
    }

    /// All runs; newest first, where the query does not say otherwise.
    pub fn list(&self, query: ListQuery) -> ItemStream<Run> {
        self.all().items(query)
    }

    /// One page of the runs.
    pub async fn list_page(&self, query: &ListQuery) -> Result<Page<Run>> {
        self.all().page(query).await
    }

    /// Changes a run's metadata.
    pub async fn update(&self, run_id: &str, metadata: Metadata) -> Result<Run> {
        self.service.post(&self.one(run_id), &UpdateMetadata { metadata: Some(metadata) }).await
    }

    /// Asks a run to stop; it is `cancelling` first and `cancelled` soon after.
    pub async fn cancel(&self, run_id: &str) -> Result<Run> {
        self.service.post_empty(&self.action(run_id, "cancel")).await
    }

    /// Gives a waiting run the outputs of its tool calls.
    pub async fn submit_tool_outputs(&self, run_id: &str, outputs: Vec<ToolOutput>) -> Result<Run> {
        self.service.post(&self.action(run_id, "submit_tool_outputs"), &submission(outputs, false)).await
    }

    /// Tells a waiting run which calls of MCP servers may be made: one approval for each call that its
    /// `required_action` names under `submit_tool_approval`.
    pub async fn submit_tool_approvals(&self, run_id: &str, approvals: Vec<ToolApproval>) -> Result<Run> {
        let body = SubmitToolOutputs { tool_approvals: Some(approvals), ..SubmitToolOutputs::default() };
        self.service.post(&self.action(run_id, "submit_tool_outputs"), &body).await
    }

    /// Gives a waiting run the outputs of its tool calls, then its events as they come.
    pub async fn submit_stream(&self, run_id: &str, outputs: Vec<ToolOutput>) -> Result<EventStream> {
        let path = self.action(run_id, "submit_tool_outputs");
        Ok(read_events(self.service.open_post(&path, &submission(outputs, true)).await?))
    }

    /// Starts a run, calls the functions that it asks for and waits until it has ended, well or not.
    pub async fn create_and_process(&self, run: &CreateRun, functions: &FunctionSet) -> Result<Run> {
        let run = self.create(run).await?;
        self.process(run, functions).await
    }

    /// Calls the functions that `run` asks for and waits until it has ended, well or not.
    pub async fn process(&self, run: Run, functions: &FunctionSet) -> Result<Run> {
        process::until_ended(self, run, functions, &self.options).await
    }

    /// Starts a run and gives its events as they come, with the functions called in between: one
    /// stream from the first event to the last.
    pub async fn process_stream(&self, run: &CreateRun, functions: &FunctionSet) -> Result<EventStream> {
        let events = self.stream(run).await?;
        Ok(process_stream::chained(self.clone(), events, functions.clone(), &self.options))
    }

    fn path(&self) -> [&str; 3] {
        ["threads", &self.thread_id, "runs"]
    }

    fn one<'a>(&'a self, run_id: &'a str) -> [&'a str; 4] {
        ["threads", &self.thread_id, "runs", run_id]
    }

    fn action<'a>(&'a self, run_id: &'a str, action: &'a str) -> [&'a str; 5] {
        ["threads", &self.thread_id, "runs", run_id, action]
    }

    fn all(&self) -> List {
        List::new(&self.service, &self.path())
    }
}

fn streaming(run: &CreateRun, stream: bool) -> CreateRun {
    CreateRun { stream: Some(stream), ..run.clone() }
}

fn submission(outputs: Vec<ToolOutput>, stream: bool) -> SubmitToolOutputs {
    SubmitToolOutputs { tool_outputs: Some(outputs), stream: Some(stream), ..SubmitToolOutputs::default() }
}
