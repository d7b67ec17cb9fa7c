//! Responses: an agent or a model answers.

mod events;
mod follow;
mod output;
mod process;
mod process_stream;
mod wait;

use std::{sync::Arc, time::Duration};

use cupola_wire::{
    classic::{ListQuery, Page},
    responses::{
        CompactRequest, CompactedResponse, CreateResponse, InputTokens, Item, Response, ResponseDeleted,
    },
};

pub use self::{
    events::ResponseStream,
    output::{function_calls, output_text},
};
use crate::{
    FunctionSet, ItemStream, Result,
    list::List,
    service::{Query, Service},
};

/// Responses.
#[derive(Clone, Debug)]
pub struct Responses {
    service: Arc<Service>,
    options: ResponseOptions,
}

/// How responses are waited for and processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseOptions {
    /// How often functions are answered before a response is given up; 16 by default.
    pub max_rounds: usize,
    /// How long to wait in all; half an hour by default.
    pub deadline: Duration,
    /// How long to wait before a response is looked at again whose events can't be followed; a second by
    /// default.
    pub poll_interval: Duration,
}

impl Default for ResponseOptions {
    fn default() -> Self {
        Self { max_rounds: 16, deadline: Duration::from_secs(30 * 60), poll_interval: Duration::from_secs(1) }
    }
}

/// Which responses.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResponseQuery {
    /// Only those that this agent gave.
    pub agent_name: Option<String>,
    /// Only those that this version gave: `NAME:VERSION`.
    pub agent_id: Option<String>,
    /// Only those in this conversation.
    pub conversation_id: Option<String>,
    /// Which page.
    pub page: ListQuery,
}

impl From<ListQuery> for ResponseQuery {
    fn from(page: ListQuery) -> Self {
        Self { page, ..Self::default() }
    }
}

/// Which items of the input of a response.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InputItemQuery {
    /// What is shown that is left out otherwise, for example `reasoning.encrypted_content`.
    pub include: Vec<String>,
    /// Which page.
    pub page: ListQuery,
}

impl From<ListQuery> for InputItemQuery {
    fn from(page: ListQuery) -> Self {
        Self { page, ..Self::default() }
    }
}

impl Responses {
    pub(crate) fn new(service: Arc<Service>) -> Self {
        Self { service, options: ResponseOptions::default() }
    }

    /// The same responses, waited for and processed as `options` say.
    pub fn with_options(self, options: ResponseOptions) -> Self {
        Self { options, ..self }
    }

    /// Creates a response and waits for its end; one in the background is only accepted.
    pub async fn create(&self, request: &CreateResponse) -> Result<Response> {
        self.service.post(&["responses"], &streaming(request, false)).await
    }

    /// Creates a response and gives its events as they come.
    ///
    /// The events of a response in the background go on where a connection breaks off, without a gap.
    pub async fn stream(&self, request: &CreateResponse) -> Result<ResponseStream> {
        let answer = self.service.open_post(&["responses"], &streaming(request, true)).await?;
        let events = events::read_events(answer);
        Ok(match request.background {
            Some(true) => follow::following(self.clone(), None, None, events),
            _ => events,
        })
    }

    /// The events of a response in the background, over one connection: all of them, or those behind
    /// `starting_after`.
    pub async fn stream_again(
        &self,
        response_id: &str,
        starting_after: Option<u64>,
    ) -> Result<ResponseStream> {
        let mut query = vec![("stream", "true".to_owned())];
        query.extend(starting_after.map(|number| ("starting_after", number.to_string())));
        let answer = self.service.open_events(&["responses", response_id], query).await?;
        Ok(events::read_events(answer))
    }

    /// The events of a response in the background until its end, over as many connections as it takes: all
    /// of them, or those behind `starting_after`. None is missed and none comes twice.
    pub async fn follow(&self, response_id: &str, starting_after: Option<u64>) -> Result<ResponseStream> {
        let events = self.stream_again(response_id, starting_after).await?;
        Ok(follow::following(self.clone(), Some(response_id.to_owned()), starting_after, events))
    }

    /// The response at its end, well or not.
    ///
    /// Its events are followed. Where the service does not let them be, as with a response that is not in
    /// the background, it is looked at again and again.
    pub async fn wait_for(&self, response_id: &str) -> Result<Response> {
        wait::until_ended(self, response_id).await
    }

    /// One response.
    pub async fn get(&self, response_id: &str) -> Result<Response> {
        self.service.get(&["responses", response_id], Query::new()).await
    }

    /// The responses that the query asks for; newest first, where it does not say otherwise.
    pub fn list(&self, query: impl Into<ResponseQuery>) -> ItemStream<Response> {
        let query = query.into();
        self.all(&query).items(query.page)
    }

    /// One page of the responses.
    pub async fn list_page(&self, query: &ResponseQuery) -> Result<Page<Response>> {
        self.all(query).page(&query.page).await
    }

    /// What a response was asked with; newest first, where the query does not say otherwise.
    pub fn input_items(&self, response_id: &str, query: impl Into<InputItemQuery>) -> ItemStream<Item> {
        let query = query.into();
        self.input(response_id, &query).items(query.page)
    }

    /// One page of what a response was asked with.
    pub async fn input_items_page(&self, response_id: &str, query: &InputItemQuery) -> Result<Page<Item>> {
        self.input(response_id, query).page(&query.page).await
    }

    /// Stops a response in the background.
    pub async fn cancel(&self, response_id: &str) -> Result<Response> {
        self.service.post_empty(&["responses", response_id, "cancel"]).await
    }

    /// Deletes a response.
    pub async fn delete(&self, response_id: &str) -> Result<ResponseDeleted> {
        self.service.delete(&["responses", response_id]).await
    }

    /// Makes a history shorter.
    pub async fn compact(&self, request: &CompactRequest) -> Result<CompactedResponse> {
        self.service.post(&["responses", "compact"], request).await
    }

    /// How many tokens a request would give to the model.
    pub async fn input_tokens(&self, request: &CreateResponse) -> Result<InputTokens> {
        self.service.post(&["responses", "input_tokens"], request).await
    }

    /// Creates a response and, as long as it asks for functions, calls them and goes on with what they
    /// return. Gives the last response, at its end, well or not.
    ///
    /// A response that asks for something that functions can't give, for example an approval, is given as it
    /// is.
    pub async fn create_and_process(
        &self,
        request: &CreateResponse,
        functions: &FunctionSet,
    ) -> Result<Response> {
        process::until_answered(self, request, functions).await
    }

    /// The same, as one stream of events: those of the first response, then those of the second, and so on.
    /// Each begins to count its events anew.
    pub async fn process_stream(
        &self,
        request: &CreateResponse,
        functions: &FunctionSet,
    ) -> Result<ResponseStream> {
        let events = self.stream(request).await?;
        Ok(process_stream::chained(self.clone(), request.clone(), functions.clone(), events))
    }

    fn all(&self, query: &ResponseQuery) -> List {
        List::new(&self.service, &["responses"])
            .filtered("agent_name", query.agent_name.clone())
            .filtered("agent_id", query.agent_id.clone())
            .filtered("conversation_id", query.conversation_id.clone())
    }

    fn input(&self, response_id: &str, query: &InputItemQuery) -> List {
        List::new(&self.service, &["responses", response_id, "input_items"]).including(&query.include)
    }
}

fn streaming(request: &CreateResponse, stream: bool) -> CreateResponse {
    CreateResponse { stream: Some(stream), ..request.clone() }
}
