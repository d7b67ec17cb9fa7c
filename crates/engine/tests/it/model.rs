//! A model for tests: a word is a token, and answers wait for a gate.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use cupola_engine::Deployments;
use cupola_models::{
    ChatMessage, Fault, Finish, ModelDelta, ModelRequest, ModelStream, ModelUsage, Provider,
    catalog::Resolved,
};
use futures_util::StreamExt;
use serde_json::Map;
use tokio::sync::watch;

/// A function, and its arguments.
type Call = (String, String);

/// Asks for calls if it is told to, and says `Done.` once its gate is open.
#[derive(Clone, Debug)]
pub struct GatedModel {
    gate: watch::Sender<bool>,
    asked: Arc<Mutex<Vec<ModelRequest>>>,
    /// The calls of the next answers.
    calls: Arc<Mutex<VecDeque<Vec<Call>>>>,
    context_tokens: u64,
}

impl GatedModel {
    pub fn closed() -> Self {
        Self {
            gate: watch::Sender::new(false),
            asked: Arc::default(),
            calls: Arc::default(),
            context_tokens: 1_000,
        }
    }

    pub fn open() -> Self {
        let model = Self::closed();
        model.let_go();
        model
    }

    pub fn let_go(&self) {
        self.gate.send_replace(true);
    }

    pub fn with_window(self, context_tokens: u64) -> Self {
        Self { context_tokens, ..self }
    }

    /// One of its next answers asks for these calls.
    pub fn asks_for(self, calls: &[(&str, &str)]) -> Self {
        let calls = calls.iter().map(|(name, arguments)| ((*name).to_owned(), (*arguments).to_owned()));
        self.calls.lock().unwrap().push_back(calls.collect());
        self
    }

    /// How many times it was called.
    pub fn calls(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// What it was asked first.
    pub fn asked_first(&self) -> ModelRequest {
        self.asked.lock().unwrap()[0].clone()
    }

    /// What it was asked last.
    pub fn asked_last(&self) -> ModelRequest {
        self.asked.lock().unwrap().last().unwrap().clone()
    }

    /// The outputs of calls that it was given last.
    pub fn outputs(&self) -> Vec<String> {
        let messages = self.asked_last().messages.into_iter();
        let outputs = messages.filter_map(|message| match message {
            ChatMessage::Tool { output, .. } => Some(output),
            _ => None,
        });
        outputs.collect()
    }

    pub fn resolved(&self) -> Resolved {
        Resolved {
            provider: Arc::new(self.clone()),
            model: "m".to_owned(),
            deployment: "m".to_owned(),
            context_tokens: self.context_tokens,
            max_output_tokens: None,
            extra: Map::new(),
        }
    }
}

#[async_trait]
impl Provider for GatedModel {
    fn name(&self) -> &str {
        "gated"
    }

    async fn call(&self, request: &ModelRequest) -> Result<ModelStream, Fault> {
        self.asked.lock().unwrap().push(request.clone());
        let mut gate = self.gate.subscribe();
        let usage = ModelUsage { prompt_tokens: 3, completion_tokens: 1, ..ModelUsage::default() };
        let calls = self.calls.lock().unwrap().pop_front();
        let finish = if calls.is_some() { Finish::ToolCalls } else { Finish::Stop };
        let mut pieces: Vec<ModelDelta> = match calls {
            None => vec![ModelDelta::Text("Done.".to_owned())],
            Some(calls) => (0..)
                .zip(calls)
                .flat_map(|(index, (name, text))| {
                    let id = format!("call_{index}");
                    [ModelDelta::CallBegan { index, id, name }, ModelDelta::CallArguments { index, text }]
                })
                .collect(),
        };
        pieces.extend([ModelDelta::Usage(usage), ModelDelta::Finish(finish)]);
        let opened = async move { drop(gate.wait_for(|open| *open).await) };
        let pieces = futures_util::stream::once(opened)
            .flat_map(move |()| futures_util::stream::iter(pieces.clone().into_iter().map(Ok)));
        Ok(Box::pin(pieces))
    }

    async fn models(&self) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }

    fn count_tokens(&self, _: &str, text: &str) -> usize {
        text.split_whitespace().count()
    }
}

impl Deployments for GatedModel {
    fn resolve(&self, _: &str) -> Result<Resolved, Fault> {
        Ok(self.resolved())
    }
}
