//! From a message to a response of the agent, and from its events back to A2A.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use cupola_store::Key;
use futures_util::{FutureExt, Stream, StreamExt};
use serde_json::{Map, Value, json};

use super::{
    card::open,
    context,
    fault::Fault,
    message::Sent,
    stream::{Lookup, Translation, events},
    task::{CONTEXT, find, is_over, shown},
};
use crate::{
    ApiError, Service,
    body::Json,
    path::{BoundAgent, Ids, Project},
    responses,
    storage::Requester,
    tools::lineage::Lineage,
    values::Parameters,
};

/// The metadata of a response that says which agents are at work on the question that it answers.
pub const ASKED_BY: &str = "asked_by_agents";

/// Somebody who talks to an agent.
#[derive(Clone)]
pub struct Talk {
    service: Service,
    project: Arc<str>,
    requester: Requester,
    agent: String,
    asked_by: Option<String>,
}

impl Talk {
    /// With an agent that speaks A2A.
    pub async fn begin(
        service: Service,
        project: Arc<str>,
        requester: Requester,
        agent: String,
    ) -> Result<Self, ApiError> {
        open(&service, &project, &agent).await?;
        Ok(Self { service, project, requester, agent, asked_by: None })
    }

    /// The same, on behalf of these agents.
    pub fn asked_by(mut self, lineage: &Lineage) -> Self {
        self.asked_by = Some(lineage.text());
        self
    }

    /// `message/send`: the task, at its end or as it begins.
    pub async fn send(&self, params: &Value) -> Result<Value, Fault> {
        let sent = Sent::read(params)?;
        let mut events = std::pin::pin!(events(self.respond(&sent).await?.into_body()));
        let mut id = None;
        while let Some(event) = events.next().await {
            if id.is_none() {
                id = event.and_then(|event| event["response"]["id"].as_str().map(str::to_owned));
            }
            // The response goes on without anybody who listens.
            if id.is_some() && !sent.blocking {
                break;
            }
        }
        let id = id.ok_or_else(|| ApiError::internal("asking the agent", "its stream names no response"))?;
        let response = self.find(&id).await?;
        shown(&self.service, &self.project, &response, sent.history_length).await
    }

    /// `message/stream`: what happens to the task. Nothing in between tells that it is still alive.
    pub async fn stream(
        &self,
        params: &Value,
    ) -> Result<impl Stream<Item = Option<Value>> + Send + 'static, Fault> {
        let sent = Sent::read(params)?;
        Ok(Translation::of(self.respond(&sent).await?.into_body(), self.lookup()))
    }

    /// `tasks/resubscribe`: the same, for a task that is there already.
    pub async fn subscribe(
        &self,
        id: &str,
    ) -> Result<impl Stream<Item = Option<Value>> + Send + 'static, Fault> {
        self.find(id).await?;
        let events = responses::get(
            State(self.service.clone()),
            Project(Arc::clone(&self.project)),
            Ids([id.to_owned()]),
            self.requester.clone(),
            Parameters::parse("stream=true"),
            HeaderMap::new(),
        );
        Ok(Translation::of(events.await?.into_body(), self.lookup()))
    }

    /// `tasks/get`
    pub async fn get(&self, id: &str, history_length: Option<usize>) -> Result<Value, Fault> {
        let response = self.find(id).await?;
        shown(&self.service, &self.project, &response, history_length).await
    }

    /// `tasks/cancel`
    pub async fn cancel(&self, id: &str) -> Result<Value, Fault> {
        let response = self.find(id).await?;
        if is_over(&response) {
            return Err(Fault::not_cancelable(format!("Task '{id}' is over and can't be cancelled.")));
        }
        let cancelled = responses::cancel(
            State(self.service.clone()),
            Project(Arc::clone(&self.project)),
            Ids([id.to_owned()]),
            self.requester.clone(),
            HeaderMap::new(),
        );
        match cancelled.await {
            Err(error) if error.status().is_client_error() => {
                return Err(Fault::not_cancelable(error.detail().message.clone()));
            }
            other => other?,
        };
        self.get(id, None).await
    }

    async fn find(&self, id: &str) -> Result<Value, Fault> {
        find(&self.service, &self.project, &self.requester, &self.agent, id).await
    }

    fn lookup(&self) -> Lookup {
        let (service, project) = (self.service.clone(), Arc::clone(&self.project));
        Box::new(move |id| {
            let (service, project) = (service.clone(), Arc::clone(&project));
            async move {
                let stored =
                    service.store().get(&Key::new(&project, responses::RESPONSE, id)).await.ok()??;
                serde_json::from_slice(&stored.doc).ok()
            }
            .boxed()
        })
    }

    /// The stream of a response of the agent to a message. It is one in the background, so that the task can
    /// be cancelled and goes on when nobody listens.
    async fn respond(&self, sent: &Sent) -> Result<Response, Fault> {
        if let Some(task) = &sent.task {
            self.find(task).await?;
            let message = format!(
                "Task '{task}' takes no more messages. Leave 'taskId' out and send its 'contextId' instead."
            );
            return Err(Fault::unsupported(message));
        }
        let (service, project) = (&self.service, &self.project);
        let name = sent.context.as_deref();
        let context = context::find_or_make(service, project, &self.requester, &self.agent, name).await?;
        let mut body = Map::new();
        body.insert("input".to_owned(), sent.as_input());
        body.insert("conversation".to_owned(), json!(context.conversation));
        body.insert("background".to_owned(), json!(true));
        body.insert("stream".to_owned(), json!(true));
        let named = context.name.map(|name| (CONTEXT.to_owned(), json!(name)));
        let asked_by = self.asked_by.as_ref().map(|agents| (ASKED_BY.to_owned(), json!(agents)));
        let metadata: Map<String, Value> = named.into_iter().chain(asked_by).collect();
        if !metadata.is_empty() {
            body.insert("metadata".to_owned(), Value::Object(metadata));
        }
        Ok(self.response_of_agent(body).await?)
    }

    /// A response of the agent, whatever kind of agent it is.
    async fn response_of_agent(&self, body: Map<String, Value>) -> Result<Response, ApiError> {
        responses::create(
            State(self.service.clone()),
            Project(Arc::clone(&self.project)),
            BoundAgent(Some(self.agent.clone())),
            self.requester.clone(),
            HeaderMap::new(),
            Json(body),
        )
        .await
    }
}
